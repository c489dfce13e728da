"""What is wrapped where no network is wanted: it would drown a few hundred nanoseconds."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, TypeAlias

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

Headers: TypeAlias = "Sequence[tuple[bytes, bytes]]"

JSON = b'{"answer": 42}'
JSON_HEADERS: Headers = (
    (b"Content-Type", b"application/json"),
    (b"Content-Length", b"14"),
    (b"Server", b"x"),
)
# As a proxy says it: small enough to be drained.
SORRY = b"." * 300
SORRY_HEADERS: Headers = ((b"Content-Type", b"text/plain"), (b"Content-Length", b"300"))


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks, as a socket gives it."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


class Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers at once."""

    def __init__(self, answer: Callable[[], httpx.Response]) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer()


def fresh(status: int = 200, headers: Headers = (), *chunks: bytes) -> Inner:
    """Each answer is a new response with an open stream, as a connection gives it."""
    stream = Chunks(*chunks)
    return Inner(lambda: httpx.Response(status, headers=headers, stream=stream))


def ready_made() -> Inner:
    """Each answer is one and the same open response: what it costs to make one is not in it."""
    response = httpx.Response(200, stream=Chunks())
    return Inner(lambda: response)


def in_memory() -> Inner:
    """Each answer is a new response that is read already, as mocks give it."""
    return Inner(lambda: httpx.Response(200))


def flaky() -> Inner:
    """Answers 503 with a small body and 200 in turn."""
    answers = cycle((fresh(503, SORRY_HEADERS, SORRY), fresh()))
    request = httpx.Request("GET", "http://test/")
    return Inner(lambda: next(answers).handle_request(request))

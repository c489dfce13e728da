"""What the happy path may cost, exactly: a slow-down is a failing test, not a noisy timing.

Instructions, which these counts stand for, are counted by `make bench-instructions`. Whoever makes
it cheaper writes the lower figure here; whoever makes it dearer says in the commit what it buys.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import AsyncRetryTransport, RetryPolicy, RetryTransport
from tests.cost.counting import blocks_kept, calls_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

DEFAULT: dict[str, Any] = {}
LEAN: dict[str, Any] = {"policy": RetryPolicy(recover_body=False), "budget": None}

# Function calls that a request costs more than over the bare inner transport: the transport's own
# method, and one reading of the clock.
CALLS_SYNC = {"_sync.handle_request": 1, "time.monotonic": 1}
CALLS_ASYNC = {"_async.handle_async_request": 1, "time.monotonic": 1}

# What mends bodies has to know what the request's headers were.
CALLS_KEPT = {"builtins.getattr": 1}

# Blocks of memory that a response keeps alive: the stream, what it would retry with (a tuple), in
# it the second at which the call began (a float), and the request's headers (a tuple) and its
# extensions (a dict, of two). CPython 3.11 and 3.12 give the stream one more when it is made, for
# the attributes that its bases, which have no slots, would let it have; before they came when they
# were needed, and since they lie within the object.
BLOCKS_MENDING = 7 if (3, 11) <= sys.version_info < (3, 13) else 6
BLOCKS_LEAN = 0

# Function calls that each chunk of a streamed body with a validator costs more: the generator is
# entered again, and counts what it hands on.
CALLS_CHUNK = {"builtins.len": 1}
CALLS_CHUNK_SYNC = {"_body_sync.__iter__": 1, **CALLS_CHUNK}
CALLS_CHUNK_ASYNC = {"_body_async.__aiter__": 1, **CALLS_CHUNK}

# What a client gives each request.
AS_CLIENTS = {"timeout": httpx.Timeout(5.0).as_dict()}

HEADERS = {"ETag": '"1"', "Content-Length": "1000000000"}


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """So many chunks, from a list: what is counted is not what makes them."""

    def __init__(self, chunks: int) -> None:
        self.chunks = [b"."] * chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


class Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers at once, each time with a new open response."""

    def __init__(self, chunks: int = 0) -> None:
        self._body = Body(chunks)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HEADERS, stream=self._body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HEADERS, stream=self._body)


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that never suspends: no event loop has a part in the counts."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it suspended")


def sync_call(transport: Any) -> Callable[[], httpx.Response]:
    request = httpx.Request("GET", "http://test/", extensions=AS_CLIENTS)
    return lambda: transport.handle_request(request)


def async_call(transport: Any) -> Callable[[], httpx.Response]:
    request = httpx.Request("GET", "http://test/", extensions=AS_CLIENTS)

    def call() -> httpx.Response:
        response: httpx.Response = finished(transport.handle_async_request(request))
        return response

    return call


WORLDS = [
    pytest.param(sync_call, RetryTransport, id="sync"),
    pytest.param(async_call, AsyncRetryTransport, id="async"),
]
CASES = [
    pytest.param(sync_call, RetryTransport, DEFAULT, CALLS_SYNC | CALLS_KEPT, id="sync"),
    pytest.param(sync_call, RetryTransport, LEAN, CALLS_SYNC, id="sync, lean"),
    pytest.param(async_call, AsyncRetryTransport, DEFAULT, CALLS_ASYNC | CALLS_KEPT, id="async"),
    pytest.param(async_call, AsyncRetryTransport, LEAN, CALLS_ASYNC, id="async, lean"),
]


def added(ours: Callable[[], object], bare: Callable[[], object]) -> Counter[str]:
    """Function calls that one costs more than the other; neither is on its first run."""
    for _ in range(3):
        ours()
        bare()
    counted = calls_of(ours)
    counted.subtract(calls_of(bare))
    return Counter({name: count for name, count in counted.items() if count})


@pytest.mark.parametrize(("call", "transport", "options", "expected"), CASES)
def test_the_happy_path_makes_these_calls_and_no_other(
    call: Any, transport: Any, options: Any, expected: dict[str, int]
) -> None:
    assert added(call(transport(Inner(), **options)), call(Inner())) == expected


@pytest.mark.parametrize(("options", "expected"), [(DEFAULT, BLOCKS_MENDING), (LEAN, BLOCKS_LEAN)])
@pytest.mark.parametrize(("call", "transport"), WORLDS)
def test_the_happy_path_keeps_this_much_memory_and_no_more(
    call: Any, transport: Any, options: Any, expected: int
) -> None:
    ours, bare = blocks_kept(call(transport(Inner(), **options))), blocks_kept(call(Inner()))

    # A few blocks in thousands of calls belong to nobody's response: tables that grew, and the
    # dicts that CPython keeps for later, up to 80.
    assert ours - bare == pytest.approx(expected, abs=0.1)


async def read(stream: Any) -> None:
    async for _ in stream:
        pass


def sync_reading(transport: Any) -> Callable[[], object]:
    request = httpx.Request("GET", "http://test/", extensions=AS_CLIENTS)
    return lambda: list(transport.handle_request(request).stream)


def async_reading(transport: Any) -> Callable[[], object]:
    call = async_call(transport)
    return lambda: finished(read(call().stream))


@pytest.mark.parametrize(
    ("reading", "transport", "expected"),
    [
        pytest.param(sync_reading, RetryTransport, CALLS_CHUNK_SYNC, id="sync"),
        pytest.param(async_reading, AsyncRetryTransport, CALLS_CHUNK_ASYNC, id="async"),
    ],
)
def test_a_streamed_chunk_makes_these_calls_and_no_other(
    reading: Any, transport: Any, expected: dict[str, int]
) -> None:
    def beyond_bare(chunks: int) -> Counter[str]:
        return added(reading(transport(Inner(chunks))), reading(Inner(chunks)))

    ten = beyond_bare(20)
    ten.subtract(beyond_bare(10))

    assert {name: count / 10 for name, count in ten.items() if count} == expected


def test_a_call_and_a_block_more_are_seen() -> None:
    class Dearer(Inner):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            response.extensions["why"] = [len(request.method)]
            return response

    more = added(sync_call(Dearer()), sync_call(Inner()))

    assert more == {"test_happy_path.handle_request": 1, "builtins.len": 1}
    assert blocks_kept(sync_call(Dearer())) - blocks_kept(sync_call(Inner())) > 1

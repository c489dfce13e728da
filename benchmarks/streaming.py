"""What does a streamed chunk cost? `client.stream()` and `iter_raw()`, over a body from memory.

With an ETag nothing but a count is kept. Without a validator a digest of the first 16 MiB is: it
costs by the byte, so its chunks are as big as a socket gives them.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import httpx

from .harness.contenders import ASYNC_TRANSPORTS, BARE, LEAN, OURS, PEER, SYNC_TRANSPORTS
from .harness.inner import Headers, Inner
from .harness.rounds import interleaved
from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .harness.bench import Bench
    from .harness.work import Make

URL = "http://test/"
LENGTH = (b"Content-Length", b"1000000000")
ETAG, DIGEST = "chunks of 1 KiB, an ETag", "chunks of 64 KiB, no validator"
BODIES: dict[str, tuple[Headers, bytes]] = {
    ETAG: ((LENGTH, (b"ETag", b'"1"')), bytes(1 << 10)),
    DIGEST: ((LENGTH,), bytes(1 << 16)),
}


class Repeated(httpx.SyncByteStream, httpx.AsyncByteStream):
    """One chunk, `count` times."""

    def __init__(self, chunk: bytes) -> None:
        self.chunk = chunk
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        chunk = self.chunk
        for _ in range(self.count):
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk = self.chunk
        for _ in range(self.count):
            yield chunk


def _inner(headers: Headers, body: Repeated) -> Inner:
    return Inner(lambda: httpx.Response(200, headers=headers, stream=body))


class Streamed:
    """Work: `count` chunks of one response."""

    def __init__(
        self,
        wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport],
        headers: Headers,
        chunk: bytes,
    ) -> None:
        self._body = Repeated(chunk)
        self._client = httpx.Client(transport=wrap(_inner(headers, self._body)))
        self.close = self._client.close

    def run(self, count: int) -> None:
        self._body.count = count
        with self._client.stream("GET", URL) as response:
            for _ in response.iter_raw():
                pass


class TaskStreamed:
    """The same in a task."""

    def __init__(
        self,
        wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport],
        headers: Headers,
        chunk: bytes,
    ) -> None:
        self._body = Repeated(chunk)
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(transport=wrap(_inner(headers, self._body)))

    async def _read(self) -> None:
        async with self._client.stream("GET", URL) as response:
            async for _ in response.aiter_raw():
                pass

    def run(self, count: int) -> None:
        self._body.count = count
        self._loop.run_until_complete(self._read())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()


def worlds(headers: Headers, chunk: bytes) -> dict[str, dict[str, Make]]:
    """By world, by contender."""
    sync = {name: partial(Streamed, wrap, headers, chunk) for name, wrap in SYNC_TRANSPORTS.items()}
    tasks = {
        name: partial(TaskStreamed, wrap, headers, chunk) for name, wrap in ASYNC_TRANSPORTS.items()
    }
    return {"sync": {**sync}, "async": {**tasks}}


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "streaming, each chunk",
        {
            "body": "",
            "world": "",
            "contender": "",
            "ns": ",.0f",
            "added ns": ",.0f",
            "× bare": ".3f",
        },
        bars="× bare",
    )
    for body, (headers, chunk) in BODIES.items():
        # No more than what the digest is kept of.
        count = min(bench.pick(10_000, 2_000), (1 << 24) // len(chunk))
        for world, makes in worlds(headers, chunk).items():
            label = f"streaming, {body}, {world}"
            rounds = interleaved(bench, label, makes, count=count, rounds=bench.pick(25, 5))
            for name in (BARE, OURS, LEAN, PEER):
                wall, added = rounds.wall(name) * 1e9, rounds.added(name, BARE) * 1e9
                table.add(body, world, name, wall, added, rounds.ratio(name, BARE))
    yield table

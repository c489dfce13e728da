"""One test body for three worlds: threads, asyncio and trio.

A test is a coroutine function that takes the `world` fixture. In the sync world nothing that it
awaits suspends, so it runs in the calling thread, through the sync client.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Any

import httpx
import trio

from httpx_retry import AsyncRetryTransport, RetryTransport

# Whether `tests.over_httpx2` has put httpx2 in the place of httpx.
OVER_HTTPX2 = httpx.__name__ == "httpx2"

Handler = Callable[[httpx.Request], httpx.Response]


async def settled(result: Any) -> Any:
    """The result of a sync or an async method."""
    return await result if isawaitable(result) else result


class Client:
    """A sync or async client, spelt as one that is awaited."""

    def __init__(self, client: httpx.Client | httpx.AsyncClient) -> None:
        self.bare: Any = client

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        response: httpx.Response = await settled(self.bare.request(method, url, **options))
        return response

    async def get(self, url: str = "http://test/", **options: Any) -> httpx.Response:
        return await self.request("GET", url, **options)

    async def post(self, url: str = "http://test/", **options: Any) -> httpx.Response:
        return await self.request("POST", url, **options)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response: httpx.Response = await settled(self.bare.send(request, **options))
        return response

    def build_request(self, method: str, url: str, **options: Any) -> httpx.Request:
        request: httpx.Request = self.bare.build_request(method, url, **options)
        return request


class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response stream for both worlds that counts how often it is closed.

    Args:
        *parts: chunks, or an exception to raise at that point.
    """

    def __init__(self, *parts: bytes | BaseException) -> None:
        self._parts = parts
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, BaseException):
                raise part
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.close()


class World:
    """Threads: and, where nothing else is said, the others as well."""

    name = "sync"
    is_async = False

    def run(self, test: Callable[[], Coroutine[Any, Any, None]]) -> None:
        coroutine = test()
        try:
            coroutine.send(None)
        except StopIteration:
            return
        coroutine.close()
        raise AssertionError("a sync test suspended")

    def transport(self, wrapped: Any = None, **options: Any) -> Any:
        """A retry transport around a transport or, given a function, around a mock of it."""
        kind: Any = AsyncRetryTransport if self.is_async else RetryTransport
        if callable(wrapped):
            wrapped = httpx.MockTransport(wrapped)
        return kind(wrapped, **options)

    @asynccontextmanager
    async def client(self, wrapped: Any = None, **options: Any) -> AsyncIterator[Client]:
        """A client over a retry transport."""
        async with self.client_of(self.transport(wrapped, **options)) as client:
            yield client

    @asynccontextmanager
    async def client_of(self, transport: Any, **options: Any) -> AsyncIterator[Client]:
        """A client over that very transport."""
        async with self.entered(self.bare_client(transport=transport, **options)) as client:
            yield client

    def bare_client(self, **options: Any) -> Any:
        """A client of httpx's own, not yet entered."""
        return (httpx.AsyncClient if self.is_async else httpx.Client)(**options)

    @asynccontextmanager
    async def entered(self, client: Any) -> AsyncIterator[Client]:
        """That very client, in use."""
        if self.is_async:
            async with client:
                yield Client(client)
        else:
            with client:
                yield Client(client)

    async def handle(self, transport: Any, request: httpx.Request) -> httpx.Response:
        """Ask a transport without any client."""
        name = "handle_async_request" if self.is_async else "handle_request"
        response: httpx.Response = await settled(getattr(transport, name)(request))
        return response

    def one_shot(self, parts: Iterator[bytes]) -> Any:
        """A body that can be read once, as this world's clients take it."""

        async def in_tasks() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        return in_tasks() if self.is_async else parts

    async def read(self, response: httpx.Response) -> bytes:
        content: bytes = await settled(response.aread() if self.is_async else response.read())
        return content

    async def raw_chunks(self, response: httpx.Response) -> list[bytes]:
        if self.is_async:
            return [chunk async for chunk in response.aiter_raw()]
        return list(response.iter_raw())

    async def read_stream(self, response: httpx.Response) -> bytes:
        """Read what a transport gave, without any client."""
        stream: Any = response.stream
        if self.is_async:
            return b"".join([chunk async for chunk in stream])
        return b"".join(stream)

    async def close(self, closable: Any) -> None:
        await settled(closable.aclose() if self.is_async else closable.close())


class AsyncioWorld(World):
    """Tasks of asyncio."""

    name = "asyncio"
    is_async = True

    def run(self, test: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(test())


class TrioWorld(World):
    """Tasks of trio."""

    name = "trio"
    is_async = True

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        trio.run(test)


WORLDS = (World(), AsyncioWorld(), TrioWorld())

"""A body without a length or a validator may be a feed, which has no end and never begins anew."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import closing
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import StopReason, retry_history
from tests.faults.lab import Cut, HTTP1Server, HTTP2Server, Reply, Rst, Stall, client_context
from tests.worlds import Stream, World

from .handlers import options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from httpx_retry import RetryEvent
    from httpx_retry.testing import FakeClock

RESET = struct.pack("ii", 1, 0)  # for SO_LINGER
WHOLE = Reply(200, bytes(30_000), chunked=True)


class Watch:
    """A feed that breaks off at first.

    Args:
        clock: moved on after the first part.
        seconds: by so much, the first time.
        skipping: and by so much the second time.
    """

    def __init__(self, clock: FakeClock, seconds: float, skipping: float = 0.0) -> None:
        self._clock = clock
        self._seconds = [seconds, skipping]
        self.requests = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        seconds = self._seconds[min(self.requests, 1)]
        ending: list[Any] = [httpx.ReadError("reset")] if not self.requests else []
        self.requests += 1
        clock = self._clock

        class Ticking(Stream):
            def __iter__(self) -> Iterator[bytes]:
                yield b"first"
                clock.advance(seconds)
                yield b"second"
                if ending:
                    raise ending[0]
                yield b"third"

        return httpx.Response(200, stream=Ticking())


async def follow(
    world: World, clock: FakeClock, feed: Callable[[httpx.Request], httpx.Response], **more: Any
) -> httpx.Response:
    async with world.client(feed, **options(clock)) as client:
        return await client.request("GET", "http://test/", **more)


async def test_a_feed_gets_its_error_at_once(world: World, clock: FakeClock) -> None:
    feed = Watch(clock, 5.1)
    with pytest.raises(httpx.ReadError):
        await follow(world, clock, feed)
    assert feed.requests == 1

    young = Watch(clock, 4.9)
    assert (await follow(world, clock, young)).content == b"firstsecondthird"

    slow = Watch(clock, 1.0, skipping=5.1)
    with pytest.raises(httpx.ReadError) as caught:
        await follow(world, clock, slow)
    assert "skipping took too long" in caught.value.__notes__[0]  # type: ignore[attr-defined]


class Paced:
    """A server that sends the next part as soon as its client waits for it.

    Args:
        *connections: the parts that are sent on each; None ends it by an RST.
    """

    def __init__(self, *connections: Sequence[bytes | None]) -> None:
        self._connections = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_waited_for = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for parts in self._connections:
            connection, _ = self._listener.accept()
            with connection:
                for part in parts:
                    self.is_waited_for.acquire()
                    if part is None:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    else:
                        connection.sendall(part)

    def close(self) -> None:
        """It has nothing more to send."""
        self._thread.join(5.0)
        self._listener.close()


class Noting:
    """A connection of httpcore's that notes how long each of its reads may take."""

    def __init__(self, inner: Any, note: Callable[[float | None], object]) -> None:
        self._inner = inner
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, size: int, timeout: float | None = None) -> Any:
        self._note(timeout)
        return self._inner.read(size, timeout=timeout)


class Backend:
    """What httpcore connects by, in both worlds."""

    def __init__(self, inner: Any, note: Callable[[float | None], object]) -> None:
        self._inner = inner
        self._note = note

    def connect_tcp(self, *arguments: Any, **more: Any) -> Any:
        connecting = self._inner.connect_tcp(*arguments, **more)
        if not isawaitable(connecting):
            return Noting(connecting, self._note)

        async def connected() -> Noting:
            return Noting(await connecting, self._note)

        return connected()


def over(world: World, server: Paced, may_take: list[float | None]) -> Any:
    """A transport of httpx's own that notes its reads, for each of which the server sends."""

    def note(timeout: float | None) -> None:
        may_take.append(timeout)
        server.is_waited_for.release()

    kind: Any = httpx.AsyncHTTPTransport if world.is_async else httpx.HTTPTransport
    inner = kind(trust_env=False)
    inner._pool._network_backend = Backend(inner._pool._network_backend, note)
    return inner


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)


@pytest.mark.parametrize("own", [None, 30.0])
async def test_one_that_has_caught_up_may_be_silent_for_as_long_as_the_caller_lets_it(
    world: World, clock: FakeClock, own: float | None
) -> None:
    def pass_time(event: RetryEvent) -> None:
        if event.kind == "body-resumed":
            clock.advance(2.0)

    may_take: list[float | None] = []
    # Given a feed that breaks off after two parts, and comes anew, one after another, with a third
    broken = [HEAD, chunk(b"first") + chunk(b"second"), None]
    whole = [HEAD, chunk(b"first"), chunk(b"second"), chunk(b"third"), chunk(b"")]
    with closing(Paced(broken, whole)) as server:
        inner = over(world, server, may_take)
        async with world.client(inner, on_event=pass_time, **options(clock)) as client:
            response = await client.request("GET", server.url, timeout=httpx.Timeout(5.0, read=own))

    # then what was delivered has 5 s to come, and what follows all the time.
    assert response.content == b"firstsecondthird"
    skipping = pytest.approx(3.0)
    assert may_take == [own, own, own, own, skipping, skipping, own, own]


async def test_a_connection_that_served_a_feed_serves_others_as_it_did(
    world: World, clock: FakeClock
) -> None:
    may_take: list[float | None] = []
    # Given a feed that is not mended, as it comes anew with less
    broken, less = [HEAD, chunk(b"first"), None], [HEAD, chunk(b"f"), chunk(b"")]
    with closing(Paced(broken, [*less, HEAD + chunk(b"")])) as server:
        inner = over(world, server, may_take)
        async with world.client(inner, **options(clock)) as client:
            with pytest.raises(httpx.ReadError):
                await client.request("GET", server.url, timeout=None)
            # When another request has the connection
            await client.request("GET", server.url, timeout=7.0)

    assert may_take == [None] * 4 + [pytest.approx(5.0)] * 2 + [7.0]


async def test_what_nothing_bounds_is_not_waited_for(world: World, clock: FakeClock) -> None:
    """Over a transport whose reads nothing shortens."""
    feed = Watch(clock, 1.0)
    with pytest.raises(httpx.ReadError) as caught:
        await follow(world, clock, feed, timeout=5.1)
    assert feed.requests == 2
    assert "a read timeout of more than 5 s" in caught.value.__notes__[0]  # type: ignore[attr-defined]

    brief = Watch(clock, 1.0)
    assert (await follow(world, clock, brief, timeout=5.0)).content == b"firstsecondthird"


@pytest.mark.parametrize("timeout", [None, {"read": 6.0, "pool": None}])
async def test_one_that_goes_silent_before_it_has_caught_up_gets_its_error(
    world: World, clock: FakeClock, timeout: Any
) -> None:
    def pass_time(event: RetryEvent) -> None:
        if event.kind == "body-resumed":
            clock.advance(4.99)

    timeout = timeout and httpx.Timeout(5.0, **timeout)
    with HTTP1Server([Cut(WHOLE, 12_345, Rst()), Cut(WHOLE, 1000, Stall())]) as server:
        async with world.client(
            None, http2=True, trust_env=False, on_event=pass_time, **options(clock)
        ) as client:
            with pytest.raises(httpx.TransportError) as caught:
                await client.request("GET", server.url, timeout=timeout)

    # It is what the feed broke off with, and not what became of the attempt to go on with it.
    assert [each.error for each in retry_history(caught.value)] == [
        type(caught.value).__name__,
        "ReadTimeout",
    ]
    assert retry_history(caught.value)[-1].reason is StopReason.BODY_NOT_RESUMABLE


async def test_over_http2_none_is_waited_for_longer_than_the_caller_does(
    world: World, clock: FakeClock
) -> None:
    """A read that times out would take all other requests of the connection with it."""
    with HTTP2Server([Cut(WHOLE, 12_345, Rst()), Cut(WHOLE, 1000, Stall()), Reply(200)]) as server:
        async with world.client(
            None, http2=True, verify=client_context(), trust_env=False, **options(clock)
        ) as client:
            with pytest.raises(httpx.TransportError) as caught:
                await client.request("GET", server.url, timeout=None)
            assert "a read timeout of more" in caught.value.__notes__[0]  # type: ignore[attr-defined]
            assert (await client.get(server.url)).status_code == 200

        assert server.connections == 2

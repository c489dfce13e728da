"""A body without a length or a validator may be a feed, which has no end and never begins anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import StopReason, retry_history
from tests.faults.lab import Cut, HTTP1Server, HTTP2Server, Reply, Rst, Stall, client_context
from tests.worlds import Stream, World

from .handlers import options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httpx_retry import RetryEvent
    from httpx_retry.testing import FakeClock

WHOLE = Reply(200, bytes(30_000), chunked=True)


class Watch:
    """A feed that breaks off at first.

    Args:
        clock: moved on after the first part.
        seconds: by so much, the first time.
        skipping: and by so much the second time.
        sent: the request of httpcore's, beneath.

    Attributes:
        may_take: the read timeout before each part, the second time.
    """

    def __init__(
        self, clock: FakeClock, seconds: float, skipping: float = 0.0, sent: Any = None
    ) -> None:
        self._clock = clock
        self._seconds = [seconds, skipping]
        self._sent = sent
        self.requests = 0
        self.may_take: list[float | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        seconds = self._seconds[min(self.requests, 1)]
        ending: list[Any] = [httpx.ReadError("reset")] if not self.requests else []
        self.requests += 1
        clock, sent, may_take = self._clock, self._sent, self.may_take

        class Ticking(Stream):
            _httpcore_stream = SimpleNamespace(_stream=SimpleNamespace(_request=sent))

            def __iter__(self) -> Iterator[bytes]:
                self.note()
                yield b"first"
                clock.advance(seconds)
                self.note()
                yield b"second"
                if ending:
                    raise ending[0]
                self.note()
                yield b"third"

            def note(self) -> None:
                if sent is not None and not ending:
                    may_take.append(sent.extensions["timeout"].get("read"))

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


async def test_one_that_has_caught_up_may_be_silent_for_as_long_as_the_caller_lets_it(
    world: World, clock: FakeClock
) -> None:
    sent = SimpleNamespace(extensions={"timeout": {"read": None}})
    feed = Watch(clock, 1.0, skipping=2.0, sent=sent)

    assert (await follow(world, clock, feed, timeout=None)).content == b"firstsecondthird"
    # The second part comes in two pieces: it is known to be skipped once it has come.
    assert feed.may_take == [5.0, pytest.approx(3.0), None]


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

"""What is thrown away: short responses are read to their end, so that their connections live on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryPolicy
from tests.faults.lab import Cut, HTTP1Server, HTTP2Server, Reply, Stall, client_context
from tests.worlds import Stream, World

from .handlers import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx_retry.testing import FakeClock

POLICY = RetryPolicy(backoff=ConstantBackoff(0))
HTTP2 = {"http_version": b"HTTP/2"}


class Counting(Stream):
    """A stream that counts the chunks that were taken from it, and may take its time."""

    def __init__(self, *parts: bytes | BaseException, clock: FakeClock, seconds: float = 0) -> None:
        super().__init__(*parts)
        self._clock = clock
        self._seconds = seconds
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in super().__iter__():
            self.read += 1
            self._clock.advance(self._seconds)
            yield part


async def drained(
    world: World, clock: FakeClock, stream: Counting, method: str = "GET", **facts: Any
) -> int:
    """How many chunks are taken from a 503's stream before the next attempt."""
    timeout = facts.pop("timeout", 5.0)
    answers = [httpx.Response(503, stream=stream, **facts), httpx.Response(200)]
    more = options(clock, policy=POLICY)
    async with world.client(lambda request: answers.pop(0), **more) as client:
        assert (await client.request(method, "http://test/", timeout=timeout)).status_code == 200
    assert stream.closed == 1
    return stream.read


def length(size: int) -> dict[str, Any]:
    return {"headers": {"Content-Length": str(size)}}


@pytest.mark.parametrize(
    ("facts", "read"),
    [
        (length(2), 2),
        (length(16_384), 2),
        (length(16_385), 0),
        ({"headers": {"Content-Length": "2x"}}, 0),
        ({}, 0),
        (length(2) | {"timeout": None}, 0),
        (length(0) | {"timeout": None}, 1),
        ({"method": "HEAD"} | length(1_000_000), 1),
    ],
)
async def test_what_is_short_is_read_to_its_end(
    world: World, clock: FakeClock, facts: dict[str, Any], read: int
) -> None:
    assert await drained(world, clock, Counting(b"a", b"b", clock=clock), **facts) == read


@pytest.mark.parametrize(("wait", "read"), [(0.5, 2), (2.0, 0)])
async def test_the_deadline_has_to_leave_room_for_the_wait_as_well(
    world: World, clock: FakeClock, wait: float, read: int
) -> None:
    stream = Counting(b"a", b"b", clock=clock)
    answers = [httpx.Response(503, stream=stream, **length(2)), httpx.Response(200)]
    policy = RetryPolicy(max_elapsed=7.0, backoff=ConstantBackoff(wait))
    async with world.client(lambda _: answers.pop(0), **options(clock, policy=policy)) as client:
        assert (await client.get(timeout=5.0)).status_code == 200

    assert stream.read == read


async def test_no_more_is_read_than_was_announced(world: World, clock: FakeClock) -> None:
    stream = Counting(b"1", b"2", b"3", b"4", clock=clock)

    assert await drained(world, clock, stream, **length(2)) == 3


async def test_it_is_left_after_a_second(world: World, clock: FakeClock) -> None:
    stream = Counting(*[b"x"] * 100, clock=clock, seconds=0.3)

    assert await drained(world, clock, stream, **length(100)) == 4


async def test_a_stream_with_nothing_to_close_is_read_to_its_end_as_well(
    world: World, clock: FakeClock
) -> None:
    chunks = iter([b"a", b"b"])
    failed = httpx.Response(503, content=world.one_shot(chunks), **length(2))
    answers = [failed, httpx.Response(200)]
    async with world.client(lambda _: answers.pop(0), **options(clock, policy=POLICY)) as client:
        assert (await client.get()).status_code == 200

    assert next(chunks, None) is None


async def test_it_is_closed_even_if_nobody_can_say_how_long_to_read(
    world: World, clock: FakeClock
) -> None:
    stream = Stream(b"ab")
    answer = httpx.Response(503, stream=stream, **length(2))
    transport = world.transport(lambda _: answer, **options(clock, policy=POLICY))
    request = httpx.Request("GET", "http://test/", extensions={"timeout": {"read": "5"}})

    with pytest.raises(TypeError):
        await world.handle(transport, request)

    assert stream.closed == 1


async def test_how_it_breaks_is_nobodys_concern(world: World, clock: FakeClock) -> None:
    stream = Counting(b"a", httpx.ReadError("reset"), clock=clock)

    assert await drained(world, clock, stream, **length(9)) == 1


@pytest.mark.parametrize(
    "reply", [Reply(503, b""), Reply(503, b"x" * 300), Reply(503, b"", {"Retry-After": "0"})]
)
async def test_six_requests_use_one_connection(world: World, reply: Reply) -> None:
    with HTTP1Server([reply, Reply()] * 6) as server:
        async with world.client(None, policy=POLICY, trust_env=False) as client:
            for _ in range(6):
                assert (await client.get(server.url)).status_code == 200

    assert server.connections == 1


async def test_fifty_discarded_megabytes_leave_the_window_open(world: World) -> None:
    big = Reply(503, bytes(1_000_000))
    with HTTP2Server([big, Reply()] * 50) as server:
        options = {"http2": True, "verify": client_context(), "trust_env": False}
        async with world.client(None, policy=POLICY, budget=None, **options) as client:
            for _ in range(50):
                assert (await client.get(server.url)).status_code == 200

    assert server.connections == 1


class Asking(Stream):
    """A stream that notes how long each of its reads may take.

    Args:
        request: what it answers.
        parts: what is read.
        seconds: what each read takes.
        clock: by which it takes them.
    """

    def __init__(
        self, request: httpx.Request, *parts: bytes, clock: FakeClock, seconds: float = 0
    ) -> None:
        super().__init__(*parts)
        self._timeouts = request.extensions["timeout"]
        self._clock = clock
        self._seconds = seconds
        self.may_take: list[float | None] = []

    def __iter__(self) -> Iterator[bytes]:
        for part in super().__iter__():
            self.may_take.append(self._timeouts.get("read"))
            self._clock.advance(self._seconds)
            if part:
                yield part


Answer = Callable[[httpx.Request], httpx.Response]


def flaky(
    streams: list[Asking],
    clock: FakeClock,
    *parts: bytes,
    seconds: float = 0,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Answers over HTTP/2, 503 and 200 in turn."""

    def answer(request: httpx.Request) -> httpx.Response:
        status = 200 if len(streams) % 2 else 503
        streams.append(Asking(request, *parts, clock=clock, seconds=seconds))
        return httpx.Response(status, headers=headers, stream=streams[-1], extensions=HTTP2)

    return answer


@pytest.mark.parametrize(
    ("facts", "is_read"),
    [
        ({}, True),
        (length(1_000_000), True),
        (length(0), True),
        (length(0) | {"method": "HEAD"}, True),
        (length(5_000_000), False),
        ({"timeout": None}, False),
    ],
)
async def test_over_http2_responses_are_read_from_the_second_on(
    world: World, clock: FakeClock, facts: dict[str, Any], is_read: bool
) -> None:
    """The first went out with timeouts that cannot be moved: to read it might never end."""

    streams: list[Asking] = []
    answer = flaky(streams, clock, b"a", b"b", headers=facts.get("headers"))
    timeout = facts.get("timeout", 5.0)
    async with world.client(answer, **options(clock, policy=POLICY)) as client:
        for _ in range(3):
            await client.request(facts.get("method", "GET"), "http://test/", timeout=timeout)

    first, _, second, _, third, _ = (len(stream.may_take) for stream in streams)
    assert (first, second, third) == (0, 2 * is_read, 2 * is_read)


@pytest.mark.parametrize("facts", [length(5_000_000), {"timeout": None}])
async def test_what_is_not_to_be_read_changes_no_timeout(
    world: World, clock: FakeClock, facts: dict[str, Any]
) -> None:
    streams: list[Asking] = []
    seen: list[type] = []
    answer = flaky(streams, clock, b"a", headers=facts.get("headers"))

    def noting(request: httpx.Request) -> httpx.Response:
        seen.append(type(request.extensions["timeout"]))
        return answer(request)

    async with world.client(noting, **options(clock, policy=POLICY)) as client:
        for _ in range(2):
            await client.get(timeout=facts.get("timeout", 5.0))

    assert seen == [dict] * 4


async def test_over_http2_no_read_begins_after_a_second(world: World, clock: FakeClock) -> None:
    """One that times out would end all that goes on in its connection: it has the caller's own."""
    streams: list[Asking] = []
    answer = flaky(streams, clock, *[b""] * 100, seconds=0.3)
    async with world.client(answer, **options(clock, policy=POLICY)) as client:
        for _ in range(2):
            await client.get(timeout=5.0)

    assert streams[2].may_take == [5.0] * 4
    assert streams[2].closed == 1


async def test_what_is_handed_over_is_read_by_the_callers_own_timeouts(
    world: World, clock: FakeClock
) -> None:
    streams: list[Asking] = []
    async with world.client(flaky(streams, clock, b"a"), **options(clock, policy=POLICY)) as client:
        for _ in range(2):
            await client.get(timeout=7.0)

    assert [stream.may_take for stream in streams[1::2]] == [[7.0], [7.0]]


async def test_a_server_that_never_ends_a_response_over_http2_holds_nobody_up(
    world: World,
) -> None:
    endless = Cut(Reply(503, b"sorry"), at=5, by=Stall())
    with HTTP2Server([endless, Reply()]) as server:
        options = {"http2": True, "verify": client_context(), "trust_env": False}
        async with world.client(None, policy=POLICY, **options) as client:
            assert (await client.get(server.url, timeout=None)).status_code == 200

    assert server.connections == 1


async def test_with_a_deadline_a_second_is_all_that_its_reads_may_take(
    world: World, clock: FakeClock
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 200 if streams else 503
        streams.append(Asking(request, b"ab", clock=clock))
        return httpx.Response(status, stream=streams[-1], **length(2))

    streams: list[Asking] = []
    policy = RetryPolicy(max_elapsed=60.0, backoff=ConstantBackoff(0))
    async with world.client(answer, **options(clock, policy=policy)) as client:
        await client.get(timeout=5.0)

    # What is handed over is read by the caller's own timeouts.
    assert [stream.may_take for stream in streams] == [[1.0], [5.0]]

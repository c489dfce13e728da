"""What is thrown away: short responses are read to their end, so that their connections live on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryPolicy
from tests.faults.lab import (
    Cut,
    HTTP1Server,
    HTTP2Server,
    HTTP2Step,
    Reply,
    ResetStream,
    Stall,
    client_context,
)
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
        ({"headers": {"Content-Length": "000000002"}}, 2),
        ({"headers": {"Content-Length": "0000000002"}}, 0),
        (length(16_385), 0),
        ({"headers": {"Content-Length": "2x"}}, 0),
        ({}, 0),
        (length(2) | {"timeout": None}, 0),
        (length(0) | {"timeout": None}, 1),
        ({"method": "HEAD"} | length(1_000_000), 1),
        ({"headers": {"Content-Length": "2", "Transfer-Encoding": "chunked"}}, 0),
        # Its connection ends with it.
        ({"headers": {"Content-Length": "2", "Connection": "Close"}}, 0),
        ({"headers": {"connection": "x, close", "Content-Length": "2"}}, 0),
        (length(2) | {"extensions": {"http_version": b"HTTP/1.0"}}, 0),
        ({"headers": {"Content-Length": "2", "Connection": "keep-alive"}}, 2),
        (length(2) | {"extensions": {"http_version": b"HTTP/1.1"}}, 2),
    ],
)
async def test_what_is_short_is_read_to_its_end(
    world: World, clock: FakeClock, facts: dict[str, Any], read: int
) -> None:
    assert await drained(world, clock, Counting(b"a", b"b", clock=clock), **facts) == read


@pytest.mark.parametrize(("wait", "read"), [(6.75, 2), (6.85, 0)])
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


@pytest.mark.parametrize(
    ("key", "connections"),
    [({}, 1 + 6), ({"Idempotency-Key": "k"}, 1)],
    ids=["may not run twice", "may"],
)
async def test_a_post_that_was_refused_is_not_sent_on_the_connection_that_refused_it(
    world: World, key: dict[str, str], connections: int
) -> None:
    # Its server may close that one just then: nobody could say whether the POST ran.
    with HTTP1Server([Reply(429, b"x"), Reply()] * 6) as server:
        async with world.client(None, policy=POLICY, trust_env=False) as client:
            for _ in range(6):
                assert (await client.post(server.url, headers=key)).status_code == 200

    assert server.connections == connections


PATIENCE: list[dict[str, Any]] = [
    {"timeout": 5.0},
    {"timeout": 600.0},
    {"timeout": None},
    {"timeout": None, "extensions": {"retry": {"max_elapsed": 5.0}}},
]


@pytest.mark.parametrize("patience", PATIENCE)
async def test_they_do_so_however_patient_they_are(world: World, patience: dict[str, Any]) -> None:
    with HTTP1Server([Reply(503, b"x" * 300), Reply()] * 3) as server:
        async with world.client(None, policy=POLICY, trust_env=False) as client:
            for _ in range(3):
                assert (await client.get(server.url, **patience)).status_code == 200

    assert server.connections == 1


BIG = Reply(503, bytes(1_000_000))
OVER_HTTP2 = {"http2": True, "verify": client_context(), "trust_env": False}


@pytest.mark.parametrize("patience", PATIENCE)
async def test_fifty_discarded_megabytes_leave_the_window_open(
    world: World, patience: dict[str, Any]
) -> None:
    with HTTP2Server([BIG, Reply()] * 50, most_resets=0) as server:
        async with world.client(None, policy=POLICY, budget=None, **OVER_HTTP2) as client:
            for _ in range(50):
                assert (await client.get(server.url, **patience)).status_code == 200

    assert server.connections == 1


async def test_so_do_those_that_are_discarded_at_once(async_world: World) -> None:
    assert async_world.is_async
    answers: list[int] = []
    policy = POLICY.replace(max_attempts=31)

    async def get(client: Any) -> None:
        answers.append((await client.get(server.url)).status_code)

    # Their streams count as open as well, of which there may be a hundred.
    with HTTP2Server([*[BIG] * 30, *[Reply()] * 30], most_resets=0) as server:
        async with (
            async_world.client(None, policy=policy, budget=None, **OVER_HTTP2) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(30):
                group.start_soon(get, client)

    assert answers == [200] * 30
    assert server.connections == 1


async def test_what_is_thrown_away_changes_no_timeout_of_the_callers(world: World) -> None:
    with HTTP1Server([Reply(503, b"sorry"), Reply()]) as server:
        async with world.client(None, policy=POLICY, trust_env=False) as client:
            request = client.build_request("GET", server.url, timeout=600.0)
            before = request.extensions["timeout"]
            await client.send(request)

    assert request.extensions["timeout"] is before
    assert type(before) is dict
    assert before["read"] == 600.0


ENDLESS = Cut(Reply(503, b"sorry"), at=5, by=Stall())


async def test_over_http2_a_server_that_never_ends_a_response_holds_nobody_up(
    world: World,
) -> None:
    """Nor do more of them than there may be streams on a connection."""
    with HTTP2Server([ENDLESS, Reply()] * 25, max_streams=20) as server:
        async with world.client(None, policy=POLICY, budget=None, **OVER_HTTP2) as client:
            for _ in range(25):
                assert (await client.get(server.url, timeout=None)).status_code == 200

    assert server.connections == 1


@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")  # httpcore's
async def test_over_http2_a_body_that_is_left_early_holds_nobody_up_either(world: World) -> None:
    """What came is not the rest, and would go on coming."""
    whole = bytes(1_000_000)
    first = Cut(Reply(200, whole), at=500_000, by=ResetStream())
    other = Reply(200, b"x" * 1_000_000)
    script: list[HTTP2Step] = [first, other] * 40
    with HTTP2Server([*script, Reply()], most_resets=0) as server:
        async with world.client(None, policy=POLICY, budget=None, **OVER_HTTP2) as client:
            for _ in range(40):
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.get(server.url)
            assert (await client.get(server.url)).status_code == 200

    assert server.connections == 1


@pytest.mark.parametrize("policy", [POLICY, POLICY.replace(max_elapsed=60)])
async def test_over_http2_nothing_is_read(
    world: World, clock: FakeClock, policy: RetryPolicy
) -> None:
    """Of another library, say, whose streams end as they may."""
    stream = Counting(b"a", clock=clock)
    failed = httpx.Response(503, stream=stream, extensions=HTTP2, **length(1))
    answers = [failed, httpx.Response(200)]
    async with world.client(lambda _: answers.pop(0), **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 200

    assert (stream.read, stream.closed) == (0, 1)


class Asking(Stream):
    """A stream that notes how long each of its reads may take.

    Args:
        request: what it answers.
        parts: what is read.
    """

    def __init__(self, request: httpx.Request, *parts: bytes) -> None:
        super().__init__(*parts)
        self._timeouts = request.extensions["timeout"]
        self.may_take: list[float | None] = []

    def __iter__(self) -> Iterator[bytes]:
        for part in super().__iter__():
            self.may_take.append(self._timeouts.get("read"))
            yield part


async def test_with_a_deadline_a_second_is_all_that_its_reads_may_take(
    world: World, clock: FakeClock
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 200 if streams else 503
        streams.append(Asking(request, b"ab"))
        return httpx.Response(status, stream=streams[-1], **length(2))

    streams: list[Asking] = []
    policy = RetryPolicy(max_elapsed=60.0, backoff=ConstantBackoff(0))
    async with world.client(answer, **options(clock, policy=policy)) as client:
        await client.get(timeout=5.0)

    # What is handed over is read by the caller's own timeouts.
    assert [stream.may_take for stream in streams] == [[1.0], [5.0]]

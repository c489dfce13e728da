"""`max_elapsed`: no wait and no phase of an attempt goes past it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryPolicy, StopReason, retry_history
from httpx_retry._http.deadline import Deadline
from tests.faults.lab import HTTP1Server, Stall
from tests.worlds import Stream, World

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock

PHASES = ("connect", "read", "write", "pool")
POLICY = RetryPolicy(max_elapsed=10.0, backoff=ConstantBackoff(1.0), max_attempts=99)


class Phases(Server):
    """Notes what each phase of each attempt may take, after some seconds of the attempt."""

    def __init__(self, clock: FakeClock, *answers: Any, takes: float = 0.0) -> None:
        super().__init__(*answers)
        self._clock = clock
        self._takes = takes
        self.allowed: list[dict[str, float | None]] = []
        self.timeouts: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions["timeout"]
        self._clock.advance(self._takes)
        self.timeouts.append(timeouts)
        self.allowed.append({phase: timeouts.get(phase) for phase in PHASES})
        return super().__call__(request)


async def test_no_phase_may_take_longer_than_what_is_left(world: World, clock: FakeClock) -> None:
    server = Phases(clock, 503, takes=2.0)
    async with world.client(server, **options(clock, policy=POLICY)) as client:
        response = await client.get(timeout=httpx.Timeout(5.0, read=None))

    assert server.allowed == [
        {"connect": 5.0, "read": 8.0, "write": 5.0, "pool": 5.0},
        {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0},
        {"connect": 2.0, "read": 2.0, "write": 2.0, "pool": 2.0},
        dict.fromkeys(PHASES, 0.001),  # begun with a second left, and asked two seconds later
    ]
    assert retry_history(response)[-1].reason is StopReason.DEADLINE
    assert clock.sleeps == [1.0, 1.0, 1.0]


async def test_timeouts_that_were_never_said_are_without_end(
    world: World, clock: FakeClock
) -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"].get("read"))
        return httpx.Response(200)

    transport = world.transport(answer, **options(clock, policy=POLICY))
    await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert seen == [10.0]


@pytest.mark.parametrize("longest", [1e10, 1e308])
async def test_a_deadline_that_nobody_will_see_is_none(world: World, longest: float) -> None:
    with HTTP1Server() as server:
        options = {"policy": POLICY.replace(max_elapsed=longest), "trust_env": False}
        async with world.client(None, **options) as client:
            assert (await client.get(server.url, timeout=None)).status_code == 200


async def test_a_phase_that_begins_too_late_has_a_millisecond(
    world: World, clock: FakeClock
) -> None:
    server = Phases(clock, 503, takes=20.0)
    async with world.client(server, **options(clock, policy=POLICY)) as client:
        await client.get()

    assert server.allowed == [dict.fromkeys(PHASES, 0.001)]


@pytest.mark.parametrize(("takes", "sends"), [(9.9989, 2), (9.9995, 1), (10.0, 1)])
async def test_no_attempt_is_begun_with_less_than_a_millisecond_left(
    world: World, clock: FakeClock, takes: float, sends: int
) -> None:
    server = Phases(clock, 503, takes=takes)
    policy = POLICY.replace(backoff=ConstantBackoff(0.0))
    async with world.client(server, **options(clock, policy=policy)) as client:
        await client.get()

    assert server.sends == sends


@pytest.mark.parametrize(("backoff", "sends"), [(9.979, 2), (9.98, 1)])
async def test_no_wait_is_begun_that_may_end_too_late(
    world: World, clock: FakeClock, backoff: float, sends: int
) -> None:
    """In an event loop it may take a five-hundredth more: the response would be gone by then."""
    server = Server(503)
    policy = POLICY.replace(backoff=ConstantBackoff(backoff))
    async with world.client(server, **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 503

    assert server.sends == sends


async def test_the_body_keeps_the_callers_own_timeouts(world: World, clock: FakeClock) -> None:
    server = Phases(clock, 200, takes=9.0)
    async with world.client(server, **options(clock, policy=POLICY)) as client:
        await client.get(timeout=5.0)

    assert [server.timeouts[0].get(phase) for phase in PHASES] == [5.0] * 4
    assert [server.timeouts[0][phase] for phase in PHASES] == [5.0] * 4


async def test_the_callers_request_is_what_it_was(world: World, clock: FakeClock) -> None:
    server = Phases(clock, 503, 200)
    async with world.client(server, **options(clock, policy=POLICY)) as client:
        request = client.build_request("GET", "http://test/")
        timeouts = request.extensions["timeout"]
        response = await client.send(request)

    assert request.extensions == {"timeout": timeouts}
    assert type(request.extensions["timeout"]) is dict
    assert response.request is request


async def test_one_request_may_have_a_deadline_of_its_own(world: World, clock: FakeClock) -> None:
    server = Phases(clock, 200)
    async with world.client(server, **options(clock)) as client:
        await client.get()
        await client.get(extensions={"retry": {"max_elapsed": 1.0}})

    assert [type(each) for each in server.timeouts] == [dict, Deadline]
    assert server.allowed[1] == dict.fromkeys(PHASES, 1.0)


async def test_the_rest_of_a_body_has_a_deadline_too(world: World, clock: FakeClock) -> None:
    etag = {"ETag": '"1"'}
    broken = httpx.Response(200, headers=etag, stream=Stream(b"some", httpx.ReadError("reset")))
    server = Phases(clock, broken, 404, takes=3.0)
    async with world.client(server, **options(clock, policy=POLICY)) as client:
        with pytest.raises(httpx.ReadError):
            await client.get(timeout=None)

    # It counts the time of the recovery alone: its wait of 1 s, and 3 s of its attempt.
    assert [allowed["read"] for allowed in server.allowed] == [7.0, 6.0]


async def test_a_server_that_goes_silent_is_left_in_time(world: World) -> None:
    with HTTP1Server([Stall()]) as server:
        policy = RetryPolicy(max_elapsed=0.05, backoff=ConstantBackoff(0))
        async with world.client(None, policy=policy, trust_env=False) as client:
            with pytest.raises(httpx.ReadTimeout) as caught:
                await client.get(server.url, timeout=None)

    history = retry_history(caught.value)
    assert history[-1].reason is StopReason.DEADLINE
    assert sum(attempt.elapsed for attempt in history) >= 0.04

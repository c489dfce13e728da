"""The cool-down of a transport: one request is told to wait, and the others wait their turn too."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from httpx_retry import (
    ConstantBackoff,
    Evidence,
    LocalCooldown,
    RetryEvent,
    RetryPolicy,
    RetryTransport,
    StopReason,
    retry_history,
)
from httpx_retry._core.decider import LATENESS
from httpx_retry.testing import instant_retries
from tests.worlds import Stream

from .handlers import Server, options
from .test_closing import Inner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

ONCE = RetryPolicy(max_attempts=1)
LIMITED = (429, {"Retry-After": "5"})
SITE = "http://test"


def cooled(clock: FakeClock, draw: float = 0.0, **more: Any) -> dict[str, Any]:
    return options(clock, draw, **{"cooldown": True, "policy": ONCE, **more})


@pytest.mark.parametrize("status", [429, 503])
async def test_who_comes_after_waits_as_long(world: World, clock: FakeClock, status: int) -> None:
    server = Server((status, {"Retry-After": "5"}), 200)
    async with world.client(server, **cooled(clock)) as client:
        assert (await client.get()).status_code == status
        clock.advance(2)
        assert (await client.get()).status_code == 200

    assert clock.sleeps == [3]


async def test_it_is_off_by_default(world: World, clock: FakeClock) -> None:
    async with world.client(Server(LIMITED, 200), **options(clock, policy=ONCE)) as client:
        await client.get()
        await client.get()

    assert clock.sleeps == []


@pytest.mark.parametrize(
    "answer",
    [
        429,
        (502, {"Retry-After": "5"}),
        (200, {"Retry-After": "5"}),
        (429, {"Retry-After": "0"}),
        (429, {"Retry-After": "61"}),
        httpx.ReadError("reset"),
    ],
)
async def test_nobody_waits_for_what_names_no_wait(
    world: World, clock: FakeClock, answer: Any
) -> None:
    async with world.client(Server(answer, 200), **cooled(clock)) as client:
        with suppress(httpx.ReadError):
            await client.get()
        await client.get()

    assert clock.sleeps == []


async def test_a_status_that_does_not_count_as_failed_stops_nobody(
    world: World, clock: FakeClock
) -> None:
    policy = ONCE.replace(statuses=[503], retry_if=lambda _: None)
    async with world.client(Server(LIMITED, 200), **cooled(clock, policy=policy)) as client:
        await client.get()
        await client.get()

    assert clock.sleeps == []


async def test_other_origins_need_not_wait(world: World, clock: FakeClock) -> None:
    async with world.client(Server(LIMITED, 200), **cooled(clock)) as client:
        await client.get()
        await client.get("http://other/")
        await client.get("http://test:8080/")

    assert clock.sleeps == []


async def test_what_may_not_run_twice_waits_and_lets_wait_as_well(
    world: World, clock: FakeClock
) -> None:
    server = Server((503, {"Retry-After": "5"}), (503, {"Retry-After": "5"}), 200)
    more = cooled(clock, policy=RetryPolicy())
    async with world.client(server, **more) as client:
        assert (await client.post()).status_code == 503
        assert clock.sleeps == []
        assert (await client.post(content=b"order")).status_code == 503
        assert clock.sleeps == [5]
        assert (await client.get()).status_code == 200

    assert clock.sleeps == [5, 5]
    assert server.bodies == [b"", b"order", b""]


async def test_the_release_is_spread_over_a_tenth_of_the_wait(
    world: World, clock: FakeClock
) -> None:
    server = Server((429, {"Retry-After": "50"}), 200)
    async with world.client(server, **cooled(clock, draw=0.5)) as client:
        await client.get()
        await client.get()

    assert clock.sleeps == [52.5]


async def test_who_was_told_itself_is_spread_too_and_never_early(
    world: World, clock: FakeClock
) -> None:
    more = cooled(clock, draw=0.5, policy=RetryPolicy())
    async with world.client(Server((429, {"Retry-After": "50"}), 200), **more) as client:
        response = await client.get()

    assert response.status_code == 200
    assert clock.sleeps == [50, 2.5]


async def test_who_was_told_a_moment_earlier_than_another_is_spread_as_far(
    world: World, clock: FakeClock
) -> None:
    cooldown = LocalCooldown()

    def on_event(_: object) -> None:
        cooldown.impose(SITE, 50, clock.monotonic() + 0.5)

    more = cooled(clock, draw=0.5, policy=RetryPolicy(), cooldown=cooldown, on_event=on_event)
    async with world.client(Server((429, {"Retry-After": "50"}), 200), **more) as client:
        await client.get()

    assert clock.sleeps == [50, 3]


async def test_a_retry_waits_its_turn_after_its_own_wait(world: World, clock: FakeClock) -> None:
    cooldown = LocalCooldown()

    def on_event(_: object) -> None:
        cooldown.impose(SITE, 5, clock.monotonic())

    policy = RetryPolicy(backoff=ConstantBackoff(1))
    more = cooled(clock, policy=policy, cooldown=cooldown)
    server = Server(httpx.ReadError("reset"), 200)
    async with world.client(server, **more, on_event=on_event) as client:
        cooldown.impose(SITE, 5, clock.monotonic())
        await client.get()

    assert clock.sleeps == [5, 1, 4]


async def test_who_finds_another_wait_afterwards_waits_again(
    world: World, clock: FakeClock
) -> None:
    class Twice(LocalCooldown):
        asked = 0

        def remaining(self, origin: str, now: float) -> float:
            self.asked += 1
            return float({1: 3, 2: 2}.get(self.asked, 0))

    cooldown = Twice()
    cooldown.impose(SITE, 1, 0)
    async with world.client(Server(200), **cooled(clock, cooldown=cooldown)) as client:
        await client.get()

    assert clock.sleeps == [3, 2]


async def test_waiting_counts_towards_the_deadline(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(max_elapsed=8, backoff=ConstantBackoff(5))
    server = Server(httpx.ReadError("reset"))
    cooldown = LocalCooldown()
    cooldown.impose(SITE, 4, 0)
    async with world.client(server, **cooled(clock, policy=policy, cooldown=cooldown)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.get()

    assert clock.sleeps == [4]
    assert retry_history(caught.value)[-1].reason is StopReason.DEADLINE


async def test_who_has_not_the_time_is_sent_at_once(world: World, clock: FakeClock) -> None:
    server = Server(LIMITED, 200)
    policy = ONCE.replace(max_elapsed=4)
    async with world.client(server, **cooled(clock, policy=policy)) as client:
        await client.get()
        assert (await client.get()).status_code == 200

    assert (server.sends, clock.sleeps) == (2, [])


async def test_the_first_attempt_is_made_whatever_time_is_left(
    world: World, clock: FakeClock
) -> None:
    class Slow(LocalCooldown):
        def remaining(self, origin: str, now: float) -> float:
            clock.skip(20.0)
            return 0.0

    policy, cooldown = RetryPolicy(max_elapsed=10.0), Slow()
    cooldown.impose("http://elsewhere", 5, 0)
    async with world.client(Server(200), **cooled(clock, policy=policy, cooldown=cooldown)) as one:
        assert (await one.get()).status_code == 200


async def test_who_would_wait_too_long_for_servers_is_sent_at_once(
    world: World, clock: FakeClock
) -> None:
    policy = RetryPolicy(max_retry_after=8)
    server = Server(LIMITED, 200)
    cooldown = LocalCooldown()
    cooldown.impose(SITE, 4, 0)
    async with world.client(server, **cooled(clock, policy=policy, cooldown=cooldown)) as client:
        response = await client.get()

    # 4 s of its turn, and 5 that it was asked for: these are all servers' waits.
    assert response.status_code == 429
    assert clock.sleeps == [4]
    assert retry_history(response)[-1].reason is StopReason.RETRY_AFTER_TOO_LONG


async def test_the_spread_is_cut_to_what_servers_may_still_ask_for(
    world: World, clock: FakeClock
) -> None:
    server = Server((429, {"Retry-After": "60"}), 200)
    async with world.client(server, **cooled(clock, draw=0.5)) as client:
        await client.get()
        clock.advance(1)
        await client.get()

    # 59 s are left, of 60; with the whole spread, 62 would have been too long.
    assert clock.sleeps == [59.5]


async def test_the_spread_is_cut_to_what_the_deadline_leaves(
    world: World, clock: FakeClock
) -> None:
    policy = ONCE.replace(max_elapsed=5.2 * (1 + LATENESS) + 0.001)
    async with world.client(Server(LIMITED, 200), **cooled(clock, 0.5, policy=policy)) as client:
        await client.get()
        await client.get()

    assert clock.sleeps == [pytest.approx(5.1)]


async def test_waits_that_never_end_are_bounded(world: World, clock: FakeClock) -> None:
    class Never(LocalCooldown):
        def remaining(self, origin: str, now: float) -> float:
            return 7.0

    cooldown = Never()
    cooldown.impose(SITE, 1, 0)
    async with world.client(Server(200), **cooled(clock, cooldown=cooldown)) as client:
        assert (await client.get()).status_code == 200

    assert clock.sleeps == [7.0] * 8


@pytest.mark.parametrize("content", [b"", [b"a ", b"body"]])
async def test_a_request_may_go_its_own_way(world: World, clock: FakeClock, content: Any) -> None:
    alone: dict[str, Any] = {"extensions": {"retry": False}}
    async with world.client(Server(LIMITED, LIMITED, 200), **cooled(clock)) as client:
        body = content if content == b"" or not world.is_async else as_async(content)
        await client.post(content=body, **alone)
        await client.get()
        body = content if content == b"" or not world.is_async else as_async(content)
        assert (await client.post(content=body, **alone)).status_code == 200

    assert clock.sleeps == []


async def as_async(parts: list[bytes]) -> Any:
    for part in parts:
        yield part


async def test_waits_that_are_skipped_count_as_waited(world: World) -> None:
    with instant_retries() as waits:
        more: dict[str, Any] = {"policy": ONCE, "random": lambda: 0.0, "cooldown": True}
        async with world.client(Server(LIMITED, 200), **more) as client:
            assert (await client.get()).status_code == 429
            assert (await client.get()).status_code == 200

    assert len(waits) == 1
    assert 0 < waits[0] <= 5


async def test_the_prepare_hook_runs_when_its_turn_has_come(world: World, clock: FakeClock) -> None:
    prepared: list[float] = []

    def prepare(request: httpx.Request, number: int) -> None:
        prepared.append(clock.monotonic())

    more = cooled(clock, draw=0.5, policy=RetryPolicy(), prepare=prepare)
    async with world.client(Server(LIMITED, 200), **more) as client:
        await client.get()

    assert prepared == [5.5]


async def test_a_mended_body_waits_its_turn(world: World, clock: FakeClock) -> None:
    cooldown = LocalCooldown()
    broken = httpx.Response(
        200, headers={"Content-Length": "5"}, stream=Broken(lambda: cooldown.impose(SITE, 5, 0))
    )
    more = cooled(clock, policy=RetryPolicy(backoff=ConstantBackoff(1)), cooldown=cooldown)
    async with world.client(Server(broken, 200), **more) as client:
        assert (await client.get()).content == b"answer 2"

    assert clock.sleeps == [1, 4]


async def test_one_cool_down_for_several_transports(world: World, clock: FakeClock) -> None:
    cooldown = LocalCooldown()
    async with world.client(Server(LIMITED), **cooled(clock, cooldown=cooldown)) as client:
        await client.get()
    async with world.client(Server(200), **cooled(clock, cooldown=cooldown)) as client:
        await client.get()

    assert clock.sleeps == [5]


async def test_of_one_of_your_own_nothing_is_known(world: World, clock: FakeClock) -> None:
    class Own:
        def __init__(self) -> None:
            self.entries: list[tuple[Any, ...]] = []

        def impose(self, origin: str, seconds: float, now: float) -> None:
            self.entries.append((origin, seconds, now))

        def remaining(self, origin: str, now: float) -> float:
            self.entries.append((origin, now))
            return -1.0

    own = Own()
    async with world.client(Server(LIMITED, 200), **cooled(clock, cooldown=own)) as client:
        await client.get()
        await client.get()

    assert own.entries == [(SITE, 0), (SITE, 5, 0), (SITE, 0)]
    assert clock.sleeps == []


async def test_of_one_that_says_itself_what_remains_nothing_is_known(
    world: World, clock: FakeClock
) -> None:
    class Fixed(LocalCooldown):
        def remaining(self, origin: str, now: float) -> float:
            return max(0.0, 7.0 - now)

    async with world.client(Server(200), **cooled(clock, cooldown=Fixed())) as client:
        await client.get()

    assert clock.sleeps == [7]


def test_close_wakes_threads_that_wait_their_turn_and_sends_nothing() -> None:
    inner = Inner(LIMITED)
    told: list[RetryEvent] = []
    transport = RetryTransport(inner, policy=ONCE, cooldown=True, on_event=told.append)
    client = httpx.Client(transport=transport)
    client.get("http://test/")
    errors: list[httpx.TransportError] = []

    def get() -> None:
        with pytest.raises(httpx.TransportError) as caught:
            client.get("http://test/")
        errors.append(caught.value)

    thread = threading.Thread(target=get)
    thread.start()
    while not transport._waiter._waiters:
        pass
    transport.close()
    thread.join()

    assert str(errors[0]) == "the transport was closed before the first attempt"
    assert errors[0].request.url == "http://test/"
    assert inner.server.sends == 1
    assert_closed_unsent(errors[0], told[-1])


async def test_close_wakes_tasks_that_wait_their_turn_and_sends_nothing(
    async_world: World,
) -> None:
    inner = Inner(LIMITED)
    told: list[RetryEvent] = []
    transport = async_world.transport(inner, policy=ONCE, cooldown=True, on_event=told.append)
    async with async_world.client_of(transport) as client:
        await client.get()
        errors: list[httpx.TransportError] = []

        async def get() -> None:
            with pytest.raises(httpx.TransportError) as caught:
                await client.get()
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            group.start_soon(get)
            await anyio.wait_all_tasks_blocked()
            await transport.aclose()

    assert str(errors[0]) == "the transport was closed before the first attempt"
    assert inner.server.sends == 1
    assert_closed_unsent(errors[0], told[-1])


def assert_closed_unsent(error: httpx.TransportError, told: RetryEvent) -> None:
    """The one attempt in the history was never made, and says so."""
    (attempt,) = retry_history(error)
    assert (attempt.number, attempt.error) == (1, "TransportError")
    assert (attempt.evidence, attempt.wait, attempt.elapsed) == (Evidence.UNSENT, None, 0.0)
    assert attempt.reason is StopReason.CLOSED
    assert (told.kind, told.attempts) == ("gave-up", (attempt,))


async def test_a_retry_that_waits_its_turn_ends_as_any_that_is_closed(
    world: World, clock: FakeClock
) -> None:
    transport: Any = None

    class Closing(LocalCooldown):
        def remaining(self, origin: str, now: float) -> float:
            if len(clock.sleeps) == 1:
                transport._waiter.wake()
            return super().remaining(origin, now)

    more = cooled(clock, draw=0.5, policy=RetryPolicy(), cooldown=Closing())
    transport = world.transport(Server(LIMITED), **more)
    async with world.client_of(transport) as client:
        with pytest.raises(httpx.TransportError) as caught:
            await client.get()

    assert retry_history(caught.value)[-1].reason is StopReason.CLOSED


@pytest.mark.parametrize("cooldown", [3, None, object(), LocalCooldown])
def test_what_is_no_cool_down_fails_at_once(cooldown: Any) -> None:
    with pytest.raises(TypeError, match="cooldown must be True, False, or have impose"):
        RetryTransport(cooldown=cooldown)


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Breaks off, and says so."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def __iter__(self) -> Iterator[bytes]:
        self._then()
        yield from Stream(httpx.ReadError("reset"))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part

    def close(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

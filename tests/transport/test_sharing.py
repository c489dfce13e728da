"""Budgets and cool-downs that are shared: what a transport asks, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis
import redis.asyncio

from httpx_retry import (
    AsyncRetryTransport,
    ConstantBackoff,
    Load,
    LocalCooldown,
    RetryPolicy,
    RetryTransport,
    StopReason,
    retry_history,
)
from httpx_retry.redis import RedisCooldown, RedisRetryBudget
from tests.worlds import Stream

from .handlers import Server, options
from .test_budget import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

POLICY = RetryPolicy(backoff=ConstantBackoff(1))
SITE = "http://test"
LIMITED = (429, {"Retry-After": "5"})


def leased(
    world: World, grants: float | None = 1.0, meanwhile: Callable[[], None] = lambda: None
) -> Ledger:
    """A budget that has tokens once they were leased."""

    class Leased(Ledger):
        def lease(self, origin: str, load: Load, now: float) -> None:
            self.entries.append(("lease", origin, load, now))
            meanwhile()

    class AsyncLeased(Ledger):
        async def lease(self, origin: str, load: Load, now: float) -> None:
            self.entries.append(("lease", origin, load, now))
            meanwhile()

    return (AsyncLeased if world.is_async else Leased)(grants=grants)


def refreshed(world: World) -> Any:
    """A cool-down that is shared, and writes down what it is asked."""

    class Shared(LocalCooldown):
        def __init__(self) -> None:
            super().__init__()
            self.entries: list[tuple[Any, ...]] = []

    class Refreshed(Shared):
        def refresh(self, origin: str, now: float) -> None:
            self.entries.append((origin, now))

    class AsyncRefreshed(Shared):
        async def refresh(self, origin: str, now: float) -> None:
            self.entries.append((origin, now))

    return (AsyncRefreshed if world.is_async else Refreshed)()


async def test_tokens_are_leased_when_a_retry_was_asked_for_and_before_its_wait(
    world: World, clock: FakeClock
) -> None:
    budget = leased(world)
    answers = (500, httpx.ReadTimeout("slow"), 200, 200)
    more = options(clock, policy=POLICY, budget=budget)
    async with world.client(Server(*answers), **more) as client:
        assert (await client.get()).status_code == 200
        await client.get()

    assert clock.sleeps == [1, 1]
    assert budget.entries == [
        ("lease", SITE, Load.SOME, 0),
        ("withdraw", SITE, Load.SOME),
        ("lease", SITE, Load.TIMEOUT, 1),
        ("withdraw", SITE, Load.TIMEOUT),
        ("deposit", SITE, 2.0),
        ("deposit", SITE, None),
    ]


async def test_nothing_is_leased_where_no_retry_is_asked_for(
    world: World, clock: FakeClock
) -> None:
    budget = leased(world)
    more = options(clock, policy=POLICY.replace(max_attempts=1), budget=budget)
    async with world.client(Server(500, 200, 404, 429), **more) as client:
        await client.post()
        for _ in range(3):
            await client.get()

    assert budget.entries == [("deposit", SITE, None), ("deposit", SITE, None)]


async def test_a_wait_for_which_leasing_left_no_time_is_not_begun(
    world: World, clock: FakeClock
) -> None:
    budget = leased(world, meanwhile=lambda: clock.advance(0.05))
    more = options(clock, policy=POLICY.replace(max_elapsed=1.02), budget=budget)
    async with world.client(Server(503), **more) as client:
        response = await client.get()

    assert response.content == b"answer 1"
    assert retry_history(response)[-1].reason is StopReason.DEADLINE
    assert clock.sleeps == []
    assert budget.entries == [("lease", SITE, Load.SOME, 0)]


async def test_what_is_refused_is_handed_over(world: World, clock: FakeClock) -> None:
    events: list[str] = []
    budget = leased(world, grants=None)
    more = options(clock, policy=POLICY, budget=budget, on_event=lambda e: events.append(e.kind))
    async with world.client(Server(503), **more) as client:
        response = await client.get()

    assert response.content == b"answer 1"
    assert [each.reason for each in retry_history(response)] == [StopReason.BUDGET_EXHAUSTED]
    assert events == ["gave-up"]
    assert clock.sleeps == []


async def test_a_retry_is_judged_once(world: World, clock: FakeClock) -> None:
    judged: list[int | None] = []
    policy = POLICY.replace(retry_if=lambda outcome: judged.append(outcome.status))
    more = options(clock, policy=policy, budget=leased(world))
    async with world.client(Server(500, 200), **more) as client:
        await client.get()

    assert judged == [500, 200]


@pytest.mark.parametrize("grants", [1.0, None])
async def test_the_rest_of_a_body_is_leased_for_too(
    world: World, clock: FakeClock, grants: float | None
) -> None:
    budget = leased(world, grants)
    broken = httpx.Response(
        200, headers={"Content-Length": "5"}, stream=Stream(httpx.ReadError("reset"))
    )
    async with world.client(
        Server(broken, 200), **options(clock, policy=POLICY, budget=budget)
    ) as client:
        if grants:
            assert (await client.get()).content == b"answer 2"
        else:
            with pytest.raises(httpx.ReadError):
                await client.get()

    assert budget.entries[1:3] == [("lease", SITE, Load.SOME, 0), ("withdraw", SITE, Load.SOME)]


async def test_others_are_told_of_a_wait_at_once_and_asked_before_each_attempt(
    world: World, clock: FakeClock
) -> None:
    cooldown = refreshed(world)
    more = options(clock, 0.0, policy=POLICY, cooldown=cooldown)
    async with world.client(Server(200, LIMITED, 200), **more) as client:
        await client.get()
        assert cooldown.entries == []
        await client.get()

    assert cooldown.entries == [(SITE, 0), (SITE, 5)]


async def test_they_are_told_where_nothing_is_retried_as_well(
    world: World, clock: FakeClock
) -> None:
    cooldown = refreshed(world)
    more = options(clock, policy=POLICY, cooldown=cooldown, budget=leased(world))
    async with world.client(Server((503, {"Retry-After": "5"})), **more) as client:
        await client.post()

    assert cooldown.entries == [(SITE, 0)]


SYNC = (RedisRetryBudget(redis.Redis()), RedisCooldown(redis.Redis()))
ASYNC = (RedisRetryBudget(redis.asyncio.Redis()), RedisCooldown(redis.asyncio.Redis()))


def test_the_client_of_the_other_world_fails_at_once() -> None:
    needs = "AsyncRetryTransport, as lease.* RetryTransport needs one over a redis.Redis"
    with pytest.raises(TypeError, match="budget is for an " + needs):
        RetryTransport(budget=ASYNC[0])
    with pytest.raises(TypeError, match=r"budget is for a RetryTransport.*redis\.asyncio\.Redis"):
        AsyncRetryTransport(budget=SYNC[0])
    with pytest.raises(TypeError, match="cooldown is for an AsyncRetryTransport, as refresh"):
        RetryTransport(cooldown=ASYNC[1])
    with pytest.raises(TypeError, match="cooldown is for a RetryTransport, as refresh"):
        AsyncRetryTransport(cooldown=SYNC[1])


def test_the_client_of_its_own_world_will_do() -> None:
    RetryTransport(budget=SYNC[0], cooldown=SYNC[1])
    AsyncRetryTransport(budget=ASYNC[0], cooldown=ASYNC[1])

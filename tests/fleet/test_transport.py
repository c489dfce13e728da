"""Whole transports that share a budget and a cool-down on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis.asyncio
import trio

from httpx_retry import (
    AsyncRetryTransport,
    ConstantBackoff,
    RetryPolicy,
    StopReason,
    retry_history,
)
from httpx_retry.redis import RedisCooldown, RedisRetryBudget
from httpx_retry.testing import FakeClock
from tests.transport.handlers import Server as Answers
from tests.transport.handlers import options

from .test_budget import questions

if TYPE_CHECKING:
    from tests.worlds import World

    from .servers import Server

POLICY = RetryPolicy(backoff=ConstantBackoff(0))


async def test_four_workers_retry_as_often_as_one(
    world: World, server: Server, clock: FakeClock
) -> None:
    answers = Answers(503)
    async with server.client(world) as client:
        for _ in range(4):
            more = options(clock, policy=POLICY, budget=RedisRetryBudget(client))
            async with world.client(answers, **more) as worker:
                responses = [await worker.get() for _ in range(10)]

    assert answers.sends == 4 * 10 + 20
    assert retry_history(responses[-1])[-1].reason is StopReason.BUDGET_EXHAUSTED


async def test_the_happy_path_asks_nothing(world: World, server: Server, clock: FakeClock) -> None:
    before = questions(server)
    async with server.client(world) as client:
        shared: Any = {"budget": RedisRetryBudget(client), "cooldown": RedisCooldown(client)}
        async with world.client(Answers(200), **options(clock, **shared)) as worker:
            for _ in range(50):
                await worker.get()
            await worker.get("http://other/")

    assert questions(server) == before


async def test_a_rate_limit_is_met_once_by_each(
    world: World, server: Server, clock: FakeClock
) -> None:
    limited = (429, {"Retry-After": "5"})
    one, other = Answers(limited, 200, limited, 200), Answers(limited, 200)
    async with server.client(world) as client:
        for answers in (one, other):
            more: Any = options(clock, cooldown=RedisCooldown(client))
            async with world.client(answers, **more) as worker:
                assert (await worker.get()).status_code == 200

    assert (one.sends, other.sends) == (2, 2)


def forget(server: Server) -> None:
    with server.admin() as client:
        client.flushall()


async def test_who_has_been_refused_waits_for_what_another_is_told(
    world: World, server: Server
) -> None:
    class Clock(FakeClock):
        def skip(self, seconds: float) -> None:
            super().skip(seconds)
            forget(server)  # as it would by then

    once = RetryPolicy(max_attempts=1)
    clocks = FakeClock(), Clock()
    async with server.client(world) as client:
        fleet = [
            world.transport(
                Answers((429, {"Retry-After": "5"}), (429, {"Retry-After": "9"}), 200),
                **options(clock, 0.0, policy=once, cooldown=RedisCooldown(client)),
            )
            for clock in clocks
        ]
        async with world.client_of(fleet[0]) as one, world.client_of(fleet[1]) as other:
            await one.get()
            await other.get()
            forget(server)
            clocks[0].advance(5)
            await one.get()
            clocks[1].advance(5)
            await other.get()

    # The other found the nine seconds that one was told, and not of its own.
    assert clocks[1].sleeps == [pytest.approx(9, abs=0.5)]


def test_in_trio_requests_go_on_without(server: Server) -> None:
    async def requests() -> list[int]:
        client = redis.asyncio.Redis(port=server.port)
        transport = AsyncRetryTransport(
            httpx.MockTransport(Answers(503, (429, {"Retry-After": "1"}), 200)),
            **options(FakeClock(), budget=RedisRetryBudget(client), cooldown=RedisCooldown(client)),
        )
        async with httpx.AsyncClient(transport=transport) as worker:
            return [(await worker.get("http://test/")).status_code for _ in range(2)]

    assert trio.run(requests) == [200, 200]

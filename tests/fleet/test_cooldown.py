"""The shared cool-down: what one worker was told, the others learn before they are told."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from httpx_retry.redis import RedisCooldown
from tests.worlds import World, settled

from .clients import Client
from .test_budget import OTHER, SITE, questions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .servers import Server


KEY = f"httpx_retry:cool-down:{{{SITE}}}"


@asynccontextmanager
async def workers(
    world: World, server: Server, **options: Any
) -> AsyncIterator[tuple[RedisCooldown, RedisCooldown]]:
    """The cool-downs of two processes, as it were."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.client(world)) for _ in range(2)]
        yield RedisCooldown(clients[0], **options), RedisCooldown(clients[1], **options)


async def impose(cooldown: RedisCooldown, seconds: float, now: float = 0) -> None:
    """Let one be told of a wait, as transports do."""
    cooldown.impose(SITE, seconds, now)
    await settled(cooldown.refresh(SITE, now))


async def remaining(cooldown: RedisCooldown, now: float = 0) -> float:
    """How long one lets a request wait."""
    await settled(cooldown.refresh(SITE, now))
    return cooldown.remaining(SITE, now)


async def test_who_was_refused_before_learns_of_it(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        await impose(other, 1, now=0)
        with server.admin() as client:
            client.flushall()
        await impose(one, 5, now=3)

        assert 4.9 < await remaining(other, now=3) < 5.1
        assert other.remaining(OTHER, 3) == 0


async def test_what_is_over_before_it_can_be_told_is_over(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        one.impose(SITE, 1, 0)

        assert await remaining(one, now=3) == 0


async def test_who_was_not_refused_asks_nothing(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        await impose(one, 5)
        before = questions(server)

        assert not other.cooling
        assert await remaining(other) == 0
        assert questions(server) == before


async def test_who_only_asks_writes_nothing(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        await impose(one, 1)
        await impose(other, 9, now=3)
        before = writes(server)
        for second in range(2, 6):
            await remaining(one, second)

        assert writes(server) == before


def writes(server: Server) -> int:
    """How often a script wrote so far."""
    with server.admin() as client:
        found: Any = client.info("commandstats")
    return int(found.get("cmdstat_set", {}).get("calls", 0))


async def test_while_it_waits_it_asks_nothing(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        await impose(one, 5)
        before = questions(server)
        for second in range(5):
            assert await remaining(one, second) == pytest.approx(5 - second)

        assert questions(server) == before


async def test_afterwards_it_asks_every_twenty_milliseconds_for_ten_seconds(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, _):
        await impose(one, 1)
        with server.admin() as client:
            client.flushall()
        before = questions(server)
        for hundredth in range(100, 1200):
            assert await remaining(one, hundredth / 100) == 0

    assert 400 < questions(server) - before <= 505
    assert not one.cooling
    assert not one._asked


async def test_a_longer_wait_is_not_shortened(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        await impose(one, 9)
        await impose(other, 2)

        assert 8.9 < await remaining(other) < 9.1
        with server.admin() as client:
            assert client.pttl(KEY) > 8000


async def test_a_longer_wait_that_redis_is_yet_to_be_told_of_is_not_shortened(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, other):
        one.impose(SITE, 9, 0)
        await impose(one, 2)
        await impose(other, 1)

        assert 8.9 < await remaining(other) < 9.1


def test_a_wait_is_counted_from_when_the_answer_is_there() -> None:
    # So many milliseconds are left, at some time since the question.
    cooldown = RedisCooldown(Client(lambda: "10000"))
    cooldown.impose(SITE, 1, 0)
    cooldown.refresh(SITE, 3.0)

    assert cooldown.cooling[SITE] > 3.0 + 10.0


async def test_it_ends_by_itself_in_redis(world: World, server: Server) -> None:
    async with workers(world, server, prefix="shop") as (one, _):
        await impose(one, 7)
    with server.admin(decode_responses=True) as client:
        assert client.keys() == [f"shop:cool-down:{{{SITE}}}"]
        assert 6000 < client.pttl(f"shop:cool-down:{{{SITE}}}") <= 7000


async def test_what_is_forgotten_is_told_to_nobody(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        one.impose(SITE, 1, 0)
        for number in range(1024):
            one.impose(f"https://{number}.example", 5, 0)
        before = questions(server)

        assert await remaining(one) == 0
        assert len(one._told) == 1024
        assert questions(server) == before


def test_what_is_forgotten_at_once_leaves_nothing() -> None:
    cooldown = RedisCooldown(redis.Redis())
    for number in range(1024):
        cooldown.impose(f"https://{number}.example", 5, 0)
    cooldown.impose(SITE, 1, 0)

    assert SITE not in cooldown.cooling
    assert SITE not in cooldown._told


async def test_a_late_answer_to_what_is_forgotten_is_nothing(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        one.impose(SITE, 1, 0)
        question = one._draft(SITE, 0).question()
        assert question is not None
        one.remaining(SITE, 20)
        question.book(0)

        assert (one.cooling, one._told, one._asked) == ({}, {}, {})
        assert one._draft(SITE, 20).question() is None


def test_it_prints_what_makes_it() -> None:
    assert repr(RedisCooldown(redis.Redis(), "shop")) == "<RedisCooldown 'shop'>"


def test_wrong_values_fail_at_once() -> None:
    with pytest.raises(ValueError, match="prefix"):
        RedisCooldown(redis.Redis(), "")
    with pytest.raises(TypeError, match="client"):
        RedisCooldown(None)

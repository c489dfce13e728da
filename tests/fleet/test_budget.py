"""The shared budget: many workers have the tokens of one, and ask Redis seldom."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import redis

from httpx_retry import Load
from httpx_retry._redis.budget import _begin_in_child
from httpx_retry._redis.lease import Want
from httpx_retry._redis.question import Batch, Draft
from httpx_retry.redis import RedisRetryBudget
from tests.core.test_budget import busy
from tests.worlds import World, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .servers import Server

SITE = "https://example.org"
OTHER = "https://example.com"
THIRD = "https://example.net"
KEY = f"httpx_retry:budget:{{{SITE}}}"


@asynccontextmanager
async def workers(
    world: World, server: Server, count: int = 2, **options: Any
) -> AsyncIterator[list[RedisRetryBudget]]:
    """The budgets of so many processes, as it were: each has a client of its own."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.client(world)) for _ in range(count)]
        yield [RedisRetryBudget(client, **options) for client in clients]


async def take(
    budget: RedisRetryBudget, load: Load = Load.SOME, origin: str = SITE, now: float = 0
) -> float | None:
    """What a retry is granted, asked for as transports do."""
    await settled(budget.lease(origin, load, now))
    return budget.withdraw(origin, load, now)


async def taken(budget: RedisRetryBudget, **options: Any) -> int:
    """How many retries are granted until the bucket is empty."""
    count = 0
    while await take(budget, **options) is not None:
        count += 1
    return count


@pytest.fixture
def about() -> Callable[[float], Any]:
    """So many tokens, or what the server's own clock has left of them: traffic is forgotten."""
    began = monotonic()
    return lambda tokens: pytest.approx(tokens, abs=1 + 10 * (monotonic() - began))


def grow_older(server: Server, seconds: float) -> None:
    """Let time pass in Redis, for the one bucket."""
    with server.admin(decode_responses=True) as client:
        for field in ("since", "ends"):
            client.hincrbyfloat(KEY, field, -seconds)


def questions(server: Server) -> int:
    """How often the script ran so far."""
    with server.admin() as client:
        found: Any = client.info("commandstats")
    return sum(found.get(f"cmdstat_{each}", {}).get("calls", 0) for each in ("evalsha", "eval"))


async def until(condition: Callable[[], bool], world: World) -> None:
    """Wait for what another thread or task does: 5 s at most."""
    for _ in range(500):
        if condition():
            return
        await pause(world, 0.01)
    raise AssertionError("it did not come")


async def pause(world: World, seconds: float) -> None:
    if world.is_async:
        await asyncio.sleep(seconds)
    else:
        time.sleep(seconds)  # noqa: ASYNC251 - in threads it is


def missing(server: Server) -> float:
    """What is missing from the one bucket."""
    with server.admin(decode_responses=True) as client:
        return float(client.hget(KEY, "missing") or 0)


async def test_one_bucket_for_all(world: World, server: Server) -> None:
    async with workers(world, server, 4) as fleet:
        in_turn = [await take(fleet[number % 4]) for number in range(80)]

    assert in_turn.count(1.0) == 20
    assert in_turn[:8] == [1.0] * 8


async def test_a_retry_costs_what_it_puts_on_the_server(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        assert await take(one, Load.NONE) == 0.0
        assert await taken(one, load=Load.TIMEOUT) + await taken(other, load=Load.TIMEOUT) == 10
        assert await take(one, Load.NONE) == 0.0


async def test_what_costs_nothing_asks_nothing(world: World, server: Server) -> None:
    before = questions(server)
    async with workers(world, server, timeout_cost=0) as (one, _):
        await take(one, Load.NONE)
        await take(one, Load.TIMEOUT)

    assert questions(server) == before


async def test_each_origin_has_a_bucket_and_each_prefix_too(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _), workers(world, server, prefix="b") as (b, _):
        assert await taken(one) == 20
        assert await taken(one, origin=OTHER) == 20
        assert await taken(b) == 20


async def test_the_keys_are_for_one_slot_each_and_do_not_stay(world: World, server: Server) -> None:
    async with workers(world, server, prefix="shop") as (one, _):
        await take(one)
    with server.admin(decode_responses=True) as client:
        assert client.keys() == [f"shop:budget:{{{SITE}}}"]
        assert 55 < client.ttl(f"shop:budget:{{{SITE}}}") <= 60


async def test_tokens_that_are_given_back_are_spent_again_here(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, _):
        tokens = await take(one)
        before = questions(server)
        for _ in range(50):
            one.deposit(SITE, tokens)
            assert await take(one) == tokens

    # Once a second Redis is told of them, and then it has to be asked again.
    assert questions(server) - before <= 2


async def test_who_fails_seldom_keeps_no_tokens(world: World, server: Server) -> None:
    async with workers(world, server, 30) as fleet:
        for worker in fleet:
            tokens = await take(worker)
            assert tokens == 1.0
            worker.deposit(SITE, tokens)
            await until(lambda: missing(server) == 0, world)


async def test_what_a_busy_worker_needs_no_more_goes_back_with_its_next_good_request(
    world: World, server: Server
) -> None:
    # Given a worker that has leased more than it needed
    async with workers(world, server, capacity=1000) as (one, _):
        for _ in range(20):
            await take(one)
        assert one.missing[SITE].stock > 1
        assert missing(server) > 20

        # When more than a second has passed
        one.deposit(SITE, None)
        assert missing(server) > 20
        grow_older(server, 1.1)
        one._monotonic = lambda: monotonic() + 1.1
        one.deposit(SITE, None)

        # Then there is missing what it has spent, and not given back: less what that request gave
        await until(lambda: missing(server) <= 20, world)
        assert one.missing[SITE].is_empty


async def test_what_is_given_back_while_something_is_asked_is_told_after_it(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, _):
        tokens = await take(one)
        land = under_way(one, world)
        # When a retry has ended well meanwhile
        one.deposit(SITE, tokens)
        await pause(world, 0.01)
        assert missing(server) == tokens

        land()

        await until(lambda: missing(server) == 0, world)


async def test_who_is_given_what_another_did_not_spend_need_not_ask(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, _):
        tokens = await take(one)
        before = questions(server)
        land = under_way(one, world)
        # Given one that fails meanwhile, and is to be asked for next
        another = one._link._latest
        if world.is_async:
            failing: Any = asyncio.create_task(settled(one.lease(SITE, Load.SOME, 0)))
        else:
            failing = threading.Thread(target=one.lease, args=(SITE, Load.SOME, 0))
            failing.start()
        await until(lambda: one._link._latest is not another, world)

        # When a retry ends well before that question goes
        one.deposit(SITE, tokens)
        land()
        await settled(failing if world.is_async else failing.join())

        assert one.withdraw(SITE, Load.SOME, 0) == tokens
        assert questions(server) == before


def under_way(budget: RedisRetryBudget, world: World) -> Callable[[], object]:
    """Let a question about something else be under way; return what ends it."""
    budget._link._latest = another = Batch(Draft(OTHER, lambda: None, 0))
    another.departed = monotonic()
    if world.is_async:
        another.landed = task = asyncio.create_task(forever())
        return task.cancel
    another.landed = event = threading.Event()
    return event.set


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_what_cannot_be_told_now_is_told_later(async_world: World, server: Server) -> None:
    async with workers(async_world, server) as (one, _):
        tokens = await take(one)
        # Given a request that is closed where there is no loop, as a finalizer may do
        await asyncio.to_thread(one.deposit, SITE, tokens)
        assert one.missing[SITE].returned == tokens

        # When more than a second has passed, and another request was good
        one._monotonic = lambda: monotonic() + 1.1
        one.deposit(SITE, None)

        await until(lambda: one.missing[SITE].is_empty, async_world)


async def test_nothing_is_told_while_there_is_no_answer(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        one._link._lost(TimeoutError(), 0)
        one._link.tell(Draft(SITE, lambda: pytest.fail("it was told"), 0))


def test_a_fork_leaves_to_the_parent_what_was_leased(server: Server) -> None:
    with server.admin() as client:
        one = RedisRetryBudget(client)
        busy(one, 100, 0)
        one.lease(SITE, Load.SOME, 0)
        assert one.missing
        _begin_in_child()

        assert not one.missing
        assert one._inherited == 100


async def test_what_others_wait_for_here_is_not_given_back(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        tokens = await take(one)
        before = questions(server)
        waiting = Want(1.0)
        assert one._lacking(SITE, waiting, 0) is not None
        one.deposit(SITE, tokens)
        assert await take(one) == tokens

    assert questions(server) == before


async def leased_just_now(budget: RedisRetryBudget) -> None:
    """Ask for a token, however long what follows takes."""
    await settled(budget.lease(SITE, Load.SOME, 0))
    heard = budget.missing[SITE]._heard
    budget._monotonic = lambda: heard


async def test_what_another_thread_was_faster_to_take_is_asked_for_with_the_next_question(
    world: World, server: Server
) -> None:
    async with workers(world, server, 1) as (budget,):
        await leased_just_now(budget)
        faster, asker = (budget.withdraw(SITE, Load.SOME, 0) for _ in range(2))

        # Both are of the shared bucket, which knows of both with the next one.
        assert (faster, asker, missing(server)) == (1.0, 1.0, 1.0)
        assert await take(budget) == 1.0
        assert missing(server) == 3.0
        assert await taken(budget) == 17


async def test_what_is_given_back_makes_up_for_what_was_owed(world: World, server: Server) -> None:
    async with workers(world, server, 1) as (budget,):
        await leased_just_now(budget)
        assert [budget.withdraw(SITE, Load.SOME, 0) for _ in range(2)] == [1.0, 1.0]
        # Given one that is given back, and kept, as it is waited for,
        waiting = Want(1.0)
        assert budget._lacking(SITE, waiting, 0) is not None
        budget.deposit(SITE, 1.0)

        assert await taken(budget) == 19


async def test_who_was_interrupted_waits_no_more(world: World, server: Server) -> None:
    async with workers(world, server, 1) as (budget,):
        lease = budget._lacking(SITE, Want(1.0), 0)
        gc.collect()

        assert lease is not None
        assert (lease.wanted, lease.is_waited_for) == (0.0, False)


async def test_no_more_is_owed_than_is_ever_leased_beforehand(world: World, server: Server) -> None:
    async with workers(world, server, 1) as (budget,):
        await leased_just_now(budget)
        granted = [budget.withdraw(SITE, Load.SOME, 0) for _ in range(70)]

    # One was leased and 32 are owed; then the process goes by a budget of its own.
    assert granted == [1.0] * (1 + 32 + 20) + [None] * 17


async def test_who_gets_nothing_of_the_last_tokens_is_refused(world: World, server: Server) -> None:
    async with workers(world, server, 2) as (budget, other):
        # Given one token that is left, and two of a process that fail,
        for _ in range(19):
            assert await take(other) == 1.0
        waiting = Want(1.0)
        assert budget._lacking(SITE, waiting, 0) is not None
        await settled(budget.lease(SITE, Load.SOME, 0))

        # then one of them gets it, and nothing takes the place of the other's.
        assert [budget.withdraw(SITE, Load.SOME, 0) for _ in range(2)] == [1.0, None]


async def test_a_lease_that_holds_tokens_gives_them_back_before_it_is_forgotten(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, _):
        # Given an origin that is called no more, of which this worker holds tokens, and one that
        # failed later,
        tokens = [await take(one) for _ in range(3)]
        await take(one, origin=OTHER)
        for each in tokens:
            one.missing[SITE].stock += each or 0
        assert one.missing[SITE].stock >= 3

        # when, a minute later, requests to a third are good,
        grow_older(server, 100)
        later(one, 100)
        one.deposit(THIRD, None)

        # then Redis is told of them, and both are forgotten.
        await until(lambda: missing(server) == 0, world)
        one.deposit(THIRD, None)
        assert list(one.missing) == [SITE]
        later(one, 200)
        one.deposit(THIRD, None)
        assert not one.missing


def later(budget: RedisRetryBudget, now: float) -> None:
    """Let so many seconds pass, with one request."""
    busy(budget, 1, now)
    budget._monotonic = lambda: monotonic() + now


async def test_a_clock_of_redis_that_goes_back_does_not_stop_deposits(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, other):
        assert await taken(one) == 20
        grow_older(server, -1000)
        for second in (1, 2):
            for _ in range(10):
                one.deposit(SITE, None)
            assert await take(one, now=second) == (None if second == 1 else 1.0)
            grow_older(server, 1)

        assert await taken(other, now=2) == 1


async def test_who_fails_often_leases_in_batches(world: World, server: Server) -> None:
    async with workers(world, server, capacity=1000) as (one, _):
        before = questions(server)
        for _ in range(300):
            assert await take(one) == 1.0

    assert questions(server) - before <= 15


async def test_tokens_that_are_not_needed_go_back_with_the_next_question(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, other):
        tokens = [await take(one) for _ in range(4)]
        for each in tokens:
            one.deposit(SITE, each)
        grow_older(server, 2)
        await take(one, now=2)

        assert await taken(other, now=2) == 19


async def test_good_first_attempts_fill_the_bucket_of_all(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        assert await taken(one) == 20
        for _ in range(10):
            one.deposit(SITE, None)
        grow_older(server, 1)
        await take(one, now=1)

        assert await taken(other, now=1) == 1


async def test_what_was_good_before_anything_was_missing_counts_for_nothing(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, other):
        await take(one)
        with server.admin() as client:
            client.delete(KEY)
        for _ in range(1000):
            one.deposit(SITE, None)
        assert await taken(other, now=50) == 20

        # Of fifty seconds' successes those of the last moments alone.
        assert await taken(one, now=50) <= 1


async def test_a_bucket_never_holds_more_than_it_should(world: World, server: Server) -> None:
    async with workers(world, server) as (one, other):
        await take(one)
        for _ in range(1000):
            one.deposit(SITE, None)
        grow_older(server, 5)

        assert await taken(one, now=5) + await taken(other, now=5) == 20


async def test_a_busy_fleet_holds_a_share_of_all_its_traffic(
    world: World, server: Server, about: Callable[[float], Any]
) -> None:
    async with workers(world, server, 3) as fleet:
        for worker in fleet:
            busy(worker, 200, 0)
            busy(worker, 100, 5)
        first = [await take(each, now=9) for each in fleet]
        granted = sum([await taken(each, now=9) for each in fleet])

    assert first == [1.0] * 3
    assert granted == about(90 - 3)


async def test_a_worker_holds_by_its_pace_of_the_last_two_seconds_too(
    world: World, server: Server, about: Callable[[float], Any]
) -> None:
    async with workers(world, server) as (one, other):
        busy(one, 200, 0)
        busy(other, 10, 0)

        assert await taken(one) == about(100)
        assert await take(other) is None


async def test_what_was_refused_its_retry_makes_no_room_for_more(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, _):
        for _ in range(1000):
            busy(one, 1, 0)
            await take(one)

    assert one.traffic.total == missing(server) == 20


async def test_requests_are_told_of_once(
    world: World, server: Server, about: Callable[[float], Any]
) -> None:
    async with workers(world, server, capacity=0) as (one, _):
        busy(one, 200, 0)
        assert await taken(one, now=4) == about(20)
        busy(one, 50, 4)
        assert await taken(one, now=7) == about(5)


@pytest.mark.parametrize(("later", "holds"), [(2.5, 30), (5, 20), (7.5, 10), (10, 0), (15, 0)])
async def test_traffic_is_forgotten_within_ten_seconds(
    world: World, server: Server, about: Callable[[float], Any], later: float, holds: int
) -> None:
    async with workers(world, server, capacity=0) as (one, other):
        busy(one, 400, 0)
        assert await take(one) == 1
        grow_older(server, later)

        assert await taken(other) == about(max(0, holds - 1))


async def test_traffic_of_many_that_ask_one_after_another_is_not_counted_twice(
    world: World, server: Server, about: Callable[[float], Any]
) -> None:
    async with workers(world, server, capacity=0) as (one, other):
        for second in range(10):
            busy(one, 40, second)
        await take(one, now=10)
        grow_older(server, 5)
        for second in range(10, 15):
            busy(one, 40, second)
        await take(one, now=15)

        # Of the last ten seconds there are 400 still, and two tokens are out.
        assert await taken(other, now=15) == about(40 - 2)


async def test_a_refusal_holds_for_a_tenth_of_a_second(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        await taken(one)
        before = questions(server)
        assert await take(one, now=0.05) is None
        assert questions(server) == before
        assert await take(one, now=0.2) is None
        assert questions(server) == before + 1


class Own(float):
    """As numpy's floats: it has a way of its own to be written down, and keeps to its kind."""

    def __repr__(self) -> str:
        return f"Own({float(self)})"

    def __add__(self, other: float) -> Own:
        return Own(float(self) + other)

    __radd__ = __add__

    def __sub__(self, other: float) -> Own:
        return Own(float(self) - other)


async def test_numbers_of_any_kind_are_shared(world: World, server: Server) -> None:
    rule: dict[str, Any] = {
        "capacity": Own(5),
        "share": Own(0.1),
        "deposit": Own(0.2),
        "timeout_cost": Own(2),
    }
    async with workers(world, server, **rule) as (one, other):
        assert await take(one, load=Load.TIMEOUT) == 2
        one.deposit(SITE, None)

        assert await taken(one, now=1) + await taken(other, now=1) == 3
        assert not one._link.is_away
        assert not other._link.is_away


async def test_many_that_fail_at_once_ask_together(server: Server, async_world: World) -> None:
    async with server.client(async_world) as client:
        budget = RedisRetryBudget(client, capacity=100)
        granted: list[float | None] = []

        async def fail() -> None:
            granted.append(await take(budget))

        before = questions(server)
        async with anyio.create_task_group() as group:
            for _ in range(300):
                group.start_soon(fail)

    assert sum(filter(None, granted)) == 100
    assert questions(server) - before <= 5


async def test_many_origins_that_fail_at_once_ask_together(
    server: Server, async_world: World
) -> None:
    async with server.client(async_world) as client:
        budget = RedisRetryBudget(client)
        origins = [f"https://{number}.example" for number in range(300)]
        granted = await asyncio.gather(*[take(budget, origin=each) for each in origins])

        assert granted == [1.0] * 300
        assert not budget._local.missing
        assert len(client.connection_pool._available_connections) == 1


def test_threads_that_fail_at_once_ask_together(server: Server) -> None:
    with server.admin() as client:
        budget = RedisRetryBudget(client, capacity=10)
        granted: list[float | None] = []
        barrier = threading.Barrier(8)

        def fail() -> None:
            barrier.wait()
            for _ in range(5):
                budget.lease(SITE, Load.SOME, 0)
                granted.append(budget.withdraw(SITE, Load.SOME, 0))

        threads = [threading.Thread(target=fail) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # One that was overtaken by another between its question and its answer has the local budget,
    # which holds as much.
    assert 10 <= sum(filter(None, granted)) <= 10 + 10


async def test_the_script_is_loaded_again_where_it_was_flushed(
    world: World, server: Server
) -> None:
    async with workers(world, server) as (one, other):
        await take(one)
        with server.admin() as client:
            client.script_flush()

        assert await taken(other) == 19


async def test_where_nothing_has_failed_nothing_is_missing(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        one.deposit(SITE, None)
        assert not one.missing
        await take(one)
        assert one.missing

        busy(one, 1, 50)
        one.deposit(OTHER, None)
        assert one.missing
        # Whatever origin a request is good at, once Redis has forgotten the one that failed.
        busy(one, 1, 100)
        one.deposit(OTHER, None)
        assert not one.missing


async def test_what_is_being_asked_for_is_not_forgotten(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        busy(one, 1, 100)
        waiting = Want(1.0)
        lease = one._lacking(SITE, waiting, 100)  # the first question is under way, and meanwhile:
        assert lease is not None
        one.deposit(SITE, None)

        assert one.missing == {SITE: lease}


async def test_a_thousand_origins_are_remembered(world: World, server: Server) -> None:
    async with workers(world, server) as (one, _):
        for number in range(1100):
            one.withdraw(f"https://{number}.example", Load.SOME, 0)

    assert len(one.missing) == 1024


def test_a_process_that_was_forked_has_nothing_of_its_parent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.admin() as client:
        budget = RedisRetryBudget(client)
        budget.lease(SITE, Load.SOME, 0)
        before = questions(server)
        # redis-py looks at the process, too, and leaves its parent's connections to the collector.
        client.close()
        with budget._locked():
            monkeypatch.setattr(os, "getpid", lambda: -1)
            budget._link._latest = Batch(Draft(SITE, lambda: None, 0))  # of one of its threads

            budget.lease(SITE, Load.SOME, 0)
            assert questions(server) - before == 1
            assert budget.withdraw(SITE, Load.SOME, 0) == 1
            assert budget._local.missing == {}


def test_a_process_that_was_forked_does_not_count_what_its_parent_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a parent of a thousand requests, for which the bucket holds a hundred tokens
    with server.admin() as client:
        budget = RedisRetryBudget(client, capacity=1)
        busy(budget, 1000, 0)
        budget.lease(SITE, Load.SOME, 4)
        assert budget.withdraw(SITE, Load.SOME, 4) == 1
        client.close()

        # When a process is forked from it, and asks for tokens until there are none
        monkeypatch.setattr(os, "getpid", lambda: -1)
        granted = 0
        for _ in range(300):
            budget.lease(SITE, Load.SOME, 4)
            granted += budget.withdraw(SITE, Load.SOME, 4) is not None

    # Then the bucket has not grown; it shrinks as the thousand age, by Redis' own clock
    assert 50 < granted < 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_counts_what_it_sends_before_it_fails(server: Server) -> None:
    # Given a budget that was made before the fork
    with server.admin() as client:
        budget = RedisRetryBudget(client, capacity=0)
        busy(budget, 1000, 0)
        child = os.fork()
        if child == 0:
            # When the child is busy, and then fails
            busy(budget, 300, 1)
            budget.lease(SITE, Load.SOME, 1)
            granted = budget.withdraw(SITE, Load.SOME, 1)
            counted = float(client.hget(KEY, "before") or 0)
            os._exit(0 if granted == 1 and 290 < counted <= 300 else 1)

        # Then its own requests count, and not those of its parent
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"capacity": -1}, ValueError, "capacity must be finite and at least 0, not -1"),
        ({"prefix": ""}, ValueError, "prefix must not be empty, nor have a brace, not be ''"),
        ({"prefix": "a{b"}, ValueError, "prefix must not be empty, nor have a brace"),
        ({"prefix": 3}, TypeError, "prefix must be a string, not 3"),
    ],
)
def test_wrong_values_fail_at_once(
    values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        RedisRetryBudget(redis.Redis(), **values)


@pytest.mark.parametrize("client", [None, redis.Redis, "redis://localhost", {}])
def test_what_is_no_client_fails_at_once(client: Any) -> None:
    with pytest.raises(TypeError, match=r"client must be one of redis or redis\.asyncio"):
        RedisRetryBudget(client)


def test_it_prints_what_makes_it() -> None:
    shown = "<RedisRetryBudget 'shop': RetryBudget(capacity=9, share=0.1, "
    assert repr(RedisRetryBudget(redis.Redis(), 9, prefix="shop")).startswith(shown)

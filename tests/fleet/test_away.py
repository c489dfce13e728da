"""Whatever Redis does, requests go on: by what each process has of its own, until it is back."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
import redis
import trio

from httpx_retry import Load
from httpx_retry._redis.link import LONGEST
from httpx_retry._redis.question import Batch, Draft, Question
from httpx_retry.redis import RedisCooldown, RedisRetryBudget
from tests.core.locks import is_held
from tests.worlds import WORLDS, World, settled

from .clients import AsyncClient, Client, client_for
from .test_budget import KEY, OTHER, SITE, grow_older, missing, pause, take, taken, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .servers import Server

GONE = "Redis does not answer ({}): each process has a budget of its own until it does"
BACK = "Redis answers again: the budget is shared"


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "httpx_retry")


@asynccontextmanager
async def worker(world: World, server: Server, **options: Any) -> AsyncIterator[RedisRetryBudget]:
    async with server.client(world, **options) as client:
        yield RedisRetryBudget(client)


async def is_shared_again(budget: RedisRetryBudget, world: World, now: float) -> float | None:
    """Ask once, for which nobody waits, and see that the answer is noticed."""
    granted = await take(budget, now=now)
    await until(lambda: not budget._link.is_away, world)
    return granted


async def test_killed_and_restarted(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with worker(world, own_server) as budget:
        assert await taken(budget) == 20
        own_server.kill()

        # The local budget's twenty, and then no more.
        assert await taken(budget, now=0.2) == 20
        assert await taken(budget, now=2.0) == 0
        await until(lambda: has_landed(budget, world), world)  # and no answer, again
        assert len(caplog.messages) == 1

        own_server.start()
        granted = await is_shared_again(budget, world, now=4.0) or 0
        granted += await taken(budget, now=4.0)

    assert granted == 20
    await until(lambda: caplog.messages[1:] == [BACK], world)  # it is written a moment later


async def test_while_it_is_away_it_is_asked_once_a_second(world: World) -> None:
    def refuse() -> None:
        raise redis.ConnectionError

    client = client_for(world, refuse)
    budget = RedisRetryBudget(client)
    for tenth in range(50):
        await take(budget, now=tenth / 10)
        await pause(world, 0.001)

    assert 4 <= client.trips <= 5


async def test_it_hangs(
    world: World,
    own_server: Server,
    patience: Callable[[float], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with worker(world, own_server) as budget:
        await take(budget)
        own_server.hang()
        patience(0.05)
        assert await taken(budget, now=5) == 20
        assert caplog.messages == [GONE.format("TimeoutError: no reply within 50 ms")]

        await pause(world, 0.1)
        own_server.go_on()
        await until(lambda: budget.missing[SITE].asked == 5, world)  # the late answer is in
        assert budget._link.is_away
        patience(5)
        await take(budget, now=5.5)
        assert budget._link.is_away  # it is asked once a second all the same
        await is_shared_again(budget, world, now=6.0)

    await until(lambda: caplog.messages[1:] == [BACK], world)  # it is written a moment later


async def test_nobody_waits_longer_than_50_ms(
    world: World,
    own_server: Server,
    patience: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    wait_in_thread, wait_in_task = threading.Event.wait, asyncio.wait

    def wait(event: threading.Event, timeout: float | None = None) -> bool:
        if timeout is not None:  # as a thread that starts waits
            waits.append(timeout)
        return wait_in_thread(event, timeout)

    def async_wait(tasks: set[asyncio.Task[None]], *, timeout: float | None) -> Any:
        if timeout is not None:  # as those do that wait for the one that watches the clock
            waits.append(timeout)
        return wait_in_task(tasks, timeout=timeout)

    async with worker(world, own_server) as budget:
        own_server.hang()
        patience(LONGEST)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Event, "wait", wait)
            patched.setattr(asyncio, "wait", async_wait)
            await take(budget, now=0)
        assert 0 < sum(waits) <= LONGEST + 1e-9
        assert LONGEST == 0.05
        for second in (1, 2, 3):
            at_once(budget.lease(SITE, Load.SOME, second))
        own_server.go_on()


def at_once(lease: Any) -> None:
    """See that it does not wait; in threads, what waits would have waited by now."""
    if lease is not None:
        with pytest.raises(StopIteration):
            lease.send(None)


async def test_one_that_waits_for_another_waits_no_longer_either(
    world: World, own_server: Server, patience: Callable[[float], None]
) -> None:
    async with worker(world, own_server) as budget:
        await take(budget)
        own_server.hang()
        patience(0.05)
        await take(budget, now=5)
        # As before the first was found to be slow: it is under way still.
        budget._link.is_away = False
        assert await take(budget, now=6) == 1.0

        assert budget._link.is_away  # else each would wait as long
        own_server.go_on()
        await until(lambda: budget.missing[SITE].asked == 6, world)


async def test_one_that_departed_just_now_does_not_tell(world: World) -> None:
    link = RedisRetryBudget(client_for(world, lambda: "1"))._link
    draft = Draft(SITE, lambda: None, 0)
    batch = Batch(draft)
    batch.departed = monotonic()
    link._lost_if_slow(batch, draft)

    assert not link.is_away


async def test_out_of_memory(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with own_server.admin() as client:
        client.config_set("maxmemory", 1)
    async with worker(world, own_server) as budget:
        assert await taken(budget) == 20

    assert len(caplog.messages) == 1
    assert "used memory > 'maxmemory'" in caplog.text


async def test_a_replica_that_may_only_be_read(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with own_server.admin() as client:
        client.replicaof("127.0.0.1", 1)
    async with worker(world, own_server) as budget:
        assert await taken(budget) == 20

    assert len(caplog.messages) == 1
    assert "read only replica" in caplog.text


@pytest.mark.parametrize("state", ["full", "a replica", "a replica, and known there"])
async def test_what_can_only_be_read_is_not_back(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    # Given a cool-down that its Redis could not be told of
    with own_server.admin() as admin:
        if state == "full":
            admin.config_set("maxmemory", 1)
        else:
            if "known" in state:
                admin.set(f"httpx_retry:cool-down:{{{SITE}}}", "", px=60_000)
            admin.replicaof("127.0.0.1", 1)
    async with own_server.client(world) as client:
        cooldown = RedisCooldown(client)
        cooldown.impose(SITE, 0.5, 0)
        await settled(cooldown.refresh(SITE, 0))
        assert cooldown._link.is_away

        # When it is over, and Redis is asked whether there is another
        for second in (1, 2, 3):
            await settled(cooldown.refresh(SITE, second))
            await until(lambda: has_landed(cooldown, world), world)
            assert cooldown._link.is_away

    # Then it is not said to be back, each time
    assert len(caplog.messages) == 1


async def test_a_cool_down_that_was_told_late_is_shared_again(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_server.client(world) as client:
        cooldown = RedisCooldown(client)
        own_server.kill()
        cooldown.impose(SITE, 0.5, 0)
        await settled(cooldown.refresh(SITE, 0))
        own_server.start()
        await settled(cooldown.refresh(SITE, 1))
        await until(lambda: len(caplog.messages) == 2, world)

    assert caplog.messages[1] == "Redis answers again: the cool-down is shared"
    assert cooldown.remaining(SITE, 1) == 0


async def test_a_wrong_password(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with own_server.admin() as client:
        client.config_set("requirepass", "right")
    async with worker(world, own_server, password="wrong") as budget:  # noqa: S106 - as said
        assert await taken(budget) == 20

    assert len(caplog.messages) == 1
    assert "invalid username-password pair" in caplog.text
    assert "wrong" not in caplog.text


async def test_a_key_of_another_kind(
    world: World, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with server.admin() as client:
        client.set(KEY, "not a bucket")
    async with worker(world, server) as budget:
        assert await taken(budget) == 20

    assert "WRONGTYPE" in caplog.messages[0]


async def test_what_is_wrong_with_one_keeps_nothing_from_those_that_ask_with_it(
    async_world: World, server: Server
) -> None:
    with server.admin() as client:
        client.set(KEY, "not a bucket")
    async with worker(async_world, server) as budget:
        await asyncio.gather(*[take(budget, origin=each) for each in (SITE, OTHER)])

    assert budget._link.is_away
    assert budget.missing[OTHER].stock == 1.0


def test_no_more_threads(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with server.admin() as client:
        budget = RedisRetryBudget(client)
        budget.lease(SITE, Load.SOME, 0)
        assert budget.withdraw(SITE, Load.SOME, 0) == 1.0

    assert caplog.messages == [GONE.format("RuntimeError: can't start new thread")]


async def test_as_the_interpreter_ends_nobody_is_asked(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By a request in a `__del__`, say: a thread that is started then never runs."""
    async with worker(world, server) as budget:
        monkeypatch.setattr(sys, "is_finalizing", lambda: True)

        assert await take(budget) == 1.0
        assert budget.missing[SITE].asked is None
        assert not caplog.messages


def test_no_more_threads_for_what_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with server.admin() as client:
        budget = RedisRetryBudget(client)
        budget.lease(SITE, Load.SOME, 0)
        tokens = budget.withdraw(SITE, Load.SOME, 0)
        monkeypatch.setattr(threading.Thread, "start", start)
        budget.deposit(SITE, tokens)

    # The next question finds it, and tells it.
    assert budget.missing[SITE].returned == tokens
    assert caplog.messages == []


@pytest.mark.parametrize("is_started", [False, True])
def test_an_interrupt_as_redis_is_asked_keeps_nobody_from_asking(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_started: bool,
) -> None:
    started: list[threading.Thread] = []
    really_start = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if is_started:
            really_start(thread)
            started.append(thread)
        raise KeyboardInterrupt

    # Given a process of which a call was interrupted just as it asked,
    with server.admin() as client:
        budget = RedisRetryBudget(client)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(KeyboardInterrupt):
                budget.lease(SITE, Load.SOME, 0)

        # then the next one asks, and does not wait for an answer that will never come.
        for thread in started:
            thread.join()
        budget.lease(SITE, Load.SOME, 0)

        assert budget.withdraw(SITE, Load.SOME, 0) == 1.0
        assert client.exists(KEY)
    assert caplog.messages == []


async def test_news_that_do_not_arrive_are_no_sign_that_redis_is_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def answer() -> str:
        # It is closed before what is told next arrives.
        if client.trips > 1:
            raise ValueError("I/O operation on closed file")
        return "1"

    client = client_for(world, answer)
    budget = RedisRetryBudget(client)
    budget.deposit(SITE, await take(budget))
    await until(lambda: client.trips == 2, world)
    await until(lambda: has_landed(budget, world), world)

    assert not budget._link.is_away
    assert caplog.messages == []


def has_landed(shared: RedisRetryBudget | RedisCooldown, world: World) -> bool:
    """Whether nothing is under way."""
    latest = shared._link._latest
    assert latest is not None
    landed: bool = latest.landed.done() if world.is_async else latest.landed.is_set()
    return landed


async def never() -> None:
    await asyncio.get_running_loop().create_future()


def test_news_that_are_on_their_way_as_their_loop_is_closed_are_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = AsyncClient(lambda: never() if client.trips == 2 else "1")
    budget = RedisRetryBudget(client)

    async def give_back() -> None:
        budget.deposit(SITE, await take(budget))
        await until(lambda: client.trips == 2, WORLDS[1])

    # Given a program that closes its loop by hand, so that nothing cancels what is left,
    loop = asyncio.new_event_loop()
    loop.run_until_complete(give_back())
    loop.close()
    del loop

    # then the next one does not wait for it,
    assert asyncio.run(take(budget, now=9)) == 1
    assert client.trips == 3
    # and asyncio does not report it as an error.
    gc.collect()
    assert caplog.messages == []


def test_a_question_that_is_lost_late_brings_the_next_one_no_nearer() -> None:
    def answer() -> None:
        arrived[client.trips - 1].set()
        allowed[client.trips - 1].wait(10)
        raise ConnectionError("gone")

    def ask(now: float) -> Batch:
        budget.lease(SITE, Load.SOME, now)
        batch = budget._link._latest
        assert batch is not None
        return batch

    # Given a Redis that is away, and is asked again in second 1 and in second 2,
    arrived, allowed = ([threading.Event() for _ in range(4)] for _ in range(2))
    client = Client(answer)
    budget = RedisRetryBudget(client)
    allowed[0].set()
    ask(0).landed.wait(10)
    ask(1)
    assert arrived[1].wait(10)
    latest = ask(2)

    # when the first of these is lost late,
    allowed[1].set()
    assert arrived[2].wait(10)

    # then it is asked in second 3, and not before.
    assert ask(2.5) is latest
    assert ask(3) is not latest
    for each in allowed:
        each.set()


async def test_who_cancels_all_that_is_under_way_does_not_end_it_for_good(
    async_world: World,
) -> None:
    # Given a program that cancels what it finds in its loop, and goes on,
    client = AsyncClient(lambda: never() if client.trips == 1 else "1")
    budget = RedisRetryBudget(client)
    here = asyncio.current_task()
    callers = [asyncio.create_task(take(budget, origin=each)) for each in (SITE, OTHER)]
    await until(lambda: client.trips == 1, async_world)
    callers.append(asyncio.create_task(take(budget)))
    await pause(async_world, 0)
    for task in asyncio.all_tasks() - {here}:
        task.cancel()
    await asyncio.wait(callers)

    # then the next one asks.
    assert await take(budget) == 1
    assert client.trips == 2
    assert not budget._link.is_away


def test_in_trio_each_process_has_its_own(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    budget = RedisRetryBudget(redis.asyncio.Redis(port=server.port))

    assert trio.run(taken, budget) == 20
    said = "RuntimeError: redis.asyncio runs on asyncio alone"
    assert caplog.messages == [GONE.format(said)]


def test_an_event_loop_that_is_held_up_is_not_taken_for_redis(
    patience: Callable[[float], None],
) -> None:
    patience(LONGEST)

    async def answer() -> str:
        # Given a loop that something else keeps for itself for longer than anybody waits,
        asyncio.get_running_loop().call_soon(time.sleep, 2 * LONGEST)
        for _ in range(9):
            await asyncio.sleep(0)
        return "1"

    budget = RedisRetryBudget(AsyncClient(answer))

    # then the answer, which takes some turns of it, has its time when the loop goes on.
    assert asyncio.run(take(budget)) == 1
    assert not budget._link.is_away
    assert not budget._local.missing


def test_a_loop_that_answers_make_late_is_not_taken_for_redis_either(
    patience: Callable[[float], None],
) -> None:
    patience(LONGEST)

    async def answer() -> str:
        await asyncio.sleep(0)
        time.sleep(1.5 * LONGEST)  # noqa: ASYNC251 - as said
        return "1"

    client = AsyncClient(answer)
    budget = RedisRetryBudget(client)

    async def fail_at_once() -> list[float | None]:
        # Given eight requests that fail at once, each to an origin of its own,
        return await asyncio.gather(*[take(budget, origin=f"https://{n}") for n in range(8)])

    # then they ask together, and each is answered.
    assert asyncio.run(fail_at_once()) == [1.0] * 8
    assert client.trips == 1
    assert not budget._link.is_away
    assert not budget._local.missing


async def test_what_was_taken_meanwhile_is_given_back(world: World, own_server: Server) -> None:
    async with worker(world, own_server) as budget:
        own_server.kill()
        tokens = [await take(budget) for _ in range(20)]
        assert await take(budget) is None
        for each in tokens:
            budget.deposit(SITE, each)

        assert await taken(budget) == 20
        for _ in range(5):
            budget.deposit(SITE, None)
        assert await taken(budget) == 1
        own_server.start()


async def test_what_each_process_had_of_its_own_is_not_given_to_all(
    world: World, own_server: Server
) -> None:
    async with worker(world, own_server) as budget:
        await taken(budget)
        own_server.kill()
        for second in range(10, 40):
            tokens = await take(budget, now=second)
            assert tokens == 1.0
            budget.deposit(SITE, tokens)

        lease = budget.missing[SITE]
        assert (lease.stock, lease.returned) == (0, 0)
        assert budget._local.missing == {}


async def test_nor_is_it_when_redis_is_back(world: World, own_server: Server) -> None:
    async with worker(world, own_server) as budget:
        await take(budget)
        own_server.kill()
        lent = [await take(budget, now=10) for _ in range(5)]
        assert lent == [1.0] * 5
        await until(lambda: budget._link.is_away, world)
        own_server.start()
        await is_shared_again(budget, world, now=20)
        stock = budget.missing[SITE].stock
        for tokens in lent:
            budget.deposit(SITE, tokens)

        assert budget.missing[SITE].stock == stock
        assert budget._local.missing.get(SITE, 0) <= 1  # of the question for which nobody waited


async def test_what_was_leased_before_is_given_back_all_the_same(
    world: World, own_server: Server
) -> None:
    async with worker(world, own_server) as budget:
        leased = [await take(budget) for _ in range(5)]
        own_server.kill()
        await settled(budget.lease(SITE, Load.SOME, 10))
        await until(lambda: budget._link.is_away, world)
        for tokens in leased:
            budget.deposit(SITE, tokens)

        # What was not spent of it went with the question: Redis may have heard it.
        lease = budget.missing[SITE]
        assert lease.stock + lease.returned == 5


def lose_replies(client: Any, world: World) -> None:
    """Let Redis run each script, and its connection break before its reply arrives."""
    really_pipeline = client.pipeline

    def pipeline(**options: Any) -> Any:
        made = really_pipeline(**options)
        execute = made.execute

        def lose(**options: Any) -> None:
            execute(**options)
            raise redis.ConnectionError

        async def lose_in_task(**options: Any) -> None:
            await execute(**options)
            raise redis.ConnectionError

        made.execute = lose_in_task if world.is_async else lose
        return made

    client.pipeline = pipeline


async def test_what_was_told_with_a_reply_that_is_lost_is_not_told_again(
    world: World, server: Server
) -> None:
    async with server.client(world) as client, worker(world, server) as other:
        # Given a worker that has earned 2 tokens, and whose replies are lost,
        budget = RedisRetryBudget(client)
        await take(budget)
        assert await taken(other) == 19
        for _ in range(10):
            budget.deposit(SITE, None)
        lose_replies(client, world)
        grow_older(server, 1)

        # when it asks once a second,
        for second in (1, 2, 3):
            await take(budget, now=second)
            await until(lambda: has_landed(budget, world), world)

    # then they are in the bucket of all, once, less what the first of these was granted.
    assert missing(server) == 20 - 2 + 1


async def test_a_worker_that_redis_answers_too_late_keeps_nothing_from_the_others(
    world: World, server: Server
) -> None:
    # Given one that went by its own while it held tokens of all
    async with worker(world, server) as budget:
        leased = [await take(budget) for _ in range(5)]
        budget._link.is_away = True
        for tokens in leased:
            budget.deposit(SITE, tokens)
        assert budget.missing[SITE].stock >= 5

        # When one more retry costs a token, so soon that they might be needed here
        grow_older(server, 0.5)
        await settled(budget.lease(SITE, Load.SOME, 0.5))
        await until(lambda: has_landed(budget, world), world)
        budget._link.is_away = True  # as when it is granted before the answer is there
        assert budget.withdraw(SITE, Load.SOME, 0.5) == 1.0

    # Then that is its own, and the others have theirs back
    assert budget._local.missing == {SITE: 1.0}
    assert budget.missing[SITE].is_empty
    assert missing(server) == 0


@pytest.mark.parametrize("reply", [b"nan", b"-100", b"inf", b"words", None])
def test_what_is_no_number_of_tokens_is_not_believed(
    reply: Any, caplog: pytest.LogCaptureFixture
) -> None:
    budget = RedisRetryBudget(Client(lambda: reply))
    budget.lease(SITE, Load.SOME, 0)

    assert budget.withdraw(SITE, Load.SOME, 0) == 1.0
    assert budget._link.is_away
    assert len(caplog.messages) == 1


def test_one_that_is_answered_just_in_time_does_not_come_and_go(
    patience: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    patience(0.05)
    link = RedisRetryBudget(redis.Redis())._link
    link._lost(TimeoutError("late"), 0)
    was_away = []
    for seconds in (0.04, 0.02, 0.04):
        batch = Batch(Draft(SITE, lambda: None, 0))
        batch.questions = [Question(KEY, (), lambda _: None)]
        batch.departed = monotonic() - seconds
        link._heard(batch)
        was_away.append(link.is_away)

    assert was_away == [True, False, False]
    assert caplog.messages[1:] == [BACK]


def test_its_own_bucket_is_looked_at_by_one_thread_at_a_time() -> None:
    class Watched(dict[str, float]):
        def pop(self, *arguments: Any) -> Any:
            was_held.append(is_held(budget._lock))
            return super().pop(*arguments)

    was_held: list[bool] = []
    budget = RedisRetryBudget(redis.Redis())
    budget._link.is_away = True
    budget._local.missing = Watched()
    budget.deposit(SITE, budget.withdraw(SITE, Load.SOME, 0))

    assert was_held == [True, True]
    assert not budget._local.missing


def test_no_lock_is_held_while_a_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever starts one waits for it, and for ever where an interrupt hits it as it begins.
    def start(thread: threading.Thread) -> None:
        if "_fly" in thread.name:  # and not one that tries the locks
            were_held.append((is_held(budget._lock), is_held(budget._link._lock)))
        really_start(thread)

    were_held: list[tuple[bool, bool]] = []
    budget = RedisRetryBudget(Client(lambda: "1"))
    really_start = threading.Thread.start
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        budget.lease(SITE, Load.SOME, 0)
        budget.deposit(SITE, budget.withdraw(SITE, Load.SOME, 0))

    assert were_held == [(False, False), (False, False)]


async def test_a_cool_down_goes_on_alone(
    world: World, own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_server.client(world) as client:
        cooldown = RedisCooldown(client)
        own_server.kill()
        cooldown.impose(SITE, 3, 0)
        await settled(cooldown.refresh(SITE, 0))

        assert cooldown.remaining(SITE, 1) == 2
        own_server.start()
        await settled(cooldown.refresh(SITE, 1.5))
        await until(lambda: not cooldown._link.is_away, world)

        with own_server.admin() as admin:
            assert 0 < admin.pttl(f"httpx_retry:cool-down:{{{SITE}}}") <= 1500

    assert caplog.messages[1:] == ["Redis answers again: the cool-down is shared"]

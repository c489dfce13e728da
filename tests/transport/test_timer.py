"""All waits of an event loop share one timer, and each ends in its time."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryBudget, RetryPolicy, SystemClock
from httpx_retry._core.decider import LATENESS
from httpx_retry._timer import LoopTimer
from httpx_retry._wait import TaskWait
from tests.cost.counting import calls_of

from .handlers import Server
from .loops import Since, SkippingLoop, run

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = ("GET", "http://test/")

# Seconds that a loop's own clock loses in a test's 10,000.
ROUNDED = 1e-6
# Of its length, a wait may be so much late.
LATE = 1 / 512


def transport(seconds: float) -> AsyncRetryTransport:
    """One whose every request waits so long, once."""
    inner = Server(*[503] * 100)
    policy = RetryPolicy(backoff=ConstantBackoff(seconds), max_attempts=2)
    mock = httpx.MockTransport(inner)
    return AsyncRetryTransport(mock, policy=policy, budget=RetryBudget(capacity=10_000))


seconds = st.floats(1e-3, 1e4) | st.sampled_from([0.5, 1.0])


def test_a_deadline_allows_for_how_late_a_wait_may_end() -> None:
    assert LATE <= LATENESS


@given(st.lists(st.tuples(seconds, seconds | st.none())))
def test_each_wait_ends_in_its_time_or_is_cancelled(
    plans: list[tuple[float, float | None]],
) -> None:
    async def one(timer: LoopTimer, length: float, patience: float | None) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        waiting = asyncio.wait_for(timer.begin(length), patience)
        with suppress(asyncio.TimeoutError):
            await waiting
        passed = loop.time() - began
        if patience is None or length < patience:
            assert length <= passed + ROUNDED <= length * (1 + LATE) + 2 * ROUNDED
        else:
            assert patience <= passed + ROUNDED <= patience + 2 * ROUNDED

    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        await asyncio.gather(*(one(timer, *plan) for plan in plans))

    run(main())


def test_waits_of_the_same_moment_end_in_the_order_in_which_they_began() -> None:
    async def one(timer: LoopTimer, number: int) -> None:
        await timer.begin(1.0)
        ended.append(number)

    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        await asyncio.gather(*(one(timer, number) for number in range(100)))

    ended: list[int] = []
    run(main())

    assert ended == [*range(100)]


def test_a_loop_that_is_early_by_what_its_clock_cannot_tell_is_believed() -> None:
    class Coarse(SkippingLoop):
        def __init__(self) -> None:
            super().__init__()
            self._clock_resolution = 0.015

        def time(self) -> float:
            return super().time() // 0.015 * 0.015

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        await LoopTimer(loop).begin(0.01)
        assert len(loop.timers) == 1

    run(main(), Coarse())


def test_waits_of_ages_and_of_next_to_no_time_are_no_trouble() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        ages, no_time, a_second = map(LoopTimer(loop).begin, (1e308, 5e-324, 1.0))
        await no_time
        await a_second
        assert not ages.done()

    run(main())


def test_there_is_one_timer_however_many_wait() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        timer = LoopTimer(loop)
        waits = [timer.begin(float(length)) for length in (3, 1, 2, 1)]
        assert [each.when() for each in loop.timers if not each.cancelled()] == [1.0]
        await asyncio.gather(*waits)

    run(main())


def test_waits_are_looked_through_ever_more_seldom() -> None:
    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        calls = calls_of(lambda: [timer.begin(1.0) for _ in range(10_000)])
        assert calls["_timer._prune"] == 6
        timer.end_all()

    run(main())


def test_a_closed_transport_ends_the_waits_that_had_begun_and_no_later_one() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        waiter = TaskWait(SystemClock())
        earlier = waiter.wait(1.0, Since(waiter.epoch))
        waiter.wake()
        later = waiter.wait(1.0, Since(waiter.epoch))
        await earlier
        assert loop.time() == 0.0
        await later
        assert loop.time() >= 1.0

    run(main())


def test_a_close_by_another_thread_just_before_the_wait_is_not_missed() -> None:
    class Interrupted(SkippingLoop):
        def create_future(self) -> asyncio.Future[Any]:
            waiter.wake()
            return super().create_future()

    async def main() -> None:
        await waiter.wait(1.0, Since(waiter.epoch))
        assert asyncio.get_running_loop().time() == 0.0

    waiter = TaskWait(SystemClock())
    run(main(), Interrupted())


def test_cancelled_waits_are_forgotten_long_before_their_end() -> None:
    async def main() -> None:
        waiting = transport(100_000.0)
        others = [asyncio.ensure_future(call(waiting)) for _ in range(10)]
        for _ in range(1_000):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(call(waiting), 0.01)
        (timer,) = waiting._waiter._timers.values()
        kept = [len(waits) for waits in timer._waits.values()]
        assert min(kept) > 0
        assert sum(kept) == timer._count <= 2 * len(others) + 101
        await asyncio.gather(*others)
        assert asyncio.get_running_loop().time() >= 100_000.0

    run(main())


def test_those_that_are_left_when_others_are_forgotten_end_in_their_time() -> None:
    async def one(timer: LoopTimer, length: float) -> None:
        await timer.begin(length)
        assert length <= asyncio.get_running_loop().time() <= length * (1 + LATE)

    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        for length in range(200, 0, -1):
            timer.begin(float(length)).cancel()
            others.append(asyncio.ensure_future(one(timer, length / 10)))
            await asyncio.sleep(0)
        await asyncio.gather(*others)

    others: list[asyncio.Future[None]] = []
    run(main())


def test_waits_that_have_ended_are_not_looked_through() -> None:
    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        for _ in range(300):
            await timer.begin(1.0)
        assert (timer._count, timer._waits, timer._moments) == (0, {}, [])

    run(main())


async def call(through: AsyncRetryTransport) -> httpx.Response:
    return await through.handle_async_request(httpx.Request(*REQUEST))


def test_after_a_crowd_few_that_were_cancelled_are_kept() -> None:
    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        await asyncio.gather(*(timer.begin(1.0) for _ in range(5_000)))
        for _ in range(1_000):
            timer.begin(100_000.0).cancel()
        assert timer._count <= 101

    run(main())


def test_nothing_is_kept_of_waits_that_ended_because_the_transport_was_closed() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        waiting = transport(100_000.0)
        task = asyncio.ensure_future(call(waiting))
        await asyncio.sleep(1.0)
        await waiting.aclose()
        with pytest.raises(httpx.TransportError):
            await task
        assert not list(waiting._waiter._timers.values())
        assert loop.timers[0].cancelled()

    run(main())


@pytest.mark.filterwarnings("ignore:unclosed event loop")
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_loop_is_not_kept_for_a_wait_that_was_cancelled(*, is_closed: bool) -> None:
    waiting = transport(1.0)
    loop = SkippingLoop()
    task = loop.create_task(call(waiting))
    loop.call_later(0.5, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    if is_closed:
        loop.close()
    known = weakref.ref(loop)
    del loop, task
    gc.collect()

    assert known() is None
    assert not list(waiting._waiter._timers.values())


class Interrupting(asyncio.Future[None]):
    """Ctrl-C is pressed as it is about to be done, once."""

    pressed = False

    def set_result(self, result: None) -> None:
        if not Interrupting.pressed:
            Interrupting.pressed = True
            raise KeyboardInterrupt
        super().set_result(result)


def test_ctrl_c_while_waits_are_ended_leaves_none_of_them_behind() -> None:
    class Loop(SkippingLoop):
        def create_future(self) -> asyncio.Future[Any]:
            return Interrupting(loop=self)

    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        waits.extend(timer.begin(length) for length in (1.0, 1.0, 2.0))
        await asyncio.Event().wait()

    loop, waits = Loop(), list[asyncio.Future[None]]()
    Interrupting.pressed = False
    task = loop.create_task(main())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(task)
    loop.run_until_complete(asyncio.wait(waits))
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()

    assert [wait.result() for wait in waits] == [None] * 3


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_loop_that_fails_to_set_a_timer_fails_one_call_and_no_other(fails_at: int) -> None:
    class Failing(SkippingLoop):
        calls = 0

        # Nor has each loop a `context` here: that of Python 3.10's base class has none.
        def call_at(  # type: ignore[override] # as said
            self, when: float, callback: Callable[..., object], *args: Any
        ) -> asyncio.TimerHandle:
            self.calls += 1
            if self.calls == fails_at:
                raise OSError("no more timers")
            return super().call_at(when, callback, *args)

    async def main() -> None:
        timer = LoopTimer(asyncio.get_running_loop())
        earlier = [timer.begin(length) for length in (3.0, 2.0)[: fails_at - 1]]
        with pytest.raises(OSError, match="no more timers"):
            timer.begin(1.0)
        assert await asyncio.gather(*earlier, timer.begin(4.0)) == [None] * fails_at

    run(main(), Failing())


def test_a_wait_of_nothing_ends_where_the_clock_of_the_loop_stands_still() -> None:
    class Stopped(SkippingLoop):
        def time(self) -> float:
            return 1.7e9

    async def main() -> None:
        waiter = TaskWait(SystemClock())
        wait = asyncio.ensure_future(waiter.wait(0.0, Since(waiter.epoch)))
        for _ in range(3):
            await asyncio.sleep(0)
        assert wait.done()

    run(main(), Stopped())


def test_no_context_is_kept_of_a_call_that_has_ended() -> None:
    class Span:
        pass

    current: contextvars.ContextVar[Span] = contextvars.ContextVar("current")

    spans: list[weakref.ref[Span]] = []

    async def traced(waiting: AsyncRetryTransport) -> None:
        span = Span()
        spans.append(weakref.ref(span))
        current.set(span)
        await call(waiting)

    async def main() -> None:
        waiting = transport(1.0)
        task = asyncio.ensure_future(traced(waiting))
        await asyncio.sleep(0.5)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        del task
        await asyncio.sleep(0)  # what has woken this task is the other, until it suspends
        gc.collect()
        assert len(waiting._waiter._timers) == 1
        assert spans[0]() is None

    run(main())

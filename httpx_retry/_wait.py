"""The two ways to wait: a thread's and a task's."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from ._core.clock import VirtualClock
from ._loop import asyncio_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import trio

    from ._core.clock import Clock
    from ._timer import LoopTimer

# Seconds: waits are cut into slices, so that Ctrl-C ends them on every system.
_SLICE = 0.5

# Of the whole process: the list of each `InstantWaits` that is entered. While there is one, waits
# are appended there and take no time. It is looked at only when a wait is about to begin.
_skipped: dict[int, list[float]] = {}


class InstantWaits:
    """A context in which no wait of any transport takes time: in every thread and event loop.

    Entering it gives the list of the waits that would have been, in seconds. Contexts may overlap
    in any way, those of other threads included: each has a list of its own. A wait on a
    `VirtualClock` takes no time anyway, and is that clock's affair.
    """

    def __init__(self) -> None:
        self._entered: list[list[float]] = []

    def __enter__(self) -> list[float]:
        waits: list[float] = []
        self._entered.append(waits)
        _skipped[id(waits)] = waits
        return waits

    def __exit__(self, *_: object) -> None:
        del _skipped[id(self._entered.pop())]


def _is_skipped(seconds: float) -> bool:
    """Whether a wait that is about to begin is skipped: it is noted instead."""
    # A copy is made in one step, whatever other threads do.
    lists = _skipped.copy().values()
    for waits in lists:
        waits.append(seconds)
    return bool(lists)


class Waiting(Protocol):
    """Who waits.

    Attributes:
        epoch: the one in which it began.
    """

    epoch: int

    def skip(self, seconds: float) -> None:
        """Count seconds as waited that have not passed."""


class ThreadWait:
    """Waits in the calling thread, until `wake`.

    Args:
        clock: one that passes its own time (`VirtualClock`) is asked to; else real time passes.

    Attributes:
        epoch: how often `wake` was called: a call that began in another epoch is not retried.
    """

    def __init__(self, clock: Clock) -> None:
        self.epoch = 0
        self._virtual = clock if isinstance(clock, VirtualClock) else None
        # A lock for each waiter and none for all: a fork finds nothing locked but its own.
        self._waiters: set[Any] = set()

    def wait(self, seconds: float, waiting: Waiting) -> None:
        """Return after `seconds`, or once the epoch is over."""
        epoch = waiting.epoch
        if self.epoch != epoch:
            return
        if self._virtual is not None:
            self._virtual.skip(seconds)
            return
        if _skipped and _is_skipped(seconds):
            waiting.skip(seconds)
            return
        # Looked up now: gevent may have put another one there since this was imported.
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.add(waiter)
        try:
            # No clock is asked: under a test's frozen one this would never end.
            left = seconds
            while self.epoch == epoch and left > 0:
                waiter.acquire(timeout=min(left, _SLICE))
                left -= _SLICE
        finally:
            self._waiters.discard(waiter)

    def wake(self) -> None:
        """End every wait that has begun."""
        self.epoch += 1
        for waiter in self._waiters.copy():
            # One that is woken twice is awake.
            with suppress(RuntimeError):
                waiter.release()


class TaskWait:
    """Waits in the calling task, of asyncio or trio, until `wake`.

    Args:
        clock: as for `ThreadWait`.

    Attributes:
        epoch: as of `ThreadWait`.
    """

    def __init__(self, clock: Clock) -> None:
        # It brings modules that threads do without. When a wait begins, there may be no file left
        # that the process could open.
        from ._timer import LoopTimer  # noqa: PLC0415 - as said

        self.epoch = 0
        self._virtual = clock if isinstance(clock, VirtualClock) else None
        self._new_timer = LoopTimer
        # By the id of their loop, which lives as long as its timer does.
        self._timers: WeakValueDictionary[int, LoopTimer] = WeakValueDictionary()
        self._scopes: dict[trio.CancelScope, trio.lowlevel.TrioToken] = {}

    def wait(self, seconds: float, waiting: Waiting) -> Awaitable[None]:
        """Return after `seconds`, or once the epoch is over, as `ThreadWait.wait` does."""
        # Not a coroutine around another: ten thousand may wait at once.
        epoch = waiting.epoch
        if self.epoch != epoch:
            return _nothing()
        # Where no time passes other tasks have their turn, as in any wait.
        if self._virtual is not None:
            self._virtual.skip(seconds)
            seconds = 0.0
        elif _skipped and _is_skipped(seconds):
            waiting.skip(seconds)
            seconds = 0.0
        loop = asyncio_loop()
        if loop is None:
            return self._wait_in_trio(seconds, epoch)
        timer = self._timers.get(id(loop))
        if timer is None:
            timer = self._timers[id(loop)] = self._new_timer(loop)
        wait = timer.begin(seconds)
        # Another thread may have called `wake` before it could find this one.
        if self.epoch != epoch:
            wait.set_result(None)
        return wait

    async def _wait_in_trio(self, seconds: float, epoch: int) -> None:
        import trio  # noqa: PLC0415 - it is loaded: a task of it runs this

        if not seconds:
            await trio.lowlevel.checkpoint()
            return
        with trio.CancelScope(deadline=trio.current_time() + seconds) as scope:
            self._scopes[scope] = trio.lowlevel.current_trio_token()
            if self.epoch != epoch:
                scope.cancel()
            try:
                await trio.sleep_forever()
            finally:
                del self._scopes[scope]

    def wake(self) -> None:
        """End every wait that has begun."""
        self.epoch += 1
        # Each in its own event loop, which need not be this one, nor still run.
        known = [reference() for reference in self._timers.valuerefs()]
        for timer in filter(None, known):
            with suppress(RuntimeError):
                timer.end_all()
        for scope, token in self._scopes.copy().items():
            with suppress(RuntimeError):
                token.run_sync_soon(scope.cancel)


async def _nothing() -> None:
    pass

"""All waits of an event loop of asyncio, on one timer of that loop.

A timer for each, as `asyncio.sleep` makes it, is most of what a wait costs: 300 bytes, and a
comparison in Python for each step that it takes through the loop's heap.
"""

from __future__ import annotations

from contextvars import Context
from heapq import heappop, heappush
from math import inf, nextafter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

# Waits that were cancelled are forgotten once they are half of all, and so many more.
_SPARE = 100


class LoopTimer:
    """What ends the waits of one event loop; used by that loop's own thread, but for `pending`.

    Args:
        loop: the event loop.
    """

    __slots__ = ("_alarm", "_ends", "_loop", "_prune_above", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # A wait is known by the moment of its end, by the loop's clock, and no two have the same.
        self._waiting: dict[float, asyncio.Future[float]] = {}
        self._ends: list[float] = []  # a heap
        self._alarm: asyncio.TimerHandle | None = None
        self._prune_above = _SPARE

    def begin(self, seconds: float) -> asyncio.Future[float]:
        """Return a future that is done after so many seconds; its result is 0.0."""
        loop = self._loop
        future = loop.create_future()
        if not seconds:
            # Where a test has stopped the loop's clock, even a timer of 0 s would never be due.
            loop.call_soon(_end, future)
            return future
        if len(self._ends) > self._prune_above:
            self._prune()
        waiting, ends = self._waiting, self._ends
        end = loop.time() + seconds
        while end in waiting:
            end = nextafter(end, inf)
        waiting[end] = future
        heappush(ends, end)
        if ends[0] == end:
            self._set_alarm()
        return future

    def end_all(self) -> None:
        """End every wait that has begun; any thread may ask for it.

        Raises:
            RuntimeError: where the loop is closed.
        """
        # A copy is made in one step, whatever the loop's own thread does.
        begun = list(self._waiting.copy().values())
        self._loop.call_soon_threadsafe(_end_each, begun)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        # In a context of its own: that of the call which happens to be the first would be kept.
        self._alarm = self._loop.call_at(self._ends[0], self._ring, context=Context())

    def _ring(self) -> None:
        """End each wait that is due, and wait for the next."""
        assert self._alarm is not None
        # Loops are early by up to their clock's resolution.
        now = max(self._loop.time(), self._alarm.when())
        self._alarm = None
        ends, waiting = self._ends, self._waiting
        while ends and ends[0] <= now:
            _end(waiting.pop(heappop(ends)))
        if ends:
            self._set_alarm()

    def _prune(self) -> None:
        """Forget the waits that were cancelled, which could last for hours yet."""
        self._waiting = {end: each for end, each in self._waiting.items() if not each.done()}
        self._ends = sorted(self._waiting)
        self._prune_above = 2 * len(self._ends) + _SPARE


class LoopTimers(dict[Any, LoopTimer]):
    """The timer of each event loop that has a wait; made when it is asked for."""

    def __missing__(self, loop: asyncio.AbstractEventLoop) -> LoopTimer:
        for known in self.copy():
            if known.is_closed():
                self.pop(known, None)
        timer = self[loop] = LoopTimer(loop)
        return timer


def _end(wait: asyncio.Future[float]) -> None:
    # It may have been cancelled.
    if not wait.done():
        wait.set_result(0.0)


def _end_each(waits: list[asyncio.Future[float]]) -> None:
    for wait in waits:
        _end(wait)

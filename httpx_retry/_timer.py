"""All waits of an event loop of asyncio, on one timer of that loop.

A timer for each, as `asyncio.sleep` makes one, costs more than all else of a wait: 300 bytes, and
some twelve comparisons in Python on its way through the heap of a loop that has ten thousand.
"""

from __future__ import annotations

from contextvars import Context
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

# Seconds: waits end together at the next multiple of it, so late at most. A power of two, so that
# its multiples are exact; and no less than what epoll can tell apart.
_TICK = 2.0**-10

# Waits that were cancelled are forgotten once they are as many as the others, and so many more.
_SPARE = 100


class LoopTimer:
    """Ends the waits of one event loop. All but `end_all` is for that loop's own thread.

    Args:
        loop: the event loop.
    """

    __slots__ = ("_alarm", "_count", "_loop", "_moments", "_prune_above", "_waits")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # By the moment of their end, on the loop's clock; and these moments, as a heap.
        self._waits: dict[float, list[asyncio.Future[float]]] = {}
        self._moments: list[float] = []
        self._alarm: asyncio.Handle | None = None
        self._count = 0
        self._prune_above = _SPARE

    def begin(self, seconds: float) -> asyncio.Future[float]:
        """Return a future that is done after so many seconds; its result is 0.0."""
        loop = self._loop
        wait = loop.create_future()
        if not seconds:
            # Where a test has stopped the loop's clock, even a timer of 0 s would never be due.
            loop.call_soon(_end, (wait,))
            return wait
        if self._count > self._prune_above:
            self._prune()
        moment = -(-(loop.time() + seconds) // _TICK) * _TICK
        waits = self._waits.get(moment)
        if waits is None:
            waits = self._waits[moment] = []
            heappush(self._moments, moment)
            if self._moments[0] == moment:
                self._set_alarm(moment)
        waits.append(wait)
        self._count += 1
        return wait

    def end_all(self) -> None:
        """End every wait that has begun, and none that begins from now on; from any thread.

        Raises:
            RuntimeError: where the loop is closed.
        """
        # Copies are made in one step, whatever the loop's own thread does.
        begun = [wait for waits in self._waits.copy().values() for wait in waits.copy()]
        self._loop.call_soon_threadsafe(_end, begun)

    def _set_alarm(self, moment: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        # In a context of its own: else it would keep that of the call which happens to come first.
        self._alarm = self._loop.call_at(moment, self._ring, moment, context=Context())

    def _ring(self, moment: float) -> None:
        self._alarm = None
        # A loop may be early, by what its clock cannot tell apart.
        now = max(self._loop.time(), moment)
        moments = self._moments
        while moments and moments[0] <= now:
            waits = self._waits.pop(heappop(moments))
            self._count -= len(waits)
            _end(waits)
        if moments:
            self._set_alarm(moments[0])

    def _prune(self) -> None:
        """Forget those that were cancelled: their ends may be hours away."""
        left = {
            moment: [wait for wait in waits if not wait.done()]
            for moment, waits in self._waits.items()
        }
        self._waits = {moment: waits for moment, waits in left.items() if waits}
        self._moments = sorted(self._waits)
        self._count = sum(map(len, self._waits.values()))
        self._prune_above = 2 * self._count + _SPARE


class LoopTimers(dict[Any, LoopTimer]):
    """The timer of each event loop; made when it is asked for."""

    def __missing__(self, loop: asyncio.AbstractEventLoop) -> LoopTimer:
        for known in self.copy():
            if known.is_closed():
                self.pop(known, None)
        timer = self[loop] = LoopTimer(loop)
        return timer


def _end(waits: Iterable[asyncio.Future[float]]) -> None:
    for wait in waits:
        # It may have been cancelled.
        if not wait.done():
            wait.set_result(0.0)

"""All waits of a transport in an event loop of asyncio, on one timer of that loop.

A timer for each, as `asyncio.sleep` makes one, costs more than all else of a wait: 300 bytes, and
some twelve comparisons in Python on its way through the heap of a loop that has ten thousand.
"""

from __future__ import annotations

from contextvars import Context
from heapq import heappop, heappush
from math import frexp, ldexp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

# Waits end at multiples of a power of two, which are exact, so that many end together: late by a
# five-hundredth of their length at most, and never early.
_FINE = 10  # of these powers, so many below the first that is more than the length
_FINEST = 2.0**-20  # seconds

# Waits that were cancelled are forgotten once they are as many as the others, and so many more.
_SPARE = 100


class LoopTimer:
    """Ends waits. The loop keeps it, and nobody else has to: by its alarm, while anything waits.

    All but `end_all` is for the loop's own thread.

    Args:
        loop: the event loop.
    """

    __slots__ = (
        "__weakref__",
        "_alarm",
        "_count",
        "_loop",
        "_moments",
        "_prune_above",
        "_rings_at",
        "_waits",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # By the moment of their end, on the loop's clock; and these moments, as a heap.
        self._waits: dict[float, list[asyncio.Future[None]]] = {}
        self._moments: list[float] = []
        self._alarm: asyncio.Handle | None = None
        self._rings_at = 0.0
        self._count = 0
        self._prune_above = _SPARE

    def begin(self, seconds: float) -> asyncio.Future[None]:
        """Return a future that is done after so many seconds."""
        wait = self._loop.create_future()
        if not seconds:
            # Where a test has stopped the loop's clock, even a timer of 0 s would never be due.
            self._loop.call_soon(_end, (wait,))
            return wait
        if self._count > self._prune_above:
            self._prune()
        tick = ldexp(1.0, frexp(seconds)[1] - _FINE)
        if tick < _FINEST:  # noqa: PLR1730 - max() costs as much as all of this
            tick = _FINEST
        moment = -(-(self._loop.time() + seconds) // tick) * tick
        waits = self._waits.get(moment)
        if waits is None:
            waits = self._waits[moment] = []
            heappush(self._moments, moment)
        waits.append(wait)
        self._count += 1
        if self._alarm is None or moment < self._rings_at:
            self._set_alarm()
        return wait

    def end_all(self) -> None:
        """End every wait that has begun, and none that begins from now on; from any thread.

        Raises:
            RuntimeError: where the loop is closed.
        """
        # Copies are made in one step, whatever the loop's own thread does.
        begun = [wait for waits in self._waits.copy().values() for wait in waits.copy()]
        self._loop.call_soon_threadsafe(self._end_now, begun)

    def _end_now(self, begun: Iterable[asyncio.Future[None]]) -> None:
        _end(begun)
        self._prune()

    def _set_alarm(self) -> None:
        moment = self._moments[0]
        # In a context of its own: else it would keep that of the call which happens to come first.
        alarm = Context().run(self._loop.call_at, moment, self._ring)
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._rings_at = alarm, moment

    def _ring(self) -> None:
        self._alarm = None
        # A loop may be early, by what its clock cannot tell apart.
        now = max(self._loop.time(), self._rings_at)
        moments = self._moments
        # Ctrl-C may come at any place: what has not ended by then ends with the next alarm.
        try:
            while moments and moments[0] <= now:
                waits = self._waits.get(moments[0], [])
                _end(waits)
                self._waits.pop(moments[0], None)
                heappop(moments)
                self._count -= len(waits)
        finally:
            self._prune_above = min(self._prune_above, 2 * self._count + _SPARE)
            if moments:
                self._set_alarm()

    def _prune(self) -> None:
        """Forget the waits that have ended before their moment, which may be hours away."""
        left = {
            moment: [wait for wait in waits if not wait.done()]
            for moment, waits in self._waits.items()
        }
        self._waits = {moment: waits for moment, waits in left.items() if waits}
        self._moments = sorted(self._waits)
        self._count = sum(map(len, self._waits.values()))
        self._prune_above = 2 * self._count + _SPARE
        if self._alarm is not None and not self._count:
            self._alarm.cancel()
            self._alarm = None


def _end(waits: Iterable[asyncio.Future[None]]) -> None:
    for wait in waits:
        # It may have been cancelled.
        if not wait.done():
            wait.set_result(None)

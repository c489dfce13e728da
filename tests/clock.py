"""A clock for tests: time passes when it is asked to, and at no other moment."""

from __future__ import annotations


class FakeClock:
    """A `VirtualClock` that records the waits.

    Attributes:
        sleeps: seconds of each wait, in order.
    """

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self._wall = wall
        self._passed = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return 5_000.0 + self._passed

    def time(self) -> float:
        return self._wall + self._passed

    def skip(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._passed += seconds

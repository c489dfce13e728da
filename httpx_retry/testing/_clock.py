"""A clock for tests: time passes when it is asked to, and at no other moment."""

from __future__ import annotations

from threading import Lock

from .._core._checks import check_number


class FakeClock:
    """A `VirtualClock` that records the waits: pass it as `clock=` to a retry transport.

    Its monotonic reading begins at 0. Thread-safe. The waits of requests that run at once add up on
    it, and their deadlines fall too soon: for such, `instant_retries` counts each one's own waits.

    Args:
        wall: POSIX seconds at which its wall clock begins.

    Attributes:
        sleeps: seconds of each wait, in order.

    Raises:
        TypeError: for a time that is no number.
        ValueError: for a time that is negative, NaN or infinite.
    """

    sleeps: list[float]

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        check_number("wall", wall)
        self._wall = wall
        self._passed = 0.0
        self._lock = Lock()
        self.sleeps = []

    def __repr__(self) -> str:
        return f"<FakeClock at {self._passed:g} s, sleeps {self.sleeps}>"

    def monotonic(self) -> float:
        """Seconds that were skipped or advanced so far."""
        return self._passed

    def time(self) -> float:
        """POSIX seconds: the wall clock."""
        return self._wall + self._passed

    def skip(self, seconds: float) -> None:
        """Let a wait pass: transports call this instead of waiting."""
        self.advance(seconds)
        self.sleeps.append(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass that is no wait: the seconds that a slow answer takes, say."""
        check_number("seconds", seconds)
        with self._lock:
            self._passed += seconds

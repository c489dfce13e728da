"""Where the time comes from: injected, so that nothing else in the core reads it."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """A source of time, in seconds.

    A clock that has a `skip(seconds)` method as well passes the time itself: no wait of the
    transport is a real one then (see `VirtualClock`).
    """

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""

    def time(self) -> float:
        """POSIX seconds: the wall clock, which may be set."""


@runtime_checkable
class VirtualClock(Clock, Protocol):
    """A clock whose time passes by call, as in tests: `skip` returns at once."""

    def skip(self, seconds: float) -> None:
        """Let `seconds` pass. A plain function, asked in threads and tasks alike."""


class SystemClock:
    """The operating system's clocks."""

    # The function itself: one read per request happens on the happy path.
    monotonic: staticmethod[[], float] = staticmethod(time.monotonic)

    def time(self) -> float:
        """POSIX seconds: by whatever a test may have put in the place of `time.time`."""
        return time.time()

    def __repr__(self) -> str:
        return "SystemClock()"


SYSTEM_CLOCK = SystemClock()

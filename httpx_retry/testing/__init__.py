"""For tests of code that retries: a scripted server, a clock that need not wait, a switch.

Nothing here waits, and nothing here is loaded by the library itself. `strategies` needs Hypothesis
and is a module to import by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._wait import InstantWaits
from ._clock import FakeClock
from ._entries import BreaksOff, Entry
from ._script import Received, ScriptedTransport

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["BreaksOff", "Entry", "FakeClock", "Received", "ScriptedTransport", "instant_retries"]


def instant_retries() -> AbstractContextManager[list[float]]:
    """Return a context in which no retry transport waits: for clients built deep inside.

    It reaches every thread and event loop of the process. A wait that is skipped counts as waited
    for the request that it belongs to: deadlines and limits fall as they would have. Contexts may
    nest and overlap; waits that began before it are not cut short. A transport on a clock of its
    own that skips, such as `FakeClock`, is left to that clock.

    Returns:
        A context manager for `with`, in sync and async code alike. Entering it gives the list of
        the waits that would have been, in seconds: of all transports, in the order in which they
        would have begun.
    """
    return InstantWaits()

"""A deadline, in the one place where every phase of an attempt looks: its timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.decider import SHORTEST_ATTEMPT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

# Seconds, some thirty years: sockets refuse timeouts that are much longer.
_ENDLESS = 1e9
# Seconds. A caller's own read timeout that is not above this is left as it is.
_PATIENCE = 5.0


class Deadline(dict[str, Any]):
    """A `timeout` extension that lets no phase take longer than what is left.

    httpcore looks into it as each phase begins, so what it finds is worked out there and then.

    Args:
        timeouts: the caller's own, in seconds, by phase; None: without end.
        ends: the monotonic second at which the deadline falls; None: not yet.
        monotonic: the clock.
    """

    def __init__(
        self, timeouts: Mapping[str, Any], ends: float | None, monotonic: Callable[[], float]
    ) -> None:
        self._own = timeouts
        self._ends = ends
        self._monotonic = monotonic
        # For whoever copies it: what may be taken now, which is more than what may be later.
        super().__init__({phase: self.get(phase) for phase in timeouts})

    def move(self, ends: float | None) -> None:
        """Let it fall at another monotonic second; None: not any more."""
        self._ends = ends

    def get(self, phase: str, default: Any = None) -> Any:
        """Return the seconds that a phase may take."""
        own = self._own.get(phase, default)
        if self._ends is None:
            return own
        # Never 0: a socket would take it for "do not wait at all".
        left = max(self._ends - self._monotonic(), SHORTEST_ATTEMPT)
        if left > _ENDLESS:
            return own
        return left if own is None else min(own, left)

    def __getitem__(self, phase: str) -> Any:
        return self.get(phase)


def timeouts_of(request: httpx.Request) -> dict[str, Any]:
    """Return the caller's timeouts, in seconds, by phase."""
    timeouts = (request.extensions or {}).get("timeout")
    # httpx gives a dict: to ask for any Mapping costs ten times as much.
    return timeouts if isinstance(timeouts, dict) else {}


def is_patient(timeouts: Mapping[str, Any]) -> bool:
    """Whether a server that goes silent is waited for longer than is good for what nobody reads."""
    longest = timeouts.get("read")
    return longest is None or longest > _PATIENCE

"""What lets one refusal speak for all: an origin that named a wait is left alone for as long."""

from __future__ import annotations

from typing import Protocol

from ._lock import ForkSafeLock

_MOST_ORIGINS = 1024

# A release is spread over this share of the wait before it, and at least so many seconds: quotas
# are by the second as a rule. Who sees another refusal meanwhile waits again: what comes too early
# is only what is on its way by then.
_SPREAD = 0.1
_SHORTEST_SPREAD = 1.0


class Cooldown(Protocol):
    """How long each origin is to be left alone.

    One of your own is told of each 429 and 503 that names a wait, where that status is to be
    retried and the wait is no longer than servers may ask for; and it is asked before each attempt.
    Where it has a third method, `refresh(origin, now)`, as `RedisCooldown` has, that is called
    after the first of these and before the second, and awaited in tasks.
    """

    def impose(self, origin: str, seconds: float, now: float) -> None:
        """Let requests to an origin wait.

        Args:
            origin: scheme, host and port, as in `https://example.org:8443`.
            seconds: the wait that it asked for: more than 0, and no more than `max_retry_after`.
            now: the clock's monotonic reading, in seconds.
        """

    def remaining(self, origin: str, now: float) -> float:
        """Return the seconds for which a request to an origin is to wait; 0.0: it may be sent."""


class LocalCooldown:
    """One for this process; thread-safe, to be shared at will.

    At most 1,024 origins are kept: past that, the one whose wait ends first is forgotten.

    Attributes:
        cooling: empty while no request has to wait: when each origin's wait ends.
    """

    # Seconds for which an origin is remembered past its wait.
    _linger = 0.0

    def __init__(self) -> None:
        self.cooling: dict[str, float] = {}
        self._next_end = float("inf")
        self._lock = ForkSafeLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def impose(self, origin: str, seconds: float, now: float) -> None:
        """Let requests to an origin wait; a longer wait is not shortened (see `Cooldown`)."""
        with self._lock.here():
            until = max(now + seconds, self.cooling.get(origin, now))
            self.cooling[origin] = until
            self._next_end = min(self._next_end, until + self._linger)
            if len(self.cooling) > _MOST_ORIGINS:
                self._drop(min(self.cooling, key=self.cooling.__getitem__))

    def remaining(self, origin: str, now: float) -> float:
        """Return the seconds for which a request to an origin is to wait (see `Cooldown`)."""
        if now >= self._next_end:
            self._forget(now)
        return max(0.0, self.cooling.get(origin, now) - now)

    def _forget(self, now: float) -> None:
        """Drop all that is over: while anything is left, each request is asked for its origin."""
        with self._lock.here():
            cooling = tuple(self.cooling.items())
            over = [each for each, until in cooling if until + self._linger <= now]
            for origin in over:
                self._drop(origin)
            ends = tuple(self.cooling.values())
            self._next_end = min(ends, default=float("inf")) + self._linger

    def _drop(self, origin: str) -> None:
        self.cooling.pop(origin, None)


def spread_after(wait: float) -> float:
    """Return the seconds over which those who waited are let go, each at a moment by chance."""
    return max(_SHORTEST_SPREAD, _SPREAD * wait)

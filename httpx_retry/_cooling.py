"""Cooling down: an origin that has named a wait is left alone by all requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._attempt import LatestAttempt
from ._core.cooldown import spread_after
from ._core.decider import LATENESS, SHORTEST_ATTEMPT

if TYPE_CHECKING:
    from ._core.outcome import Outcome

_NAMING = frozenset({429, 503})


class CoolingCall(LatestAttempt):
    """A call that lets others wait, and waits itself, while its origin cools down."""

    __slots__ = ()

    def _impose(self, outcome: Outcome) -> None:
        """Let others wait, too, where the origin has named the time."""
        cooldown, policy = self._settings.cooldown, self._policy
        status, wait = outcome.status, outcome.server_wait or 0.0
        if cooldown is None or status not in _NAMING or status not in policy.statuses:
            return
        if 0.0 < wait <= policy.max_retry_after and self._may_be_retried:
            cooldown.impose(self.origin, wait, self._ended)
            self.spread = spread_after(wait)

    def cooldown_wait(self) -> float:
        """Return the seconds to wait before the next attempt; 0.0: it may be sent.

        One that would wait past its deadline, or for longer than servers may make it wait, is sent
        at once, as without a cool-down: what the server answers is for it alone. The spread is cut
        to what these leave: a quota of a minute names just as long as servers may, by default.
        """
        settings, policy = self._settings, self._policy
        spread, self.spread = self.spread, 0.0
        if settings.cooldown is None or not self._may_be_retried:
            return 0.0
        now = self.now
        wait = settings.cooldown.remaining(self.origin, now)
        if wait > 0.0:
            # Who has waited itself finds what is left of a wait, by those refused a moment later.
            spread = max(spread, spread_after(wait))
        wait = max(0.0, wait)
        room = policy.max_retry_after - self.server_waits - wait
        if policy.max_elapsed is not None:
            elapsed = now - self._skipped - self._began
            left = policy.max_elapsed - SHORTEST_ATTEMPT - elapsed
            room = min(room, left / (1 + LATENESS) - wait)
        if room < 0.0:
            return 0.0
        wait += min(spread, room) * settings.random()
        self.server_waits += wait
        return wait

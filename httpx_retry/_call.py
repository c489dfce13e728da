"""One request's journey: outcome in, decision out. It never sends and never waits.

The drivers make a `Call` when a first attempt did not simply succeed, or before it (`begin`) where
it is not simply to be sent, and ask of it, round after round:

    cooldown_wait       is its origin to be left alone, and for how long?
    comes_too_late      is the attempt still to be made?
    depart              what is sent
    failed, answered    what came of it
    body_read           where `wants_body`: what was read of it (or `body_failed`)
    judge               what follows? (and `settle`, where a shared budget is asked meanwhile)
    let_go              what is to be closed or drained, before the wait

and in the end `conclude` for what the caller gets, and `close`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._attempt import LatestAttempt
from ._core.decider import BUDGET_EXHAUSTED, DEADLINE, DONE, decide, is_too_late
from ._core.outcome import Evidence, Stop, StopReason
from ._history import not_followed
from ._http.load import load_of
from ._http.request_body import is_same_body

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Outcome, Retry
    from ._core.policy import RetryPolicy

# What a call is made of, beside the settings: the policy, the caller's request, its URL and its
# body before it was sent, the monotonic reading and the transport's epoch then, its extensions.
Beginning = tuple[
    "RetryPolicy", "httpx.Request", "httpx.URL", Any, float, int, "dict[str, Any] | None"
]

# Looked up once: on Python 3.10 and 3.11 a member of an Enum costs 30 ns.
_BUG, _CLOSED = Evidence.BUG, StopReason.CLOSED


class Call(LatestAttempt):
    """The journey of one request, from its first outcome on, or from before it (`begin`)."""

    __slots__ = ()

    def begin(self) -> None:
        """Nothing was sent yet: the request may be given a key, and the first attempt is due.

        Raises:
            TypeError: for a request of another family than the transport's.
        """
        # Here and not for each request: one of another family has a body that is not known.
        self._settings.wire.family.check_request(self.request)
        self.outgoing.add_key()
        self.is_due = True

    @property
    def beginning(self) -> Beginning:
        """What another journey of the same request is made of."""
        began, epoch, extensions = self._began, self.epoch, self._extensions
        return self._policy, self.request, self._url, self._body, began, epoch, extensions

    @property
    def is_mended(self) -> bool:
        """Whether its response's body is mended: asked where the method alone does not say so."""
        method, policy = self.unprepared.method, self._policy
        return policy.mends(method) and (method in policy.methods or self.outgoing.still_has_key)

    @property
    def is_replayable(self) -> bool:  # type: ignore[override] # read only, and only where it matters
        """Whether its body can be sent again as it was: to ask may begin the caller's own work."""
        outgoing = self._outgoing
        if outgoing is not None:
            return outgoing.is_replayable
        # As there, without making one.
        return is_same_body(self.request.stream, self._body, self._settings.wire.family)

    def follow(self, earlier: Call) -> None:
        """Go on where an earlier journey of the same request ended."""
        self._outgoing = earlier._outgoing
        self.attempts, self._records = earlier.attempts, earlier._records
        self.server_waits, self.previous_delay = earlier.server_waits, earlier.previous_delay
        self.went_at_once = earlier.went_at_once
        self._skipped, self._sent = earlier._skipped, earlier._sent

    def judge(self, epoch: int) -> float | None:
        """Decide what follows the attempt that has just ended, and tell who wants to know.

        Args:
            epoch: the transport's, now.

        Returns:
            The seconds until the next attempt; None: there is none, or `settle` is to say.

        Raises:
            Exception: what `retry_if`, the backoff or `on_event` raises, and what `decide` does.
        """
        self.attempts += 1
        outcome, outgoing = self._outcome, self._outgoing
        if outcome is None:
            self._stopped(DONE)
            return None
        if outcome.server_wait is not None:
            self._impose(outcome)
        request, policy = self.request, self._policy
        self.method = method = (request if outgoing is None else outgoing.base).method
        # Where the method says it all, nothing is made to ask.
        self.is_keyed = method not in policy.methods and self.outgoing.still_has_key
        self.elapsed = self._ended - self._began
        self.is_closed = epoch != self.epoch
        decision = decide(policy, self, outcome, self._settings.random, self._withdraw)
        if isinstance(decision, Stop):
            if outcome.evidence is not _BUG:
                self._stopped(decision)
            return None
        if self.owes is not None:
            self._on_credit = decision
            return None
        return self._granted(decision, outcome)

    def _withdraw(self, outcome: Outcome) -> bool:
        settings = self._settings
        budget = settings.budget
        if budget is None:
            return True
        load = load_of(outcome, settings.wire.family)
        if settings.is_leased:
            self.owes = self.origin, load, self._ended
            return True
        return self._take(budget.withdraw(self.origin, load, self._ended))

    def settle(self) -> float | None:
        """Pay for the retry that was granted on credit, now that tokens were leased.

        Returns:
            As `judge`.
        """
        budget, outcome, decision = self._settings.budget, self._outcome, self._on_credit
        assert budget is not None
        assert outcome is not None
        assert self.owes is not None
        owes, self.owes = self.owes, None
        elapsed = self._settings.clock.monotonic() - self._began
        if is_too_late(self._policy.max_elapsed, elapsed, decision.delay):
            self._stopped(DEADLINE)  # while the response is there to be handed over
            return None
        if not self._take(budget.withdraw(*owes)):
            self._stopped(BUDGET_EXHAUSTED)
            return None
        return self._granted(decision, outcome)

    def _granted(self, decision: Retry, outcome: Outcome) -> float:
        delay, ground = decision
        self.previous_delay = delay
        if outcome.server_wait is not None:
            self.server_waits += outcome.server_wait
        self.went_at_once = outcome.at_once
        self.is_due = True
        self._record(outcome.evidence, delay, ground)
        self._emit("retry-scheduled")
        return delay

    def _stopped(self, decision: Stop) -> None:
        outcome, reason = self._outcome, decision.reason
        recovered = decision is DONE
        if not self._records:
            if not self._may_be_retried:
                return
            if recovered:
                if self._settings.missing:
                    self._settings.deposit(self.origin, None)
                return
        evidence = None if recovered or outcome is None else outcome.evidence
        self._record(evidence, None, reason)
        if recovered:
            self._tell("recovered")
        else:
            self._gave_up(reason)

    def _gave_up(self, reason: StopReason, detail: str | None = None) -> None:
        """Tell who wants to know. The tokens are spent, unless the transport was closed."""
        if reason is not _CLOSED:
            self.tokens = 0.0
        self._tell("gave-up", detail)

    def comes_too_late(self, epoch: int) -> bool:
        """Whether the attempt that is due is not to be made: then the call has ended.

        What `prepare` or draining took may have used up the time; the caller gets the last error.
        The first attempt has whatever time there is.

        Args:
            epoch: the transport's, now.
        """
        if not self._records and not self._may_be_retried:
            return False
        longest = self._policy.max_elapsed if self._records else None
        if epoch != self.epoch:
            self._end_early(_CLOSED, "the transport was closed")
        elif longest is not None and is_too_late(
            longest, self._settings.clock.monotonic() - self._began
        ):
            self._end_early(StopReason.DEADLINE, "the deadline passed")
        else:
            return False
        return True

    def _end_early(self, reason: StopReason, what: str) -> None:
        if self._error is None:
            which = "next" if self._records else "first"
            self._error = self._settings.wire.family.TransportError(
                f"{what} before the {which} attempt", request=self.request
            )
        self._ended = now = self._settings.clock.monotonic()
        if self._records:
            self._records = not_followed(self._records, reason)
        else:
            self._sent = now  # it took no time
            self._status, self._ended_at = None, self._settings.clock.time() + self._skipped
            self._record(Evidence.UNSENT, None, reason)
        self._gave_up(reason)

    def close(self) -> None:
        """The call is over, however it ended: nothing is kept, and no token that was not spent."""
        if self._outgoing is not None:
            self._outgoing.close()
        if self.tokens and self._has_ended:
            self._give_back()
        self._response = self._error = self._outcome = None

    def conclude(self) -> httpx.Response:
        """Hand over what the wrapped transport gave last.

        Raises:
            Exception: the last attempt's own error.
        """
        error, response = self._error, self._response
        if error is None:
            assert response is not None
            return response
        context = error.__context__
        try:
            raise error
        finally:
            # Raising set it to whatever the caller is busy with; it was the wrapped transport's.
            object.__setattr__(error, "__context__", context)  # some are frozen
            # The error's traceback holds this frame: no cycle is left for the collector, once the
            # call is closed.
            del error, context

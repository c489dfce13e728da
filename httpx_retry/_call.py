"""One request's journey: outcome in, decision out. It never sends and never waits.

The drivers make a `Call` when a first attempt did not simply succeed, and ask of it, in this order:
`failed` or `answered`, `judge`, and then `conclude`, or `depart` and all of it again.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from ._attempt import LatestAttempt
from ._core.decider import DONE, decide, is_too_late
from ._core.outcome import Evidence, Outcome, Retry, Stop, StopReason
from ._http.load import load_of
from ._http.requests import origin_of

if TYPE_CHECKING:
    import httpx

    from ._core.policy import RetryPolicy
    from ._settings import Settings

# Looked up once: a member of an Enum costs twenty times a global.
_BUG, _CLOSED = Evidence.BUG, StopReason.CLOSED


class Call(LatestAttempt):
    """The journey of one request, from its first outcome on.

    Args:
        settings: the transport's.
        policy: the one that holds for this request.
        request: the caller's; never changed.
        url: its URL and
        body: its stream, as they were before it was sent.
        began: the clock's monotonic reading at the first send.
        epoch: the transport's, then.

    Attributes:
        epoch: as given: in another one, the transport was closed since.
        gave_up: whether the response at hand, if any, is not what the caller gets.
        has_departed: whether the first attempt was made.
    """

    __slots__ = ("_known_origin", "epoch", "gave_up", "has_departed")

    def __init__(  # noqa: PLR0913, PLR0917 - what the drivers know by then, and nothing in a bundle
        self,
        settings: Settings,
        policy: RetryPolicy,
        request: httpx.Request,
        url: httpx.URL,
        body: Any,
        began: float,
        epoch: int,
    ) -> None:
        LatestAttempt.__init__(self, settings, policy, request, url, body, began)
        self.epoch = epoch
        self.gave_up = False
        self.has_departed = True
        self._known_origin: str | None = None

    def begin(self) -> None:
        """Nothing was sent yet: the request may be given a key, and the first attempt is due.

        Raises:
            TypeError: for a request of another family than the transport's.
        """
        # Here and not for each request: one of another family has a body that is not known.
        self._settings.wire.family.check_request(self.outgoing.request)
        self.outgoing.add_key()
        self.has_departed = False

    def follow(self, earlier: Call) -> None:
        """Go on where an earlier journey of the same request ended."""
        self.outgoing, self.request = earlier.outgoing, earlier.request
        self.attempts, self._attempts = earlier.attempts, earlier._attempts
        self.server_waits, self.previous_delay = earlier.server_waits, earlier.previous_delay
        self.went_at_once = earlier.went_at_once
        self._skipped = earlier._skipped

    def judge(self, *, is_closed: bool) -> float | None:
        """Decide what follows the attempt that has just ended, and tell who wants to know.

        Args:
            is_closed: whether the transport was closed since the call began.

        Returns:
            The seconds until the next attempt; None: there is none.

        Raises:
            Exception: what `retry_if`, the backoff or `on_event` raises, and what `decide` does.
        """
        self.attempts += 1
        outcome = self._outcome
        if outcome is None:
            self._stopped(DONE)
            return None
        # A look at httpx's headers is dear, and of no use where the method says it all.
        self.method = method = self.request.method
        self.keyed = method not in self._policy.methods and self.outgoing.is_keyed
        self.replayable = self.outgoing.is_replayable
        self.elapsed = self._ended - self._began
        self.is_closed = is_closed
        decision = decide(self._policy, self, outcome, self._settings.random, self._withdraw)
        if isinstance(decision, Retry):
            self._granted(decision, outcome)
            return decision.delay
        if outcome.evidence is not _BUG:
            self._stopped(decision)
        return None

    def _withdraw(self, outcome: Outcome) -> float | None:
        settings = self._settings
        if settings.budget is None:
            return 0.0
        if self._known_origin is None:
            # One string for all that wait for the same origin.
            self._known_origin = intern(origin_of(self.outgoing.url))
        load = load_of(outcome, settings.wire.family)
        return settings.budget.withdraw(self._known_origin, load, self._ended)

    def _granted(self, decision: Retry, outcome: Outcome) -> None:
        delay, reason = decision
        self.previous_delay = delay
        if outcome.server_wait is not None:
            self.server_waits += outcome.server_wait
        self.went_at_once = outcome.at_once
        self._record(outcome.evidence, delay, reason)
        self._emit("retry-scheduled")

    def _stopped(self, decision: Stop) -> None:
        outcome, reason = self._outcome, decision.reason
        recovered = decision is DONE
        if recovered and not self._attempts:
            if self._settings.missing:
                self._settings.deposit(origin_of(self.outgoing.url), None)
            return
        if not recovered and reason is not _CLOSED:
            self.tokens = 0.0  # spent
        evidence = None if recovered or outcome is None else outcome.evidence
        self._record(evidence, None, reason)
        self._tell("recovered" if recovered else "gave-up")

    def comes_too_late(self, *, is_closed: bool) -> bool:
        """Whether the attempt that was granted is not to be made: then the call has ended.

        What `prepare` or draining took may have used up the time; the caller gets the last error.

        Args:
            is_closed: whether the transport was closed since the call began.
        """
        longest = self._policy.max_elapsed
        if not is_closed and longest is None:
            return False
        now = self._settings.clock.monotonic()
        if is_closed:
            self._end_early(now, StopReason.CLOSED, "the transport was closed")
        elif is_too_late(longest, now - self._began):
            self._end_early(now, StopReason.DEADLINE, "the deadline passed")
        else:
            return False
        return True

    def _end_early(self, now: float, reason: StopReason, what: str) -> None:
        if self._error is None:
            self._error = self._settings.wire.family.TransportError(
                f"{what} before the next attempt", request=self.request
            )
        self._ended = now
        self._take_back(reason)
        self._tell("gave-up")

    def close(self) -> None:
        """The call is over, however it ended: nothing is kept, and no token that was not spent."""
        self.outgoing.close()
        if self.tokens:
            assert self._known_origin is not None
            self._settings.deposit(self._known_origin, self.tokens)
            self.tokens = 0.0
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

"""One request's journey: outcome in, decision out. It never sends and never waits.

The drivers make a `Call` when a first attempt did not simply succeed, and ask of it, in this order:
`failed` or `answered`, `judge`, and then `conclude`, or `depart` and all of it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core.decider import Progress, decide, is_too_late
from ._core.outcome import (
    Attempt,
    Decision,
    Evidence,
    Outcome,
    Retry,
    RetryReason,
    Stop,
    StopReason,
)
from ._http.causes import was_refused
from ._http.drain import drain_for
from ._http.faults import evidence_of_status
from ._http.hints import read_hints
from ._http.load import load_of
from ._http.outgoing import Outgoing
from ._http.requests import has_request, origin_of
from ._http.responses import opens_a_tunnel, read_copy
from ._observe import EventKind, RetryEvent, attach_history, attach_note, log_event

if TYPE_CHECKING:
    import httpx

    from ._core.policy import RetryPolicy
    from ._http.drain import Drain
    from ._settings import Settings


class Call:
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
        outgoing: the request, as it goes out.
        gave_up: whether the response at hand, if any, is not what the caller gets.
        has_departed: whether the first attempt was made.
    """

    __slots__ = (
        "_attempts",
        "_began",
        "_ended",
        "_ended_at",
        "_error",
        "_known_origin",
        "_outcome",
        "_policy",
        "_progress",
        "_response",
        "_sent",
        "_settings",
        "_skipped",
        "_stream",
        "epoch",
        "gave_up",
        "has_departed",
        "outgoing",
    )

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
        self.epoch = epoch
        self.outgoing = Outgoing(request, url, body, policy, settings.wire)
        self.gave_up = False
        self.has_departed = True
        self._settings = settings
        self._policy = policy
        self._began = began
        self._sent = began
        self._ended = began
        self._ended_at = 0.0
        self._skipped = 0.0
        self._response: httpx.Response | None = None
        self._stream: Any = None
        self._error: Exception | None = None
        self._outcome: Outcome | None = None
        self._known_origin: str | None = None
        self._progress = Progress()
        self._attempts: list[Attempt] = []

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
        self.outgoing = earlier.outgoing
        self._progress = earlier._progress
        self._attempts = earlier._attempts
        self._skipped = earlier._skipped

    def depart(self) -> httpx.Request:
        """Return the request to be sent, now."""
        monotonic = self._settings.clock.monotonic
        longest = self._policy.max_elapsed
        ends = None if longest is None else self._began + longest
        request = self.outgoing.depart(ends, monotonic)
        self._sent = monotonic()
        return request

    def failed(self, error: Exception) -> None:
        """The attempt ended with an error."""
        family = self._settings.wire.family
        clock = self._settings.clock
        self._ended, self._ended_at = clock.monotonic(), clock.time() + self._skipped
        # The frame that caught it holds this call: an error that is kept would keep itself.
        error.with_traceback(getattr(error.__traceback__, "tb_next", None))
        evidence, at_once = self.outgoing.fault_of(error)
        if evidence is Evidence.BUG and isinstance(error, tuple(self._policy.exceptions)):
            evidence = Evidence.UNKNOWN
        if isinstance(error, family.TransportError) and not has_request(error):
            error.request = self.outgoing.request
        self._response = self._stream = None
        self._error = error
        self._outcome = Outcome(
            self.outgoing.request,
            evidence=evidence,
            error=error,
            at_once=at_once,
            connection_refused=isinstance(error, family.ConnectError) and was_refused(error),
        )

    def body_failed(self, error: Exception) -> None:
        """The response's body broke off: whatever the error says, the request was answered."""
        self.failed(error)
        outcome = self._outcome
        assert outcome is not None
        if outcome.evidence in (Evidence.UNSENT, Evidence.REFUSED):
            outcome.evidence = Evidence.UNKNOWN
        outcome.at_once = False

    def answered(self, response: httpx.Response) -> None:
        """The attempt ended with a response."""
        status = response.status_code
        clock = self._settings.clock
        self._ended, self._ended_at = clock.monotonic(), clock.time() + self._skipped
        if self._policy.max_elapsed is not None:
            self.outgoing.lift_deadline()
        wait = should_retry = None
        if status >= self._policy.judged_from:
            wait, should_retry = read_hints(status, response.headers.raw, self._ended_at)
        response.request = self.outgoing.request
        self._response = response
        self._stream = response.stream
        self._error = None
        self._outcome = Outcome(
            self.outgoing.request,
            evidence=evidence_of_status(status, self._policy.statuses),
            response=response,
            status=status,
            server_wait=wait,
            should_retry=should_retry,
        )

    @property
    def wants_body(self) -> bool:
        """Whether the response's body is to be read before it is judged."""
        policy = self._policy
        if not policy.read_body or policy.retry_if is None or self._response is None:
            return False
        return not self._response.is_stream_consumed and not opens_a_tunnel(self._response)

    @property
    def stream(self) -> Any:
        """The stream of the response at hand: a sync or an async one, as the driver."""
        return self._stream

    def take_stream(self) -> Any:
        """Return the stream that is yet to be closed, once; None where there is none."""
        stream, self._stream = self._stream, None
        # One that was read, by the wrapped transport or by `retry_if`, is closed already; one in
        # memory has nothing to close.
        was_read = self._response is not None and self._response.is_closed
        return None if was_read or self._is_in_memory(stream) else stream

    def _is_in_memory(self, stream: Any) -> bool:
        return type(stream) is self._settings.wire.family.ByteStream

    def body_read(self, body: bytes) -> None:
        """The response's body was read and its stream closed, before it is judged.

        What is judged is a second response that was read: the one handed over is as if untouched.
        """
        assert self._response is not None
        assert self._outcome is not None
        family = self._settings.wire.family
        self._response.stream = family.ByteStream(body)
        judged = read_copy(self._response, body, self.outgoing.request, family)
        if judged is None:
            # Not what its Content-Encoding says: for the caller to find out, who may not decode it.
            self._outcome.is_readable = False
        else:
            self._outcome.response = judged

    def drain(self) -> Drain | None:
        """Return how to drain the response that is thrown away; None: it is rather closed."""
        response, stream = self._response, self._stream
        if response is None or stream is None or response.is_closed or self._is_in_memory(stream):
            return None
        longest, left = self._policy.max_elapsed, None
        if longest is not None:
            # The wait that was granted needs its time, too.
            left = longest - (self._ended - self._began) - (self._attempts[-1].wait or 0.0)
        monotonic = self._settings.clock.monotonic
        return drain_for(self.outgoing.request, response, monotonic, left=left)

    def judge(self, *, is_closed: bool) -> Decision:
        """Return what follows the attempt that has just ended, and tell who wants to know.

        Args:
            is_closed: whether the transport was closed since the call began.

        Raises:
            Exception: what `retry_if`, the backoff or `on_event` raises, and what `decide` does.
        """
        assert self._outcome is not None
        progress = self._progress
        progress.attempts += 1
        # A look at httpx's headers is dear, and of no use where the method says it all.
        progress.method = method = self.outgoing.request.method
        progress.keyed = method not in self._policy.methods and self.outgoing.is_keyed
        progress.replayable = self.outgoing.is_replayable
        progress.elapsed = self._ended - self._began
        progress.is_closed = is_closed
        random = self._settings.random
        decision = decide(self._policy, progress, self._outcome, random, self._withdraw)
        if isinstance(decision, Retry):
            self._granted(decision, self._outcome)
        elif self._outcome.evidence is not Evidence.BUG:
            self._stopped(decision, self._outcome)
        return decision

    def _withdraw(self, outcome: Outcome) -> float | None:
        settings = self._settings
        if settings.budget is None:
            return 0.0
        load = load_of(outcome, settings.wire.family)
        return settings.budget.withdraw(self._origin, load, self._ended)

    def _deposit(self, tokens: float | None) -> None:
        self._settings.deposit(self._origin, tokens)

    @property
    def _origin(self) -> str:
        if self._known_origin is None:
            self._known_origin = origin_of(self.outgoing.url)
        return self._known_origin

    def _granted(self, decision: Retry, outcome: Outcome) -> None:
        self._progress.previous_delay = decision.delay
        self._progress.server_waits += outcome.server_wait or 0.0
        self._progress.went_at_once = outcome.at_once
        self._record(outcome, outcome.evidence, decision.delay, decision.reason)
        self._emit("retry-scheduled")

    def _stopped(self, decision: Stop, outcome: Outcome) -> None:
        recovered = decision.reason is StopReason.DONE
        if recovered and not self._attempts:
            if self._settings.missing:
                self._deposit(None)
            return
        if not recovered and decision.reason is not StopReason.CLOSED:
            self._progress.tokens = 0.0  # spent
        self._record(outcome, None if recovered else outcome.evidence, None, decision.reason)
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
                f"{what} before the next attempt", request=self.outgoing.request
            )
        self._ended = now
        self._attempts[-1] = self._attempts[-1]._replace(wait=None, reason=reason)
        self._tell("gave-up")

    def _tell(self, kind: EventKind, detail: str | None = None) -> None:
        """Leave the history where `retry_history` finds it, and tell who wants to know."""
        attempts = tuple(self._attempts)
        if self._error is not None:
            attach_note(self._error, attempts, self._ended - self._began, detail)
        # The live response, not the copy that a read body is judged by.
        attach_history(self._response if self._error is None else self._error, attempts)
        self._emit(kind, detail)

    def _record(
        self,
        outcome: Outcome,
        evidence: Evidence | None,
        wait: float | None,
        reason: RetryReason | StopReason,
    ) -> None:
        elapsed = self._ended - self._sent
        self._attempts.append(
            Attempt(
                number=len(self._attempts) + 1,
                started=self._ended_at - elapsed,
                elapsed=elapsed,
                status=outcome.status,
                error=None if outcome.error is None else type(outcome.error).__name__,
                evidence=evidence,
                wait=wait,
                reason=reason,
            )
        )

    def _emit(self, kind: EventKind, detail: str | None = None) -> None:
        request, attempts = self.outgoing.request, tuple(self._attempts)
        log_event(kind, request, attempts, self._ended - self._began, detail)
        hook = self._settings.on_event
        if hook is not None:
            hook(RetryEvent(kind, request, attempts))

    @property
    def next_number(self) -> int:
        """The number of the attempt to come."""
        return len(self._attempts) + 1

    def skip(self, seconds: float) -> None:
        """Count seconds of a wait that was skipped as waited: this call began so much earlier.

        It is this call's affair alone: others on the same clock keep all of their time.
        """
        self._began -= seconds
        self._skipped += seconds

    def release(self) -> None:
        """Let go of the response: it is most of what a waiter would cost in memory."""
        self._response = self._outcome = None

    def close(self) -> None:
        """The call is over, however it ended: nothing is kept, and no token that was not spent."""
        self.outgoing.close()
        if self._progress.tokens:
            self._deposit(self._progress.tokens)
            self._progress.tokens = 0.0
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

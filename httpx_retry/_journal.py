"""What the attempts of one request leave behind: records, a history, a note, events, log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core.decider import Progress
from ._observe import (
    FIELDS,
    LEVELS,
    LOGGER,
    RetryEvent,
    attach_history,
    attach_history_to_error,
    attach_note,
    attempts_of,
    log_event,
)

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Evidence, Load, Outcome, Retry, RetryReason, StopReason
    from ._core.policy import RetryPolicy
    from ._http.outgoing import Outgoing
    from ._observe import EventKind, Records
    from ._settings import Settings


class Journal(Progress):
    """Where one call stands, and what has become of its attempts.

    A base class of the call and no part of it: ten thousand may wait at once, with one object each.
    So it holds what its subclasses need, too: a constructor for each would cost twice as much.

    Args:
        settings: the transport's.
        policy: the one that holds for this request.
        request: the caller's; never changed.
        url: its URL and
        body: its stream, as they were before it was sent.
        began: the clock's monotonic reading at the first send.
        epoch: the transport's, then.

    Attributes:
        request: as it was last sent, for whoever is told.
        stream: of the response at hand, until it is taken: a sync or an async one, as the driver.
        wants_body: whether the response's body is to be read before it is judged.
        epoch: as given: in another one, the transport was closed since.
        discards_response: whether the response at hand, if any, is not what the caller gets.
        is_due: whether an attempt is to be made, next.
        owes: what a retry has yet to withdraw from a budget that is leased (see `Call.settle`).
        spread: seconds over which the next attempt is spread, as many others wait for the same.
    """

    __slots__ = (
        "_began",
        "_body",
        "_ended",
        "_ended_at",
        "_error",
        "_known_origin",
        "_on_credit",
        "_outcome",
        "_outgoing",
        "_policy",
        "_records",
        "_response",
        "_sent",
        "_settings",
        "_skipped",
        "_status",
        "_url",
        "discards_response",
        "epoch",
        "is_due",
        "owes",
        "request",
        "spread",
        "stream",
        "wants_body",
    )

    _ended: float
    _ended_at: float
    _status: int | None
    _on_credit: Retry

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
        # What else there is of it is set before each decision.
        self.attempts = 0
        self.server_waits = self.tokens = self.spread = 0.0
        self.previous_delay = None
        self.went_at_once = False
        self.request = request
        self.epoch = epoch
        self.stream: Any = None
        self.discards_response = self.wants_body = self.is_due = False
        self.owes: tuple[str, Load, float] | None = None
        self._settings = settings
        self._policy = policy
        self._url = url
        self._body = body
        self._began = self._sent = began
        self._skipped = 0.0
        self._response: httpx.Response | None = None
        self._error: Exception | None = None
        self._outcome: Outcome | None = None  # None of a response that is good as it is
        self._outgoing: Outgoing | None = None  # None of a request that is sent again as it is
        self._known_origin: str | None = None
        self._records: Records = ()

    @property
    def next_number(self) -> int:
        """The number of the attempt to come."""
        return len(self._records) // FIELDS + 1

    def skip(self, seconds: float) -> None:
        """Count seconds of a wait that was skipped as waited: this call began so much earlier.

        It is this call's affair alone: others on the same clock keep all of their time.
        """
        self._began -= seconds
        self._skipped += seconds

    def _record(
        self, evidence: Evidence | None, wait: float | None, reason: RetryReason | StopReason
    ) -> None:
        error, status = self._error, self._status
        name = None if error is None else type(error).__name__
        self._records += (
            self._sent, self._ended, self._ended_at, status, name, evidence, wait, reason,
        )  # fmt: skip

    def _take_back(self, reason: StopReason) -> None:
        """The retry that was granted is not made, for this reason."""
        self._records = (*self._records[:-2], None, reason)

    def _forget_latest(self) -> None:
        """The latest attempt has not ended yet."""
        self._records = self._records[:-FIELDS]

    def _tell(self, kind: EventKind, detail: str | None = None) -> None:
        """Leave the history where `retry_history` finds it, and tell who wants to know."""
        error = self._error
        if error is None:
            # The live response, not the copy that a read body is judged by.
            attach_history(self._response, self._records)
        else:
            elapsed = self._ended - self._began
            attach_note(error, attempts_of(self._records), elapsed, detail)
            attach_history_to_error(error, self._records)
        self._emit(kind, detail)

    def _emit(self, kind: EventKind, detail: str | None = None) -> None:
        hook = self._settings.on_event
        if LOGGER.isEnabledFor(LEVELS[kind]):
            attempts, total = attempts_of(self._records), self._ended - self._began
            log_event(kind, self.request, attempts, total, detail)
        if hook is not None:
            hook(RetryEvent(kind, self.request, attempts_of(self._records)))

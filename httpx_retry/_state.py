"""Where one call stands, and what its attempts leave behind: history, note, events, log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core._checks import LARGEST, check_number
from ._core.budget import MOST_ORIGINS
from ._core.decider import Progress
from ._history import attach_history, attach_history_to_error, attempts_of, count_of
from ._http.requests import origin_of
from ._observe import LEVELS, LOGGER, RetryEvent, attach_note, log_event

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Evidence, Load, Outcome, Retry, RetryReason, StopReason
    from ._core.policy import RetryPolicy
    from ._history import Records
    from ._http.outgoing import Outgoing
    from ._observe import EventKind
    from ._settings import Settings


class CallState(Progress):
    """Where one call stands.

    The call is one object, as ten thousand may wait at once: what is said of each of its sides
    stands in a class of its own, each the base of the next, and all that they keep is kept here.

    Args:
        settings: the transport's.
        policy: the one that holds for this request.
        request: the caller's; never changed.
        url: its URL before anything was sent: the wrapped transport may have changed it.
        body: its stream, then: the same holds.
        began: the clock's monotonic reading at the first send.
        epoch: the transport's, then.
        extensions: the request's extensions before it was sent, where it was.

    Attributes:
        request: as it was last sent, for whoever is told.
        stream: of the response at hand, until it is taken: a sync or an async one, as the driver.
        wants_body: whether the response's body is to be read before it is judged.
        epoch: as given: in another one, the transport was closed since.
        discards_response: whether the response at hand, if any, is not what the caller gets.
        is_due: whether an attempt is to be made, next.
        owes: what a retry has yet to withdraw from a budget that is leased (see `Call.settle`).
        tokens: what the budget gave for its retries.
        spread: seconds over which the next attempt is spread, as many others wait for the same.
    """

    __slots__ = (
        "_began",
        "_body",
        "_ended",
        "_ended_at",
        "_error",
        "_extensions",
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
        "tokens",
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
        extensions: dict[str, Any] | None = None,
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
        self._extensions = extensions
        self._skipped = 0.0
        self._response: httpx.Response | None = None
        self._error: Exception | None = None
        self._outcome: Outcome | None = None  # None: the response needs no judging
        self._outgoing: Outgoing | None = None  # None: the same request is sent again, unchanged
        self._known_origin: str | None = None
        self._records: Records = ()

    @property
    def next_number(self) -> int:
        """The number of the attempt to come."""
        return count_of(self._records) + 1

    def skip(self, seconds: float) -> None:
        """Count seconds of a wait that was skipped as waited: this call began so much earlier.

        It is this call's affair alone: others on the same clock keep all of their time.
        """
        self._began -= seconds
        self._skipped += seconds

    @property
    def origin(self) -> str:
        """Scheme, host and port of the caller's URL."""
        known = self._known_origin
        if known is None:
            # `sys.intern` would keep them for ever where there is no GIL.
            origins = self._settings.origins
            if len(origins) >= MOST_ORIGINS:
                origins.clear()
            found = origin_of(self._url)
            known = self._known_origin = origins.setdefault(found, found)
        return known

    @property
    def now(self) -> float:
        """The clock's monotonic reading, waits that were skipped included."""
        return self._settings.clock.monotonic() + self._skipped

    @property
    def _took(self) -> float:
        """Seconds from the first send to the end of the latest attempt."""
        return self._ended - self._began

    @property
    def _may_be_retried(self) -> bool:
        """Whether the request is to be retried at all."""
        return self.request.extensions.get("retry") is not False

    def _take(self, tokens: float | None) -> bool:
        """Keep tokens, to be given back where they are not spent; None: there were too few.

        Raises:
            ValueError: for a number of tokens that is negative or not finite.
            TypeError: for what is no number.
        """
        if tokens is None:
            return False
        # The check's own words are for what fails this one. False is no way to say no.
        if type(tokens) is not float or not 0.0 <= tokens <= LARGEST:
            check_number("what withdraw returns", tokens)
        self.tokens += tokens
        return True

    @property
    def _has_ended(self) -> bool:
        """Whether all that the call's tokens were for is over."""
        return True

    def _give_back(self) -> None:
        """Give back the tokens that were not spent."""
        tokens, self.tokens = self.tokens, 0.0
        self._settings.deposit(self.origin, tokens)

    def _record(
        self, evidence: Evidence | None, wait: float | None, reason: RetryReason | StopReason
    ) -> None:
        error, status = self._error, self._status
        name = None if error is None else type(error).__name__
        self._records += (
            self._sent, self._ended, self._ended_at, status, name, evidence, wait, reason,
        )  # fmt: skip

    def _tell(self, kind: EventKind, detail: str | None = None) -> None:
        """Leave the history where `retry_history` finds it, and tell who wants to know."""
        error = self._error
        if error is None:
            # The live response, not the copy that a read body is judged by.
            attach_history(self._response, self._records)
        else:
            attach_note(error, attempts_of(self._records), self._took, detail)
            attach_history_to_error(error, self._records)
        self._emit(kind, detail)

    def _emit(self, kind: EventKind, detail: str | None = None) -> None:
        hook = self._settings.on_event
        if LOGGER.isEnabledFor(LEVELS[kind]):
            log_event(kind, self.request, attempts_of(self._records), self._took, detail)
        if hook is not None:
            hook(RetryEvent(kind, self.request, attempts_of(self._records)))

"""What the attempts of one request leave behind: records, a history, a note, events, log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core.decider import Progress
from ._core.outcome import Attempt
from ._observe import RetryEvent, attach_history, attach_note, is_read, log_event

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Evidence, RetryReason, StopReason
    from ._observe import EventKind
    from ._settings import Settings


class Journal(Progress):
    """Where one call stands, and what has become of its attempts.

    A base class of the call and no part of it: ten thousand may wait at once, with one object each.

    Args:
        settings: the transport's.
        request: the caller's.
        began: the clock's monotonic reading at the first send.

    Attributes:
        request: as it was last sent, for whoever is told.
    """

    __slots__ = (
        "_attempts",
        "_began",
        "_ended",
        "_ended_at",
        "_error",
        "_response",
        "_sent",
        "_settings",
        "_skipped",
        "_status",
        "request",
    )

    def __init__(self, settings: Settings, request: httpx.Request, began: float) -> None:
        Progress.__init__(self)
        self.request = request
        self._settings = settings
        self._began = self._sent = self._ended = began
        self._ended_at = self._skipped = 0.0
        self._response: httpx.Response | None = None
        self._error: Exception | None = None
        self._status: int | None = None
        # Seldom more than a few: a tuple is smaller than a list, and is what is told, too.
        self._attempts: tuple[Attempt, ...] = ()

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

    def _read_clock(self) -> None:
        """The latest attempt has ended."""
        clock = self._settings.clock
        self._ended, self._ended_at = clock.monotonic(), clock.time() + self._skipped

    def _record(
        self, evidence: Evidence | None, wait: float | None, reason: RetryReason | StopReason
    ) -> None:
        elapsed, error = self._ended - self._sent, self._error
        number, started = len(self._attempts) + 1, self._ended_at - elapsed
        name = None if error is None else type(error).__name__
        facts = (number, started, elapsed, self._status, name, evidence, wait, reason)
        # A NamedTuple's own constructor costs twice as much.
        self._attempts = (*self._attempts, tuple.__new__(Attempt, facts))

    def _take_back(self, reason: StopReason) -> None:
        """The retry that was granted is not made, for this reason."""
        latest = self._attempts[-1]._replace(wait=None, reason=reason)
        self._attempts = (*self._attempts[:-1], latest)

    def _forget_latest(self) -> Attempt:
        """The latest attempt has not ended yet."""
        latest = self._attempts[-1]
        self._attempts = self._attempts[:-1]
        return latest

    def _tell(self, kind: EventKind, detail: str | None = None) -> None:
        """Leave the history where `retry_history` finds it, and tell who wants to know."""
        error = self._error
        if error is None:
            # The live response, not the copy that a read body is judged by.
            attach_history(self._response, self._attempts)
        else:
            attach_note(error, self._attempts, self._ended - self._began, detail)
            attach_history(error, self._attempts)
        self._emit(kind, detail)

    def _emit(self, kind: EventKind, detail: str | None = None) -> None:
        if is_read(kind):
            elapsed = self._ended - self._began
            log_event(kind, self.request, self._attempts, elapsed, detail)
        hook = self._settings.on_event
        if hook is not None:
            hook(RetryEvent(kind, self.request, self._attempts))

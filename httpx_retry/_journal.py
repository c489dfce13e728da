"""What the attempts of one call leave behind: records, a history, a note, events, log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._history import attach_history, attach_history_to_error, attempts_of, not_followed
from ._observe import LEVELS, LOGGER, RetryEvent, attach_note, log_event
from ._state import CallState

if TYPE_CHECKING:
    from ._core.outcome import Evidence, RetryReason, StopReason
    from ._observe import EventKind


class Journal(CallState):
    """A call that tells of its attempts."""

    __slots__ = ()

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
        self._records = not_followed(self._records, reason)

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

"""What a person is told: events, and the note on a final error. Method and origin, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ._http.requests import origin_of

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Attempt

_NOTE_PREFIX = "httpx_retry: "
_NOTES = "__notes__"
_HISTORY = "_httpx_retry_history"

EventKind = Literal["retry-scheduled", "gave-up", "recovered", "body-resumed"]


class RetryEvent:
    """Something that a retry transport did; it does not print what the request carries.

    Attributes:
        kind: `"retry-scheduled"`, `"gave-up"`, `"recovered"` or `"body-resumed"`.
        request: the request as it was last sent, for the hook's own use.
        attempts: all attempts so far.
    """

    __slots__ = ("attempts", "kind", "request")

    def __init__(
        self, kind: EventKind, request: httpx.Request, attempts: tuple[Attempt, ...]
    ) -> None:
        self.kind = kind
        self.request = request
        self.attempts = attempts

    @property
    def attempt(self) -> Attempt:
        """The latest attempt."""
        return self.attempts[-1]

    def __repr__(self) -> str:
        latest = self.attempt
        return (
            f"<RetryEvent {self.kind} {self.request.method} {origin_of(self.request.url)}"
            f" attempt {latest.number}: {latest.label}>"
        )


EventHook = Callable[[RetryEvent], object]


def retry_history(response_or_error: httpx.Response | BaseException) -> tuple[Attempt, ...]:
    """Return the attempts that led to a response or an exception, the last one included.

    Args:
        response_or_error: what a client with a retry transport gave. For a `HTTPStatusError`, the
            history is its response's.

    Returns:
        All attempts in order; `()` where the first one was good.
    """
    history: tuple[Attempt, ...] | None = getattr(response_or_error, _HISTORY, None)
    if history is None:
        response = getattr(response_or_error, "response", None)
        history = getattr(response, _HISTORY, ())
    return history


def attach_history(response_or_error: object, attempts: tuple[Attempt, ...]) -> None:
    """Leave the attempts where `retry_history` finds them.

    An attribute, because pickled responses lose their extensions.
    """
    setattr(response_or_error, _HISTORY, attempts)


def attach_note(
    error: Exception, attempts: tuple[Attempt, ...], total: float, detail: str | None = None
) -> None:
    """Say in one line of the traceback why no further attempt was made.

    Args:
        error: the final error. A note of an earlier call is replaced: HTTP/2 streams may share one
            exception object.
        attempts: all attempts.
        total: seconds from the first send.
        detail: what more there is to say of the reason.
    """
    count = len(attempts)
    made = f"{count} attempt{'' if count == 1 else 's'}"
    reason = attempts[-1].reason.value + (f": {detail}" if detail else "")
    labels = ", ".join(each.label for each in attempts)
    note = f"{_NOTE_PREFIX}gave up after {made} in {total:.1f} s ({reason}): {labels}"
    # Written directly: BaseException.add_note is missing on Python 3.10, where nobody reads it.
    notes = [each for each in getattr(error, _NOTES, None) or () if not _is_ours(each)]
    setattr(error, _NOTES, [*notes, note])


def _is_ours(note: object) -> bool:
    return isinstance(note, str) and note.startswith(_NOTE_PREFIX)

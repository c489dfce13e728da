"""What a person is told: log lines, events, and the note on a final error.

Of a request they name method and origin and nothing more: tokens live in paths, queries, user
information and headers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ._http.requests import origin_of

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Attempt

_NOTE_PREFIX = "httpx_retry: "
_NOTES = "__notes__"

EventKind = Literal["retry-scheduled", "gave-up", "recovered", "body-resumed"]

LOGGER = logging.getLogger("httpx_retry")
LEVELS: dict[EventKind, int] = {
    "retry-scheduled": logging.WARNING,
    "gave-up": logging.WARNING,
    "recovered": logging.INFO,
    "body-resumed": logging.INFO,
}


class RetryEvent:
    """Something that a retry transport did; it does not print what the request carries.

    Attributes:
        kind: `"retry-scheduled"`, `"gave-up"`, `"recovered"` or `"body-resumed"`.
        request: the request as it was last sent, for the hook's own use.
        attempts: all attempts so far.
    """

    __slots__ = ("attempts", "kind", "request")

    kind: EventKind
    request: httpx.Request
    attempts: tuple[Attempt, ...]

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
            f"<RetryEvent {self.kind} {_shown(self.request.method)} {origin_of(self.request.url)}"
            f" attempt {latest.number}: {latest.label}>"
        )


EventHook = Callable[[RetryEvent], object]


def log_event(
    kind: EventKind,
    request: httpx.Request,
    attempts: tuple[Attempt, ...],
    total: float,
    detail: str | None,
) -> None:
    """Write one line; its facts are in the record's attributes, too.

    Args:
        kind: what happened.
        request: the request as it was last sent.
        attempts: all attempts so far.
        total: seconds from the first send.
        detail: what more there is to say of the reason.
    """
    level = LEVELS[kind]
    latest = attempts[-1]
    method, origin = _shown(request.method), origin_of(request.url)
    facts = {
        "retry_event": kind,
        "retry_method": method,
        "retry_origin": origin,
        "retry_attempt": latest.number,
        "retry_status": latest.status,
        "retry_error": latest.error,
        "retry_evidence": None if latest.evidence is None else latest.evidence.value,
        "retry_reason": latest.reason.value,
        "retry_wait": latest.wait,
        "retry_elapsed": total,
    }
    said = _sentence(kind, attempts, total, detail)
    LOGGER.log(level, "%s %s: %s", method, origin, said, extra=facts)


def _shown(method: str) -> str:
    """A method as it may stand in a line of a log: whatever it is, it stays one line."""
    return method if method.isalpha() else method.encode("unicode_escape").decode("ascii")


def _sentence(
    kind: EventKind, attempts: tuple[Attempt, ...], total: float, detail: str | None
) -> str:
    if kind == "gave-up":
        return _of_giving_up(attempts, total, detail)
    latest = attempts[-1]
    if kind == "retry-scheduled":
        assert latest.evidence is not None
        return (
            f"attempt {latest.number} failed ({latest.label}, {latest.evidence.value});"
            f" next in {latest.wait:.2f} s ({latest.reason.value})"
        )
    done = "body resumed" if kind == "body-resumed" else "succeeded"
    return f"{done} with attempt {latest.number} after {total:.1f} s: {_labels(attempts)}"


def _of_giving_up(attempts: tuple[Attempt, ...], total: float, detail: str | None) -> str:
    count = len(attempts)
    made = f"{count} attempt{'' if count == 1 else 's'}"
    reason = attempts[-1].reason.value + (f": {detail}" if detail else "")
    return f"gave up after {made} in {total:.1f} s ({reason}): {_labels(attempts)}"


def _labels(attempts: tuple[Attempt, ...]) -> str:
    return ", ".join(each.label for each in attempts)


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
    note = _NOTE_PREFIX + _of_giving_up(attempts, total, detail)
    # Written directly: BaseException.add_note is missing on Python 3.10, where nobody reads it.
    notes = [each for each in getattr(error, _NOTES, None) or () if not _is_ours(each)]
    object.__setattr__(error, _NOTES, [*notes, note])


def _is_ours(note: object) -> bool:
    return isinstance(note, str) and note.startswith(_NOTE_PREFIX)

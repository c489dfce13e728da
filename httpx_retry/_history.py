"""What is left of the attempts of one call, and where `retry_history` finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core.outcome import Attempt

if TYPE_CHECKING:
    from ._core.outcome import StopReason
    from ._http.family import AnyResponse

_HISTORY = "_httpx_retry_history"
# An SDK may wrap an exception in another, and a caller that one; a ring of them is not followed.
_MOST_CAUSES = 5

# Eight values of each attempt: the clock's readings when it was sent and when it ended, the wall
# clock's at its end, and the last five fields of `Attempt`. To make one of those costs five times
# as much, and few are ever looked at. One tuple for all, as ten thousand calls may hold theirs at
# once.
Records = tuple[Any, ...]
_FIELDS = 8


def retry_history(response_or_error: AnyResponse | BaseException) -> tuple[Attempt, ...]:
    """Return the attempts that led to a response or an exception, the last one included.

    Args:
        response_or_error: what a client with a retry transport gave. For a `HTTPStatusError`, the
            history is its response's; for an exception that was raised `from` another, as SDKs do,
            it is that one's.

    Returns:
        All attempts in order; `()` where the first one was good.
    """
    thing: Any = response_or_error
    for _ in range(_MOST_CAUSES):
        for each in (thing, getattr(thing, "response", None)):
            records: Records | None = getattr(each, _HISTORY, None)
            if records is not None:
                return attempts_of(records)
        thing = getattr(thing, "__cause__", None)
    return ()


def attempts_of(records: Records) -> tuple[Attempt, ...]:
    """Return attempts from what was kept of them."""
    starts = range(0, len(records), _FIELDS)
    kept = [records[start : start + _FIELDS] for start in starts]
    return tuple(
        Attempt(number, by_wall - (ended - sent), ended - sent, *rest)
        for number, (sent, ended, by_wall, *rest) in enumerate(kept, start=1)
    )


def count_of(records: Records) -> int:
    """Return how many attempts there were."""
    return len(records) // _FIELDS


def latest_of(records: Records) -> Attempt:
    """Return the latest attempt."""
    return attempts_of(records[-_FIELDS:])[0]._replace(number=count_of(records))


def without_latest(records: Records) -> Records:
    """Return what is kept of all attempts but the latest."""
    return records[:-_FIELDS]


def not_followed(records: Records, reason: StopReason) -> Records:
    """Return the same, where no other attempt follows the latest, and why."""
    return (*records[:-2], None, reason)


def attach_history(response: Any, records: Records) -> None:
    """Leave the attempts where `retry_history` finds them.

    An attribute, because pickled responses lose their extensions.
    """
    response._httpx_retry_history = records  # noqa: SLF001 - setattr() costs fifteen times as much


def attach_history_to_error(error: Exception, records: Records) -> None:
    """Do the same for an exception, which may be a frozen dataclass."""
    object.__setattr__(error, _HISTORY, records)

"""What a server says about when to come back, and whether to.

Retry-After is RFC 9110 §10.2.3; RateLimit is draft-ietf-httpapi-ratelimit-headers, in its present
form (`"name";r=0;t=30`) and its older one (`limit=10, remaining=0, reset=30`); the others are
conventions of large APIs. Everything here comes from the network: what is not plainly valid is
ignored.
"""

from __future__ import annotations

import re
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    # By its name in small letters, each value of a header.
    Values = dict[bytes, list[bytes]]

_T = TypeVar("_T")

# Digits enough for any wait or POSIX time; longer numbers are noise, or an attack on the parser.
# Compiled when one is first needed: it takes as long as to load this room.
_NUMBER = rb"[0-9]{1,12}(?:\.[0-9]{1,9})?"
# Retry-After and its kin may have as many as they like: no retry is earlier than they ask.
_DELAY = rb"[0-9]+(?:\.[0-9]+)?"
_LONGEST_DELAY = 1e12
_LONGEST_DATE = 64
_EPOCH_FROM = 1e9
_LIMIT_STATUSES = frozenset({429, 503})
_FORBIDDEN = 403

_NAMES = frozenset(
    {
        b"retry-after-ms",
        b"retry-after",
        b"ratelimit",
        b"ratelimit-remaining",
        b"ratelimit-reset",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
        b"x-should-retry",
        b"date",
    }
)
_TELLING = _NAMES - {b"date"}  # it says nothing by itself
_SHOULD_RETRY = {b"true": True, b"false": False}


class Hints(NamedTuple):
    """The server's own words.

    Attributes:
        wait: seconds to wait, 0 or more; None where it does not say.
        should_retry: whether to retry; None where it does not say.
    """

    wait: float | None
    should_retry: bool | None


_SILENT = Hints(None, None)


def hints_of(status: int, headers: httpx.Headers, now: float) -> Hints:
    """Return what `read_hints` does, and most often that is nothing: then for half of its cost."""
    try:
        kept = headers._list  # noqa: SLF001 - what httpx keeps behind them, where it is there
    except AttributeError:
        return read_hints(status, headers.raw, now)
    for _, name, _ in kept:
        if name in _TELLING:
            return read_hints(status, headers.raw, now)
    return _SILENT


def read_hints(status: int, headers: Iterable[tuple[bytes, bytes]], now: float) -> Hints:
    """Return what the headers of a response say about retrying. Never raises.

    Args:
        status: its status code. Rate-limit headers stand on good responses too, so they are
            believed on 429, 503 and GitHub's 403 with nothing remaining alone.
        headers: its raw header fields, in any case.
        now: POSIX seconds.
    """
    found: Values = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in _NAMES:
            found.setdefault(lowered, []).append(value.strip())
    return Hints(_wait(status, found, now), _first(found, b"x-should-retry", _should_retry))


def _wait(status: int, found: Values, now: float) -> float | None:
    milliseconds = [_delay(value) for value in found.get(b"retry-after-ms", ())]
    wait = _longest(milliseconds)
    if wait is not None:
        return wait / 1000
    wait = _longest([_retry_after(value, found, now) for value in found.get(b"retry-after", ())])
    if wait is None and _is_limited(status, found):
        wait = _rate_limit(found, now)
    return wait


def _longest(waits: Iterable[float | None]) -> float | None:
    """The longest, as where a proxy has added its own no retry is earlier than either asks."""
    return max((wait for wait in waits if wait is not None), default=None)


def _first(found: Values, name: bytes, read: Callable[[bytes], _T | None]) -> _T | None:
    """The first value of a header that is valid."""
    values = (read(value) for value in found.get(name, ()))
    return next((value for value in values if value is not None), None)


def _retry_after(value: bytes, found: Values, now: float) -> float | None:
    seconds = _delay(value)
    return seconds if seconds is not None else _until(read_date(value), found, now)


def _should_retry(value: bytes) -> bool | None:
    return _SHOULD_RETRY.get(value.lower())


def _is_limited(status: int, found: Values) -> bool:
    return status in _LIMIT_STATUSES or (
        status == _FORBIDDEN and _first(found, b"x-ratelimit-remaining", _number) == 0
    )


def _rate_limit(found: Values, now: float) -> float | None:
    wait = _longest(_structured_rate_limit(value) for value in found.get(b"ratelimit", ()))
    for prefix in (b"", b"x-"):
        # With something remaining, the reset is no reason to wait: a plain 503 shows it as well.
        if wait is None and not _first(found, prefix + b"ratelimit-remaining", _number):
            reset = _first(found, prefix + b"ratelimit-reset", _number)
            wait = (
                _until(reset, found, now) if reset is not None and reset >= _EPOCH_FROM else reset
            )
    return wait


def _structured_rate_limit(value: bytes) -> float | None:
    """The longest reset among the quotas that are used up."""
    waits = []
    # The older form is one quota whose members are parted by commas; the present one is a list.
    quotas = [value.replace(b",", b";")] if b"=" in value.split(b";")[0] else value.split(b",")
    for quota in quotas:
        pairs = (member.partition(b"=") for member in quota.split(b";"))
        members = {key.strip().lower(): number.strip() for key, _, number in pairs}
        remaining = _number(members.get(b"r", members.get(b"remaining", b"")))
        reset = _number(members.get(b"t", members.get(b"reset", b"")))
        if not remaining and reset is not None:
            waits.append(reset)
    return max(waits, default=None)


def _delay(value: bytes) -> float | None:
    return min(float(value), _LONGEST_DELAY) if re.fullmatch(_DELAY, value) else None


def _number(value: bytes) -> float | None:
    return float(value) if re.fullmatch(_NUMBER, value) else None


def _until(moment: float | None, found: Values, now: float) -> float | None:
    if moment is None:
        return None
    # It counts from the server's own clock where that is shown.
    server_now = _first(found, b"date", read_date)
    if server_now is None:
        server_now = now
    return moment - server_now if moment >= server_now else None


def read_date(value: bytes | None) -> float | None:
    """POSIX seconds of an HTTP date in any of its three forms (RFC 9110 §5.6.7)."""
    if not value or len(value) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        # The form of asctime names no zone: HTTP's dates are in UTC.
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

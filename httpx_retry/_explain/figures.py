"""Figures as a person reads them: how long something takes, and where an axis has its ticks."""

from __future__ import annotations

from itertools import takewhile

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MOST_IN_SECONDS = 120
_MOST_IN_HOURS = 2 * _DAY
# Shorter than this, in seconds, is nothing to a person.
_NOTHING = 5e-7

_STEPS = (
    *(digit * 10.0**power for power in (-6, -5, -4, -3, -2, -1) for digit in (1, 2, 5)),
    *(1.0, 2.0, 5.0, 10.0, 20.0, 30.0),
    *(minutes * _MINUTE for minutes in (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)),
    *(hours * _HOUR for hours in (1.0, 2.0, 6.0, 12.0)),
    *(days * _DAY for days in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)),
)


def duration(seconds: float, *, digits: int = 3) -> str:
    """Return a span of time with its unit, to as many digits as matter."""
    seconds = float(seconds)  # a policy's may be a number of any kind, which may not be formatted
    if seconds < _NOTHING:
        return "0 s"
    if seconds >= _MOST_IN_HOURS:
        return f"{seconds / _DAY:.{digits}g} days"
    if seconds >= _HOUR:
        return _pair(round(seconds / _MINUTE), "h", "min")
    if seconds >= _MOST_IN_SECONDS:
        return _pair(round(seconds), "min", "s")
    shown = float(f"{seconds:.{digits}g}")
    return f"{shown:g} s" if shown >= 1 else f"{float(f'{shown * 1000:.{digits}g}'):g} ms"


def _pair(count: int, unit: str, part: str) -> str:
    whole, rest = divmod(count, 60)
    return f"{whole} {unit} {rest} {part}" if rest else f"{whole} {unit}"


def ticks(span: float, most: int) -> list[float]:
    """Return where an axis of so many seconds has its ticks: round figures, from 0 on.

    Args:
        span: seconds, at least 0.
        most: how many ticks there is room for after the one at 0.
    """
    step = next((each for each in _STEPS if span / each <= most), span)
    if span < _NOTHING or most < 1:
        return [0.0]
    return list(takewhile(lambda tick: tick <= span, (number * step for number in range(most + 1))))

"""What every picture of a policy shares, be it of characters or of shapes."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .forecast import Forecast, PlannedAttempt

CAPTION = "Earliest, median and latest begin, were every attempt to fail at once."
HEADINGS = ("least", "median", "most")
OVER_HEADINGS = "wait before it"

_MOST_ROWS = 12
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|days|KiB|attempts)\b)")
_TIE = "\N{NO-BREAK SPACE}"


class Scale(NamedTuple):
    """Where on a line of some length a moment lies.

    Attributes:
        span: seconds from one end of the line to the other.
        length: of the line.
    """

    span: float
    length: float

    def at(self, seconds: float) -> float:
        """Return how far along the line it is."""
        return seconds / self.span * self.length if self.span else 0.0


def rows_of(forecast: Forecast) -> list[PlannedAttempt | None]:
    """Return the attempts to show; None stands for those that there is no room for."""
    attempts = forecast.attempts
    if len(attempts) <= _MOST_ROWS:
        return list(attempts)
    return [*attempts[: _MOST_ROWS - 2], None, attempts[-1]]


def has_shares(forecast: Forecast) -> bool:
    """Whether some attempts are not always made."""
    return any(each.share < 1 for each in forecast.attempts)


def made_in(attempt: PlannedAttempt) -> str:
    """Return in how many cases an attempt is made: never rounded to all of them, or to none."""
    if attempt.share == 1:
        return "always"
    return f"{min(max(round(100 * attempt.share), 1), 99)} %"


def wrapped(text: str, columns: int) -> list[str]:
    """Return the text as lines of at most so many characters; a figure keeps its unit."""
    broken = wrap(_BEFORE_UNIT.sub(_TIE, text), columns, break_on_hyphens=False)
    return [line.replace(_TIE, " ") for line in broken]

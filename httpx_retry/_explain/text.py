"""The picture for a terminal: lines of pieces, for any printer, with styles for rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .chart import CAPTION, HEADINGS, OVER_HEADINGS, Scale, has_shares, made_in, rows_of, wrapped
from .facts import facts, summary, title
from .figures import duration, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .._core.policy import RetryPolicy
    from .forecast import Forecast, PlannedAttempt, Spread

Line = list[tuple[str, str]]
"""Pieces of text, each with rich's name for its style."""

_NARROWEST, _WIDEST = 64, 100
_LEAST_TICK_COLUMNS = 10
_ABOUT_COLUMNS = 13
_NUMBER_COLUMNS, _SHARE_COLUMNS, _LEAST_WAIT_COLUMNS = 8, 8, 9


class _Glyphs(NamedTuple):
    begin: str
    between: str
    end: str
    median: str
    deadline: str
    corner: str
    rule: str
    tick: str
    more: str


_GLYPHS = _Glyphs("├", "─", "┤", "●", "┊", "└", "─", "┴", "⋮")
_ASCII_GLYPHS = _Glyphs("|", "-", "|", "o", ":", "+", "-", "+", ":")


def lines(policy: RetryPolicy, forecast: Forecast, *, width: int, ascii_only: bool) -> list[Line]:
    """Return the picture.

    Args:
        policy: what it is a picture of.
        forecast: its figures.
        width: columns to draw in; from 64 to 100 of them are made use of.
        ascii_only: for where nothing else can be printed.
    """
    columns = min(max(width, _NARROWEST), _WIDEST)
    drawn = [
        *_paragraph(title(policy), columns, "bold"),
        *_paragraph(summary(policy, forecast), columns, ""),
        [],
    ]
    if len(forecast.attempts) > 1:
        time_line = _TimeLine(forecast, columns, _ASCII_GLYPHS if ascii_only else _GLYPHS)
        drawn += [*time_line.lines(), *_paragraph(CAPTION, columns, "dim"), []]
    for fact in facts(policy, forecast):
        for number, line in enumerate(wrapped(fact.says, columns - _ABOUT_COLUMNS - 1)):
            about = "" if number else fact.about
            drawn.append([(f" {about:<{_ABOUT_COLUMNS}}", "cyan"), (line, "")])
    return [_as_ascii(line) for line in drawn] if ascii_only else drawn


def plain(drawn: Iterable[Line]) -> str:
    """Return lines as they are without styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in drawn)


def _as_ascii(line: Line) -> Line:
    spelt = ((text.replace("×", "x"), style) for text, style in line)  # noqa: RUF001 - it goes
    return [(text.encode("ascii", "backslashreplace").decode(), style) for text, style in spelt]


def _paragraph(text: str, columns: int, style: str) -> Iterator[Line]:
    return ([(f" {line}", style)] for line in wrapped(text, columns - 1))


class _TimeLine:
    """A row for each attempt: its number, the wait before it, and when it begins as a bar."""

    def __init__(self, forecast: Forecast, columns: int, glyphs: _Glyphs) -> None:
        self._forecast = forecast
        self._glyphs = glyphs
        self._rows = rows_of(forecast)
        figures = [duration(each) for row in self._rows if row for each in row.wait or ()]
        self._wait_columns = max(_LEAST_WAIT_COLUMNS, 2 + max(map(len, figures)))
        self._share_columns = _SHARE_COLUMNS if has_shares(forecast) else 0
        self._margin = (
            _NUMBER_COLUMNS + self._share_columns + len(HEADINGS) * self._wait_columns + 2
        )
        self._scale = Scale(forecast.span, columns - self._margin - 1)

    def lines(self) -> Iterator[Line]:
        waits = len(HEADINGS) * self._wait_columns
        above = f"{'':{self._margin - 2 - waits}}  {OVER_HEADINGS:^{waits}}"
        heading = self._cells("attempt", "made" if self._share_columns else "", HEADINGS)
        yield [(above.rstrip(), "dim")]
        yield [(f"{heading}  begins", "dim")]
        for attempt in self._rows:
            yield self._more() if attempt is None else self._row(attempt)
        yield from self._axis()

    def _cells(self, number: str, share: str, waits: Sequence[str]) -> str:
        cells = "".join(f"{wait:>{self._wait_columns}}" for wait in waits)
        return f"{number:>{_NUMBER_COLUMNS}}{share:>{self._share_columns}}{cells}"

    def _more(self) -> Line:
        return [(self._cells(self._glyphs.more, "", ()), "dim")]

    def _row(self, attempt: PlannedAttempt) -> Line:
        share = made_in(attempt) if self._share_columns else ""
        waits = ("", "", "") if attempt.wait is None else tuple(map(duration, attempt.wait))
        cells = self._cells(str(attempt.number), share, waits)
        return [
            (cells[:_NUMBER_COLUMNS], "bold"),
            (f"{cells[_NUMBER_COLUMNS:]}  ", ""),
            *self._bar(attempt.start),
        ]

    def _column(self, seconds: float) -> int:
        return round(self._scale.at(seconds))

    def _bar(self, start: Spread) -> Line:
        first, median, last = map(self._column, start)
        cells = [(" ", "")] * (self._column(self._scale.span) + 1)
        if self._forecast.cut_at is not None:
            cells[-1] = (self._glyphs.deadline, "red")
        cells[first : last + 1] = [(self._glyphs.between, "green")] * (last + 1 - first)
        cells[first] = (self._glyphs.begin, "green")
        cells[last] = (self._glyphs.end, "green")
        cells[median] = (self._glyphs.median, "bold green")
        return cells if self._forecast.cut_at is not None else cells[: last + 1]

    def _axis(self) -> Iterator[Line]:
        columns = int(self._scale.length) + 1
        rule, labels = [self._glyphs.rule] * columns, ""
        for mark in ticks(self._scale.span, columns // _LEAST_TICK_COLUMNS):
            column, label = self._column(mark), duration(mark)
            rule[column] = self._glyphs.tick if mark else self._glyphs.corner
            # Under its tick, but not beyond the ends of the line.
            begin = min(max(column - len(label) // 2, 0), columns - len(label))
            labels = f"{labels:<{begin}}{label}"
        yield [(f"{'':{self._margin}}{''.join(rule)}", "dim")]
        yield [(f"{'':{self._margin}}{labels}", "dim")]

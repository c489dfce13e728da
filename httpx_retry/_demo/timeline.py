"""A timeline: the attempts of some requests and the waits between them, on one scale."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .results import Exchange, Row, Setting

_SERVED = "200"
_BLOCK, _ASCII_BLOCK, _WAIT = "▄", "#", "."
_LABEL_COLUMNS = 26
_TOTAL_COLUMNS = 8
_LEAST_TICK_COLUMNS = 10
_LEGEND = (
    " Blocks are attempts, dots are waits, figures beneath dots their length in ms.",
    " reset, hang-up, goaway: the connection ended. refused, aborted: the stream did.",
)
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Told(NamedTuple):
    """A retried request, and the setting it was sent in."""

    setting: Setting
    exchange: Exchange


class _Line(Text):
    """A line of text that is written from left to right, each piece at a column of its own."""

    def put(self, column: int, piece: str, style: str = "", *, gap: int = 0) -> None:
        """Write a piece at this column, or as soon after it as what stands there already allows."""
        self.pad_right(max(column - len(self), gap))
        self.append(piece, style)


class _Scale:
    """Where on a line a moment lies."""

    def __init__(self, seconds: float, columns: int) -> None:
        self._columns_per_second = columns / seconds

    def column(self, seconds: float) -> int:
        return _LABEL_COLUMNS + round(seconds * self._columns_per_second)

    def tick(self) -> float:
        """The shortest round time between two ticks that leaves room for their labels."""
        roomy = (each for each in _TICKS if each * self._columns_per_second >= _LEAST_TICK_COLUMNS)
        return next(roomy, _TICKS[-1])


def most_telling(rows: Sequence[Row], count: int = 6) -> list[Told]:
    """Return requests that show most: new outcomes first, then new settings, then many attempts."""
    retried = [Told(row.setting, each) for row in rows for each in row.exchanges if each.steps]
    candidates = list(retried)
    picked: list[Told] = []

    def worth(told: Told) -> tuple[int, bool, int]:
        shown = {step.outcome for each in picked for step in each.exchange.steps}
        outcomes = {step.outcome for step in told.exchange.steps}
        is_new_setting = told.setting not in {each.setting for each in picked}
        return len(outcomes - shown), is_new_setting, len(told.exchange.steps)

    while candidates and len(picked) < count:
        best = max(candidates, key=worth)
        picked.append(best)
        # The same request of another setting met the same faults, and would tell nothing new.
        candidates = [each for each in candidates if each.exchange.planned != best.exchange.planned]
    return sorted(picked, key=retried.index)


def timeline(told: Sequence[Told], *, width: int, ascii_only: bool = False) -> list[Text]:
    """Return these requests as lines, two each, above a time axis and a legend.

    Args:
        told: retried requests, at least one.
        width: columns to draw in.
        ascii_only: for terminals without block characters.
    """
    longest = max(each.exchange.steps[-1].end for each in told)
    scale = _Scale(longest, max(width - _LABEL_COLUMNS - _TOTAL_COLUMNS, _LEAST_TICK_COLUMNS))
    lines: list[Text] = []
    for each in told:
        lines += [_bar(each, scale, _ASCII_BLOCK if ascii_only else _BLOCK), _captions(each, scale)]
    return [*lines, _axis(longest, scale), Text(), *(Text(line, "dim") for line in _LEGEND)]


def _bar(told: Told, scale: _Scale, block: str) -> Text:
    setting, planned, steps = told.setting, told.exchange.planned, told.exchange.steps
    line = _Line()
    line.put(1, f"{setting.version.value:<8} {setting.world:<5} ", "dim")
    line.put(0, f"{planned.method:<4} {planned.number}", "bold")
    for step, following in zip_longest(steps, steps[1:]):
        begin, end = scale.column(step.start), scale.column(step.end)
        line.put(begin, block * max(end - begin, 1), _style(step.outcome))
        if following:
            line.put(end, _WAIT * (scale.column(following.start) - len(line)), "dim")
    line.put(0, f"{steps[-1].end * 1000:.0f} ms", gap=2)
    return line


def _captions(told: Told, scale: _Scale) -> Text:
    line = _Line()
    steps = told.exchange.steps
    for step, following in zip_longest(steps, steps[1:]):
        line.put(scale.column(step.start), step.outcome, _style(step.outcome), gap=1)
        if following:
            wait = f"{(step.wait or 0.0) * 1000:.0f}"
            middle = (scale.column(step.end) + scale.column(following.start) - len(wait)) // 2
            line.put(middle, wait, "dim", gap=1)
    return line


def _axis(seconds: float, scale: _Scale) -> Text:
    line, tick = _Line(), scale.tick()
    for number in range(int(seconds / tick) + 1):
        line.put(scale.column(number * tick), f"{number * tick * 1000:.0f} ms", "dim", gap=1)
    return line


def _style(outcome: str) -> str:
    if outcome == _SERVED:
        return "green"
    return "yellow" if outcome.isdecimal() else "red"

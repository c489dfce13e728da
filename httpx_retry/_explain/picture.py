"""The picture as SVG, for a design document: shapes and texts on white, nothing to load."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .chart import CAPTION, HEADINGS, OVER_HEADINGS, Scale, has_shares, made_in, rows_of, wrapped
from .facts import facts, summary, title
from .figures import duration, ticks

if TYPE_CHECKING:
    from .._core.policy import RetryPolicy
    from .forecast import Forecast, PlannedAttempt

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_INK, _FAINT, _GRID, _PAPER = "#1f2328", "#59636e", "#e4e8ec", "#ffffff"
_BAR, _MEDIAN, _DEADLINE = "#a9d3c0", "#116149", "#b3261e"

# All lengths are in pixels of a picture as wide as this.
_WIDTH, _MARGIN = 860.0, 32.0
_ATTEMPT, _SHARE, _WAITS = 82.0, 142.0, (150.0, 234.0, 318.0)
_SHARE_WIDTH = 60.0
_BAR_GAP, _BAR_END = 28.0, _WIDTH - _MARGIN - 12
_ROW, _BAR_HEIGHT, _RADIUS = 28.0, 10.0, 6.0
_MOST_TICKS = 5
_FACTS = 132.0
_SIZE, _SMALL = 13.0, 12.0
# What a character takes of its size, at most, on average: a system's font is not known here.
_CHARACTER = 0.6


class _Canvas:
    """A picture that grows downwards."""

    def __init__(self, name: str, description: str) -> None:
        self._root = Element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
        self._root.set("font-family", _FONT)
        self._root.set("aria-label", f"{name}. {description}")
        SubElement(self._root, "title").text = name
        SubElement(self._root, "desc").text = description
        self._paper = self.shape("rect", x=0, y=0, rx=8, fill=_PAPER)
        self.y = _MARGIN

    def shape(self, tag: str, **attributes: float | str) -> Element:
        """Put a shape; an underscore in the name of an attribute stands for a hyphen."""
        written = {
            name.replace("_", "-"): value if isinstance(value, str) else f"{value:g}"
            for name, value in attributes.items()
        }
        return SubElement(self._root, tag, written)

    def text(self, x: float, text: str, *, size: float = _SIZE, **style: str) -> None:
        """Put a line of text on the current height."""
        style.setdefault("fill", _INK)
        self.shape("text", x=x, y=self.y, font_size=size, **style).text = text

    def paragraph(self, x: float, text: str, *, size: float = _SIZE, **style: str) -> None:
        """Put as many lines as the text needs, and move below them."""
        columns = int((_WIDTH - _MARGIN - x) / (_CHARACTER * size))
        for line in wrapped(text, columns):
            self.text(x, line, size=size, **style)
            self.y += 1.5 * size

    def written(self) -> str:
        """Return the document."""
        height = f"{self.y + _MARGIN / 2:g}"
        for each in (self._root, self._paper):
            each.set("width", f"{_WIDTH:g}")
            each.set("height", height)
        self._root.set("viewBox", f"0 0 {_WIDTH:g} {height}")
        indent(self._root)
        return tostring(self._root, encoding="unicode") + "\n"


def picture(policy: RetryPolicy, forecast: Forecast) -> str:
    """Return the picture as an SVG document."""
    canvas = _Canvas(title(policy), summary(policy, forecast))
    canvas.y += 8
    canvas.paragraph(_MARGIN, title(policy), size=15, font_family=_MONOSPACE, font_weight="bold")
    canvas.y += 4
    canvas.paragraph(_MARGIN, summary(policy, forecast), size=15)
    canvas.y += 14
    if len(forecast.attempts) > 1:
        _TimeLine(canvas, forecast).draw()
        canvas.paragraph(_MARGIN, CAPTION, size=_SMALL, fill=_FAINT)
        canvas.y += 14
    for fact in facts(policy, forecast):
        canvas.text(_MARGIN, fact.about, font_weight="bold")
        canvas.paragraph(_FACTS, fact.says)
        canvas.y += 5
    return canvas.written()


class _TimeLine:
    """A row for each attempt: its number, the wait before it, and when it begins as a bar."""

    def __init__(self, canvas: _Canvas, forecast: Forecast) -> None:
        self._canvas = canvas
        self._forecast = forecast
        self._rows = rows_of(forecast)
        self._has_shares = has_shares(forecast)
        shift = _SHARE_WIDTH if self._has_shares else 0.0
        self._waits = [x + shift for x in _WAITS]
        self._bar_begin = self._waits[-1] + _BAR_GAP
        self._scale = Scale(forecast.span, _BAR_END - self._bar_begin)

    def draw(self) -> None:
        self._heading()
        self._grid()
        for attempt in self._rows:
            if attempt is None:
                self._right(_ATTEMPT, "⋮", fill=_FAINT)
            else:
                self._row(attempt)
            self._canvas.y += _ROW
        self._axis()

    def _x(self, seconds: float) -> float:
        return round(self._bar_begin + self._scale.at(seconds), 1)

    def _right(self, x: float, text: str, *, size: float = _SIZE, **style: str) -> None:
        self._canvas.text(x, text, size=size, text_anchor="end", **style)

    def _heading(self) -> None:
        self._right(self._waits[1] + 18, OVER_HEADINGS, size=_SMALL, fill=_FAINT)
        if self._forecast.cut_at is not None:
            label = f"max_elapsed {duration(self._forecast.cut_at)}"
            self._right(_BAR_END, label, size=_SMALL, fill=_DEADLINE)
        self._canvas.y += 18
        self._right(_ATTEMPT, "attempt", size=_SMALL, fill=_FAINT)
        if self._has_shares:
            self._right(_SHARE, "made", size=_SMALL, fill=_FAINT)
        for x, heading in zip(self._waits, HEADINGS, strict=True):
            self._right(x, heading, size=_SMALL, fill=_FAINT)
        self._canvas.text(self._bar_begin, "begins", size=_SMALL, fill=_FAINT)
        self._canvas.y += 26

    def _grid(self) -> None:
        top = self._canvas.y - 18
        bottom = top + _ROW * len(self._rows)
        for mark in ticks(self._scale.span, _MOST_TICKS):
            x = self._x(mark)
            self._canvas.shape("line", x1=x, x2=x, y1=top, y2=bottom, stroke=_GRID)
        if self._forecast.cut_at is not None:
            x = self._x(self._forecast.cut_at)
            self._canvas.shape(
                "line", x1=x, x2=x, y1=top, y2=bottom, stroke=_DEADLINE, stroke_dasharray="4 3"
            )

    def _row(self, attempt: PlannedAttempt) -> None:
        self._right(_ATTEMPT, str(attempt.number), font_weight="bold")
        if self._has_shares:
            self._right(_SHARE, made_in(attempt))
        for x, wait in zip(self._waits, attempt.wait or (), strict=False):
            self._right(x, duration(wait))
        first, median, last = map(self._x, attempt.start)
        middle = self._canvas.y - 4.5
        self._canvas.shape(
            "rect",
            x=first,
            y=middle - _BAR_HEIGHT / 2,
            width=round(last - first, 1),
            height=_BAR_HEIGHT,
            rx=_BAR_HEIGHT / 2,
            fill=_BAR,
        )
        self._canvas.shape("circle", cx=median, cy=middle, r=_RADIUS, fill=_MEDIAN)

    def _axis(self) -> None:
        for mark in ticks(self._scale.span, _MOST_TICKS):
            self._canvas.text(
                self._x(mark), duration(mark), size=_SMALL, fill=_FAINT, text_anchor="middle"
            )
        self._canvas.y += 28

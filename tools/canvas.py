"""SVG for the documentation's pictures: in the reader's light or dark, with nothing to load."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

# Narrow enough to be read on a telephone, where it is drawn at three quarters.
WIDTH = 480.0
SIZE = 13.0
SMALL = 11.5

_STYLE = """
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif; fill: #1f2328 }
.faint { fill: #59636e }
.code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace }
.strong { font-weight: 600 }
.line { stroke: #8b949e; fill: none; stroke-width: 1.5 }
.grid { stroke: #d0d7de }
.head { fill: #8b949e }
.box { fill: #f6f8fa; stroke: #d0d7de }
.good { fill: #a9d3c0 }
.mark { fill: #116149 }
.dots { stroke: #116149; stroke-width: 2.6; stroke-linecap: round; opacity: 0.5 }
.warn { fill: #f2cc8f }
.bad { fill: #eab0aa }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .faint { fill: #9da7b3 }
  .grid { stroke: #3d444d }
  .box { fill: #21262d; stroke: #3d444d }
  .good { fill: #1f5f4a }
  .mark { fill: #7fd1ae }
  .dots { stroke: #7fd1ae }
  .warn { fill: #7a5a1a }
  .bad { fill: #7d2f2a }
}
"""


class Canvas:
    """A picture of a fixed width.

    Args:
        title: what a screen reader says first.
        description: what the picture shows, for those who do not see it.
        height: in pixels.
    """

    def __init__(self, title: str, description: str, height: float) -> None:
        self._root = Element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
        self._root.set("viewBox", f"0 0 {WIDTH:g} {height:g}")
        self._root.set("width", f"{WIDTH:g}")
        self._root.set("height", f"{height:g}")
        SubElement(self._root, "title").text = title
        SubElement(self._root, "desc").text = description
        SubElement(self._root, "style").text = _STYLE

    def _put(self, tag: str, kind: str, **attributes: float | str) -> Element:
        written = {
            name.replace("_", "-"): value if isinstance(value, str) else f"{round(value, 1):g}"
            for name, value in attributes.items()
        }
        return SubElement(self._root, tag, {"class": kind, **written})

    def text(
        self,
        x: float,
        y: float,
        text: str,
        kind: str = "",
        *,
        size: float = SIZE,
        at: str = "start",
    ) -> None:
        """Write a line that starts, ends or has its middle at `x`."""
        self._put("text", kind, x=x, y=y, font_size=size, text_anchor=at).text = text

    def box(self, x: float, y: float, width: float, height: float, kind: str = "box") -> None:
        """Draw a rectangle with round corners."""
        self._put("rect", kind, x=x, y=y, width=width, height=height, rx=min(6.0, height / 2))

    def bar(self, x: float, y: float, width: float, height: float, kind: str = "mark") -> None:
        """Draw a rectangle with sharp corners."""
        self._put("rect", kind, x=x, y=y, width=width, height=height)

    def dots(self, *points: tuple[float, float]) -> None:
        """Draw small points: one path of strokes without length, as many shapes would be large."""
        self._put("path", "dots", d="".join(f"M{x:.1f} {y:.1f}h0" for x, y in points))

    def line(self, x: float, y: float, to_x: float, to_y: float, kind: str = "line") -> None:
        """Draw a straight line."""
        self._put("line", kind, x1=x, y1=y, x2=to_x, y2=to_y)

    def arrow(self, *points: tuple[float, float]) -> None:
        """Draw a line along the points, with a head at the last; its end is level or upright."""
        (from_x, from_y), (x, y) = points[-2:]
        self._put(
            "polyline", "line", points=" ".join(f"{each:g},{other:g}" for each, other in points)
        )
        along = ((x > from_x) - (x < from_x), (y > from_y) - (y < from_y))
        corners = [
            (x, y),
            (x - 7 * along[0] + 4 * along[1], y - 7 * along[1] + 4 * along[0]),
            (x - 7 * along[0] - 4 * along[1], y - 7 * along[1] - 4 * along[0]),
        ]
        self._put(
            "polygon", "head", points=" ".join(f"{each:g},{other:g}" for each, other in corners)
        )

    def written(self) -> str:
        """Return the document."""
        indent(self._root)
        return tostring(self._root, encoding="unicode") + "\n"

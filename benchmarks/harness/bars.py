"""One picture of one table: a bar for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

    from .tables import Table

OURS, OTHERS = "#0b6e4f", "#9aa5b8"
# Where the largest is more than this many times the smallest, bars grow by orders of magnitude.
_FAR_APART = 30


def draw(table: Table, file: Path) -> None:
    """Write an SVG: the table's column of bars, ours in a colour of its own."""
    assert table.bars is not None
    found = zip(table.labels(), table.figures(table.bars), strict=True)
    rows = [(label, float(value)) for label, value in found if isinstance(value, (int, float))]
    labels, values = [label for label, _ in rows], [value for _, value in rows]
    form = table.columns[table.bars]
    style: Any = {"font.size": 11, "svg.hashsalt": file.stem, "svg.fonttype": "path"}
    with mpl.rc_context(style):
        figure, axes = plt.subplots(figsize=(9, 0.7 + 0.34 * len(rows)), layout="constrained")
        colours = [OURS if "httpx_retry" in label else OTHERS for label in labels]
        bars = axes.barh(range(len(rows)), values, color=colours, height=0.72)
        axes.bar_label(bars, [format(value, form) for value in values], padding=4, fontsize=9.5)
        title = f"{table.title}: {table.bars}"
        if 0 < _FAR_APART * min(values) < max(values):
            axes.set_xscale("log")
            title += " (log scale)"
        axes.set_yticks(range(len(rows)), labels)
        axes.invert_yaxis()
        axes.set_title(title, loc="left", fontsize=11)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks([], [])
        axes.set_xticks([], [], minor=True)
        axes.margins(x=0.12)
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)

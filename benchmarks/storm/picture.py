"""One picture: what arrives at the service, and what its callers get."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from .outage import BACK, CAPACITY

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from .outage import Course

FIRST, LAST = -5, 40
COLOURS = {
    "httpx_retry": "#0b6e4f",
    "no retry": "#30384a",
    "stamina": "#e09f3e",
    "httpx-retries": "#c1121f",
}

# Where the two run together, both are seen.
LOOKS: dict[str, Any] = {
    "httpx_retry": {"linewidth": 3.2, "zorder": 4},
    "no retry": {"linewidth": 1.2, "linestyle": (0, (1.5, 2)), "zorder": 5},
}
# Names of lines that end at the same height stand below one another.
NUDGES = {"httpx_retry": 1.02, "no retry": 0.8, "stamina": 0.92, "httpx-retries": 1.08}


def draw(courses: dict[str, Course], folder: Path) -> None:
    """Write `storm.svg` and `storm.png`."""
    style: Any = {"font.size": 11, "svg.hashsalt": "storm", "axes.spines.top": False}
    with mpl.rc_context({**style, "axes.spines.right": False, "svg.fonttype": "path"}):
        figure, (load, answered) = plt.subplots(
            2, 1, figsize=(9, 6.4), sharex=True, height_ratios=(3, 2), layout="constrained"
        )
        for axes in (load, answered):
            axes.axvspan(0, BACK, color="#edf0f4", zorder=0)
        for name, course in courses.items():
            _lines(load, answered, name, course)
        _captions(load, answered)
        folder.mkdir(exist_ok=True)
        figure.savefig(folder / "storm.svg", metadata={"Date": None})
        figure.savefig(folder / "storm.png", dpi=150)
        plt.close(figure)


def _lines(load: Axes, answered: Axes, name: str, course: Course) -> None:
    seconds = range(FIRST, LAST)
    arrived = Counter(int(moment // 1) for moment in course.arrived)
    good = Counter(int(each.ended // 1) for each in course.requests if each.succeeded)
    look: Any = {"color": COLOURS[name], **LOOKS.get(name, {"linewidth": 1.8, "zorder": 3})}
    middles = [second + 0.5 for second in seconds]
    load.plot(middles, [arrived[second] for second in seconds], **look)
    level = sum(arrived[second] for second in range(LAST - 8, LAST)) / 8
    load.text(LAST + 0.5, level * NUDGES.get(name, 1.0), name, color=COLOURS[name], va="center")
    answered.plot(middles, [good[second] for second in seconds], **look)


def _captions(load: Axes, answered: Axes) -> None:
    load.axhline(CAPACITY, color="#333333", linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    load.text(LAST - 0.5, CAPACITY * 1.1, "capacity", ha="right", fontsize=9.5, color="#333333")
    load.text(BACK / 2, 2750, "the service hangs", ha="center", fontsize=10, color="#555555")
    load.set_yscale("log")
    load.set_ylim(80, 3500)
    load.set_yticks([100, 200, 500, 1000, 2000], ["100", "200", "500", "1,000", "2,000"])
    load.minorticks_off()
    load.set_title("attempts that arrive at the service, a second", loc="left", fontsize=11)
    answered.set_title("requests that are answered, a second", loc="left", fontsize=11)
    nobody = "httpx-retries and stamina: none any more"
    answered.text(LAST - 0.5, 11, nobody, ha="right", fontsize=9.5, color=COLOURS["httpx-retries"])
    answered.set_xlabel("seconds since the service went away")
    answered.set_ylim(-6, 210)
    answered.set_yticks([0, 50, 100, 150, 200])
    answered.set_xlim(FIRST, LAST)
    for axes in (load, answered):
        axes.grid(axis="y", color="#e3e6ea", linewidth=0.8, zorder=0)
        axes.tick_params(length=0)

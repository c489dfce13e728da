"""The demo: a flaky server, the same requests bare and wrapped, and a picture of the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .drawing import draw
from .server import flaky_server
from .traffic import SETTINGS, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from .results import Row

__all__ = ["run_demo"]


def run_demo(console: Console, *, requests: int, seed: int) -> bool:
    """Run the demo, draw it, and return whether every wrapped request succeeded.

    Args:
        console: where to draw.
        requests: how many requests each row has, at least 1.
        seed: decides the requests and their faults.
    """
    rows = list(_rows(console, requests, seed))
    draw(console, rows, seed=seed)
    return not any(row.failures for row in rows if row.setting.wrapped)


def _rows(console: Console, requests: int, seed: int) -> Iterator[Row]:
    with flaky_server(seed) as server, console.status("") as status:
        traffic = Traffic(server, seed=seed, requests=requests)
        for setting in SETTINGS:
            status.update(f"{setting}, {setting.transport}")
            yield traffic.row(setting)

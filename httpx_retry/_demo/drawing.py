"""Draws what the demo measured: a table of all rows, and beneath it a timeline of some requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .timeline import most_telling, timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from .results import Row

_WIDEST = 100
_MOST_FAILURES_NAMED = 5


def draw(console: Console, rows: Sequence[Row], *, seed: int) -> None:
    """Draw the table of all rows, the timeline of the most telling requests, and what went wrong.

    Args:
        console: where to draw; 80 columns are enough.
        rows: what was measured, at least one row with at least one request.
        seed: what decided the requests and their faults.
    """
    count = len(rows[0].exchanges)
    requests = "1 request" if count == 1 else f"{count} requests"
    console.print()
    console.print(Text(f" {requests} in each row, to one flaky server (seed {seed})", "bold"))
    console.print()
    console.print(Padding(_table(rows), (0, 0, 0, 1)))
    told = most_telling(rows)
    if told:
        console.print(Text(" Some that were retried, attempt by attempt", "bold"))
        console.print()
        width = min(console.width, _WIDEST)
        for line in timeline(told, width=width, ascii_only=console.options.ascii_only):
            console.print(line)
    for row in rows:
        if row.setting.wrapped and row.failures:
            console.print(_complaint(row))


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for heading in ("protocol", "client", "transport", "successes"):
        table.add_column(heading)
    for heading in ("p50", "p95", "attempts"):
        table.add_column(heading, justify="right")
    for row in rows:
        setting = row.setting
        table.add_row(
            setting.version.value,
            setting.world,
            Text(setting.transport, "bold" if setting.wrapped else ""),
            _successes(row),
            _milliseconds(row.latency(0.50)),
            _milliseconds(row.latency(0.95)),
            str(row.attempts),
        )
        if setting.wrapped:
            table.add_row()
    return table


def _successes(row: Row) -> Text:
    count = len(row.exchanges)
    # Rounded down: only a row without a failure is at 100 %.
    percent = 1000 * row.successes // count / 10
    failed = "red" if row.setting.wrapped else "yellow"
    return Text.assemble(
        f"{row.successes:>{len(str(count))}}/{count} ",
        (f"{percent:5.1f} %", failed if row.failures else "green"),
    )


def _complaint(row: Row) -> Text:
    some = ", ".join(
        f"{each.planned.method} {each.planned.number} ended with {each.outcome}"
        for each in row.failures[:_MOST_FAILURES_NAMED]
    )
    return Text(f" {row.setting} wrapped, {len(row.failures)} failed: {some}", "red")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"

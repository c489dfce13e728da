"""`python -m benchmarks.storm`: all of it; with `--quick`: in under a minute."""

from __future__ import annotations

import math
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .contenders import (
    BOTOCORE,
    CONTENDERS,
    HTTPX_RETRIES,
    NO_RETRY,
    OURS,
    STAMINA,
    UNBUDGETED,
    Contender,
)
from .loopback import loopback
from .outage import WATCHED, course, figures, scenarios
from .picture import draw
from .small import flaky, limit, restart

RESULTS = Path(__file__).parent.parent / "results"
SEED = 7
SHARES = (0.05, 0.2, 0.4)


def outages(pool: ProcessPoolExecutor, contenders: tuple[Contender, ...]) -> Table:
    """Attempts per request and recovery, of each contender, in every outage."""
    columns = [(clients, each) for clients in (4, 160) for each in scenarios(clients)]
    table = Table(
        "attempts per request, recovery in s",
        *(f"{each.name}, {clients} clients" for clients, each in columns),
        title="200 a second, called 160 times a second, is away for 10 s",
        caption=f"never: not within {WATCHED:.0f} s",
    )
    found = [
        [pool.submit(figures, contender, scenario, SEED) for _, scenario in columns]
        for contender in contenders
    ]
    for contender, futures in zip(contenders, found, strict=True):
        cells = [_cell(*future.result()) for future in futures]
        table.add_row(contender.name, *cells)
    return table


def _cell(attempts: float, recovery: float) -> str:
    return f"{attempts:5.2f}  {_seconds(recovery):>5}"


def _seconds(recovery: float) -> str:
    return "never" if math.isinf(recovery) else f"{recovery:.1f}"


def troubles(pool: ProcessPoolExecutor) -> Table:
    """Requests that failed in a restart and at a rate limit."""
    table = Table(
        "requests that failed",
        "200 in flight at a restart",
        "300 sent in its 1 s",
        "200 that meet 429 with Retry-After",
        title="300 GETs a second and a restart of 1 s; a rate limit",
    )
    found = [
        (each.name, pool.submit(restart, each), pool.submit(limit, each)) for each in CONTENDERS
    ]
    for name, restarted, limited in found:
        cells = (*restarted.result(), limited.result())
        table.add_row(name, *(str(tally.failed) for tally in cells))
    return table


def flakiness(pool: ProcessPoolExecutor, requests: int) -> Table:
    """How much a budget costs where a share p of all calls fails."""
    table = Table(
        "failed, of which p⁴ is 1.00",
        *(f"p = {share:.0%}" for share in SHARES),
        title=f"a flaky service, {requests:,} requests",
    )
    rows = (OURS, UNBUDGETED)
    found = [[pool.submit(flaky, each, share, requests) for share in SHARES] for each in rows]
    for contender, futures in zip(rows, found, strict=True):
        tallies = zip((future.result() for future in futures), SHARES, strict=True)
        cells = (f"{each.failed:,}: {each.share / share**4:.2f}" for each, share in tallies)
        table.add_row(contender.name, *cells)
    return table


def wire() -> Table:
    """The loopback run."""
    table = Table(
        "client",
        "attempts per request",
        "recovery in s",
        title="loopback: 40 a second, called 32 times a second, hangs for 2 s",
    )
    for name, found in loopback().items():
        table.add_row(name, f"{found.attempts:.2f}", _seconds(found.recovery))
    return table


def main(*, quick: bool = False) -> None:
    """Print the tables, and draw the picture."""
    console = Console(width=None if sys.stdout.isatty() else 170)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        few = (NO_RETRY, OURS, HTTPX_RETRIES, BOTOCORE)
        console.print(outages(pool, few if quick else CONTENDERS))
        console.print(troubles(pool))
        console.print(flakiness(pool, 100_000 if quick else 1_000_000))
    console.print(wire())
    hangs = scenarios(4)[1]
    shown = (NO_RETRY, HTTPX_RETRIES, STAMINA, OURS)
    draw({each.name: course(each, hangs, SEED) for each in shown}, RESULTS)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)

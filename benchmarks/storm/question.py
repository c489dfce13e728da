"""Does a retry policy feed an outage? Everybody's own code against a service that goes away.

Simulated, with everybody's own code in virtual time, and small on a real wire.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from ..harness.results import QUICK, RESULTS
from ..harness.tables import Table
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
from .fleet import FLEET
from .loopback import loopback
from .outage import WATCHED, course, figures, scenarios
from .picture import draw
from .small import begun, flaky, limit, restart
from .workers import OWN, SHARED, workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..harness.bench import Bench

SEED = 7
SHARES = (0.05, 0.2, 0.4)


def outages(bench: Bench, pool: ProcessPoolExecutor, contenders: tuple[Contender, ...]) -> Table:
    """Attempts per request and recovery, of each contender, in every outage."""
    met = [(each, clients) for clients in (4, 160) for each in scenarios(clients)]
    met = met[bench.pick(slice(None), slice(1, 2))]
    table = Table(
        "200 a second, called 160 times a second, is away for 10 s",
        {"service": "", "contender": "", "attempts per request": ".2f", "recovery in s": ".1f"},
        note=f"never: not within {WATCHED:.0f} s",
    )
    rows = [
        (
            f"{scenario.name}, {clients} clients",
            each.name,
            pool.submit(figures, each, scenario, SEED),
        )
        for scenario, clients in met
        for each in contenders
    ]
    for step in bench.steps("outages", len(rows)):
        service, name, found = rows[step]
        table.add(service, name, *found.result())
    return table


def troubles(bench: Bench, pool: ProcessPoolExecutor, contenders: tuple[Contender, ...]) -> Table:
    """Requests that failed in a restart and at a rate limit."""
    table = Table(
        "requests that failed: 300 GETs a second and a restart of 1 s; a rate limit",
        {
            "contender": "",
            "200 in flight at a restart": ",d",
            "300 sent in its 1 s": ",d",
            "200 that meet 429 with Retry-After": ",d",
        },
    )
    rows = [
        (each.name, pool.submit(restart, each), pool.submit(limit, each)) for each in contenders
    ]
    for step in bench.steps("troubles", len(rows)):
        name, restarted, limited = rows[step]
        table.add(name, *(tally.failed for tally in (*restarted.result(), limited.result())))
    return table


def flakiness(bench: Bench, pool: ProcessPoolExecutor) -> Table:
    """How much a budget costs where a share p of all calls fails."""
    requests = bench.pick(1_000_000, 10_000)
    times = requests // 100
    table = Table(
        f"a flaky service: how many failed of {requests:,} requests, 160 a second of 4 clients, and"
        f" of the first 64 of {times:,} clients, all at once; of which p⁴ is 1.00",
        {"contender": "", "p": ".0%", "failed": ",d", "÷ p⁴": ".2f", "of the first 64": ".2f"},
    )
    rows = [
        (
            each.name,
            share,
            pool.submit(flaky, each, share, requests),
            pool.submit(begun, each, share, times),
        )
        for each in (OURS, UNBUDGETED)
        for share in SHARES
    ]
    for step in bench.steps("flakiness", len(rows)):
        name, share, steady, first = rows[step]
        tally = steady.result()
        failed = (each / share**4 for each in (tally.share, first.result().share))
        table.add(name, share, tally.failed, *failed)
    return table


def wire() -> Table:
    """The loopback run."""
    table = Table(
        "loopback: 40 a second, called 32 times a second, hangs for 2 s",
        {"client": "", "attempts per request": ".2f", "recovery in s": ".1f"},
    )
    for name, found in loopback().items():
        table.add(name, found.attempts, found.recovery)
    return table


def fleets(bench: Bench, pool: ProcessPoolExecutor) -> Table:
    """Many small workers: with a bucket each, and with one on Redis."""
    met = [(each, count) for count in (160, 1000) for each in scenarios(count)]
    met = met[bench.pick(slice(None), slice(1, 2))]
    table = Table(
        "the same outages, met by fleets",
        {"service": "", "bucket": "", "attempts per request": ".2f", "recovery in s": ".1f"},
        note=f"never: not within {WATCHED:.0f} s",
    )
    rows = [
        (f"{scenario.name}, {count:,} workers", name, pool.submit(figures, kind, scenario, SEED))
        for scenario, count in met
        for name, kind in ((OWN, OURS), (SHARED, FLEET))
    ]
    for step in bench.steps("fleets", len(rows)):
        service, name, found = rows[step]
        table.add(service, name, *found.result())
    return table


def flaky_fleets(bench: Bench, pool: ProcessPoolExecutor) -> Table:
    """Workers that fail now and then: nobody's bucket may run empty."""
    requests = bench.pick(100_000, 10_000)
    table = Table(
        f"1 in 100 calls fails, {requests:,} requests of 160 workers: how many failed",
        {"bucket": "", "failed": ",d"},
    )
    rows = [
        (name, pool.submit(flaky, kind, 0.01, requests, clients=160))
        for name, kind in ((OWN, OURS), (SHARED, FLEET))
    ]
    for step in bench.steps("flaky fleets", len(rows)):
        name, found = rows[step]
        table.add(name, found.result().failed)
    return table


def in_earnest() -> Iterator[Table]:
    """The run of 8 processes with a real Redis."""
    outages, quotas = workers()
    table = Table(
        "8 processes: 40 a second, called 32 times a second, hangs for 2 s",
        {"budget and cool-down": "", "attempts per request": ".2f"},
    )
    for name, attempts in outages.items():
        table.add(name, attempts)
    yield table
    table = Table(
        "8 processes: a quota of 100 a second, 160 a second for 5 s",
        {"budget and cool-down": "", "requests": ",d", "429s": ",d", "failed": ",d", "s": ".1f"},
    )
    for name, quota in quotas.items():
        table.add(name, *quota)
    yield table


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it, and draw the picture. A quick answer leaves out the real wire."""
    contenders = bench.pick(CONTENDERS, (NO_RETRY, OURS, HTTPX_RETRIES, BOTOCORE))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield outages(bench, pool, contenders)
        yield troubles(bench, pool, contenders)
        yield flakiness(bench, pool)
        yield fleets(bench, pool)
        yield flaky_fleets(bench, pool)
    if not bench.quick:
        yield wire()
        yield from in_earnest()
    hangs = scenarios(4)[1]
    shown = bench.pick((NO_RETRY, HTTPX_RETRIES, STAMINA, OURS), (NO_RETRY, OURS))
    draw({each.name: course(each, hangs, SEED) for each in shown}, bench.pick(RESULTS, QUICK))

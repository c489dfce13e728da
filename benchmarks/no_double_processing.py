"""Is a POST ever processed twice, or changed on its way? 2,000 of them under a mix of real faults.

The servers' own count, on real sockets: a server of the tests' laboratory records what it fully
read, and what it disowned by protocol. `provable` counts failed attempts that proved that nothing
was processed; each must have been followed by another send.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from httpx_retry import Evidence
from tests.faults.lab import Fin, HTTP1Server, HTTP2Server, Identity, Rst
from tests.faults.storm import HTTP1_MIX, HTTP2_MIX, Tally, body_of, goaway_every, run, script

from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness.bench import Bench

PROVED = (Evidence.UNSENT, Evidence.REFUSED)
COLUMNS = ("POSTs", "answered", "failed", "twice", "changed", "provable", "sent again")


def storms() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Each storm's server and how it is met."""
    handshakes = [ending for _ in range(100) for ending in (Fin(), Rst(), Fin())]
    return {
        "HTTP/2, every fault": (HTTP2Server(script(HTTP2_MIX, seed=7)), {"at_once": 8}),
        "HTTP/2, a GOAWAY every 10 streams": (HTTP2Server(goaway_every(10)), {"at_once": 8}),
        "HTTP/1.1, every fault": (
            HTTP1Server(script(HTTP1_MIX, seed=7)),
            {"at_once": 8, "http2": False},
        ),
        "TLS handshakes that fail": (
            HTTP1Server(script(HTTP1_MIX, seed=8), accept=handshakes, tls=Identity()),
            {"at_once": 8, "http2": False},
        ),
    }


def row(server: Any, tally: Tally) -> list[int]:
    """The figures of one storm."""
    processed = server.processed
    attempts = [attempt for history in tally.histories.values() for attempt in history]
    provable = [attempt for attempt in attempts if attempt.evidence in PROVED]
    return [
        len(tally.histories),
        len(tally.answered),
        len(tally.failed),
        sum(len(received) > 1 for received in processed.values()),
        sum(
            one.body != body_of(int(name.partition("-")[2]))
            for name, received in processed.items()
            for one in received
        ),
        len(provable),
        sum(attempt.wait is not None for attempt in provable),
    ]


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "POSTs with unique ids, by the servers' own count",
        {"storm": "", **dict.fromkeys(COLUMNS, ",d")},
    )
    totals = [0] * len(COLUMNS)
    met = list(storms().items())[: bench.pick(None, 2)]
    for step in bench.steps("no double processing", len(met)):
        name, (server, options) = met[step]
        with server:
            tally: Tally = anyio.run(
                partial(
                    run,
                    server.url,
                    count=bench.pick(500, 20),
                    method=lambda _: "POST",
                    **options,
                )
            )
        figures = row(server, tally)
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        table.add(name, *figures)
    table.add("in all", *totals)
    yield table

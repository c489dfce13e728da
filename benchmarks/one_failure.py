"""What does one failure cost? 503 and then 200, without a wait and without a network.

Draining the 503, deciding, the budget and the history are in it. What the peers sleep where they
are told not to wait is in their figures: `time.sleep(0)` is a system call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .happy_path import worlds
from .harness.contenders import BARE, PEER
from .harness.inner import flaky
from .harness.rounds import interleaved
from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness.bench import Bench


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "503, then 200, no wait: what it costs more than two calls of the inner transport",
        {"world": "", "contender": "", "added µs": ",.2f", "× httpx-retries": ".3f"},
        bars="added µs",
    )
    amount = {"count": bench.pick(1_000, 100), "rounds": bench.pick(21, 5)}
    for world, makes in worlds(flaky).items():
        rounds = interleaved(bench, f"one failure, {world}", makes, **amount)
        # A round of the bare inner transport is half as many sends.
        theirs = rounds.added(PEER, BARE) - rounds.wall(BARE)
        for name in rounds:
            if name != BARE:
                added = rounds.added(name, BARE) - rounds.wall(BARE)
                table.add(world, name, added * 1e6, added / theirs)
    yield table

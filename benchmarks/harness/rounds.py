"""Interleaved rounds: A-B-A-B, in an order drawn anew, and medians of what each pair says.

Shared machines slow down and recover between one second and the next. Two rounds that follow one
another have met the same weather; so each round of a contender is compared with the same round of
what it is compared to, and the median is taken of these comparisons.
"""

from __future__ import annotations

import random
import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .bench import Bench
    from .work import Make


class Cost(NamedTuple):
    """Of one call: seconds by the clock, and of this process's CPU."""

    wall: float
    cpu: float


class Rounds(dict[str, list[Cost]]):
    """By contender, what a call cost in each round."""

    def wall(self, name: str) -> float:
        """Seconds of a call, in the median round."""
        return median(cost.wall for cost in self[name])

    def added(self, name: str, bare: str) -> float:
        """Seconds that a call takes more than a bare one: the median of paired rounds."""
        pairs = zip(self[name], self[bare], strict=True)
        return median(cost.wall - other.wall for cost, other in pairs)

    def ratio(self, name: str, bare: str) -> float:
        """How many times a bare call it takes by the clock: the median of paired rounds."""
        pairs = zip(self[name], self[bare], strict=True)
        return median(cost.wall / other.wall for cost, other in pairs)

    def cpu_ratio(self, name: str, bare: str) -> float:
        """As `ratio`, of CPU time."""
        pairs = zip(self[name], self[bare], strict=True)
        return median(cost.cpu / other.cpu for cost, other in pairs)


def timed(run: Callable[[int], object], count: int) -> Cost:
    """One round."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(wall / count, cpu / count)


def interleaved(
    bench: Bench, label: str, makes: Mapping[str, Make], *, count: int, rounds: int
) -> Rounds:
    """Run all contenders side by side.

    Args:
        bench: shows how far it is.
        label: what is shown.
        makes: the contenders.
        count: calls in a round.
        rounds: how many there are of each.
    """
    works = {name: make() for name, make in makes.items()}
    # What always runs after the same other finds its leavings in the caches.
    order, draws = list(works.items()), random.Random(7)
    seen = Rounds({name: [] for name in works})
    try:
        for work in works.values():
            work.run(max(1, count // 10))
        for _ in bench.steps(label, rounds):
            draws.shuffle(order)
            for name, work in order:
                seen[name].append(timed(work.run, count))
    finally:
        for work in works.values():
            work.close()
    return seen

"""Mixed traffic under mixed faults, for as long as one likes: nothing may pile up.

`python -m tests.faults.soak --minutes 10` prints a line each half minute, and a verdict.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from tests.faults.traffic import FaultyHTTP1Server, FaultyHTTP2Server, Lane
from tests.worlds import WORLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from httpx_retry import RetryEvent

# Rounds until caches are filled, and requests of each lane in a round of the long run.
WARM_UP = 4
MOST = 10.0
_ROUND = 200
_HALF_A_MINUTE = 30.0


class Reading(NamedTuple):
    """What is kept and what is open while nothing is going on.

    Attributes:
        memory: bytes that Python holds, by `tracemalloc`.
        files: open file descriptors.
    """

    memory: int
    files: int


def read() -> Reading:
    """Read the gauges, once all garbage is gone."""
    while gc.collect():
        pass
    return Reading(tracemalloc.get_traced_memory()[0], len(list(Path("/dev/fd").iterdir())))


class Soak:
    """Six lanes, three worlds times two protocols, and the servers that fail them.

    Args:
        requests: how many each lane sends in a round.
        on_event: called with each event of each transport.

    Attributes:
        readings: one after each round.
        before: that before anything was opened.
        after: that when all was closed.
    """

    before: Reading
    after: Reading

    def __init__(
        self, requests: int, on_event: Callable[[RetryEvent], object] | None = None
    ) -> None:
        self.readings: list[Reading] = []
        self._requests = requests
        self._on_event = on_event
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        tracemalloc.start()
        self.before = read()
        http1 = self._stack.enter_context(FaultyHTTP1Server(seed=1))
        http2 = self._stack.enter_context(FaultyHTTP2Server(seed=1))
        self._servers: Sequence[FaultyHTTP1Server | FaultyHTTP2Server] = (http1, http2)
        self._lanes = [
            self._stack.enter_context(closing(Lane(world, server.url, seed, self._on_event)))
            for server in self._servers
            for seed, world in enumerate(WORLDS)
        ]
        # The same threads for all rounds: coverage keeps a tracer for each that ever was.
        self._threads = self._stack.enter_context(ThreadPoolExecutor(len(self._lanes)))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        self._servers, self._lanes = (), []
        self.after = read()
        tracemalloc.stop()

    def round(self) -> None:
        """All lanes at once; then everything is quiet, and the gauges are read."""
        for _ in self._threads.map(lambda lane: lane.round(self._requests), self._lanes):
            pass
        for server in self._servers:
            server.hang_up()
        self.readings.append(read())

    @property
    def counts(self) -> Counter[str]:
        """What was sent and what came of it, in all lanes."""
        return sum((lane.counts for lane in self._lanes), Counter[str]())

    @property
    def held(self) -> int:
        """Slots of connection pools that were never given back."""
        return sum(lane.held for lane in self._lanes)

    @property
    def growth(self) -> float:
        """Bytes of memory that each request has left behind, once caches are warm."""
        memory = [reading.memory for reading in self.readings[WARM_UP:]]
        return growth(memory) / (self._requests * len(self._lanes))

    def faults(self, most: float) -> list[str]:
        """Say what is not flat.

        Args:
            most: bytes that each request may leave behind: caches fill slowly, and leaks for ever.
        """
        found = []
        if self.growth > most:
            found.append(f"each request leaves {self.growth:.1f} bytes behind")
        files = sorted({reading.files for reading in self.readings})
        if len(files) > 1:
            found.append(f"between rounds {files} files are open")
        if self.held:
            found.append(f"{self.held} slots of connection pools were never given back")
        return found


def growth(memory: Sequence[int]) -> float:
    """Return the bytes by which memory grows from one reading to the next.

    What lingers for a while lifts some readings; what leaks lifts them all. So it is the lowest of
    the later half that is held against the lowest of the earlier.
    """
    half = len(memory) // 2
    return (min(memory[half:]) - min(memory[:half])) / half


def _line(minutes: float, counts: Counter[str], reading: Reading) -> str:
    shown = f"{counts['requests']:9,} {counts['retries']:9,} {counts['cancelled']:9,}"
    return f"{minutes:7.1f} {shown} {reading.memory / 1e6:10.3f} {reading.files:5}"


def main(minutes: float) -> int:
    """Soak for so long, and print a line each half minute; return 0 if everything stayed flat."""
    logging.getLogger("httpx_retry").setLevel(logging.CRITICAL)
    say = partial(Console(highlight=False).print, soft_wrap=True)
    say("minutes  requests   retries cancelled  traced MB files")
    began = shown = time.monotonic()
    with Soak(_ROUND) as soak:
        while time.monotonic() - began < minutes * 60 or len(soak.readings) < WARM_UP + 4:
            soak.round()
            if time.monotonic() - shown >= _HALF_A_MINUTE:
                shown = time.monotonic()
                passed = (shown - began) / 60
                say(_line(passed, soak.counts, soak.readings[-1]))
        counts, found = soak.counts, soak.faults(most=MOST)
        say(f"each request left {soak.growth:.1f} bytes behind, at most {MOST} are allowed")
    say(", ".join(f"{count:,} {what}" for what, count in counts.most_common()))
    if soak.after.files != soak.before.files:
        found.append(f"{soak.before.files} files were open before, {soak.after.files} are now")
    say("not flat: " + "; ".join(found) if found else "flat")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    sys.exit(main(parser.parse_args().minutes))

"""Smaller troubles, which retries have to get a client through: a restart, a rate limit, chance."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from .model import Clock, End, simulate, steady

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .contenders import Contender
    from .model import Request, Service

LATENCY = 2 / 3


class Restart:
    """Resets at 0 what is in flight, and refuses connections for 1 s."""

    def attempt(self, now: float) -> tuple[float, End]:
        if now < 0.0:
            return (now + LATENCY, End.ANSWERED) if now + LATENCY < 0.0 else (0.0, End.RESET)
        return (now, End.REFUSED) if now < 1.0 else (now + LATENCY, End.ANSWERED)


class Limit:
    """Answers 429 with Retry-After: 1 during the first half second."""

    def attempt(self, now: float) -> tuple[float, End]:
        return now + 0.05, End.LIMITED if now < 0.5 else End.ANSWERED


class Flaky:
    """Fails a share of all calls with a 503."""

    def __init__(self, share: float, seed: int) -> None:
        self.share = share
        self._draw = random.Random(seed).random

    def attempt(self, now: float) -> tuple[float, End]:
        return now + 0.05, End.UNAVAILABLE if self._draw() < self.share else End.ANSWERED


class Tally(NamedTuple):
    """How many requests there were, and how many of them failed in the end."""

    requests: int
    failed: int

    @property
    def share(self) -> float:
        return self.failed / self.requests


def _ended(
    contender: Contender,
    service: Service,
    arrivals: Iterator[float],
    clients: int = 1,
    seed: int = 7,
) -> Iterator[Request]:
    random.seed(seed)
    clock = Clock()
    made = [contender.client(clock) for _ in range(clients)]
    return simulate(clock, service, made, arrivals, seed)


def _tally(requests: Iterable[Request]) -> Tally:
    count = failed = 0
    for request in requests:
        count += 1
        failed += not request.succeeded
    return Tally(count, failed)


def restart(contender: Contender) -> tuple[Tally, Tally]:
    """300 GETs a second for 20 s. Those in flight at the reset, and those of the second after."""
    arrivals = (k / 300 for k in range(-6000, 300))
    met = [each for each in _ended(contender, Restart(), arrivals) if each.began >= -LATENCY]
    in_flight = _tally(each for each in met if each.began < 0.0)
    return in_flight, _tally(each for each in met if each.began >= 0.0)


def limit(contender: Contender) -> Tally:
    """200 requests at once, by a client that has sent none before; each meets one 429."""
    return _tally(_ended(contender, Limit(), (k / 1e6 for k in range(200))))


def flaky(contender: Contender, share: float, requests: int, clients: int = 4) -> Tally:
    """160 requests a second, of so many clients, to a service that fails a share of all calls."""
    arrivals = steady(160.0, 0.0, requests / 160.0, seed=7)
    return _tally(_ended(contender, Flaky(share, seed=7), arrivals, clients))


def begun(contender: Contender, share: float, times: int) -> Tally:
    """64 requests at once, by a client that has sent none before: so many such clients."""
    tallies = [
        _tally(_ended(contender, Flaky(share, seed), (k / 1e6 for k in range(64)), seed=seed))
        for seed in range(times)
    ]
    return Tally(sum(each.requests for each in tallies), sum(each.failed for each in tallies))

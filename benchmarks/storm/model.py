"""The simulated world: a virtual clock, clients that arrive by chance, services that fail.

A service works off a queue, first come first served, at a constant rate. An attempt whose answer
does not come in time is a timeout for its client, but keeps its place in the queue: the service
finds out only when it writes. That is what makes storms: work that nobody waits for any more delays
what somebody does.
"""

from __future__ import annotations

import random
from enum import Enum
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class End(Enum):
    """How an attempt ends, for its client."""

    ANSWERED = "answered"
    TIMED_OUT = "timed out"
    REFUSED = "connection refused"
    RESET = "connection reset"
    UNAVAILABLE = "503"
    LIMITED = "429 with Retry-After: 1"


class Clock:
    """The virtual time, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


class Journey(Protocol):
    """One request, as its policy sees it."""

    def ended(self, end: End) -> float | None:
        """Return the seconds until the next attempt; None: what there is is handed over."""


class Client(Protocol):
    """What shares one transport: a process, say."""

    def begin(self) -> Journey:
        """The first attempt of a request is about to be sent."""


class Service(Protocol):
    """What is called."""

    def attempt(self, now: float) -> tuple[float, End]:
        """Return when an attempt that arrives now ends, and how."""


class Request:
    """What became of a request.

    Attributes:
        began: when its first attempt was sent.
        ended: when its caller got something.
        attempts: how often it was sent.
        succeeded: whether it was answered in the end.
    """

    __slots__ = ("attempts", "began", "ended", "journey", "succeeded")

    def __init__(self, began: float, journey: Journey) -> None:
        self.began = began
        self.journey = journey
        self.ended = 0.0
        self.attempts = 0
        self.succeeded = False


def steady(rate: float, start: float, end: float, seed: int) -> Iterator[float]:
    """Yield the moments of `rate` arrivals a second: one in each slot, at a random moment of it."""
    draw = random.Random(seed).random
    for slot in range(round((end - start) * rate)):
        yield start + (slot + draw()) / rate


def simulate(
    clock: Clock, service: Service, clients: Sequence[Client], arrivals: Iterator[float], seed: int
) -> Iterator[Request]:
    """Yield the requests in the order in which they end.

    Args:
        clock: the one that `clients` read.
        service: called by all of them.
        clients: each arrival is one's, by chance.
        arrivals: moments, in order.
        seed: of that chance.
    """
    draws = random.Random(seed)
    events: list[tuple[float, int, Request | None, End | None]] = []
    count = 0

    def plan(when: float, request: Request | None, end: End | None) -> None:
        nonlocal count
        count += 1
        heappush(events, (when, count, request, end))

    def plan_arrival() -> None:
        when = next(arrivals, None)
        if when is not None:
            plan(when, None, None)

    plan_arrival()
    while events:
        clock.now, _, request, end = heappop(events)
        if request is None:
            request = Request(clock.now, draws.choice(clients).begin())
            plan_arrival()
        elif end is not None:
            wait = request.journey.ended(end)
            if wait is None:
                request.ended, request.succeeded = clock.now, end is End.ANSWERED
                yield request
            else:
                plan(clock.now + wait, request, None)
            continue
        request.attempts += 1
        when, how = service.attempt(clock.now)
        plan(when, request, how)

"""A service of capacity 200 a second that is called 160 times a second goes away for 10 s.

Three ways to be away. It refuses connections. It hangs: its queue fills, and it goes on with that
when it is back. In both, the queue holds 360 requests and drops what comes beyond, and clients wait
for 1 s. Or it loses what comes: accepted, never answered; clients wait for 5 s, httpx's
default, and the queue is as long as you like.

Recovery is the time from its return to the end of the first second from which on, in every second,
99 % of the requests that end have succeeded. Attempts are the mean of the requests that began in
the outage or before the recovery; in its first 15 s, where that took longer.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .model import Clock, End, simulate, steady

if TYPE_CHECKING:
    from .contenders import Contender
    from .model import Request

CAPACITY = 200.0
RATE = 160.0
BACK = 10.0
BEFORE = 20.0
WATCHED = 60.0
COUNTED = 15.0
ROOM = 360
NORMAL = 0.99


class Scenario(NamedTuple):
    """One way to be away, met by so many clients.

    Attributes:
        name: a column's title.
        away: how an attempt ends that is turned away.
        clients: what shares a budget each; they divide the load.
        patience: seconds that a client waits for an answer.
        room: requests that the queue holds.
        keeps: whether it takes them in while the service is away.
    """

    name: str
    away: End
    clients: int
    patience: float
    room: float
    keeps: bool = False


def scenarios(clients: int) -> tuple[Scenario, ...]:
    """The three ways to be away."""
    return (
        Scenario("refuses", End.REFUSED, clients, patience=1.0, room=ROOM),
        Scenario("hangs", End.TIMED_OUT, clients, patience=1.0, room=ROOM, keeps=True),
        Scenario("loses", End.TIMED_OUT, clients, patience=5.0, room=float("inf")),
    )


class Outage:
    """The service: it is away from 0 to `BACK`.

    Attributes:
        arrived: when each attempt arrived.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.arrived: list[float] = []
        self._scenario = scenario
        self._free = -BEFORE

    def attempt(self, now: float) -> tuple[float, End]:
        self.arrived.append(now)
        scenario = self._scenario
        is_away = 0.0 <= now < BACK
        if is_away and not scenario.keeps:
            return self._turned_away(now)
        begins = BACK if is_away else now
        start = max(self._free, begins)
        if (start - begins) * CAPACITY >= scenario.room:
            return now + scenario.patience, End.TIMED_OUT
        ends = start + 1 / CAPACITY
        if now < 0.0 < ends:  # it is in the queue when the service goes away
            return self._turned_away(now)
        self._free = ends
        if ends - now > scenario.patience:
            return now + scenario.patience, End.TIMED_OUT
        return ends, End.ANSWERED

    def _turned_away(self, now: float) -> tuple[float, End]:
        if self._scenario.away is End.REFUSED:
            return (0.0, End.RESET) if now < 0.0 else (now, End.REFUSED)
        return now + self._scenario.patience, End.TIMED_OUT


class Course(NamedTuple):
    """What became of all requests.

    Attributes:
        requests: in the order in which they ended.
        arrived: when each attempt arrived.
    """

    requests: list[Request]
    arrived: list[float]

    @property
    def recovery(self) -> float | None:
        """Seconds from the service's return until all is normal; None: not while watched."""
        ended = [(each.ended, each.succeeded) for each in self.requests]
        moments = [moment for moment, _ in ended]
        good = list(accumulate((succeeded for _, succeeded in ended), initial=0))
        found = None
        for tenth in range(int(WATCHED - 1) * 10, -1, -1):
            since = BACK + tenth / 10
            low, high = bisect_left(moments, since), bisect_left(moments, since + 1)
            if high == low or good[high] - good[low] < NORMAL * (high - low):
                break
            found = tenth / 10 + 1
        return found

    @property
    def attempts(self) -> float:
        """How often a request was sent, in the mean."""
        recovery = self.recovery
        until = BACK + min(COUNTED, WATCHED if recovery is None else recovery)
        counted = [each.attempts for each in self.requests if 0.0 <= each.began < until]
        return sum(counted) / len(counted)


def course(contender: Contender, scenario: Scenario, seed: int) -> Course:
    """Run it."""
    random.seed(seed)
    clock = Clock()
    service = Outage(scenario)
    clients = [contender.client(clock) for _ in range(scenario.clients)]
    arrivals = steady(RATE, -BEFORE, BACK + WATCHED, seed)
    return Course(list(simulate(clock, service, clients, arrivals, seed)), service.arrived)


def figures(contender: Contender, scenario: Scenario, seed: int) -> tuple[float, float]:
    """Attempts per request and seconds to recovery; infinity: not while watched."""
    found = course(contender, scenario, seed)
    return found.attempts, float("inf") if found.recovery is None else found.recovery

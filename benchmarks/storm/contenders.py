"""Who is compared, each with the code that it ships: no policy is written down a second time.

Ours is asked through `Call`, the part of the transport that neither sends nor waits: so its budget
is drawn on and given back to as on a real wire.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import httpx

from httpx_retry import RetryPolicy
from httpx_retry._call import Call
from httpx_retry._core.budget import FRESH
from httpx_retry._http.family import Family
from httpx_retry._http.requests import origin_of
from httpx_retry._http.wire import Wire
from httpx_retry._settings import Settings

from .httpx_ends import REQUEST, result_of
from .model import End
from .peers import Botocore, HttpxRetries, Stamina, Tenacity, Urllib3

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx_retry._core.budget import Budget, Fresh
    from httpx_retry._core.outcome import Load

    from .model import Client, Clock, Journey


class Bare:
    """No retry."""

    def __init__(self, clock: Clock) -> None:
        """Needs no clock."""

    def begin(self) -> Journey:
        return self

    def ended(self, end: End) -> float | None:
        return None


class Ours:
    """One transport of ours.

    Args:
        clock: the virtual one.
        policy: None: the default.
        budget: a fresh default one unless one is given; None: there is none.
    """

    def __init__(
        self,
        clock: Clock,
        policy: RetryPolicy | None = None,
        *,
        budget: Budget | Fresh | None = FRESH,
    ) -> None:
        self.policy = policy or RetryPolicy()
        self.clock = clock
        draw = random.Random(random.random()).random
        wire = Wire(Family(httpx), None)
        self.settings = Settings(wire, self.policy, budget, False, None, clock, draw)  # noqa: FBT003 - no cool-down

    def lease(self, origin: str, load: Load, now: float) -> None:
        """Ask those with whom a budget is shared."""

    def begin(self) -> Journey:
        now, traffic = self.clock.now, self.settings.traffic
        if now < traffic.ends:
            traffic.count += 1
        else:
            traffic.roll(now)
        return OurJourney(self, now)


class OurJourney:
    """One request, driven as the transport's drivers do."""

    __slots__ = ("began", "call", "client")

    def __init__(self, client: Ours, began: float) -> None:
        self.client = client
        self.began = began
        self.call: Call | None = None

    def ended(self, end: End) -> float | None:
        settings = self.client.settings
        call = self.call
        if call is None:
            if end is End.ANSWERED:
                if settings.missing:
                    settings.deposit(origin_of(REQUEST.url), None)
                return None
            policy, body = self.client.policy, REQUEST.stream
            call = Call(settings, policy, REQUEST, REQUEST.url, body, self.began, epoch=0)
            self.call = call
        result = result_of(end)
        if isinstance(result, httpx.Response):
            call.answered(result)
        else:
            call.failed(result)
        delay = call.judge(epoch=0)
        if call.owes is not None:
            self.client.lease(*call.owes)
            delay = call.settle()
        if delay is None:
            call.close()
        else:
            call.let_go()
        return delay


class Contender(NamedTuple):
    """One row of the tables.

    Attributes:
        name: with the settings, where they are not the defaults.
        client: makes one that shares nothing with others.
    """

    name: str
    client: Callable[[Clock], Client]


NO_RETRY = Contender("no retry", Bare)
OURS = Contender("httpx_retry", Ours)
UNBUDGETED = Contender("httpx_retry, budget=None", partial(Ours, budget=None))
HTTPX_RETRIES = Contender("httpx-retries", HttpxRetries)
STAMINA = Contender("stamina", Stamina)
BOTOCORE = Contender("botocore standard", Botocore)

CONTENDERS = (
    NO_RETRY,
    OURS,
    UNBUDGETED,
    HTTPX_RETRIES,
    STAMINA,
    Contender("tenacity, 4 attempts, full jitter", Tenacity),
    Contender("urllib3 Retry(3)", Urllib3),
    BOTOCORE,
)

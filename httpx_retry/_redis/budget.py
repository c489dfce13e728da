"""A retry budget that a fleet shares: tokens are leased from Redis, and given back."""

from __future__ import annotations

import os
from collections import OrderedDict
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from .._core._lock import ForkSafeLock
from .._core.budget import MOST_ORIGINS, SLOT, WINDOW, RetryBudget
from .._core.outcome import Load
from .keys import check_prefix, key_of
from .lease import Asked, CountedTraffic, Lease, Want
from .link import Link
from .question import Draft, Question
from .scripts import LEASE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from threading import RLock

# Seconds for which Redis keeps a bucket that nobody asks.
_LIFE = 60


class RedisRetryBudget:
    """A `RetryBudget` that all processes share whose clients reach the same Redis or Valkey.

    Its rule is that of `RetryBudget`, and so are its numbers, which are to be the same everywhere.
    Redis is asked when a failed attempt asks for a retry, for which a request waits 50 ms at most,
    and is told, for which none waits, when one has ended well. While there is no answer, the
    process has a `RetryBudget` of its own.

    Args:
        client: a `redis.Redis` for a `RetryTransport`; a `redis.asyncio.Redis`, which runs on
            asyncio alone, for an `AsyncRetryTransport`. Those of clusters will do as well.
        capacity: as of `RetryBudget`.
        share: as of `RetryBudget`, of the requests of all.
        deposit: as of `RetryBudget`.
        timeout_cost: as of `RetryBudget`.
        prefix: what the keys begin with: processes share what they name alike.

    Attributes:
        traffic: where transports count the requests.
        missing: empty while no deposit would change anything.
        lease: `lease(origin, load, now)`, which a transport calls, and awaits where the client is
            one for tasks, before it withdraws tokens.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value of the wrong type.
    """

    is_counted_for: ClassVar[bool] = True  # as `RetryBudget`
    traffic: CountedTraffic

    def __init__(  # noqa: PLR0913, PLR0917 - those of RetryBudget, in their order
        self,
        client: Any,
        capacity: float = 20.0,
        share: float = 0.1,
        deposit: float = 0.2,
        timeout_cost: float = 2.0,
        prefix: str = "httpx_retry",
    ) -> None:
        # It stands in for the shared one, and checks the numbers.
        self._local = RetryBudget(capacity, share, deposit, timeout_cost)
        self._local.traffic = self.traffic = CountedTraffic()
        # Clients write down other kinds of numbers in ways that Redis does not read, or not at all.
        self._rule = (float(capacity), float(share), WINDOW, _LIFE)
        self._deposit = float(deposit)
        self._timeout_cost = float(timeout_cost)
        self._prefix = check_prefix(prefix)
        self._link = Link(client, LEASE, "budget")
        self.missing: OrderedDict[str, Lease] = OrderedDict()
        self._lock = ForkSafeLock()
        self._process = os.getpid()
        self._inherited = 0
        self._monotonic = monotonic  # `deposit` is not told the time
        _budgets.add(self)
        self.lease: Callable[[str, Load, float], Awaitable[None] | None] = (
            self._lease_in_task if self._link.is_async else self._lease_in_thread
        )

    def __repr__(self) -> str:
        return f"<RedisRetryBudget {self._prefix!r}: {self._local!r}>"

    def _lease_in_thread(self, origin: str, load: Load, now: float) -> None:
        want = Want(self._cost_of(load))
        lease = self._lacking(origin, want, now)
        if lease is not None:
            try:
                self._link.ask(self._draft(origin, lease, now))
            finally:
                self._settle(lease, want)

    async def _lease_in_task(self, origin: str, load: Load, now: float) -> None:
        want = Want(self._cost_of(load))
        lease = self._lacking(origin, want, now)
        if lease is not None:
            try:
                await self._link.ask_in_task(self._draft(origin, lease, now))
            finally:
                self._settle(lease, want)

    def withdraw(self, origin: str, load: Load, now: float) -> float | None:
        """Take what a retry costs; None: there is not enough (see `Budget`)."""
        cost = self._cost_of(load)
        if not cost:
            return 0.0
        with self._locked():
            lease = self._lease_of(origin)
            if not self._link.is_away:
                if lease.covers(cost):
                    lease.stock -= cost
                    return cost
                if lease.is_refused(now):
                    self.traffic.count -= 1  # as `RetryBudget`
                    return None
                if lease.may_owe(self._monotonic()):
                    # Another thread was faster. It is asked for with the next question.
                    lease.stock -= cost
                    return cost
            # There was no answer.
            return self._local.withdraw(origin, load, now)

    def deposit(self, origin: str, tokens: float | None) -> None:
        """Give tokens back (see `Budget`)."""
        news: list[Draft] = []
        with self._locked():
            # Those that were lent here while Redis was away come first: they are none of the
            # shared. Whose a token was is not known: it is one of these until successes have made
            # up for them.
            lent = self._local.missing.get(origin, 0.0)
            own = self._deposit if tokens is None else min(tokens, lent)
            if self.missing and tokens is None:
                # Those for which nobody asks any more come first.
                oldest = next(iter(self.missing))
                news += self._forget_if_old(oldest, self.missing[oldest])
            lease = self.missing.get(origin)
            if lease is not None:
                if tokens is None:
                    lease.earned += self._deposit
                news += self._put_back(origin, lease, 0.0 if tokens is None else tokens - own)
            if lent:
                self._local.deposit(origin, own)
        # Not within the lock: it may start a thread, which is to wait for it.
        for draft in news:
            self._link.tell(draft)

    def _put_back(self, origin: str, lease: Lease, tokens: float) -> list[Draft]:
        """Take back what a request did not spend, and return what Redis is to be told of it."""
        if self._link.is_away:
            lease.stock += tokens
            return []
        told_at = lease.put_back(tokens, self._monotonic())
        return [] if told_at is None else [self._draft(origin, lease, told_at)]

    def _forget_if_old(self, origin: str, lease: Lease) -> list[Draft]:
        """Drop a lease once Redis has: successes need not be counted any more.

        Returns:
            What Redis is to be told of one that it may still have.
        """
        # The clock is not read for it: the slot of the traffic says how late it is, about.
        since = self.traffic.ends - SLOT - (lease.asked or 0.0)
        if since <= _LIFE or lease.is_waited_for:
            return []
        # What it holds is missing for as long as any other worker asks.
        is_idle = lease.is_empty or self._link.is_away
        if is_idle and origin not in self._local.missing:
            del self.missing[origin]
            return []
        # Others may be as old.
        self.missing.move_to_end(origin)
        return self._put_back(origin, lease, 0.0)

    def _cost_of(self, load: Load) -> float:
        if load is Load.NONE:
            return 0.0
        return self._timeout_cost if load is Load.TIMEOUT else 1.0

    def _lacking(self, origin: str, want: Want, now: float) -> Lease | None:
        """Return the lease for which Redis is to be asked, and note what is wanted; or None."""
        if not want.cost:
            return None
        with self._locked():
            lease = self._lease_of(origin)
            lease.expire(now)
            if self._is_settled(lease, want.cost, now):
                return None
            lease.wants.add(want)
            return lease

    def _is_settled(self, lease: Lease, cost: float, now: float) -> bool:
        """Whether Redis need not be asked; while it is away, it is, to see whether it is back."""
        return not self._link.is_away and (lease.covers(cost) or lease.is_refused(now))

    def _settle(self, lease: Lease, want: Want) -> None:
        with self._locked():
            lease.wants.discard(want)

    def _draft(self, origin: str, lease: Lease, now: float) -> Draft:
        return Draft(origin, partial(self._question, origin, lease, now), now)

    def _question(self, origin: str, lease: Lease, now: float) -> Question | None:
        """What to ask as it goes; None: there was enough given meanwhile, or it was refused."""
        with self._locked():
            is_news = False
            if self._link.is_away:
                # Nobody waits for it, and by the time that it comes nobody would spend it.
                lease.return_stock()
                asked = lease.tell(self.traffic, now)
            elif not lease.is_waited_for:
                asked, is_news = lease.tell(self.traffic, now), True
            elif self._is_settled(lease, lease.wanted, now):
                return None
            else:
                asked = lease.ask(self.traffic, now)
        key = key_of(self._prefix, "budget", origin)
        book = partial(self._book, lease, asked)
        return Question(key, (*self._rule, *asked.arguments), book, is_news)

    def _book(self, lease: Lease, asked: Asked, granted: float) -> None:
        with self._locked():
            lease.book(asked, granted, self._monotonic())

    def _lease_of(self, origin: str) -> Lease:
        lease = self.missing.get(origin)
        if lease is None:
            lease = self.missing[origin] = Lease(self._inherited)
            if len(self.missing) > MOST_ORIGINS:
                self.missing.popitem(last=False)
        else:
            self.missing.move_to_end(origin)
        return lease

    def _locked(self) -> RLock:
        if self._process != os.getpid():
            self._begin_in_child()
        return self._lock.here()

    def _begin_in_child(self) -> None:
        """Leave to the parent what was leased, and was sent so far."""
        self.missing.clear()
        self._inherited = self.traffic.total
        self._process = os.getpid()


# Where a fork tells Python, a child counts its own requests from the first one on; else from its
# first failure on.
_budgets: WeakSet[RedisRetryBudget] = WeakSet()


def _begin_in_child() -> None:
    for budget in tuple(_budgets):
        budget._begin_in_child()  # noqa: SLF001 - its own


# Where there are no forks there is nothing to register.
getattr(os, "register_at_fork", dict)(after_in_child=_begin_in_child)

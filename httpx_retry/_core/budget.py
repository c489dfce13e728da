"""What keeps retries from feeding an outage: a token bucket per origin.

As in gRPC's retry throttling (gRFC A6) and botocore's standard mode; what differs is that a retry
costs what it puts on the server, and that a busy client holds more.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from ._checks import check_number
from ._lock import ForkSafeLock
from .outcome import Load

# The seconds over which traffic is counted, in slots of so many, and the origins remembered.
WINDOW = 10.0
SLOT = 2.0
SLOTS = round(WINDOW / SLOT)
MOST_ORIGINS = 1024

# Sums of tenths are not exact.
_NOTHING = 1e-9

# Looked up once: on Python 3.10 and 3.11 a member of an Enum costs 30 ns.
_NONE, _TIMEOUT = Load.NONE, Load.TIMEOUT


class Budget(Protocol):
    """What bounds the retries to each origin.

    One of your own is told of each request whose first attempt is good, unless it is one that is
    not to be retried, and of each whose tokens were not spent: a `deposit` for either. Where it has
    a third method, `lease(origin, load, now)`, as `RedisRetryBudget` has, that is called before
    each `withdraw`, and awaited in tasks.
    """

    def withdraw(self, origin: str, load: Load, now: float) -> float | None:
        """Take what a retry costs.

        Args:
            origin: scheme, host and port, as in `https://example.org:8443`.
            load: what the failed attempt has put on the server.
            now: the clock's monotonic reading, in seconds.

        Returns:
            The tokens taken, from 0 on; None: there are not enough, and no retry is to be made.
            Anything else ends the request with a TypeError or a ValueError.
        """

    def deposit(self, origin: str, tokens: float | None) -> None:
        """Give tokens back.

        Args:
            origin: as above.
            tokens: what was taken for a request that has ended well, or that nobody waits for any
                more; None: a request's first attempt was good.
        """


class Fresh:
    """Stands for a `RetryBudget` that is made for one transport."""

    def __repr__(self) -> str:
        return "RetryBudget()"


FRESH = Fresh()


class RetryBudget:
    """A token bucket per origin, which starts full; thread-safe, to be shared at will.

    A retry after a timeout costs `timeout_cost`; one after a refused connection, a name that does
    not resolve, a stream that HTTP/2 refused, an answer that names the time to come back, or a good
    one that `retry_if` wants again, costs nothing; any other costs 1. A request that ends well
    gives back all that it took. Where the bucket is empty, no retry is made.

    Args:
        capacity: tokens that a bucket holds.
        share: it holds this share of the requests of the last 10 s, to all origins, instead, where
            that is more, or of those that 10 s bring at the pace of the last 2 s: so a busy client
            rides out a restart with hundreds of them in flight. Those that were refused their retry
            do not count.
        deposit: tokens that a request gives whose first attempt was good.
        timeout_cost: tokens that a retry after a timeout costs.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value that is no number.
    """

    # Transports count its traffic, and tell it of good first attempts only while anything is
    # missing. It is looked for in the very class: a subclass may want to know more.
    is_counted_for: ClassVar[bool] = True

    def __init__(
        self,
        capacity: float = 20.0,
        share: float = 0.1,
        deposit: float = 0.2,
        timeout_cost: float = 2.0,
    ) -> None:
        check_number("capacity", capacity)
        check_number("share", share)
        check_number("deposit", deposit)
        check_number("timeout_cost", timeout_cost)
        self._capacity = capacity
        self._most = capacity + _NOTHING
        self._share = share
        self._deposit = deposit
        self._timeout_cost = timeout_cost
        self.traffic: Traffic = Traffic()
        # What is missing from each bucket. One that is full needs no entry, nor does a success that
        # finds none: what is counted on the happy path is the traffic alone.
        # The one that was used last stands last.
        self.missing: dict[str, float] = {}
        self._lock = ForkSafeLock()

    def __repr__(self) -> str:
        return (
            f"RetryBudget(capacity={self._capacity!r}, share={self._share!r},"
            f" deposit={self._deposit!r}, timeout_cost={self._timeout_cost!r})"
        )

    def withdraw(self, origin: str, load: Load, now: float) -> float | None:
        """Take what a retry costs; None: there is not enough (see `Budget`)."""
        if load is _NONE:
            return 0.0
        cost = self._timeout_cost if load is _TIMEOUT else 1.0
        return cost if self._add(origin, cost, now) else None

    def deposit(self, origin: str, tokens: float | None) -> None:
        """Give tokens back (see `Budget`)."""
        self._add(origin, -(self._deposit if tokens is None else tokens), None)

    def _add(self, origin: str, tokens: float, now: float | None) -> bool:
        """Add to what is missing from a bucket.

        Args:
            origin: the bucket's.
            tokens: negative ones are given back.
            now: the time, where no more than the bucket holds may be missing; None: it may.

        Returns:
            Whether it was done: else too much would be missing.
        """
        with self._lock.here():
            before = self.missing.pop(origin, 0.0)
            after = before + tokens
            granted = now is None or after <= self._most or self._holds(after, now)
            if not granted:
                after = before
                # What fails in an outage does not make room for more of it.
                self.traffic.count -= 1
            if after > _NOTHING:
                self.missing[origin] = after
                if len(self.missing) > MOST_ORIGINS:
                    self.missing.pop(next(iter(self.missing)), None)
        return granted

    def _holds(self, tokens: float, now: float) -> bool:
        return tokens <= self._share * self.traffic.pace(now) + _NOTHING


class Traffic:
    """How many requests there were of late.

    Attributes:
        count: requests in the slot that is running: whoever sends one adds 1. Threads may lose a
            few to each other.
        ends: the monotonic second at which `roll` is due.
    """

    __slots__ = ("_earlier", "count", "ends")

    count: int
    ends: float

    def __init__(self) -> None:
        self.count = 0
        # Those of the slots before, the latest first.
        self._earlier: tuple[int, ...] = (0,) * SLOTS
        self.ends = float("-inf")

    def roll(self, now: float) -> None:
        """Begin a new slot, with one request in it."""
        begun = self._begun(now)
        self._earlier = self._counts(begun)[1:]
        self.count = 1
        self.ends = now + SLOT if begun > SLOTS else self.ends + begun * SLOT

    def of_late(self, now: float) -> float:
        """Return the requests of the last 10 s, as if those of each slot had come evenly."""
        begun = self._begun(now)
        *whole, oldest = self._counts(begun)
        return sum(whole) + oldest * self._left(begun, now)

    def pace(self, now: float) -> float:
        """Return those of 10 s, at the pace of the last 10 s or of the last 2 s: what is more."""
        begun = self._begun(now)
        running, before, *_ = self._counts(begun)
        recent = running + before * self._left(begun, now)
        return max(self.of_late(now), recent * SLOTS)

    def _begun(self, now: float) -> int:
        """The slots that have begun after the one that is running, as far as that matters."""
        late = now - self.ends
        return 0 if late < 0 else int(min(late, WINDOW) // SLOT) + 1

    def _counts(self, begun: int) -> tuple[int, ...]:
        """Those of the slot after so many more, and of those before it, the latest first."""
        return ((0,) * begun + (self.count, *self._earlier))[: SLOTS + 1]

    def _left(self, begun: int, now: float) -> float:
        """The share of the oldest slot that still counts: what is left of the latest."""
        return max(0.0, (self.ends + begun * SLOT - now) / SLOT)

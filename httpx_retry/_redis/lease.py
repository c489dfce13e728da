"""What one worker has of one origin's bucket, and what it has to tell of it."""

from __future__ import annotations

from typing import NamedTuple

from .._core.budget import Traffic

# Seconds for which a worker keeps tokens that it does not need, and takes a refusal for an answer.
_FRESH = 1.0
_REFUSED = 0.1
# The most tokens that a worker asks for beyond what it needs now.
_MOST_MORE = 32.0
# Sums of tenths are not exact, and Redis keeps six digits.
_NOTHING = 1e-3


class Asked(NamedTuple):
    """What Redis is told, and asked for, at one time.

    Attributes:
        now: that time: the clock's monotonic reading, in seconds.
        total: all requests of the worker by then.
        requests: those of which Redis does not know yet.
        given: tokens that are given back.
        age: seconds since it answered last; 0: it has not.
        least: tokens without which there is no retry.
        most: tokens that are waited for.
        more: tokens that are soon to be needed, by the look of it.
    """

    now: float
    total: int
    requests: float
    given: float
    age: float
    least: float
    most: float
    more: float


class Lease:
    """What one worker has of one origin's bucket.

    Args:
        reported: requests of which Redis knows, or need not know.

    Attributes:
        stock: tokens that may be spent here.
        given: tokens to be given back with the next question.
        wanted: tokens that are waited for.
        asked: when Redis answered last; None: not yet.
    """

    __slots__ = ("_more", "_refused_until", "_reported", "asked", "given", "stock", "wanted")

    def __init__(self, reported: int = 0) -> None:
        self.stock = 0.0
        self.given = 0.0
        self.wanted = 0.0
        self.asked: float | None = None
        self._more = 0.0
        self._reported = reported
        self._refused_until = float("-inf")

    def expire(self, now: float) -> None:
        """Put what was not needed for a while to what is given back."""
        if self.asked is not None and now - self.asked > _FRESH:
            self.given += self.stock
            self.stock = self._more = 0.0

    def covers(self, cost: float) -> bool:
        """Whether there are tokens enough."""
        return self.stock >= cost - _NOTHING

    @property
    def is_waited_for(self) -> bool:
        """Whether a request waits for tokens."""
        return self.wanted > _NOTHING

    def is_refused(self, now: float) -> bool:
        """Whether Redis has refused tokens just now."""
        return now < self._refused_until

    def ask(self, cost: float, traffic: CountedTraffic, now: float) -> Asked:
        """Return what there is to ask for a retry of that cost."""
        least = max(0.0, cost - self.stock)
        return Asked(
            now,
            traffic.total,
            min(traffic.total - self._reported, traffic.of_late(now)),
            self.given,
            0.0 if self.asked is None else now - self.asked,
            least,
            max(least, self.wanted - self.stock),
            self._more,
        )

    def book(self, asked: Asked, granted: float) -> None:
        """Take in what Redis has answered."""
        self.asked = asked.now
        self._reported = asked.total
        self.given -= asked.given
        self.stock += granted
        self._more = min(2.0 * granted, _MOST_MORE)
        if granted < asked.least - _NOTHING:
            self._refused_until = asked.now + _REFUSED


class CountedTraffic(Traffic):
    """Traffic that knows its sum, too."""

    __slots__ = ("_closed",)

    def __init__(self) -> None:
        super().__init__()
        self._closed = 0

    def roll(self, now: float) -> None:
        """Begin a new window, with one request in it."""
        self._closed += self.count
        super().roll(now)

    @property
    def total(self) -> int:
        """All requests so far."""
        return self._closed + self.count

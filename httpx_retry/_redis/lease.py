"""What one worker has of one origin's bucket, and what it has to tell of it."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakSet

from .._core.budget import Traffic

# Seconds for which a worker keeps tokens that it does not need, and takes a refusal for an answer.
_FRESH = 1.0
_REFUSED = 0.1
# Seconds after an answer in which a token that another thread took is as good as granted.
_JUST_NOW = 0.05
# The most tokens that a worker asks for beyond what it needs now.
_MOST_MORE = 32.0
# Sums of tenths are not exact, and Redis keeps six digits.
_NOTHING = 1e-3
_NEVER = float("-inf")


class Want:
    """Who waits for tokens, and for how many."""

    __slots__ = ("__weakref__", "cost")

    def __init__(self, cost: float) -> None:
        self.cost = cost


class Asked(NamedTuple):
    """What Redis is told, and asked for, at one time.

    Attributes:
        now: that time: the clock's monotonic reading, in seconds.
        requests: those of which it was not told yet.
        given: tokens that good first attempts gave, and that are given back.
        age: seconds since it answered last; 0: it has not.
        least: tokens without which there is no retry.
        most: tokens that are waited for.
        more: tokens that are soon to be needed, by the look of it.
        pace: its requests of 10 s, at the pace of the last ones.
    """

    now: float
    requests: float
    given: float
    age: float
    least: float
    most: float
    more: float
    pace: float

    @property
    def arguments(self) -> tuple[float, ...]:
        """What the script is given of it."""
        return self[1:]


class Lease:
    """What one worker has of one origin's bucket.

    Args:
        reported: requests of which Redis knows, or need not know.

    Attributes:
        stock: tokens that may be spent here; below 0: that were, and are yet to be asked for.
        earned: tokens that good first attempts gave, to be told with the next question.
        returned: tokens to be given back.
        wants: who waits for tokens; one that an interrupt ended, wherever it was, waits no more.
        asked: when Redis answered last, by the transports' clock; None: not yet.
    """

    __slots__ = (
        "_heard",
        "_more",
        "_refused_until",
        "_reported",
        "_told",
        "asked",
        "earned",
        "returned",
        "stock",
        "wants",
    )

    def __init__(self, reported: int = 0) -> None:
        self.stock = 0.0
        self.earned = 0.0
        self.returned = 0.0
        self.wants: WeakSet[Want] = WeakSet()
        self.asked: float | None = None
        # By the system's clock: when Redis answered last, and was told last of what is returned.
        self._heard = self._told = _NEVER
        self._more = 0.0
        self._reported = reported
        self._refused_until = _NEVER

    def expire(self, now: float) -> None:
        """Give back what was not needed for a while."""
        if self.asked is not None and now - self.asked > _FRESH:
            self.return_stock()

    def return_stock(self) -> None:
        """Give back all that is held here."""
        self.returned += self.stock
        self.stock = self._more = 0.0

    def put_back(self, tokens: float, moment: float) -> float | None:
        """Take back what a request did not spend.

        At most once a second, Redis is told at once of what is not needed: others may need it.

        Args:
            tokens: of this request; 0: it has had none.
            moment: the system clock's monotonic reading, in seconds.

        Returns:
            The time of the question that tells it, by the transports' clock; None: there is none.
        """
        is_due = self.asked is not None and not self.is_waited_for and moment - self._told > _FRESH
        if not is_due:
            self.stock += tokens
            return None
        self.returned += tokens
        if moment - self._heard > _FRESH:
            self.return_stock()
        if self.returned <= _NOTHING:
            return None
        self._told = moment
        assert self.asked is not None
        return self.asked + moment - self._heard

    def covers(self, cost: float) -> bool:
        """Whether there are tokens enough."""
        return self.stock >= cost - _NOTHING

    @property
    def wanted(self) -> float:
        """Tokens that are waited for."""
        return sum(want.cost for want in self.wants)

    @property
    def is_waited_for(self) -> bool:
        """Whether a request waits for tokens."""
        return bool(self.wants)

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing that is to be given back."""
        return self.stock + self.returned <= _NOTHING

    def may_owe(self, moment: float) -> bool:
        """Whether tokens may be spent that are not there yet: Redis is, and has just answered.

        Args:
            moment: the system clock's monotonic reading, in seconds.
        """
        return moment - self._heard <= _JUST_NOW and self.stock > -_MOST_MORE

    def is_refused(self, now: float) -> bool:
        """Whether Redis has refused tokens just now."""
        return now < self._refused_until

    def ask(self, traffic: CountedTraffic, now: float) -> Asked:
        """Return what there is to ask for those who wait."""
        least = max(0.0, min((want.cost for want in self.wants), default=0.0) - self.stock)
        return self._asked(traffic, now, least, self.wanted - self.stock, self._more)

    def tell(self, traffic: CountedTraffic, now: float) -> Asked:
        """Return what there is to tell where no token is asked for."""
        return self._asked(traffic, now, 0.0, 0.0, 0.0)

    def _asked(
        self, traffic: CountedTraffic, now: float, least: float, most: float, more: float
    ) -> Asked:
        requests = min(traffic.total - self._reported, traffic.of_late(now))
        given = self.earned + self.returned
        age = 0.0 if self.asked is None else now - self.asked
        # Told once: where no answer comes, Redis may have heard it all the same, and what is
        # credited twice lets more retries through than there are tokens.
        self._reported = traffic.total
        self.earned = self.returned = 0.0
        return Asked(now, requests, given, age, least, most, more, traffic.pace(now))

    def book(self, asked: Asked, granted: float, moment: float) -> None:
        """Take in what Redis has answered."""
        self.asked, self._heard = asked.now, moment
        self.stock += granted
        self._more = min(2.0 * granted, _MOST_MORE)
        if granted < asked.most - _NOTHING:
            # It was all that there is: who gets none of it is refused, as if that had been nothing.
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

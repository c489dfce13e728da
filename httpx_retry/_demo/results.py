"""What the demo measured, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import HttpVersion, PlannedRequest


@dataclass(frozen=True)
class Step:
    """One attempt of a request.

    Attributes:
        outcome: a status, or how it broke.
        start: seconds since the first attempt began.
        elapsed: seconds until the outcome.
        wait: seconds before the next attempt; None after the last.
    """

    outcome: str
    start: float
    elapsed: float
    wait: float | None

    @property
    def end(self) -> float:
        """When its outcome was known, in seconds from the first attempt's start."""
        return self.start + self.elapsed


@dataclass(frozen=True)
class Exchange:
    """A planned request and what its caller got.

    Attributes:
        planned: the request.
        outcome: the status, or the exception's class.
        succeeded: whether the caller got the planned answer.
        seconds: how long the caller waited for it.
        steps: its attempts; none where the first was good, or nobody kept account.
    """

    planned: PlannedRequest
    outcome: str
    succeeded: bool
    seconds: float
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Setting:
    """How the requests of one row are made."""

    version: HttpVersion
    world: str
    wrapped: bool

    @property
    def transport(self) -> str:
        """The kind of transport, in a word."""
        return "wrapped" if self.wrapped else "bare"

    @property
    def run(self) -> str:
        """The name of the row in the paths of its requests."""
        return f"{self.version.name}-{self.world}-{self.transport}".lower()

    def __str__(self) -> str:
        return f"{self.version.value} {self.world}"


@dataclass(frozen=True)
class Row:
    """What came of the requests of one setting.

    Attributes:
        setting: how they were made.
        exchanges: one for each request, at least one.
        attempts: how many requests the server saw, repeated ones each time.
    """

    setting: Setting
    exchanges: tuple[Exchange, ...]
    attempts: int

    @property
    def failures(self) -> tuple[Exchange, ...]:
        """The exchanges whose caller did not get the planned answer."""
        return tuple(exchange for exchange in self.exchanges if not exchange.succeeded)

    @property
    def successes(self) -> int:
        """How many callers got the planned answer."""
        return len(self.exchanges) - len(self.failures)

    def latency(self, share: float) -> float:
        """Return the seconds within which this share of callers had an answer or an error."""
        seconds = sorted(exchange.seconds for exchange in self.exchanges)
        return seconds[ceil(share * len(seconds)) - 1]

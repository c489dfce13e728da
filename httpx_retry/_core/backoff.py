"""How long to wait when the server does not say.

Jitter spreads clients that failed together (Brooker, "Exponential Backoff and Jitter", 2015). It is
drawn after the cap is applied, so that waits at the cap still spread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from ._checks import check_number, check_one_of

if TYPE_CHECKING:
    from .outcome import Outcome

Jitter = Literal["full", "equal", "none"]


class BackoffContext(NamedTuple):
    """What a backoff may look at.

    Attributes:
        attempt: attempts that have failed so far: 1 after the first.
        previous_delay: seconds of the wait before; None at the first.
        outcome: what the last attempt came to.
        random: a draw from [0, 1).
    """

    attempt: int
    previous_delay: float | None
    outcome: Outcome
    random: Callable[[], float]


Backoff = Callable[[BackoffContext], float]
"""Seconds to wait, from what happened: finite and not negative."""


def _spread(ceiling: float, jitter: Jitter, random: Callable[[], float]) -> float:
    if jitter == "full":
        return ceiling * random()
    if jitter == "equal":
        return ceiling / 2 + ceiling / 2 * random()
    return ceiling


@dataclass(frozen=True)
class ExponentialBackoff:
    """Waits that grow by `factor` from `initial` up to `maximum`, spread by `jitter`.

    Args:
        initial: seconds before jitter after the first failure.
        factor: what each further failure multiplies it by; at least 1.
        maximum: seconds that no wait exceeds.
        jitter: `"full"` draws from [0, wait), `"equal"` from [wait/2, wait), `"none"` not at all.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value that is no number.
    """

    initial: float = 0.2
    factor: float = 2.0
    maximum: float = 30.0
    jitter: Jitter = "full"

    def __post_init__(self) -> None:
        check_number("initial", self.initial)
        check_number("factor", self.factor, at_least=1.0)
        check_number("maximum", self.maximum)
        check_one_of("jitter", self.jitter, get_args(Jitter))

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait after failure number `context.attempt`."""
        try:
            wait = self.initial * self.factor ** (context.attempt - 1)
        except OverflowError:
            wait = self.maximum if self.initial else 0.0
        return _spread(min(wait, self.maximum), self.jitter, context.random)


@dataclass(frozen=True)
class ConstantBackoff:
    """The same wait each time, spread by `jitter`.

    Args:
        delay: seconds before jitter.
        jitter: as for `ExponentialBackoff`.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value that is no number.
    """

    delay: float
    jitter: Jitter = "none"

    def __post_init__(self) -> None:
        check_number("delay", self.delay)
        check_one_of("jitter", self.jitter, get_args(Jitter))

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait: `delay`, spread."""
        return _spread(self.delay, self.jitter, context.random)


@dataclass(frozen=True)
class DecorrelatedJitterBackoff:
    """A wait drawn between `initial` and three times the wait before, never above `maximum`.

    Args:
        initial: seconds: the smallest wait, and the one that the first draw starts from.
        maximum: seconds that no wait exceeds.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value that is no number.
    """

    initial: float = 0.2
    maximum: float = 30.0

    def __post_init__(self) -> None:
        check_number("initial", self.initial)
        check_number("maximum", self.maximum)

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait, drawn from what the wait before allows."""
        lowest = min(self.initial, self.maximum)
        previous = max(context.previous_delay or 0.0, lowest)
        highest = min(previous * 3, self.maximum)
        return lowest + (highest - lowest) * context.random()

"""What a policy will do, in figures: when its attempts begin, how long it waits between them.

The figures come from the policy's own backoff, asked as the decider asks it, for requests whose
attempts all fail, each at once: what attempts take comes on top, and is the client's to bound.
"""

from __future__ import annotations

from itertools import accumulate, chain, repeat
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import httpx

from .._core._checks import check_number
from .._core.backoff import BackoffContext
from .._core.decider import is_too_late
from .._core.outcome import Evidence, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .._core.policy import RetryPolicy

# How waits add up has no formula where a wait depends on the one before, or a backoff is a user's
# own: requests are sampled, always the same ones, so that a policy always has the same picture.
SAMPLED = 2_001
_SEED = 2015
# What `random.random()` draws from, both ends included.
_LOWEST, _HIGHEST = 0.0, 1 - 2**-53
_FORESEEN = 100


class Spread(NamedTuple):
    """The smallest, the median and the largest of some figures, in seconds."""

    smallest: float
    median: float
    largest: float


class PlannedAttempt(NamedTuple):
    """One attempt of a request whose attempts all fail at once.

    Attributes:
        number: 1 for the first send.
        wait: the wait before it; None for the first.
        start: when it begins, from the first send on.
        share: how many of the requests get so far before the deadline: from above 0 to 1.
    """

    number: int
    wait: Spread | None
    start: Spread
    share: float


class Forecast(NamedTuple):
    """What a policy will do.

    Attributes:
        attempts: those that are made, the first included.
        typical: the median of all waits of a request together, in seconds.
        longest: seconds that all waits together never exceed.
        longest_with_servers: the same, where servers name waits as they like.
        cut_at: the deadline, if it keeps some requests from all their attempts; else None.
        unforeseen: attempts beyond those that were looked at; `longest` counts their waits only if
            there is a deadline.
    """

    attempts: tuple[PlannedAttempt, ...]
    typical: float
    longest: float
    longest_with_servers: float
    cut_at: float | None
    unforeseen: int

    @property
    def span(self) -> float:
        """Seconds that a time line has to show."""
        if self.cut_at is not None:
            return self.cut_at
        return max(each.start.largest for each in self.attempts)


def forecast(policy: RetryPolicy) -> Forecast:
    """Return what the policy will do.

    Raises:
        ValueError: where the policy's backoff raises, or returns what is no wait.
        TypeError: where it returns no number.
    """
    attempts = min(policy.max_attempts, _FORESEEN)
    outcome = _unavailable()
    journeys = [_waits(policy, outcome, draws) for draws in _draws(attempts - 1)]
    totals = [sum(waits) for waits in journeys]
    longest = max(totals)
    check_number("the sum of what backoff returns", longest)
    is_cut = any(len(waits) < attempts - 1 for waits in journeys)
    unforeseen = policy.max_attempts - attempts
    deadline = policy.max_elapsed
    # The deadline is what holds then: other requests than the sampled may come closer to it.
    if deadline is not None and (unforeseen or is_cut):
        longest = deadline
    return Forecast(
        attempts=tuple(_planned(journeys)),
        typical=_spread(totals).median,
        longest=longest,
        longest_with_servers=max(longest, _longest_with_servers(policy, outcome, attempts - 1)),
        cut_at=deadline if is_cut else None,
        unforeseen=unforeseen,
    )


def _planned(journeys: Sequence[Sequence[float]]) -> Iterable[PlannedAttempt]:
    starts = [list(accumulate(waits, initial=0.0)) for waits in journeys]
    for index in range(max(map(len, starts))):
        begun = [each[index] for each in starts if len(each) > index]
        waits = [each[index - 1] for each in journeys if len(each) >= index > 0]
        yield PlannedAttempt(
            number=index + 1,
            wait=_spread(waits) if waits else None,
            start=_spread(begun),
            share=len(begun) / len(journeys),
        )


def _spread(figures: Sequence[float]) -> Spread:
    ordered = sorted(figures)
    return Spread(ordered[0], ordered[len(ordered) // 2], ordered[-1])


def _draws(waits: int) -> Iterable[list[Callable[[], float]]]:
    """What each sampled request draws for each of its waits.

    The first draws for one wait are evenly spaced and shuffled (McKay, Beckman and Conover, 1979:
    Latin hypercube sampling): the lowest, the highest and the very middle are among them, so that
    a wait that is drawn once has its exact extremes and its exact median. Waits that build on each
    other have their extremes where all draws are the lowest, or all the highest.
    """
    random = Random(_SEED)  # noqa: S311 - seeded randomness is wanted
    evenly = [min(number / (SAMPLED - 1), _HIGHEST) for number in range(SAMPLED)]
    columns = [random.sample(evenly, SAMPLED) for _ in range(waits)]
    yield _constant(_LOWEST, waits)
    for number in range(SAMPLED):
        yield [chain((each[number],), iter(random.random, None)).__next__ for each in columns]
    yield _constant(_HIGHEST, waits)


def _constant(draw: float, waits: int) -> list[Callable[[], float]]:
    return [repeat(draw).__next__] * waits


def _longest_with_servers(policy: RetryPolicy, outcome: Outcome, waits: int) -> float:
    """All that servers may ask for, asked for at once, in the place where it makes most of it."""
    unbounded = policy.replace(max_elapsed=None)
    asked = policy.max_retry_after
    totals = (
        sum(_waits(unbounded, outcome, _constant(draw, waits), named={place: asked}))
        for place in range(1, waits + 1)
        for draw in (_LOWEST, _HIGHEST)
    )
    longest = max(totals, default=0.0)
    return longest if policy.max_elapsed is None else min(longest, policy.max_elapsed)


def _waits(
    policy: RetryPolicy,
    outcome: Outcome,
    draws: Iterable[Callable[[], float]],
    named: dict[int, float] | None = None,
) -> list[float]:
    """The waits of one request; `named` are those that a server decides, by their number."""
    waits: list[float] = []
    elapsed, previous = 0.0, None
    for number, random in enumerate(draws, 1):
        if named and number in named:
            wait = named[number]
        else:
            wait = _own_wait(policy, BackoffContext(number, previous, outcome, random))
        if is_too_late(policy.max_elapsed, elapsed, wait):
            break
        waits.append(wait)
        elapsed, previous = elapsed + wait, wait
    return waits


def _own_wait(policy: RetryPolicy, context: BackoffContext) -> float:
    try:
        wait = policy.backoff(context)
    except Exception as error:
        after = f"after attempt {context.attempt}"
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ValueError(f"the backoff, asked for the wait {after}, raised {said}") from error
    check_number("what backoff returns", wait)
    return wait


def _unavailable() -> Outcome:
    """What a backoff is shown that looks at what happened."""
    request = httpx.Request("GET", "https://www.example.org/")
    response = httpx.Response(503, request=request)
    return Outcome(request, evidence=Evidence.UNKNOWN, response=response, status=503)

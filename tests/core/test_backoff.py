"""Backoffs: how the waits grow, where they stop, how they spread."""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Real
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import (
    Backoff,
    BackoffContext,
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    Evidence,
    ExponentialBackoff,
    Outcome,
)

OUTCOME = Outcome(object(), evidence=Evidence.UNKNOWN, status=503)


def context(attempt: int, draw: float = 0.5, previous: float | None = None) -> BackoffContext:
    return BackoffContext(attempt, previous, OUTCOME, lambda: draw)


def waits(backoff: Backoff, count: int = 6, draw: float = 0.5) -> list[float]:
    return [backoff(context(attempt, draw)) for attempt in range(1, count + 1)]


def test_exponential_waits_double_up_to_the_maximum() -> None:
    backoff = ExponentialBackoff(initial=1, factor=2, maximum=10, jitter="none")

    assert waits(backoff) == [1, 2, 4, 8, 10, 10]


def test_full_jitter_draws_between_nothing_and_the_wait_after_the_cap() -> None:
    backoff = ExponentialBackoff(initial=1, factor=2, maximum=10, jitter="full")

    assert waits(backoff, draw=0.5) == [0.5, 1, 2, 4, 5, 5]
    assert waits(backoff, draw=0.0) == [0, 0, 0, 0, 0, 0]


def test_equal_jitter_keeps_half_of_the_wait() -> None:
    backoff = ExponentialBackoff(initial=1, factor=2, maximum=10, jitter="equal")

    assert waits(backoff, draw=0.0) == [0.5, 1, 2, 4, 5, 5]
    assert waits(backoff, draw=0.5) == [0.75, 1.5, 3, 6, 7.5, 7.5]


def test_the_default_is_full_jitter_from_a_fifth_of_a_second_up_to_half_a_minute() -> None:
    assert ExponentialBackoff() == ExponentialBackoff(0.2, 2.0, 30.0, "full")
    assert waits(ExponentialBackoff(), draw=1.0, count=9)[-1] == 30.0


def test_a_huge_attempt_number_does_not_overflow() -> None:
    assert ExponentialBackoff(jitter="none")(context(10**9)) == 30.0
    assert ExponentialBackoff(initial=0)(context(10**9)) == 0.0


def test_a_constant_backoff_waits_the_same_each_time() -> None:
    assert waits(ConstantBackoff(3), count=3) == [3, 3, 3]
    assert waits(ConstantBackoff(3, jitter="full"), count=1) == [1.5]


def test_decorrelated_jitter_draws_up_to_three_times_the_wait_before() -> None:
    backoff = DecorrelatedJitterBackoff(initial=1, maximum=10)

    assert backoff(context(1, draw=0.5)) == 2.0
    assert backoff(context(2, draw=0.5, previous=2.0)) == 3.5
    assert backoff(context(3, draw=1.0, previous=9.0)) == 10.0
    assert backoff(context(3, draw=0.5, previous=0.0)) == 2.0
    assert DecorrelatedJitterBackoff(initial=0.5)(context(1, draw=0.5)) == 1.0


BACKOFFS = st.one_of(
    st.builds(
        ExponentialBackoff,
        initial=st.floats(0, 100),
        factor=st.floats(1, 10),
        maximum=st.floats(0, 1000),
        jitter=st.sampled_from(["full", "equal", "none"]),
    ),
    st.builds(DecorrelatedJitterBackoff, initial=st.floats(0, 100), maximum=st.floats(0, 1000)),
)


@given(
    backoff=BACKOFFS,
    attempt=st.integers(1, 10_000),
    draw=st.floats(0, 1, exclude_max=True),
    previous=st.none() | st.floats(0, 1000),
)
def test_no_wait_is_negative_or_beyond_the_maximum(
    backoff: ExponentialBackoff, attempt: int, draw: float, previous: float | None
) -> None:
    assert 0 <= backoff(context(attempt, draw, previous)) <= backoff.maximum


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialBackoff(initial=-1), "initial must be finite and at least 0, not -1"),
        (lambda: ExponentialBackoff(factor=0.5), "factor must be finite and at least 1, not 0.5"),
        (lambda: ExponentialBackoff(maximum=math.inf), "maximum must be finite"),
        (lambda: ExponentialBackoff(maximum=math.nan), "maximum must be finite"),
        (lambda: ConstantBackoff(-0.1), "delay must be finite and at least 0, not -0.1"),
        (lambda: DecorrelatedJitterBackoff(initial=-1), "initial must be"),
        (lambda: DecorrelatedJitterBackoff(maximum=-1), "maximum must be"),
        (
            lambda: ExponentialBackoff(jitter="some"),  # type: ignore[arg-type] # the point
            "jitter must be one of 'full', 'equal', 'none', not 'some'",
        ),
        (
            lambda: ConstantBackoff(1, jitter="some"),  # type: ignore[arg-type] # the point
            "jitter must be one of 'full', 'equal', 'none', not 'some'",
        ),
    ],
)
def test_a_value_out_of_range_fails_at_construction(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", ["1", None, True, 1j])
def test_what_is_no_number_fails_at_construction(value: Any) -> None:
    with pytest.raises(TypeError, match=f"delay must be a number, not {value!r}"):
        ConstantBackoff(value)


class Single:
    """A number like numpy's float32: what it is compared with becomes as narrow as it is."""

    def __float__(self) -> float:
        return math.inf

    def __le__(self, other: object) -> bool:
        return True

    __ge__ = __le__


Real.register(Single)


@pytest.mark.parametrize("value", [Single(), Fraction(10**400), 10**400])
def test_what_no_wait_can_be_is_infinite_whatever_kind_it_is_of(value: Any) -> None:
    with pytest.raises(ValueError, match="delay must be finite and at least 0, not"):
        ConstantBackoff(value)


def test_backoffs_compare_equal_and_print_readably() -> None:
    assert ConstantBackoff(1) == ConstantBackoff(1.0)
    assert repr(ConstantBackoff(1)) == "ConstantBackoff(delay=1, jitter='none')"

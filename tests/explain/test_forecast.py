"""The figures: exact where they can be, never too small where they are a worst case."""

from __future__ import annotations

import random

import httpx
import pytest

from httpx_retry import (
    Backoff,
    BackoffContext,
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    ExponentialBackoff,
    RetryPolicy,
    RetryTransport,
    retry_history,
)
from httpx_retry._explain.forecast import Forecast, Spread, forecast
from httpx_retry.testing import FakeClock

from . import policies


def waits_of(found: Forecast) -> list[Spread]:
    return [each.wait for each in found.attempts if each.wait is not None]


def test_a_wait_that_is_drawn_once_has_its_exact_extremes_and_median() -> None:
    found = waits_of(forecast(policies.PLAIN))
    assert found == [
        pytest.approx((0, 0.1, 0.2), abs=1e-9),
        pytest.approx((0, 0.2, 0.4), abs=1e-9),
        pytest.approx((0, 0.4, 0.8), abs=1e-9),
    ]
    assert found[0].median == 0.1


def test_waits_that_build_on_each_other_have_their_exact_extremes() -> None:
    found = waits_of(forecast(RetryPolicy(backoff=DecorrelatedJitterBackoff(0.2, maximum=5))))
    assert [each.smallest for each in found] == pytest.approx([0.2, 0.2, 0.2])
    assert [each.largest for each in found] == pytest.approx([0.6, 1.8, 5])


def test_attempts_begin_when_the_waits_before_them_have_ended() -> None:
    first, second, third = forecast(policies.STEADY).attempts
    assert (first.number, first.wait, first.start) == (1, None, (0, 0, 0))
    assert (second.number, second.wait, second.start) == (2, (2, 2, 2), (2, 2, 2))
    assert (third.number, third.wait, third.start) == (3, (2, 2, 2), (4, 4, 4))


def test_the_worst_case_is_the_sum_of_the_largest_waits() -> None:
    found = forecast(policies.PLAIN)
    assert found.longest == pytest.approx(1.4)
    assert found.typical == pytest.approx(0.7, rel=0.03)
    assert found.cut_at is None
    assert found.unforeseen == 0


def test_servers_make_most_of_the_worst_case_in_place_of_the_shortest_wait() -> None:
    assert forecast(policies.PLAIN).longest_with_servers == pytest.approx(60 + 0.4 + 0.8)


def test_servers_make_waits_grow_that_build_on_the_wait_before() -> None:
    policy = RetryPolicy(backoff=DecorrelatedJitterBackoff())
    assert forecast(policy).longest_with_servers == pytest.approx(60 + 30 + 30)


def test_servers_that_may_not_name_a_wait_add_nothing() -> None:
    found = forecast(RetryPolicy(max_retry_after=0))
    assert found.longest_with_servers == found.longest


def test_a_deadline_bounds_the_waits_and_thins_out_attempts() -> None:
    found = forecast(policies.CUT)
    shares = [each.share for each in found.attempts]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1 > shares[-1] > 0
    assert max(each.start.largest for each in found.attempts) < 5
    assert found.longest == found.longest_with_servers == found.cut_at == found.span == 5


def test_attempts_that_no_request_gets_to_are_not_there() -> None:
    assert [each.number for each in forecast(policies.NEVER_ALL).attempts] == [1, 2]
    assert len(forecast(policies.NO_ROOM).attempts) == 1


def test_a_deadline_that_waits_never_reach_cuts_nothing() -> None:
    found = forecast(policies.ROOMY)
    assert found.cut_at is None
    assert found.longest == found.span == pytest.approx(6.2)
    assert found.longest_with_servers == 20


def test_only_so_many_attempts_are_looked_at() -> None:
    found = forecast(policies.ENDLESS)
    assert len(found.attempts) == 100
    assert found.unforeseen == 10**9 - 100


def test_a_deadline_bounds_what_is_not_looked_at_too() -> None:
    assert forecast(policies.ENDLESS_BUT_CUT).longest == 3600


def test_a_policy_always_has_the_same_forecast() -> None:
    assert forecast(policies.CUT) == forecast(policies.CUT.replace())


def test_a_backoff_that_raises_is_told() -> None:
    def raises(context: BackoffContext) -> float:
        return {1: 0.5}[context.attempt]

    with pytest.raises(ValueError, match=r"the wait after attempt 2, raised KeyError: 2"):
        forecast(RetryPolicy(backoff=raises))


def test_a_backoff_that_raises_without_a_word_is_told() -> None:
    def raises(context: BackoffContext) -> float:
        raise LookupError

    with pytest.raises(ValueError, match=r"raised LookupError$"):
        forecast(RetryPolicy(backoff=raises))


def test_a_backoff_that_returns_no_number_is_told() -> None:
    with pytest.raises(TypeError, match="what backoff returns must be a number, not 'soon'"):
        forecast(RetryPolicy(backoff=lambda _: "soon"))  # type: ignore[arg-type,return-value]


def test_waits_that_add_up_to_no_finite_number_are_told() -> None:
    with pytest.raises(ValueError, match="the sum of what backoff returns must be finite"):
        forecast(RetryPolicy(backoff=ConstantBackoff(1e308)))


@pytest.mark.parametrize(
    "backoff",
    [
        ExponentialBackoff(0.5),
        ExponentialBackoff(0.5, jitter="equal"),
        ExponentialBackoff(0.5, jitter="none"),
        ConstantBackoff(1, jitter="full"),
        DecorrelatedJitterBackoff(),
        policies.by_status,
    ],
)
@pytest.mark.parametrize("max_elapsed", [None, 4.0])
def test_no_request_of_a_real_transport_waits_longer_than_forecast(
    backoff: Backoff, max_elapsed: float | None
) -> None:
    policy = RetryPolicy(max_attempts=5, max_elapsed=max_elapsed, backoff=backoff)
    found = forecast(policy)
    unavailable = httpx.MockTransport(lambda request: httpx.Response(503))
    # 0.97 and not more: a backoff of one's own is known from samples alone.
    for draw in (lambda: 0.0, lambda: 0.5, lambda: 0.97, random.Random(1).random):
        transport = RetryTransport(
            unavailable,
            policy=policy,
            clock=FakeClock(),
            random=draw,
        )
        with httpx.Client(transport=transport) as client:
            history = retry_history(client.get("https://test/"))
        waits = [attempt.wait for attempt in history if attempt.wait is not None]
        assert sum(waits) <= found.longest + 1e-9
        assert len(history) <= len(found.attempts)

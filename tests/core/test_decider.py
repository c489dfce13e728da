"""The decider: in which order it refuses, and what it can never grant."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import (
    BackoffContext,
    ConstantBackoff,
    Decision,
    Evidence,
    Outcome,
    Retry,
    RetryPolicy,
    RetryReason,
    Stop,
    StopReason,
)
from httpx_retry._core.decider import Progress, decide

UNKNOWN = Evidence.UNKNOWN


def outcome(status: int | None = 503, **facts: Any) -> Outcome:
    error = ConnectionError() if status is None else None
    return Outcome(object(), **{"evidence": UNKNOWN, "error": error, "status": status, **facts})


FIRST_SEND = {
    "method": "GET",
    "is_keyed": False,
    "is_replayable": True,
    "attempts": 1,
    "elapsed": 0.0,
    "server_waits": 0.0,
    "previous_delay": None,
    "went_at_once": False,
    "is_closed": False,
}


def progress(**facts: Any) -> Progress:
    made = Progress()
    for name, value in (FIRST_SEND | facts).items():
        setattr(made, name, value)
    return made


def decision(
    policy: RetryPolicy | None = None, what: Outcome | None = None, **facts: Any
) -> Decision:
    policy = policy or RetryPolicy(backoff=ConstantBackoff(1))
    return decide(policy, progress(**facts), what or outcome(), lambda: 0.5, lambda _: True)


def test_a_failed_get_is_retried_after_the_backoff() -> None:
    assert decision() == Retry(1, RetryReason.IDEMPOTENT_METHOD)


def test_what_may_succeed_at_once_waits_for_nothing_once() -> None:
    refused = outcome(None, evidence=Evidence.REFUSED, at_once=True)

    assert decision(what=refused) == Retry(0.0, RetryReason.REFUSED)
    assert decision(what=refused, went_at_once=True) == Retry(1, RetryReason.REFUSED)
    assert decision(what=outcome(), went_at_once=True) == Retry(1, RetryReason.IDEMPOTENT_METHOD)


def test_where_nobody_listened_waits_come_from_the_top_tenth() -> None:
    policy = RetryPolicy(backoff=lambda context: context.random())

    assert decision(policy, outcome(None, connection_refused=True)) == Retry(
        0.95, RetryReason.IDEMPOTENT_METHOD
    )
    assert decision(policy, outcome(None)) == Retry(0.5, RetryReason.IDEMPOTENT_METHOD)


@pytest.mark.parametrize(
    ("evidence", "facts", "expected"),
    [
        (Evidence.UNSENT, {"method": "POST"}, RetryReason.UNSENT),
        (Evidence.REFUSED, {"method": "POST"}, RetryReason.REFUSED),
        (UNKNOWN, {"method": "POST", "is_keyed": True}, RetryReason.IDEMPOTENCY_KEY),
        (UNKNOWN, {"method": "PUT"}, RetryReason.IDEMPOTENT_METHOD),
        (UNKNOWN, {"method": "POST"}, StopReason.NOT_IDEMPOTENT),
        (Evidence.PERMANENT, {"method": "GET"}, StopReason.NOT_TRANSIENT),
        (Evidence.BUG, {"method": "GET"}, StopReason.NOT_TRANSIENT),
    ],
)
def test_evidence_and_method_say_who_may_be_sent_again(
    evidence: Evidence, facts: dict[str, Any], expected: RetryReason | StopReason
) -> None:
    for status in (None, 503):
        assert decision(what=outcome(status, evidence=evidence), **facts).reason is expected


# Each outcome here fails every check from its place on: the first one speaks.
REFUSALS: list[tuple[StopReason, dict[str, Any]]] = [
    (StopReason.DONE, {"status": 200}),
    (StopReason.NOT_TRANSIENT, {"status": 503, "evidence": Evidence.PERMANENT}),
    (StopReason.SERVER_DECLINED, {"evidence": UNKNOWN}),
    (StopReason.NOT_IDEMPOTENT, {"should_retry": None}),
    (StopReason.BODY_NOT_REPLAYABLE, {"method": "GET"}),
    (StopReason.ATTEMPTS_EXHAUSTED, {"is_replayable": True}),
    (StopReason.RETRY_AFTER_TOO_LONG, {"attempts": 1}),
    (StopReason.DEADLINE, {"server_wait": 0.5}),
]


@pytest.mark.parametrize("place", range(len(REFUSALS)), ids=[str(r) for r, _ in REFUSALS])
def test_refusals_come_in_the_order_of_the_design(place: int) -> None:
    facts: dict[str, Any] = {
        "should_retry": False,
        "method": "POST",
        "is_replayable": False,
        "attempts": 4,
        "server_wait": 61.0,
        "elapsed": 10.0,
    }
    for _, change in REFUSALS[: place + 1]:
        facts |= change
    of_outcome = {"status", "evidence", "should_retry", "server_wait"}
    what = outcome(**{name: facts[name] for name in facts if name in of_outcome})
    policy = RetryPolicy(max_elapsed=10)

    stop = decision(policy, what, **{name: facts[name] for name in facts if name not in of_outcome})

    assert stop == Stop(REFUSALS[place][0])


def test_the_server_is_obeyed_up_to_the_bound_on_all_its_waits_together() -> None:
    policy = RetryPolicy(max_retry_after=60)
    asked = outcome(server_wait=20.0)

    assert decision(policy, asked, server_waits=40.0) == Retry(20, RetryReason.IDEMPOTENT_METHOD)
    assert decision(policy, asked, server_waits=40.5) == Stop(StopReason.RETRY_AFTER_TOO_LONG)
    assert decision(policy, outcome(server_wait=0.0), server_waits=60.0).reason is (
        RetryReason.IDEMPOTENT_METHOD
    )


def test_a_wait_of_nothing_that_the_server_asks_for_is_no_word_against_the_backoff() -> None:
    asked = outcome(server_wait=0.0)

    assert decision(what=asked) == Retry(1, RetryReason.IDEMPOTENT_METHOD)


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    policy = RetryPolicy(max_elapsed=10, backoff=ConstantBackoff(4))

    assert decision(policy, elapsed=5.9) == Retry(4, RetryReason.IDEMPOTENT_METHOD)
    assert decision(policy, elapsed=6.1) == Stop(StopReason.DEADLINE)


def test_a_millisecond_before_the_deadline_is_enough_to_begin() -> None:
    policy = RetryPolicy(max_elapsed=0.001, backoff=ConstantBackoff(0))

    assert decision(policy) == Retry(0, RetryReason.IDEMPOTENT_METHOD)
    assert decision(policy, elapsed=1e-6) == Stop(StopReason.DEADLINE)


@pytest.mark.parametrize(
    ("status", "should_retry", "expected"),
    [
        (409, True, RetryReason.IDEMPOTENT_METHOD),
        (400, True, RetryReason.IDEMPOTENT_METHOD),
        (399, True, StopReason.DONE),
        (503, False, StopReason.SERVER_DECLINED),
        (404, None, StopReason.DONE),
    ],
)
def test_the_server_may_say_whether_to_retry(
    status: int, should_retry: bool | None, expected: RetryReason | StopReason
) -> None:
    assert decision(what=outcome(status, should_retry=should_retry)).reason is expected


@pytest.mark.parametrize(
    ("verdict", "what", "expected"),
    [
        (True, outcome(200), RetryReason.IDEMPOTENT_METHOD),
        (False, outcome(503), StopReason.DONE),
        (None, outcome(503), RetryReason.IDEMPOTENT_METHOD),
        (None, outcome(200), StopReason.DONE),
        (True, outcome(503, should_retry=False), StopReason.SERVER_DECLINED),
        (True, outcome(None, evidence=Evidence.PERMANENT), StopReason.NOT_TRANSIENT),
        (True, outcome(None, evidence=Evidence.BUG), StopReason.NOT_TRANSIENT),
        (False, outcome(None), StopReason.NOT_TRANSIENT),
    ],
)
def test_retry_if_has_the_first_word_on_what_failed(
    verdict: bool | None, what: Outcome, expected: RetryReason | StopReason
) -> None:
    assert decision(RetryPolicy(retry_if=lambda _: verdict), what).reason is expected


@pytest.mark.parametrize("verdict", [1, "yes", object])
def test_a_verdict_that_is_none_is_named(verdict: Any) -> None:
    with pytest.raises(TypeError, match="retry_if must return True, False or None, not"):
        decision(RetryPolicy(retry_if=lambda _: verdict))


@pytest.mark.parametrize("delay", [-1, math.nan, math.inf, -math.inf, 10**400])
def test_a_backoff_beyond_reason_is_named(delay: float) -> None:
    with pytest.raises(ValueError, match=f"what backoff returns must be finite .* not {delay!r}"):
        decision(RetryPolicy(backoff=lambda _: delay))


def test_a_backoff_that_is_no_number_is_named() -> None:
    def backoff(context: BackoffContext) -> Any:
        return "1"

    with pytest.raises(TypeError, match="what backoff returns must be a number, not '1'"):
        decision(RetryPolicy(backoff=backoff))


def test_a_backoff_sees_what_happened() -> None:
    seen: list[BackoffContext] = []

    def backoff(context: BackoffContext) -> float:
        seen.append(context)
        return context.random()

    what = outcome(502)
    assert decision(RetryPolicy(backoff=backoff), what, attempts=2, previous_delay=0.25) == Retry(
        0.5, RetryReason.IDEMPOTENT_METHOD
    )
    assert seen[0][:3] == (2, 0.25, what)


POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 10),
    max_elapsed=st.none() | st.floats(0.001, 100),
    max_retry_after=st.floats(0, 100),
    backoff=st.builds(ConstantBackoff, st.floats(0, 100)),
)
OUTCOMES = st.builds(
    outcome,
    status=st.none() | st.integers(100, 599),
    evidence=st.sampled_from(Evidence),
    server_wait=st.none() | st.floats(0, 1e9),
    should_retry=st.none() | st.booleans(),
)
STANDINGS = st.builds(
    progress,
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH"]),
    is_keyed=st.booleans(),
    is_replayable=st.booleans(),
    attempts=st.integers(1, 20),
    elapsed=st.floats(0, 200),
    server_waits=st.floats(0, 100),
)


@given(policy=POLICIES, standing=STANDINGS, what=OUTCOMES)
def test_what_a_granted_retry_can_never_be(
    policy: RetryPolicy, standing: Progress, what: Outcome
) -> None:
    granted = decide(policy, standing, what, lambda: 0.5, lambda _: True)

    if isinstance(granted, Stop):
        return
    assert standing.attempts < policy.max_attempts
    assert standing.is_replayable
    assert 0 <= granted.delay < math.inf
    assert granted.delay >= (what.server_wait or 0)
    if what.server_wait is not None:
        assert standing.server_waits + what.server_wait <= policy.max_retry_after
    assert policy.max_elapsed is None or standing.elapsed + granted.delay < policy.max_elapsed
    assert what.evidence not in (Evidence.PERMANENT, Evidence.BUG)
    assert what.evidence is not UNKNOWN or standing.is_keyed or standing.method in policy.methods


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 0.18), (0.5, 0.19)])
def test_where_nobody_listens_waits_come_from_the_top_of_their_range(
    draw: float, wait: float
) -> None:
    refused = outcome(None, evidence=Evidence.UNSENT, connection_refused=True)

    made = decide(RetryPolicy(), progress(), refused, lambda: draw, lambda _: True)

    assert isinstance(made, Retry)
    assert made.delay == pytest.approx(wait)


def test_the_default_policy_rides_out_a_second_in_which_nobody_listens() -> None:
    # What was in flight is reset first, and may come back at once.
    refused = outcome(None, evidence=Evidence.UNSENT, connection_refused=True)
    waits = [
        decide(RetryPolicy(), progress(attempts=number), refused, lambda: 0.0, lambda _: True)
        for number in (2, 3)
    ]

    assert sum(wait.delay for wait in waits if isinstance(wait, Retry)) > 1.0

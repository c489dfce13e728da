"""The words: what a person has to know, and nothing that is not so."""

from __future__ import annotations

import re

import httpx
import pytest
from urllib3.util import Retry

from httpx_retry import (
    ConstantBackoff,
    ExponentialBackoff,
    RetryPolicy,
    RetryTransport,
    _recovery,
)
from httpx_retry._explain.facts import facts, summary, title
from httpx_retry._explain.forecast import forecast

from . import policies


def told(policy: RetryPolicy) -> dict[str, str]:
    return dict(facts(policy, forecast(policy)))


def summed_up(policy: RetryPolicy) -> str:
    return summary(policy, forecast(policy))


@pytest.mark.parametrize(
    ("policy", "written"),
    [
        (policies.PLAIN, "RetryPolicy()"),
        (policies.ROOMY, "RetryPolicy(max_attempts=6, max_elapsed=20)"),
        (
            policies.PARTICULAR,
            (
                "RetryPolicy(max_retry_after=0, statuses={503}, methods={'GET', 'POST', 'PURGE'},"
                " idempotency_header='X-Key', generate_idempotency_key=True, exceptions=(OSError,),"
                " retry_if=is_busy, read_body=True, replay_buffer=1048576)"
            ),
        ),
        (
            RetryPolicy(methods=(), exceptions=(EOFError, OSError)),
            "RetryPolicy(methods=(), exceptions=(EOFError, OSError))",
        ),
    ],
)
def test_a_policy_is_named_by_what_differs_from_the_defaults(
    policy: RetryPolicy, written: str
) -> None:
    assert title(policy) == written


def test_a_name_that_would_command_a_terminal_is_not_repeated() -> None:
    def quiet(_: object) -> float:
        return 0.0

    quiet.__qualname__ = "\x1b[2Jquiet"
    assert title(RetryPolicy(backoff=quiet)) == "RetryPolicy(backoff=?[2Jquiet)"


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (policies.PLAIN, "Up to 4 attempts. Waits come to about 700 ms in all, 1.4 s at most."),
        (policies.STEADY, "Up to 3 attempts. Waits come to 4 s in all."),
        (policies.ONCE, "One attempt: nothing is sent again."),
        (policies.NO_ROOM, "One attempt: the backoff's waits would pass max_elapsed=1 s."),
        (
            RetryPolicy(max_attempts=200, backoff=ExponentialBackoff(1, jitter="none")),
            "Up to 200 attempts. Waits between the first 100 come to about 47 min 31 s.",
        ),
    ],
)
def test_the_summary_says_how_often_and_how_long(policy: RetryPolicy, said: str) -> None:
    assert summed_up(policy) == said


def test_the_worst_case_counts_what_attempts_take() -> None:
    worst = told(policies.PLAIN)["worst case"]
    assert worst.startswith("1.4 s of waits, and what each attempt takes: httpx's default timeouts")
    assert worst.endswith("never answers: 21.4 s (4 × 5 s + 1.4 s).")  # noqa: RUF001 - as drawn


def test_the_worst_case_where_nothing_may_run_twice_is_a_server_that_is_not_even_reached() -> None:
    worst = told(policies.STRICT)["worst case"]
    assert worst.endswith("cannot be reached: 10.2 s (2 × 5 s + 200 ms).")  # noqa: RUF001 - as drawn


def test_the_worst_case_ends_with_the_deadline() -> None:
    worst = told(policies.ROOMY)["worst case"]
    assert worst.endswith("answers: 20 s (its max_elapsed).")


def test_the_worst_case_of_one_attempt_is_that_attempt() -> None:
    assert list(told(policies.ONCE)) == ["worst case"]


def test_the_worst_case_admits_what_was_not_looked_at() -> None:
    worst = told(policies.ENDLESS)["worst case"]
    assert worst.startswith("More than ")
    assert "only the first 100 attempts are foreseen" in worst
    assert "at most" not in told(policies.ENDLESS)["servers"]


@pytest.mark.parametrize(
    ("policy", "consequence"),
    [
        (policies.ROOMY, "The waits alone do not come so far; slow attempts may."),
        (policies.CUT, "Not every request gets all its attempts."),
        (policies.NEVER_ALL, "More than 2 attempts only if waits are shorter than the backoff's."),
        (policies.NO_ROOM, "More than 1 attempt only if waits are shorter than the backoff's."),
    ],
)
def test_a_deadline_says_what_it_does(policy: RetryPolicy, consequence: str) -> None:
    assert told(policy)["deadline"].endswith(f" goes on beyond it. {consequence}")


@pytest.mark.parametrize(
    ("error", "which"),
    [(httpx.ReadTimeout("late"), 0), (httpx.ReadError("reset"), 1)],
    ids=["timeouts", "other failures"],
)
def test_a_policy_that_goes_beyond_the_default_budget_says_how_far_that_goes(
    error: Exception, which: int
) -> None:
    policy = RetryPolicy(max_attempts=40, backoff=ConstantBackoff(0))
    attempts = []

    def fail(request: httpx.Request) -> httpx.Response:
        attempts.append(request)
        raise error

    transport = RetryTransport(httpx.MockTransport(fail), policy=policy)
    with httpx.Client(transport=transport) as client, pytest.raises(type(error)):
        client.get("http://test/")

    granted = re.findall(r"[0-9]+", told(policy)["budget"])
    assert int(granted[which]) == len(attempts) - 1


def test_a_policy_within_the_default_budget_does_not_name_it() -> None:
    assert "budget" not in told(RetryPolicy(max_attempts=11))
    assert "budget" in told(RetryPolicy(max_attempts=12))


def test_a_deadline_far_beyond_what_was_looked_at_promises_nothing_more() -> None:
    patient = RetryPolicy(max_attempts=10**9, max_elapsed=1e6)
    assert told(patient)["deadline"] == (
        "No wait is begun that would pass max_elapsed=11.6 days, and no phase of an attempt goes on"
        " beyond it."
    )


def test_without_a_deadline_none_is_told() -> None:
    assert "deadline" not in told(policies.PLAIN)


def test_servers_may_add_to_the_waits() -> None:
    said = told(policies.PLAIN)["servers"]
    assert "up to 60 s for one request: 61.2 s of waits at most" in said
    assert "within the deadline: 20 s of waits at most" in told(policies.ROOMY)["servers"]


def test_servers_that_may_not_name_a_wait_end_it() -> None:
    assert "ends it" in told(policies.PARTICULAR)["servers"]


def test_statuses_and_methods_are_told_by_what_they_prove() -> None:
    said = told(policies.PLAIN)
    assert said["any method"].endswith("it never left, HTTP/2 refused it, 408, 425 or 429.")
    assert said["repeatable"] == (
        "GET, HEAD, OPTIONS, TRACE, PUT, DELETE, QUERY and what carries Idempotency-Key: again"
        " after 500, 502, 503, 504, timeouts or broken connections too."
    )


def test_every_field_that_differs_is_told() -> None:
    said = told(policies.PARTICULAR)
    assert said["any method"].endswith("it never left or HTTP/2 refused it.")
    assert said["repeatable"] == (
        "GET, POST, PURGE and what carries X-Key: again after 503, timeouts, broken connections"
        " or OSError too."
    )
    assert said["keys"] == "A POST or PATCH without X-Key is given one."
    assert said["retry_if"].startswith("is_busy is asked first, the body read, and may")
    assert "1,048,576 bytes" in said["requests"]


def test_a_retry_if_that_needs_no_body_gets_none() -> None:
    said = told(RetryPolicy(retry_if=policies.is_busy))["retry_if"]
    assert said.startswith("is_busy is asked first and may")


def test_without_methods_the_key_alone_makes_a_request_repeatable() -> None:
    said = told(RetryPolicy(methods=()))
    assert said["repeatable"].startswith("What carries Idempotency-Key: again")


def test_a_policy_that_repeats_nothing_says_so() -> None:
    said = told(policies.STRICT)
    assert said["no method"] == "Handed over where it may have been processed."
    assert "repeatable" not in said
    assert "responses" not in said


def test_mending_is_told_with_its_own_count() -> None:
    said = told(policies.PLAIN)["responses"]
    assert f"{_recovery._PROGRESS // 1024} KiB" in said
    assert f"{_recovery._MOST_SENDS} sends" in said


@pytest.mark.parametrize(
    ("policy", "is_said"),
    [
        (policies.PLAIN, False),
        (policies.NEVER_ALL, False),
        (policies.CUT, True),
        (policies.ENDLESS, True),
    ],
)
def test_figures_from_samples_are_owned_to_be_so(policy: RetryPolicy, is_said: bool) -> None:
    assert ("figures" in told(policy)) is is_said


def test_the_curve_of_urllib3_is_foreseen_exactly() -> None:
    policy = RetryPolicy.from_urllib3(Retry(total=3, backoff_factor=1))

    assert "figures" not in told(policy)
    assert summed_up(policy) == "Up to 4 attempts. Waits come to 6 s in all."

"""RetryPolicy: its defaults, its validation, and that it is a value."""

from __future__ import annotations

import math
import pickle
import re
import sys
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

import pytest

from httpx_retry import ConstantBackoff, ExponentialBackoff, Outcome, RetryPolicy


def test_the_defaults_are_those_of_the_contract() -> None:
    policy = RetryPolicy()

    assert policy.max_attempts == 4
    assert policy.max_elapsed is None
    assert policy.backoff == ExponentialBackoff()
    assert policy.max_retry_after == 60.0
    assert policy.statuses == {408, 425, 429, 500, 502, 503, 504}
    assert policy.methods == {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"}
    assert policy.idempotency_header == "Idempotency-Key"
    assert policy.exceptions == ()
    assert policy.retry_if is None
    assert policy.read_body is False
    assert policy.generate_idempotency_key is False
    assert policy.replay_buffer == 0


def test_it_is_a_value() -> None:
    one = RetryPolicy(statuses=[503, 502], methods=("get",))

    assert one == RetryPolicy(statuses={502, HTTPStatus(503)}, methods=["GET"])
    assert hash(one) == hash(RetryPolicy(statuses=[502, 503], methods={"Get"}))
    assert one != RetryPolicy()
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes
    with pytest.raises(AttributeError):
        one.max_attempts = 3  # type: ignore[misc] # frozen is the point


@dataclass(frozen=True, kw_only=True)
class ServicePolicy(RetryPolicy):
    """A user's own, with a name for the logs."""

    max_attempts: int = 7
    service: str = "a"


def test_a_subclass_may_have_fields_of_its_own() -> None:
    one = ServicePolicy(service="b", max_elapsed=3.0)

    other = one.replace(service="c")

    assert (type(other), other.service, other.max_elapsed) == (ServicePolicy, "c", 3.0)
    assert other.max_attempts == 7
    with pytest.raises(TypeError, match=r"^ServicePolicy has no field 'name'; .*, service$"):
        ServicePolicy(name="d")  # type: ignore[call-arg] # the mistake


def test_replace_makes_a_changed_one_and_leaves_the_first() -> None:
    one = RetryPolicy(max_attempts=2)
    other = one.replace(max_elapsed=5, statuses={599})

    assert (other.max_attempts, other.max_elapsed, other.statuses) == (2, 5, {599})
    assert one == RetryPolicy(max_attempts=2)


def test_empty_collections_mean_empty() -> None:
    policy = RetryPolicy(statuses=[], methods=[], exceptions=[])

    assert (policy.statuses, policy.methods, policy.exceptions) == (frozenset(), frozenset(), ())


def test_the_largest_number_is_one() -> None:
    assert RetryPolicy(max_retry_after=sys.float_info.max).max_retry_after == sys.float_info.max


def test_the_order_of_a_collection_is_no_difference() -> None:
    policy = RetryPolicy(exceptions=[OSError, ValueError, OSError], statuses=[503, 502])
    other = RetryPolicy(exceptions=[ValueError, OSError], statuses=[502, 503])

    assert policy == other
    assert hash(policy) == hash(other)


def test_a_status_has_three_digits() -> None:
    assert RetryPolicy(statuses=[100, 999]).statuses == {100, 999}


def test_what_needs_neither_proof_nor_key_nor_deadline_goes_out_as_it_is() -> None:
    keyed = RetryPolicy(methods=["GET", "POST"], generate_idempotency_key=True)

    assert RetryPolicy().plain_methods == RetryPolicy().methods
    assert keyed.plain_methods == {"GET"}
    assert RetryPolicy(max_elapsed=5).plain_methods == set()


def test_the_bodies_of_methods_that_may_run_twice_are_mended_if_they_have_one() -> None:
    assert RetryPolicy().mended_methods == set(RetryPolicy().methods) - {"HEAD"}
    assert RetryPolicy(methods=["POST", "HEAD", "CONNECT"]).mended_methods == {"POST"}
    assert RetryPolicy(recover_body=False).mended_methods == set()


def judge(outcome: Outcome) -> bool | None:
    return None


def test_responses_below_the_first_failing_status_need_no_judgement() -> None:
    assert RetryPolicy().judged_from == 400
    assert RetryPolicy(statuses=[]).judged_from == 400
    assert RetryPolicy(statuses=[202, 503]).judged_from == 202
    assert RetryPolicy(retry_if=judge).judged_from == 0


async def judge_later(outcome: Outcome) -> bool:
    return True


class JudgeLater:
    async def __call__(self, outcome: Outcome) -> bool:
        return True


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_attempts", 0, "max_attempts must be at least 1, not 0"),
        ("max_elapsed", 0, "max_elapsed must be finite and above 0, not 0"),
        ("max_elapsed", math.inf, "max_elapsed must be finite and above 0, not inf"),
        ("max_retry_after", -1, "max_retry_after must be finite and at least 0, not -1"),
        ("max_retry_after", math.nan, "max_retry_after must be finite"),
        ("statuses", [99], "each of statuses must be at least 100, not 99"),
        ("statuses", [1000], "each of statuses must be at most 999, not 1000"),
        ("methods", [""], "each of methods must be an HTTP token, not ''"),
        ("methods", ["GET POST"], "each of methods must be an HTTP token, not 'GET POST'"),
        ("replay_buffer", -1, "replay_buffer must be at least 0, not -1"),
        ("idempotency_header", "a:b", "idempotency_header must be an HTTP token, not 'a:b'"),
    ],
)
def test_a_value_out_of_range_fails_at_construction(field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        RetryPolicy(**{field: value})
    with pytest.raises(ValueError, match=re.escape(message)):
        RetryPolicy().replace(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_attempts", 2.5, "max_attempts must be an integer, not 2.5"),
        ("max_attempts", True, "max_attempts must be an integer, not True"),
        ("max_elapsed", "5", "max_elapsed must be a number, not '5'"),
        ("max_retry_after", None, "max_retry_after must be a number, not None"),
        ("backoff", 3, "backoff must be callable, not 3"),
        ("backoff", judge_later, "backoff must be a plain function"),
        ("backoff", ExponentialBackoff, "backoff must be callable: call ExponentialBackoff()"),
        ("backoff", lambda: 1.0, "backoff must take (context), which <function"),
        ("statuses", 503, "statuses must be a collection of status codes, not 503"),
        ("statuses", "503", "statuses must be a collection of status codes, not '503'"),
        ("statuses", ["503"], "each of statuses must be an integer, not '503'"),
        ("methods", "GET", "methods must be a collection of method names, not 'GET'"),
        ("methods", {"GET": 1}, "methods must be a collection of method names, not {'GET': 1}"),
        ("methods", [b"GET"], "each of methods must be a string, not b'GET'"),
        ("idempotency_header", b"Key", "idempotency_header must be a string, not b'Key'"),
        ("exceptions", OSError, "exceptions must be a collection of exception types"),
        ("exceptions", [KeyboardInterrupt], "each of exceptions must be a subclass of Exception"),
        ("exceptions", [OSError()], "each of exceptions must be a subclass of Exception"),
        ("retry_if", 1, "retry_if must be callable, not 1"),
        ("retry_if", lambda request, response: True, "retry_if must take (outcome), which"),
        ("retry_if", judge_later, "retry_if must be a plain function"),
        ("retry_if", JudgeLater(), "retry_if must be a plain function"),
        ("read_body", 1, "read_body must be True or False, not 1"),
        ("recover_body", 0, "recover_body must be True or False, not 0"),
        (
            "generate_idempotency_key",
            "",
            "generate_idempotency_key must be True or False, not ''",
        ),
        ("max_tries", 3, "RetryPolicy has no field 'max_tries'; its fields are max_attempts, max"),
    ],
)
def test_a_value_of_the_wrong_type_fails_at_construction(
    field: str, value: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        RetryPolicy(**{field: value})
    with pytest.raises(TypeError, match=re.escape(message)):
        RetryPolicy().replace(**{field: value})


def test_a_function_is_called_as_its_decorator_takes_it() -> None:
    def longest(context: object, seconds: float) -> float:
        return seconds

    @wraps(longest)
    def decorated(context: object) -> float:
        return longest(context, 3.0)

    assert RetryPolicy(backoff=decorated).backoff is decorated


def test_a_key_needs_a_header_to_stand_in() -> None:
    needed = "^generate_idempotency_key needs an idempotency_header, not None$"
    with pytest.raises(ValueError, match=needed):
        RetryPolicy(generate_idempotency_key=True, idempotency_header=None)


def test_every_unknown_field_is_named() -> None:
    with pytest.raises(TypeError, match=r"^RetryPolicy has no field 'tries', 'wait'; its fields"):
        RetryPolicy(tries=3, wait=1)  # type: ignore[call-arg] # the point


def test_its_fields_are_named_not_counted() -> None:
    with pytest.raises(TypeError, match="positional"):
        RetryPolicy(3)  # type: ignore[call-arg] # the point


def test_it_prints_what_was_chosen() -> None:
    assert "backoff=ConstantBackoff(delay=1, jitter='none')" in repr(
        RetryPolicy(backoff=ConstantBackoff(1))
    )
    assert "judged_from" not in repr(RetryPolicy())

"""A policy as a text: its fields or where to find it, and nothing that would run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import (
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    ExponentialBackoff,
    RetryPolicy,
)
from httpx_retry._explain.given import policy_given

from . import policies


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", RetryPolicy()),
        ("  max_attempts=6, max_elapsed=20 ", policies.ROOMY),
        ("RetryPolicy(max_attempts=6, max_elapsed=20)", policies.ROOMY),
        (
            "backoff=ExponentialBackoff(initial=0.5, jitter='none'), statuses={429, 503}",
            RetryPolicy(backoff=ExponentialBackoff(0.5, jitter="none"), statuses={429, 503}),
        ),
        ("backoff=ConstantBackoff(2)", RetryPolicy(backoff=ConstantBackoff(2))),
        (
            "backoff=DecorrelatedJitterBackoff(), methods=['GET'], statuses=set()",
            RetryPolicy(backoff=DecorrelatedJitterBackoff(), methods=["GET"], statuses=()),
        ),
        ("tests.explain.policies:STEADY", policies.STEADY),
        ("tests.explain:policies.STEADY", policies.STEADY),
    ],
)
def test_a_policy_is_read(text: str, policy: RetryPolicy) -> None:
    assert policy_given(text) == policy


@pytest.mark.parametrize("policy", [policies.PLAIN, policies.CUT, policies.STRICT])
def test_what_a_policy_prints_as_is_read_back(policy: RetryPolicy) -> None:
    assert policy_given(repr(policy)) == policy


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_atempts=3", "RetryPolicy has no field 'max_atempts'; its fields are max_attempts,"),
        ("max_attempts=0", "max_attempts must be at least 1, not 0"),
        ("max_attempts=six", "max_attempts must be a literal or one of the backoffs, not six"),
        ("6", "6 must be given by name: field=value"),
        ("**{}", "must be field=value"),
        ("max_attempts=1, max_attempts=2", "max_attempts=2 must be field=value, each field once"),
        ("a b", "'a b' is no policy: write 'max_attempts=6, max_elapsed=20' or module:attribute"),
        ("max_attempts=1) + (2", "is no policy"),
        ("max_attempts=9)(max_elapsed=20", "is no policy"),
        ("RetryPolicy(max_attempts=9).replace(max_elapsed=20)", "is no policy"),
        ("max_attempts=\0", "is no policy"),
        ("statuses={[]}", "unhashable type"),
        ("backoff=ExponentialBackoff(inital=2)", "unexpected keyword argument 'inital'"),
        ("retry_if=lambda outcome: True", "pass module:attribute for what only code can say"),
        ("no_such_module:POLICY", "cannot be imported: ModuleNotFoundError"),
        ("tests.explain.policies:NOWHERE", "cannot be imported: AttributeError"),
        ("tests.explain.policies:is_busy", "must be a RetryPolicy, not <function is_busy"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, complaint: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(complaint)):
        policy_given(text)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').abort()",
        "exec('1')",
        "ExponentialBackoff.__init__.__globals__",
        "ConstantBackoff(eval('1'))",
        "(lambda: 1)()",
        "[each for each in 'ab']",
        "f'{1}'",
    ],
)
def test_nothing_in_a_text_is_run(expression: str) -> None:
    with pytest.raises(ValueError, match="must be a literal or one of the backoffs"):
        policy_given(f"backoff={expression}")


@given(st.text(max_size=40).filter(lambda text: ":" not in text))
def test_any_other_text_is_refused_with_a_word(text: str) -> None:
    try:
        policy_given(f"max_attempts={text}")
    except (TypeError, ValueError) as refused:
        assert str(refused)  # noqa: PT017 - most texts are refused, and some are not

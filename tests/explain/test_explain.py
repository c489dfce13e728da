"""The public function: what it takes, what it gives, what it costs."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

import httpx_retry
from httpx_retry import ConstantBackoff, RetryPolicy, explain

from . import policies


def test_without_a_policy_the_default_one_is_explained() -> None:
    assert str(explain()) == str(explain(RetryPolicy()))


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(TypeError, match=r"policy must be a RetryPolicy, not \{'max_attempts': 3\}"):
        explain({"max_attempts": 3})  # type: ignore[arg-type]


def test_an_explanation_prints_as_text_and_is_named_by_its_policy() -> None:
    explanation = explain(policies.ROOMY)
    assert str(explanation).startswith(" RetryPolicy(max_attempts=6, max_elapsed=20)\n")
    assert repr(explanation) == f"<Explanation of {policies.ROOMY!r}>"


def test_numbers_of_any_kind_are_explained() -> None:
    half = Fraction(1, 2)
    kinds = [
        RetryPolicy(max_elapsed=number, max_retry_after=number, backoff=ConstantBackoff(number))  # type: ignore[arg-type]  # a number all the same
        for number in (half, 0.5)
    ]
    # The first lines name the policy.
    one, other = (str(explain(policy)).partition("\n\n")[2] for policy in kinds)

    assert one == other
    assert "500 ms" in one


def test_a_notebook_shows_the_svg() -> None:
    explanation = explain()
    assert explanation._repr_svg_() == explanation.svg()


def test_the_library_is_loaded_without_what_draws() -> None:
    code = "import sys, httpx_retry; print(*sys.modules)"
    loaded = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "httpx_retry._explain" in loaded
    heavy = ("httpx_retry._explain.", "rich", "xml")
    assert not [name for name in loaded if name.startswith(heavy)]


def test_its_names_are_public() -> None:
    assert {"explain", "Explanation"} <= set(httpx_retry.__all__)

"""Outcomes and attempts: what they say of themselves."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING

from httpx_retry import Attempt, Evidence, Outcome, RetryReason, SystemClock
from httpx_retry import StopReason as Why

if TYPE_CHECKING:
    import pytest


def attempt(**changes: object) -> Attempt:
    facts = Attempt(1, 1.5e9, 0.25, 503, None, Evidence.UNKNOWN, 0.2, RetryReason.IDEMPOTENT_METHOD)
    return facts._replace(**changes)  # type: ignore[arg-type] # each test names its own


def test_an_attempt_is_labelled_by_its_status_or_its_error() -> None:
    assert attempt().label == "503"
    assert attempt(status=None, error="ReadTimeout").label == "ReadTimeout"


def test_an_attempt_survives_pickling() -> None:
    one = attempt(wait=None, reason=Why.ATTEMPTS_EXHAUSTED)

    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes


def test_an_outcome_prints_what_happened_and_nothing_that_was_sent() -> None:
    assert repr(Outcome("secret", evidence=Evidence.UNKNOWN, status=503)) == (
        "<Outcome 503 unknown>"
    )
    assert repr(Outcome("secret", evidence=Evidence.UNSENT, error=OSError("secret"))) == (
        "<Outcome OSError unsent>"
    )


def test_the_system_clock_is_the_operating_systems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SystemClock()

    assert clock.monotonic is time.monotonic
    monkeypatch.setattr(time, "time", lambda: 1.5)  # as freezegun does
    assert clock.time() == 1.5
    assert repr(clock) == "SystemClock()"

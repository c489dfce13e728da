"""Policies of all kinds, each to be explained."""

from __future__ import annotations

from functools import cache

from httpx_retry import (
    BackoffContext,
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    ExponentialBackoff,
    Outcome,
    RetryPolicy,
    explain,
)


def by_status(context: BackoffContext) -> float:
    """A backoff that looks at what happened, and draws twice."""
    assert context.outcome.response.status_code == context.outcome.status == 503
    assert context.outcome.request.method == "GET"
    return context.attempt * (context.random() + context.random())


def is_busy(outcome: Outcome) -> bool | None:
    return None if outcome.status != 202 else True


PLAIN = RetryPolicy()
STEADY = RetryPolicy(max_attempts=3, backoff=ConstantBackoff(2))
CUT = RetryPolicy(max_attempts=8, max_elapsed=5, backoff=DecorrelatedJitterBackoff())
ROOMY = RetryPolicy(max_attempts=6, max_elapsed=20)
NEVER_ALL = RetryPolicy(max_attempts=5, max_elapsed=3, backoff=ExponentialBackoff(1, jitter="none"))
NO_ROOM = RetryPolicy(max_elapsed=1, backoff=ConstantBackoff(2))
ONCE = RetryPolicy(max_attempts=1)
NO_WAIT = RetryPolicy(backoff=ConstantBackoff(0))
MANY = RetryPolicy(max_attempts=30, backoff=ExponentialBackoff(jitter="equal"))
ENDLESS = RetryPolicy(max_attempts=10**9, backoff=by_status)
ENDLESS_BUT_CUT = RetryPolicy(max_attempts=10**9, max_elapsed=3600)
PARTICULAR = RetryPolicy(
    max_retry_after=0,
    statuses={503},
    methods={"POST", "GET", "PURGE"},
    idempotency_header="X-Key",
    generate_idempotency_key=True,
    exceptions=(OSError,),
    retry_if=is_busy,
    read_body=True,
    replay_buffer=1 << 20,
)
STRICT = RetryPolicy(max_attempts=2, methods=(), idempotency_header=None, statuses=())


def press_ctrl_c(context: BackoffContext) -> float:
    raise KeyboardInterrupt


INTERRUPTED = RetryPolicy(backoff=press_ctrl_c)

ALL = (
    PLAIN, STEADY, CUT, ROOMY, NEVER_ALL, NO_ROOM, ONCE, NO_WAIT, MANY, ENDLESS, ENDLESS_BUT_CUT,
    PARTICULAR, STRICT,
)  # fmt: skip

# Drawn in many ways, worked out once.
explained = cache(explain)

"""What type checkers make of policies, backoffs and budgets. Read by them, and never run."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from httpx_retry import (
    Backoff,
    BackoffContext,
    Budget,
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    Explanation,
    ExponentialBackoff,
    Load,
    Outcome,
    RetryBudget,
    RetryPolicy,
    explain,
)

# Any collection will do, and every field goes by name.
RetryPolicy(statuses={429, 503}, methods=["GET"], exceptions=(OSError,))
RetryPolicy(statuses=range(500, 600), methods=frozenset({"GET"}), exceptions=[])
RetryPolicy(max_elapsed=None, max_retry_after=30, replay_buffer=1024, idempotency_header="X-Key")
RetryPolicy(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RetryPolicy(max_atempts=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RetryPolicy(max_attempts="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(statuses=503)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(statuses=["503"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
RetryPolicy(exceptions=OSError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(exceptions=[KeyboardInterrupt])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

policy = RetryPolicy()
assert_type(policy.max_attempts, int)
assert_type(policy.max_elapsed, float | None)
assert_type(policy.replace(max_attempts=3), RetryPolicy)
policy.max_attempts = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


# A backoff is a plain function of its context, or one of ours.
def linear(context: BackoffContext) -> float:
    """Half a second more each time."""
    assert_type(context.attempt, int)
    assert_type(context.previous_delay, float | None)
    assert_type(context.outcome, Outcome)
    assert_type(context.random(), float)
    return context.attempt * 0.5


def in_words(_: BackoffContext) -> str:
    """No seconds."""
    return "soon"


async def awaited(_: BackoffContext) -> float:
    """Nobody would await it."""
    return 0.5


def of_a_number(attempt: int) -> float:
    """What other libraries pass."""
    return float(attempt)


backoffs: list[Backoff] = [linear, ConstantBackoff(1), DecorrelatedJitterBackoff(maximum=5)]
RetryPolicy(backoff=linear)
RetryPolicy(backoff=lambda context: context.random() * context.attempt)
RetryPolicy(backoff=in_words)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(backoff=awaited)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(backoff=of_a_number)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryPolicy(backoff=0.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ExponentialBackoff(jitter="equal")
ExponentialBackoff(jitter="some")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ConstantBackoff()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# What retry_if says is yes, no, or nothing.
def is_busy(outcome: Outcome) -> bool | None:
    """By the status of a response."""
    assert_type(outcome.status, int | None)
    assert_type(outcome.error, Exception | None)
    assert_type(outcome.server_wait, float | None)
    assert_type(outcome.response, Any)
    return True if outcome.status == 202 else None


async def is_busy_later(_: Outcome) -> bool:
    """A coroutine is true."""
    return False


RetryPolicy(retry_if=is_busy)
RetryPolicy(retry_if=lambda outcome: outcome.status == 409)
RetryPolicy(retry_if=is_busy_later)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class OneForAll:
    """A budget is what has the two methods."""

    def withdraw(self, origin: str, load: Load, now: float) -> float | None:
        """Give to everybody."""
        return len(origin) + now if load is Load.SOME else None

    def deposit(self, origin: str, tokens: float | None) -> None:
        """Take from nobody."""


budgets: list[Budget] = [OneForAll(), RetryBudget(capacity=5)]
not_a_budget: Budget = object()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
assert_type(explain(policy), Explanation)

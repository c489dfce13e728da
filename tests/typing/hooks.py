"""What type checkers make of hooks and histories. Read by them, and never run."""

from __future__ import annotations

import httpx
from typing_extensions import assert_type

from httpx_retry import (
    AsyncRetryTransport,
    Attempt,
    Evidence,
    Retry,
    RetryEvent,
    RetryReason,
    RetryTransport,
    Stop,
    StopReason,
    add_retries,
    retry_history,
)


def tell(event: RetryEvent) -> None:
    """An event says what happened, to which request, after which attempts."""
    if event.kind == "retry-scheduled":
        assert_type(event.request, httpx.Request)
    assert_type(event.attempts, tuple[Attempt, ...])
    assert_type(event.attempt, Attempt)


def is_over(event: RetryEvent) -> bool:
    """A kind that there is not is told apart from one that there is."""
    return event.kind == "given-up"  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]


async def tell_later(event: RetryEvent) -> None:
    """In a world of its own."""
    tell(event)


def sign(request: httpx.Request, number: int) -> httpx.Request:
    """A fresh signature."""
    request.headers["X-Attempt"] = str(number)
    return request


async def sign_later(request: httpx.Request, number: int) -> None:
    """The same, with a token that takes a request to get."""
    sign(request, number)


def sign_badly(request: httpx.Request, number: int) -> str:
    """What it returns cannot be sent."""
    return str(sign(request, number).url)


def of_text(request: str, number: int) -> None:
    """No client has such a request."""


def sign_alone(request: httpx.Request) -> httpx.Request:
    """A hook of httpx's own has one argument."""
    return request


RetryTransport(on_event=tell, prepare=sign)
AsyncRetryTransport(on_event=tell, prepare=sign_later)
RetryTransport(on_event=print)
RetryTransport(on_event=sign)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(prepare=tell)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(prepare=sign_later)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(prepare=sign_badly)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
AsyncRetryTransport(prepare=sign)
AsyncRetryTransport(prepare=sign_badly)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(prepare=sign_alone)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
add_retries(httpx.Client(), on_event=tell, prepare=sign)
add_retries(httpx.Client(), prepare=lambda request, _: request.headers.clear())
add_retries(httpx.AsyncClient(), prepare=sign_later)
add_retries(httpx.Client(), prepare=sign_badly)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
add_retries(httpx.Client(), prepare=sign_alone)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
add_retries(httpx.Client(), prepare=of_text)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]

for attempt in retry_history(httpx.Response(200)):
    assert_type(attempt, Attempt)
    assert_type(attempt.number, int)
    assert_type(attempt.status, int | None)
    assert_type(attempt.evidence, Evidence | None)
    assert_type(attempt.wait, float | None)
    assert_type(attempt.reason, RetryReason | StopReason)
    attempt.wait = 3.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
retry_history(httpx.ReadError("broken"))
retry_history(503)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def what_follows(decision: Retry | Stop) -> float | StopReason:
    """A decision is one of two, and a checker knows which."""
    if isinstance(decision, Stop):
        return decision.reason
    assert_type(decision, Retry)
    return decision.delay

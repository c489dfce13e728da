"""What does the transport cost when nothing fails, and what does one retry cost?

Each contender wraps the same inner transport, which answers at once; the rounds are interleaved and
medians are taken, because a shared machine is noisy. `added` is what comes on top of the inner
transport alone.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
import httpx_retries
from rich.console import Console
from rich.table import Table

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryPolicy, RetryTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

ROUNDS = 15
CALLS = 3_000


class Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers with the statuses given, over and over, from responses made beforehand."""

    def __init__(self, *statuses: int) -> None:
        self._answers = [httpx.Response(status, stream=Empty()) for status in statuses]
        self._next = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._next = (self._next + 1) % len(self._answers)
        return self._answers[self._next]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


class Empty(httpx.SyncByteStream, httpx.AsyncByteStream):
    """No body."""

    def __iter__(self) -> Iterator[bytes]:
        yield b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""


def seconds_per_call(transport: httpx.BaseTransport) -> float:
    """The median is taken by the caller: this is one round."""
    request = httpx.Request("GET", "http://test/")
    handle = transport.handle_request
    began = time.perf_counter()
    for _ in range(CALLS):
        handle(request)
    return (time.perf_counter() - began) / CALLS


def seconds_per_async_call(transport: httpx.AsyncBaseTransport) -> float:
    """As `seconds_per_call`, in a task."""

    async def calls() -> float:
        request = httpx.Request("GET", "http://test/")
        handle = transport.handle_async_request
        began = time.perf_counter()
        for _ in range(CALLS):
            await handle(request)
        return (time.perf_counter() - began) / CALLS

    run: Coroutine[Any, Any, float] = calls()
    return asyncio.run(run)


def medians(rounds: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Each contender's median over interleaved rounds."""
    seen: dict[str, list[float]] = {name: [] for name in rounds}
    for _ in range(ROUNDS):
        for name, measure in rounds.items():
            seen[name].append(measure())
    return {name: statistics.median(values) for name, values in seen.items()}


def contenders(*statuses: int) -> dict[str, dict[str, Callable[[], float]]]:
    """By world, by contender: one round of calls that meet these statuses in turn."""
    policy = RetryPolicy(backoff=ConstantBackoff(0))
    peer = httpx_retries.Retry(total=3, backoff_factor=0)
    inner = Inner(*statuses)
    ours, ours_async = (
        RetryTransport(inner, policy=policy),
        AsyncRetryTransport(inner, policy=policy),
    )
    theirs = httpx_retries.RetryTransport(transport=inner, retry=peer)
    return {
        "sync": {
            "inner": lambda: seconds_per_call(inner),
            "httpx_retry": lambda: seconds_per_call(ours),
            "httpx-retries": lambda: seconds_per_call(theirs),
        },
        "async": {
            "inner": lambda: seconds_per_async_call(inner),
            "httpx_retry": lambda: seconds_per_async_call(ours_async),
            "httpx-retries": lambda: seconds_per_async_call(theirs),
        },
    }


def main() -> None:
    """Print one table."""
    table = Table("case", "world", "inner ns", "httpx_retry +ns", "httpx-retries +ns", "ratio")
    for case, statuses in (("nothing fails", (200,)), ("one retry", (200, 503))):
        for world, rounds in contenders(*statuses).items():
            found = medians(rounds)
            sends = len(statuses)
            base = found["inner"] * sends
            ours, theirs = found["httpx_retry"] - base, found["httpx-retries"] - base
            nanoseconds = (f"{value * 1e9:,.0f}" for value in (base, ours, theirs))
            table.add_row(case, world, *nanoseconds, f"{ours / theirs:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""What does a request cost that waits for its retry? 10,000 of them wait at once, in asyncio.

The lower bound is a transport whose coroutine sleeps and calls again. Each contender runs in a
process of its own, over an inner transport that answers each request 503 and then 200, from a new
response each time. Memory is what Python holds while all of them wait, CPU that of the whole run;
the rounds are interleaved and medians taken.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

import httpx
import httpx_retries
from rich.console import Console
from rich.table import Table

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryBudget, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

WAITERS = 10_000
ROUNDS = 7
# Seconds: long enough for all to have begun their wait before the first ends.
WAIT = 3.0
HEADERS = [
    (b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    (b"Content-Type", b"application/json"),
    (b"Content-Length", b"300"),
]


class Flaky(httpx.AsyncBaseTransport):
    """Answers each request 503 once, and then 200.

    Attributes:
        all_failed: set when all have been answered 503.
    """

    def __init__(self) -> None:
        self._left = WAITERS
        self.all_failed = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "seen" in request.extensions:
            return httpx.Response(200, headers=HEADERS, stream=httpx.ByteStream(b"." * 300))
        request.extensions["seen"] = True
        self._left -= 1
        if not self._left:
            self.all_failed.set()
        return httpx.Response(503, headers=HEADERS, stream=httpx.ByteStream(b"." * 300))


class Sleeps(httpx.AsyncBaseTransport):
    """The lower bound: sleeps and calls again."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code == 503:
            await response.aclose()
            del response
            await asyncio.sleep(WAIT)
            response = await self._inner.handle_async_request(request)
        return response


class PeerRetry(httpx_retries.Retry):
    """httpx-retries with the same wait as the others."""

    def backoff_strategy(self) -> float:
        return WAIT


def ours(inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """With a budget that all of them may draw on at once."""
    policy = RetryPolicy(backoff=ConstantBackoff(WAIT))
    return AsyncRetryTransport(inner, policy=policy, budget=RetryBudget(capacity=WAITERS))


def theirs(inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """With as many attempts."""
    return httpx_retries.RetryTransport(transport=inner, retry=PeerRetry(total=3))


CONTENDERS: dict[str, Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]] = {
    "sleeps and calls again": Sleeps,
    "httpx_retry": ours,
    "httpx-retries": theirs,
}


class Cost(NamedTuple):
    """Of one request that waits: bytes held meanwhile, and CPU seconds in all."""

    memory: float
    cpu: float


async def cpu_of(transport: httpx.AsyncBaseTransport) -> float:
    """CPU seconds of each request, from its sending to its answer."""
    requests = [httpx.Request("GET", "http://test/") for _ in range(WAITERS)]
    gc.collect()
    began = time.process_time()
    answers = await asyncio.gather(*map(transport.handle_async_request, requests))
    spent = time.process_time() - began
    assert all(answer.status_code == 200 for answer in answers)
    return spent / WAITERS


async def memory_of(transport: httpx.AsyncBaseTransport, inner: Flaky) -> float:
    """Bytes that each request holds while all of them wait, what the caller holds included."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tasks = [
        asyncio.ensure_future(transport.handle_async_request(httpx.Request("GET", "http://test/")))
        for _ in range(WAITERS)
    ]
    await inner.all_failed.wait()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert not any(task.done() for task in tasks)
    await asyncio.gather(*tasks)
    return held / WAITERS


def measure(name: str) -> Cost:
    """One round of one contender, in this process."""
    make = CONTENDERS[name]
    cpu = asyncio.run(cpu_of(make(Flaky())))
    inner = Flaky()
    return Cost(asyncio.run(memory_of(make(inner), inner)), cpu)


def main() -> None:
    """Print one table."""
    seen: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    context = multiprocessing.get_context("spawn")
    for _ in range(ROUNDS):
        for name, costs in seen.items():
            with context.Pool(1) as process:
                costs.append(process.apply(measure, (name,)))
    columns = ("transport", "bytes each", "memory", "CPU µs each", "CPU")
    title = f"{WAITERS:,} requests that wait for their retry; ratios to the lower bound"
    table = Table(*columns, title=title)
    lowest = seen["sleeps and calls again"]
    for name, costs in seen.items():
        pairs = list(zip(costs, lowest, strict=True))
        table.add_row(
            name,
            f"{statistics.median(cost.memory for cost in costs):,.0f}",
            f"{statistics.median(cost.memory / low.memory for cost, low in pairs):.2f}",
            f"{statistics.median(cost.cpu for cost in costs) * 1e6:.1f}",
            f"{statistics.median(cost.cpu / low.cpu for cost, low in pairs):.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()

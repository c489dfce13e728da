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

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryBudget, RetryPolicy

from .harness.contenders import OURS, PEER
from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench

LOWEST = "sleeps and calls again"
HEADERS = [
    (b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    (b"Content-Type", b"application/json"),
    (b"Content-Length", b"300"),
]


class Amount(NamedTuple):
    """How many wait, and for how many seconds: all have begun before the first ends."""

    waiters: int
    wait: float


class Flaky(httpx.AsyncBaseTransport):
    """Answers each request 503 once, and then 200.

    Args:
        waiters: how many requests there will be.

    Attributes:
        all_failed: set when all have been answered 503.
    """

    def __init__(self, waiters: int) -> None:
        self._left = waiters
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

    def __init__(self, inner: httpx.AsyncBaseTransport, amount: Amount) -> None:
        self._inner = inner
        self._wait = amount.wait

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code == 503:
            await response.aclose()
            del response
            await asyncio.sleep(self._wait)
            response = await self._inner.handle_async_request(request)
        return response


class PeerRetry(httpx_retries.Retry):
    """httpx-retries with the same wait as the others; each retry makes a new one, by its class."""

    wait = 0.0

    def backoff_strategy(self) -> float:
        return self.wait


def ours(inner: httpx.AsyncBaseTransport, amount: Amount) -> httpx.AsyncBaseTransport:
    """With a budget that all of them may draw on at once."""
    policy = RetryPolicy(backoff=ConstantBackoff(amount.wait))
    return AsyncRetryTransport(inner, policy=policy, budget=RetryBudget(capacity=amount.waiters))


def theirs(inner: httpx.AsyncBaseTransport, amount: Amount) -> httpx.AsyncBaseTransport:
    """With as many attempts."""
    PeerRetry.wait = amount.wait
    return httpx_retries.RetryTransport(transport=inner, retry=PeerRetry(total=3))


CONTENDERS: dict[str, Callable[[httpx.AsyncBaseTransport, Amount], httpx.AsyncBaseTransport]] = {
    LOWEST: Sleeps,
    OURS: ours,
    PEER: theirs,
}


class Cost(NamedTuple):
    """Of one request that waits: bytes held meanwhile, and CPU seconds in all."""

    memory: float
    cpu: float


async def cpu_of(transport: httpx.AsyncBaseTransport, waiters: int) -> float:
    """CPU seconds of each request, from its sending to its answer."""
    requests = [httpx.Request("GET", "http://test/") for _ in range(waiters)]
    gc.collect()
    began = time.process_time()
    answers = await asyncio.gather(*map(transport.handle_async_request, requests))
    spent = time.process_time() - began
    assert all(answer.status_code == 200 for answer in answers)
    return spent / waiters


async def memory_of(transport: httpx.AsyncBaseTransport, inner: Flaky, waiters: int) -> float:
    """Bytes that each request holds while all of them wait, what the caller holds included."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tasks = [
        asyncio.ensure_future(transport.handle_async_request(httpx.Request("GET", "http://test/")))
        for _ in range(waiters)
    ]
    await inner.all_failed.wait()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert not any(task.done() for task in tasks)
    await asyncio.gather(*tasks)
    return held / waiters


def cost_of(name: str, amount: Amount) -> Cost:
    """One round of one contender, in this process."""
    make, waiters = CONTENDERS[name], amount.waiters
    cpu = asyncio.run(cpu_of(make(Flaky(waiters), amount), waiters))
    inner = Flaky(waiters)
    return Cost(asyncio.run(memory_of(make(inner, amount), inner, waiters)), cpu)


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    amount = bench.pick(Amount(10_000, 3.0), Amount(1_000, 0.5))
    seen: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    context = multiprocessing.get_context("spawn")
    for _ in bench.steps("waiters", bench.pick(7, 1)):
        for name, costs in seen.items():
            with context.Pool(1) as process:
                costs.append(process.apply(cost_of, (name, amount)))
    table = Table(
        f"{amount.waiters:,} requests that wait for their retry; ratios to the lower bound",
        {
            "contender": "",
            "bytes each": ",.0f",
            "memory": ".2f",
            "CPU µs each": ".1f",
            "CPU": ".2f",
        },
        bars="bytes each",
    )
    lowest = seen[LOWEST]
    for name, costs in seen.items():
        pairs = list(zip(costs, lowest, strict=True))
        table.add(
            name,
            statistics.median(cost.memory for cost in costs),
            statistics.median(cost.memory / low.memory for cost, low in pairs),
            statistics.median(cost.cpu for cost in costs) * 1e6,
            statistics.median(cost.cpu / low.cpu for cost, low in pairs),
        )
    yield table

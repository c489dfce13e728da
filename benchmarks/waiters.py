"""What does a request cost that waits for its retry? 10,000 of them wait at once, in asyncio.

The lower bound is a transport whose coroutine sleeps and calls again. All have the same inner
transport, which answers each request 503 and then 200, from a new response each time. Memory is
what Python holds while all of them wait, for the request and its task as well; CPU that of the
whole run, from the making of a request to its answer. Beside it stands what the transport alone
takes, with requests made before.

Bodies are held in memory there. Those of a connection are open: what a caller pays for them, whose
client makes the request and reads its answer, stands beside it, too, and what it costs if nobody
reads them: then each answer holds its request, to mend its body.

Each figure comes from a process of its own; the rounds are interleaved, and medians taken.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import httpx
import httpx_retries

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryBudget, RetryPolicy

from .harness.contenders import OURS, PEER
from .harness.inner import Chunks
from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator

    from .harness.bench import Bench

    Cost: TypeAlias = Callable[[httpx.AsyncBaseTransport, "Flaky"], Coroutine[Any, Any, float]]

LOWEST = "sleeps and calls again"
URL = "http://test/"
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
        body: makes the stream of a response.

    Attributes:
        waiters: as given.
        all_failed: set when all have been answered 503.
    """

    def __init__(self, waiters: int, body: Callable[[bytes], httpx.AsyncByteStream]) -> None:
        self.waiters = self._left = waiters
        self._body = body
        self.all_failed = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "seen" in request.extensions:
            return httpx.Response(200, headers=HEADERS, stream=self._body(b"." * 300))
        request.extensions["seen"] = True
        self._left -= 1
        if not self._left:
            self.all_failed.set()
        return httpx.Response(503, headers=HEADERS, stream=self._body(b"." * 300))


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


def made(waiters: int) -> Iterator[httpx.Request]:
    """Requests, each made when it is asked for."""
    return (httpx.Request("GET", URL) for _ in range(waiters))


async def cpu_of(calls: Iterable[Awaitable[httpx.Response]], waiters: int) -> float:
    """CPU seconds of each call, its making included where that is left to do."""
    gc.collect()
    began = time.process_time()
    answers = await asyncio.gather(*calls)
    spent = time.process_time() - began
    assert [answer.status_code for answer in answers] == [200] * waiters
    return spent / waiters


async def cpu_of_all(transport: httpx.AsyncBaseTransport, inner: Flaky) -> float:
    """CPU seconds of each request, from its making to its answer."""
    count = inner.waiters
    return await cpu_of(map(transport.handle_async_request, made(count)), count)


async def cpu_alone(transport: httpx.AsyncBaseTransport, inner: Flaky) -> float:
    """CPU seconds of each request, from its sending to its answer."""
    count = inner.waiters
    return await cpu_of(map(transport.handle_async_request, [*made(count)]), count)


async def cpu_of_client(transport: httpx.AsyncBaseTransport, inner: Flaky) -> float:
    """CPU seconds of each `client.get()`."""
    count = inner.waiters
    async with httpx.AsyncClient(transport=transport) as client:
        return await cpu_of((client.get(URL) for _ in range(count)), count)


async def memory_of(transport: httpx.AsyncBaseTransport, inner: Flaky) -> float:
    """Bytes that each request holds while all of them wait, what the caller holds included."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    calls = map(transport.handle_async_request, made(inner.waiters))
    tasks = [asyncio.ensure_future(call) for call in calls]
    await inner.all_failed.wait()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert not any(task.done() for task in tasks)
    await asyncio.gather(*tasks)
    return held / inner.waiters


class Ask(NamedTuple):
    """What is asked, and what the bodies are that are answered with."""

    cost: Cost
    body: Callable[[bytes], httpx.AsyncByteStream] = httpx.ByteStream


MEMORY, CPU, ALONE = Ask(memory_of), Ask(cpu_of_all), Ask(cpu_alone)
CLIENT, UNREAD = Ask(cpu_of_client, Chunks), Ask(cpu_of_all, Chunks)
ASKS = (MEMORY, CPU, ALONE, CLIENT, UNREAD)


def cost_of(name: str, ask: Ask, amount: Amount) -> float:
    """One figure of one contender, in this process."""
    inner = Flaky(amount.waiters, ask.body)
    return asyncio.run(ask.cost(CONTENDERS[name](inner, amount), inner))


class Answers(dict[tuple[str, Ask], list[float]]):
    """By contender and by what was asked: its figure in each round."""

    def each(self, name: str, ask: Ask) -> float:
        """Of one request, in the median round."""
        return statistics.median(self[name, ask])

    def ratio(self, name: str, ask: Ask) -> float:
        """How many times the lower bound it is: the median of paired rounds."""
        pairs = zip(self[name, ask], self[LOWEST, ask], strict=True)
        return statistics.median(cost / lowest for cost, lowest in pairs)


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    amount = bench.pick(Amount(10_000, 3.0), Amount(1_000, 0.5))
    seen = Answers({(name, ask): [] for ask in ASKS for name in CONTENDERS})
    context = multiprocessing.get_context("spawn")
    for _ in bench.steps("waiters", bench.pick(7, 1)):
        for (name, ask), costs in seen.items():
            with context.Pool(1) as process:
                costs.append(process.apply(cost_of, (name, ask, amount)))
    table = Table(
        f"{amount.waiters:,} requests that wait for their retry; ratios to the lower bound",
        {
            "contender": "",
            "bytes each": ",.0f",
            "memory": ".2f",
            "CPU µs each": ".1f",
            "CPU": ".2f",
            "the transport alone": ".2f",
            "client.get()": ".2f",
            "open, unread": ".2f",
        },
        bars="bytes each",
        note="CPU is counted from the making of a request to its answer, whose body is in memory."
        " *The transport alone*: without the making; *client.get()*: with the client, which reads"
        " bodies that are open; *open, unread*: the same bodies, without a client.",
    )
    for name in CONTENDERS:
        table.add(
            name,
            seen.each(name, MEMORY),
            seen.ratio(name, MEMORY),
            seen.each(name, CPU) * 1e6,
            seen.ratio(name, CPU),
            seen.ratio(name, ALONE),
            seen.ratio(name, CLIENT),
            seen.ratio(name, UNREAD),
        )
    yield table

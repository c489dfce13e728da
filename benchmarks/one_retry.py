"""What does one retry cost over a real connection? 503 with 300 bytes, then 200, over loopback.

A response that is thrown away unread costs its connection: the server, in a process of its own,
counts those that it accepts. The lower bound is a transport that knows what comes: it reads the
503, and calls again. No contender waits between its attempts; rounds are interleaved, and
ratios are medians over the rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import httpx_retries

from httpx_retry import AsyncRetryTransport, RetryTransport

from .client_level import gets, task_gets
from .harness.contenders import OURS, PEER, POLICY, retries
from .harness.inner import SORRY
from .harness.rounds import interleaved
from .harness.servers import HTTP1Server, serving
from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness.bench import Bench
    from .harness.work import Make


class Again(httpx.BaseTransport):
    """The lower bound."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if response.status_code == 503:
            assert isinstance(response.stream, httpx.SyncByteStream)
            for _ in response.stream:
                pass
            response.stream.close()
            response = self._inner.handle_request(request)
        return response

    def close(self) -> None:
        self._inner.close()


class AsyncAgain(httpx.AsyncBaseTransport):
    """The same in a task."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code == 503:
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for _ in response.stream:
                pass
            await response.stream.aclose()
            response = await self._inner.handle_async_request(request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


LOWEST = "lower bound"


def worlds(url: str) -> dict[str, dict[str, Make]]:
    """By world, by contender."""
    return {
        "sync": {
            LOWEST: lambda: gets(Again(), url),
            OURS: lambda: gets(RetryTransport(policy=POLICY), url),
            PEER: lambda: gets(httpx_retries.RetryTransport(retry=retries()), url),
        },
        "async": {
            LOWEST: lambda: task_gets(AsyncAgain(), url),
            OURS: lambda: task_gets(AsyncRetryTransport(policy=POLICY), url),
            PEER: lambda: task_gets(httpx_retries.RetryTransport(retry=retries()), url),
        },
    }


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "503 with 300 bytes, then 200, over loopback",
        {
            "world": "",
            "contender": "",
            "connects": ".2f",
            "CPU × httpx-retries": ".2f",
            "µs": ",.0f",
            "× httpx-retries": ".2f",
        },
        bars="× httpx-retries",
        note="`connects`: new connections of a call.",
    )
    count = bench.pick(200, 20)
    with serving(HTTP1Server, statuses=(503, 200), body=SORRY) as server:
        for world, makes in worlds(server.url).items():
            rounds = interleaved(
                bench, f"one retry, {world}", makes, count=count, rounds=bench.pick(15, 3)
            )
            for name, make in makes.items():
                before = server.ask("connections")
                work = make()
                work.run(count)
                work.close()
                new = (server.ask("connections") - before - 1) / count
                ratios = rounds.cpu_ratio(name, PEER), rounds.ratio(name, PEER)
                table.add(world, name, new, ratios[0], rounds.wall(name) * 1e6, ratios[1])
    yield table

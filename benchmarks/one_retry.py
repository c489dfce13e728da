"""What does one retry cost over a real connection? 503 with 300 bytes, then 200, over loopback.

A response that is thrown away unread costs its connection, for which a name is looked up, and with
TLS a handshake: the server, in a process of its own, counts those that it accepts. It takes as
little time as it can: that is part of everybody's. The lower bound is a transport that knows what
comes: it reads the 503, and calls again. No contender waits between its attempts. What a caller
pays is a `client.get()`, part of which is httpx's own client's; so the transports are asked alone
as well. Rounds are interleaved, and ratios are medians over the rounds.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx
import httpx_retries

from httpx_retry import AsyncRetryTransport, RetryTransport

from .client_level import gets, task_gets
from .harness.contenders import OURS, PEER, POLICY, retries
from .harness.inner import SORRY
from .harness.rounds import interleaved
from .harness.servers import PromptServer, Served, serving
from .harness.tables import Table
from .harness.work import Calls, TaskCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench
    from .harness.work import Make, Work


class Again(httpx.BaseTransport):
    """The lower bound."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

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

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

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


Wrap: TypeAlias = "Callable[[Any], httpx.BaseTransport]"
AsyncWrap: TypeAlias = "Callable[[Any], httpx.AsyncBaseTransport]"

LOWEST = "lower bound"

WRAPS: dict[str, Wrap] = {
    LOWEST: Again,
    OURS: lambda inner: RetryTransport(inner, policy=POLICY),
    PEER: lambda inner: httpx_retries.RetryTransport(inner, retry=retries()),
}
ASYNC_WRAPS: dict[str, AsyncWrap] = {
    LOWEST: AsyncAgain,
    OURS: lambda inner: AsyncRetryTransport(inner, policy=POLICY),
    PEER: lambda inner: httpx_retries.RetryTransport(inner, retry=retries()),
}


# By name: most URLs have one. It stands in the hosts file, so that nobody is asked for it.
WAYS = {"TCP": "127.0.0.1", "TCP, by name": "localhost", "TLS": "127.0.0.1"}
CLIENT, ALONE = "client.get()", "the transport alone"
# A client gives these to each request.
TIMEOUTS = {"timeout": httpx.Timeout(5.0).as_dict()}


def sends(transport: httpx.BaseTransport, url: str) -> Work:
    """What of a `client.get()` is the transport's."""

    def send() -> None:
        transport.handle_request(httpx.Request("GET", url, extensions=TIMEOUTS)).read()

    return Calls(send, transport.close)


def task_sends(transport: httpx.AsyncBaseTransport, url: str) -> Work:
    """The same in a task."""

    async def send() -> None:
        request = httpx.Request("GET", url, extensions=TIMEOUTS)
        await (await transport.handle_async_request(request)).aread()

    return TaskCalls(send, transport.aclose)


def worlds(url: str, trust: ssl.SSLContext) -> dict[tuple[str, str], dict[str, Make]]:
    """By world and by what is asked, by contender."""
    http, async_http = httpx.HTTPTransport, httpx.AsyncHTTPTransport

    def sync(call: Callable[[Any, str], Work], wrap: Wrap) -> Make:
        return lambda: call(wrap(http(verify=trust)), url)

    def in_task(call: Callable[[Any, str], Work], wrap: AsyncWrap) -> Make:
        return lambda: call(wrap(async_http(verify=trust)), url)

    return {
        ("sync", CLIENT): {name: sync(gets, wrap) for name, wrap in WRAPS.items()},
        ("sync", ALONE): {name: sync(sends, wrap) for name, wrap in WRAPS.items()},
        ("async", CLIENT): {name: in_task(task_gets, wrap) for name, wrap in ASYNC_WRAPS.items()},
        ("async", ALONE): {name: in_task(task_sends, wrap) for name, wrap in ASYNC_WRAPS.items()},
    }


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "503 with 300 bytes, then 200, over loopback",
        {
            "over": "",
            "world": "",
            "what": "",
            "contender": "",
            "connects": ".2f",
            "CPU × httpx-retries": ".2f",
            "µs": ",.0f",
            "× httpx-retries": ".2f",
        },
        bars="× httpx-retries",
        note="`connects`: new connections of a call.",
    )
    for over, host in WAYS.items():
        options = {"statuses": (503, 200), "body": SORRY, "over_tls": over == "TLS"}
        with serving(PromptServer, **options) as server:
            for row in _rows(bench, over, server, host):
                table.add(*row)
    yield table


def _rows(bench: Bench, over: str, server: Served, host: str) -> Iterator[tuple[Any, ...]]:
    count = bench.pick(200, 20)
    trust = ssl.create_default_context(cadata=server.ask("authority"))
    url = str(httpx.URL(server.url).copy_with(host=host))
    for (world, what), makes in worlds(url, trust).items():
        amount = {"count": count, "rounds": bench.pick(15, 3)}
        rounds = interleaved(bench, f"one retry over {over}, {world}, {what}", makes, **amount)
        for name, make in makes.items():
            before = server.ask("connections")
            work = make()
            work.run(count)
            work.close()
            new = (server.ask("connections") - before - 1) / count
            cpu, wall = rounds.cpu_ratio(name, PEER), rounds.ratio(name, PEER)
            yield over, world, what, name, new, cpu, rounds.wall(name) * 1e6, wall

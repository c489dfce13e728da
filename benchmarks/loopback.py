"""What is left of it end to end? `client.get()` of a small JSON body over loopback connections.

HTTP/1.1 and HTTP/2 without TLS, one connection that is kept, the server in a process of its own.
What belongs to other clients, requests with urllib3's Retry and aiohttp-retry, is compared with
these clients themselves, and is for information.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import aiohttp_retry
import httpx
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from .client_level import gets, task_gets
from .harness.contenders import ASYNC_TRANSPORTS, BARE, SYNC_TRANSPORTS
from .harness.inner import JSON
from .harness.rounds import Rounds, interleaved
from .harness.servers import HTTP1Server, HTTP2Server, serving
from .harness.tables import Table
from .harness.work import Calls, TaskCalls, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench
    from .harness.work import Make

HEADERS = ((b"Content-Type", b"application/json"), (b"Server", b"x"))


class Protocol(NamedTuple):
    """A version of HTTP: who serves it, and how httpx is told to speak nothing else."""

    server: type
    options: dict[str, bool]


PROTOCOLS = {
    "HTTP/1.1": Protocol(HTTP1Server, {}),
    "HTTP/2": Protocol(HTTP2Server, {"http1": False, "http2": True}),
}


def worlds(protocol: Protocol, url: str) -> dict[str, dict[str, Make]]:
    """By world, by contender."""
    options: dict[str, Any] = {**protocol.options, "trust_env": False}

    def sync(wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport]) -> Work:
        return gets(wrap(httpx.HTTPTransport(**options)), url)

    def tasks(wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]) -> Work:
        return task_gets(wrap(httpx.AsyncHTTPTransport(**options)), url)

    return {
        "sync": {name: partial(sync, wrap) for name, wrap in SYNC_TRANSPORTS.items()},
        "async": {name: partial(tasks, wrap) for name, wrap in ASYNC_TRANSPORTS.items()},
    }


def _requests(url: str, retry: Retry | None) -> Work:
    session = requests.Session()
    session.trust_env = False
    if retry is not None:
        session.mount("http://", HTTPAdapter(max_retries=retry))
    return Calls(lambda: session.get(url).content, session.close)


class Aiohttp:
    """Work: GETs by aiohttp, with or without its retries; its session is made in its loop."""

    def __init__(self, url: str, *, retries: bool) -> None:
        self._url, self._retries = url, retries
        self._client: Any = None
        self._calls = TaskCalls(self._get, self._close)
        self.run, self.close = self._calls.run, self._calls.close

    async def _get(self) -> None:
        if self._client is None:
            options = aiohttp_retry.ExponentialRetry(attempts=4)
            self._client = (
                aiohttp_retry.RetryClient(retry_options=options)
                if self._retries
                else aiohttp.ClientSession()
            )
        async with self._client.get(self._url) as response:
            await response.read()

    async def _close(self) -> None:
        await self._client.close()


def others(url: str) -> dict[str, tuple[str, Make]]:
    """By name, what it is compared with, and itself."""
    return {
        "requests": ("requests", partial(_requests, url, None)),
        "requests, urllib3 Retry": ("requests", partial(_requests, url, Retry(3))),
        "aiohttp": ("aiohttp", partial(Aiohttp, url, retries=False)),
        "aiohttp-retry": ("aiohttp", partial(Aiohttp, url, retries=True)),
    }


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "client.get() of 14 bytes of JSON over loopback",
        {"protocol": "", "world": "", "contender": "", "µs": ".0f", "× bare": ".3f", "CPU": ".3f"},
        bars="× bare",
        note="`CPU`: of the client's process, × bare.",
    )
    amount = {"count": bench.pick(200, 20), "rounds": bench.pick(31, 5)}
    for name, protocol in PROTOCOLS.items():
        with serving(protocol.server, headers=HEADERS, body=JSON) as server:
            for world, makes in worlds(protocol, server.url).items():
                rounds = interleaved(bench, f"loopback, {name}, {world}", makes, **amount)
                _add(table, (name, world), rounds, dict.fromkeys(rounds, BARE))
    with serving(HTTP1Server, headers=HEADERS, body=JSON) as server:
        strangers = others(server.url)
        works = {name: make for name, (_, make) in strangers.items()}
        rounds = interleaved(bench, "loopback, other clients", works, **amount)
        bares = {name: bare for name, (bare, _) in strangers.items()}
        _add(table, ("HTTP/1.1", "other clients"), rounds, bares)
    yield table


def _add(table: Table, place: tuple[str, str], rounds: Rounds, bares: dict[str, str]) -> None:
    for name, bare in bares.items():
        wall, cpu = rounds.ratio(name, bare), rounds.cpu_ratio(name, bare)
        table.add(*place, name, rounds.wall(name) * 1e6, wall, cpu)

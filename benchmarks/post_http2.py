"""What does evidence cost? `client.post()` of 1 KB over one HTTP/2 connection on loopback.

A POST may run once. So that it is known whether a failed one was processed, its attempt carries a
trace, which sees its frames leave; httpx-retries sends POSTs once, and looks at nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from .harness.contenders import ASYNC_TRANSPORTS, BARE, SYNC_TRANSPORTS
from .harness.rounds import interleaved
from .harness.servers import HTTP2Server, serving
from .harness.tables import Table
from .harness.work import Calls, TaskCalls, Work
from .loopback import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench
    from .harness.work import Make

CONTENT = b"x" * 1_000


def worlds(url: str) -> dict[str, dict[str, Make]]:
    """By world, by contender."""
    options: dict[str, Any] = {**PROTOCOLS["HTTP/2"].options, "trust_env": False}

    def sync(wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport]) -> Work:
        client = httpx.Client(transport=wrap(httpx.HTTPTransport(**options)))
        return Calls(partial(client.post, url, content=CONTENT), client.close)

    def tasks(wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]) -> Work:
        transport = wrap(httpx.AsyncHTTPTransport(**options))
        client = httpx.AsyncClient(transport=transport)
        return TaskCalls(partial(client.post, url, content=CONTENT), client.aclose)

    return {
        "sync": {name: partial(sync, wrap) for name, wrap in SYNC_TRANSPORTS.items()},
        "async": {name: partial(tasks, wrap) for name, wrap in ASYNC_TRANSPORTS.items()},
    }


def _note(_name: str, _info: dict[str, Any]) -> None:
    """Hears all, and notes nothing."""


async def _async_note(_name: str, _info: dict[str, Any]) -> None:
    """The same in a task."""


def traced(url: str) -> dict[str, Make]:
    """Bare httpx with somebody who listens: what httpcore does as soon as anybody does."""
    options: dict[str, Any] = {**PROTOCOLS["HTTP/2"].options, "trust_env": False}

    def sync() -> Work:
        client = httpx.Client(transport=httpx.HTTPTransport(**options))
        call = partial(client.post, url, content=CONTENT, extensions={"trace": _note})
        return Calls(call, client.close)

    def tasks() -> Work:
        client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(**options))
        call = partial(client.post, url, content=CONTENT, extensions={"trace": _async_note})
        return TaskCalls(call, client.aclose)

    return {"sync": sync, "async": tasks}


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "client.post() of 1 KB over HTTP/2",
        {"world": "", "contender": "", "µs": ".0f", "× bare": ".3f", "CPU": ".3f"},
        bars="× bare",
        note="`CPU`: of the client's process, × bare.",
    )
    amount = {"count": bench.pick(200, 20), "rounds": bench.pick(31, 5)}
    with serving(HTTP2Server) as server:
        for world, makes in worlds(server.url).items():
            rounds = interleaved(bench, f"POST over HTTP/2, {world}", makes, **amount)
            for name in rounds:
                wall, cpu = rounds.ratio(name, BARE), rounds.cpu_ratio(name, BARE)
                table.add(world, name, rounds.wall(name) * 1e6, wall, cpu)
    yield table

"""What does it cost a caller? `client.get()` over a transport that answers at once, no network.

An empty body, with its length and without, and a small JSON body; all are read whole.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx

from .harness.contenders import ASYNC_TRANSPORTS, BARE, SYNC_TRANSPORTS
from .harness.inner import JSON, JSON_HEADERS, Inner, fresh
from .harness.rounds import interleaved
from .harness.tables import Table
from .harness.work import Calls, Make, TaskCalls, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench

URL = "http://test/"


def small_json() -> Inner:
    """A JSON body of 14 bytes."""
    return fresh(200, JSON_HEADERS, JSON)


def empty() -> Inner:
    """No body, and headers that say so."""
    return fresh(200, ((b"Content-Length", b"0"),))


BODIES: dict[str, Callable[[], Inner]] = {
    "empty": empty,
    "empty, no length told": fresh,
    "small JSON": small_json,
}


def gets(transport: httpx.BaseTransport, url: str = URL) -> Work:
    """`client.get()`."""
    client = httpx.Client(transport=transport)
    return Calls(partial(client.get, url), client.close)


def task_gets(transport: httpx.AsyncBaseTransport, url: str = URL) -> Work:
    """The same in a task."""
    client = httpx.AsyncClient(transport=transport)
    return TaskCalls(partial(client.get, url), client.aclose)


def worlds(inner: Callable[[], Inner]) -> dict[str, dict[str, Make]]:
    """By world, by contender."""

    def sync(wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport]) -> Work:
        return gets(wrap(inner()))

    def tasks(wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]) -> Work:
        return task_gets(wrap(inner()))

    return {
        "sync": {name: partial(sync, wrap) for name, wrap in SYNC_TRANSPORTS.items()},
        "async": {name: partial(tasks, wrap) for name, wrap in ASYNC_TRANSPORTS.items()},
    }


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "client.get(), no network",
        {"body": "", "world": "", "contender": "", "µs": ".1f", "added µs": ".2f", "× bare": ".3f"},
        bars="× bare",
    )
    amount = {"count": bench.pick(400, 40), "rounds": bench.pick(25, 5)}
    for body, inner in BODIES.items():
        for world, makes in worlds(inner).items():
            rounds = interleaved(bench, f"client.get(), {body}, {world}", makes, **amount)
            for name in rounds:
                added = rounds.added(name, BARE) * 1e6
                table.add(
                    body, world, name, rounds.wall(name) * 1e6, added, rounds.ratio(name, BARE)
                )
    yield table

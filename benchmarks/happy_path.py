"""What does the transport cost when nothing fails? At the level of transports, without a network.

Each contender wraps an inner transport that answers each GET with a new, empty, open 200; the
caller closes it, as each caller does. `added` is what comes on top of the inner transport alone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import httpx

from .harness.contenders import ASYNC, BARE, HEDGED, HEDGED_ASYNC, HEDGED_SYNC, PEER, SYNC
from .harness.inner import Inner, fresh
from .harness.rounds import interleaved
from .harness.tables import Table
from .harness.work import Calls, Make, TaskCalls, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench
    from .harness.contenders import AsyncWrap, Wrap


def calls(wrap: Wrap, inner: Callable[[], Inner] = fresh, method: str = "GET") -> Work:
    """A request handled, and its response closed."""
    handle, request = wrap(inner()), httpx.Request(method, "http://test/")

    def call() -> None:
        stream = handle(request).stream
        assert isinstance(stream, httpx.SyncByteStream)
        stream.close()

    return Calls(call)


def task_calls(wrap: AsyncWrap, inner: Callable[[], Inner] = fresh, method: str = "GET") -> Work:
    """The same in a task."""
    handle, request = wrap(inner()), httpx.Request(method, "http://test/")

    async def call() -> None:
        stream = (await handle(request)).stream
        assert isinstance(stream, httpx.AsyncByteStream)
        await stream.aclose()

    return TaskCalls(call)


def worlds(inner: Callable[[], Inner] = fresh) -> dict[str, dict[str, Make]]:
    """By world, by contender."""
    return {
        "sync": {name: partial(calls, wrap, inner) for name, wrap in SYNC.items()},
        "async": {name: partial(task_calls, wrap, inner) for name, wrap in ASYNC.items()},
    }


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "nothing fails: what a call costs more than the inner transport",
        {"world": "", "contender": "", "added ns": ",.0f", "× httpx-retries": ".2f"},
        bars="added ns",
    )
    amount = {"count": bench.pick(2_000, 150), "rounds": bench.pick(21, 5)}
    hedged = {"sync": partial(calls, HEDGED_SYNC), "async": partial(task_calls, HEDGED_ASYNC)}
    for world, makes in worlds().items():
        rounds = interleaved(
            bench, f"happy path, {world}", {**makes, HEDGED: hedged[world]}, **amount
        )
        theirs = rounds.added(PEER, BARE)
        for name in rounds:
            if name != BARE:
                added = rounds.added(name, BARE)
                table.add(world, name, added * 1e9, added / theirs)
    yield table

"""What is counted, by question, world and contender."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .. import client_level, happy_path, loopback, post_http2, streaming
from ..harness.contenders import ASYNC_PARTS, BARE, LEAN, OURS, PEER, SYNC_PARTS
from ..harness.inner import flaky, fresh, in_memory, ready_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..harness.inner import Inner
    from ..harness.work import Make

FRESH = "happy path, a new open response"
READY = "happy path, one response made beforehand"
IN_MEMORY = "happy path, a new response already read"
ONE_FAILURE = "503, then 200"
EMPTY = "client.get(), empty body"
UNTOLD = "client.get(), empty body, no length told"
JSON = "client.get(), small JSON"
CHUNK = "a streamed chunk, an ETag"
HTTP1, HTTP2 = "loopback, HTTP/1.1", "loopback, HTTP/2"
POST = "POST over HTTP/2"


class Case(NamedTuple):
    """One thing to count.

    Attributes:
        question: one of the above.
        world: sync or async.
        contender: who.
        make: makes the work.
        counts: of calls in the short loop and in the long one.
    """

    question: str
    world: str
    contender: str
    make: Make
    counts: tuple[int, int]

    @property
    def key(self) -> str:
        """Its name on a line of its own."""
        return f"{self.question}|{self.world}|{self.contender}"


def _transport_level() -> Iterator[tuple[str, dict[str, dict[str, Make]]]]:
    inners: dict[str, Callable[[], Inner]] = {
        FRESH: fresh,
        READY: ready_made,
        IN_MEMORY: in_memory,
        ONE_FAILURE: flaky,
    }
    for question, inner in inners.items():
        yield question, happy_path.worlds(inner)


def _parts(http2: str) -> Iterator[Case]:
    for name, wrap in SYNC_PARTS.items():
        yield Case(FRESH, "sync", name, partial(happy_path.calls, wrap), (300, 1_000))
    for name, async_wrap in ASYNC_PARTS.items():
        yield Case(FRESH, "async", name, partial(happy_path.task_calls, async_wrap), (300, 1_000))
    for world, make in post_http2.traced(http2).items():
        yield Case(POST, world, "a trace that notes nothing", make, (20, 80))


def cases(http1: str, http2: str) -> Iterator[Case]:
    """Every case; the loopback servers' URLs are given."""
    few = (BARE, OURS, LEAN, PEER)
    asked = {
        **{question: (worlds, few, (300, 1_000)) for question, worlds in _transport_level()},
        EMPTY: (client_level.worlds(client_level.empty), few, (40, 120)),
        UNTOLD: (client_level.worlds(fresh), few, (40, 120)),
        JSON: (client_level.worlds(client_level.small_json), few, (40, 120)),
        CHUNK: (streaming.worlds(*streaming.BODIES[streaming.ETAG]), few, (1_000, 5_000)),
        HTTP1: (loopback.worlds(loopback.PROTOCOLS["HTTP/1.1"], http1), few[:2], (20, 80)),
        HTTP2: (loopback.worlds(loopback.PROTOCOLS["HTTP/2"], http2), few[:2], (20, 80)),
        POST: (post_http2.worlds(http2), few[:2], (20, 80)),
    }
    for question, (worlds, contenders, counts) in asked.items():
        for world, makes in worlds.items():
            for contender in contenders:
                yield Case(question, world, contender, makes[contender], counts)
    yield from _parts(http2)

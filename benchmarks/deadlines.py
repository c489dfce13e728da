"""Does a call end when its `max_elapsed` does? Silent servers, stalled proxies and full pools.

Real sockets, in threads, asyncio and trio: with httpx's own timeouts of 5 s a phase, and with none
at all. What is measured is the time until the call raises.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import httpx

from httpx_retry import RetryPolicy
from tests.faults.lab import (
    PARTIAL_HEADERS,
    TRUSTED,
    HTTP1Server,
    HTTP2Server,
    ProxyServer,
    Reply,
    Stall,
    client_context,
    full_backlog,
)
from tests.worlds import WORLDS

from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.worlds import World

    from .harness.bench import Bench

ASKED = 0.5
TIMEOUTS = (5.0, None)
# Deviations that count as on time: seconds, and a share of what was asked.
SECONDS, SHARE = 0.05, 0.1

# The URL to ask, and options of httpx's own transport.
Place = tuple[str, dict[str, Any]]


@contextmanager
def at(server: Any, **options: Any) -> Iterator[Place]:
    """A server of the tests' laboratory."""
    with server:
        yield server.url, options


@contextmanager
def nobody_accepts() -> Iterator[Place]:
    """A listener whose queue is full."""
    with full_backlog() as url:
        yield url, {}


@contextmanager
def behind_a_proxy(proxy: Any) -> Iterator[Place]:
    """Something that is reached by CONNECT."""
    with proxy:
        yield "https://127.0.0.1:1", {"proxy": proxy.url}


def cases() -> dict[str, AbstractContextManager[Place]]:
    """By name, what a call does not get through in time."""
    stalls: Any = repeat(Stall())
    full = httpx.Limits(max_connections=1)
    return {
        "nobody accepts": nobody_accepts(),
        "TLS: a silent server": at(HTTP1Server(accept=stalls, tls=TRUSTED)),
        "HTTP/1.1: a silent server": at(HTTP1Server(stalls)),
        "HTTP/1.1: half the headers": at(HTTP1Server(repeat(Stall(PARTIAL_HEADERS)))),
        "HTTP/2: a silent server": at(HTTP2Server(stalls), http2=True),
        "a proxy that stalls": behind_a_proxy(ProxyServer(stalls)),
        "a full pool": at(HTTP1Server([Reply(200, b"." * 1_000_000)]), limits=full),
    }


async def call(world: World, place: Place, timeout: float | None, found: list[float]) -> None:
    """Append the seconds until one call times out."""
    url, options = place
    retrying = {"policy": RetryPolicy(max_elapsed=ASKED), "verify": client_context()}
    async with world.client(None, **retrying, trust_env=False, **options) as client:
        held = None
        if "limits" in options:
            # What is not read to its end keeps its connection.
            request = client.build_request("GET", url, extensions={"retry": False})
            held = await client.send(request, stream=True)
        began = time.monotonic()
        try:
            await client.get(url, timeout=timeout)
        except httpx.TimeoutException:
            found.append(time.monotonic() - began)
        if held is not None:
            await world.close(held)


def measured(world: World, place: Place, timeout: float | None) -> str:
    """One cell: when a call ended, and by how much that is off."""
    found: list[float] = []
    world.run(partial(call, world, place, timeout, found))
    if not found:
        return "no timeout"
    off = found[0] - ASKED
    verdict = "" if abs(off) <= max(SECONDS, ASKED * SHARE) else ", too far"
    return f"{found[0]:.3f} s ({off * 1e3:+.1f} ms{verdict})"


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        f"calls that are to end after {ASKED} s, by max_elapsed",
        {"what it meets": "", "world": "", "timeouts of 5 s": "", "timeouts of None": ""},
    )
    met = list(cases().items())[: bench.pick(None, 2)]
    for step in bench.steps("deadlines", len(met)):
        name, case = met[step]
        with case as place:
            for world in WORLDS[: bench.pick(None, 2)]:
                table.add(name, world.name, *(measured(world, place, each) for each in TIMEOUTS))
    yield table

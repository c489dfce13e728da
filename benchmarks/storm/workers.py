"""A fleet in earnest: 8 processes, a server on 127.0.0.1 and a real Redis.

An outage: the server of `loopback`, 40 requests a second, is called 32 times a second by all of
them together, and hangs for 2 s. A quota: it answers 100 requests in each second, and the others
with 429 and `Retry-After: 1`; 160 a second are sent for 5 s.
"""

from __future__ import annotations

import asyncio
import random
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import redis.asyncio

from httpx_retry import AsyncRetryTransport
from httpx_retry.redis import RedisCooldown, RedisRetryBudget
from tests.fleet.servers import KINDS, program
from tests.fleet.servers import Server as RedisServer

from .loopback import AFTER, AWAY, BEFORE, PATIENCE, RATE
from .loopback import Server as HangingServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WORKERS = 8
QUOTA = 100
OFFERED = 160
SECONDS = 5.0
# Seconds: for a process to start, and for all of them to be told what to do.
BORN = 3.0
START = 3.0
LIMITS = httpx.Limits(max_connections=None)
OWN, OWN_COOLED, SHARED = "each its own", "each its own, cooldown=True", "shared on Redis"


class Share(NamedTuple):
    """What one worker is to do.

    Attributes:
        kind: with what it is made.
        url: whom it calls.
        redis: a port.
        begins: seconds on the monotonic clock.
        seconds: for how long it calls.
        rate: requests a second.
        patience: seconds that it waits for an answer.
        seed: of its moments.
    """

    kind: str
    url: str
    redis: int
    begins: float
    seconds: float
    rate: float
    patience: float
    seed: int


class Sent(NamedTuple):
    """One request: when it was due, when it ended, and whether it was answered."""

    due: float
    ended: float
    good: bool


def work(share: Share) -> list[Sent]:
    """Be one worker."""
    return asyncio.run(_work(share))


async def _work(share: Share) -> list[Sent]:
    client = redis.asyncio.Redis(port=share.redis)
    options: Any = {"cooldown": share.kind == OWN_COOLED}
    if share.kind == SHARED:
        options = {"budget": RedisRetryBudget(client), "cooldown": RedisCooldown(client)}
    transport = AsyncRetryTransport(limits=LIMITS, **options)
    draws, due, sent = random.Random(share.seed), share.begins, []
    async with httpx.AsyncClient(transport=transport, timeout=share.patience) as caller:
        while (due := due + draws.expovariate(share.rate)) < share.begins + share.seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent.append(asyncio.create_task(_send(caller, share.url, due)))
        found = await asyncio.gather(*sent)
    await client.aclose()
    return found


async def _send(caller: httpx.AsyncClient, url: str, due: float) -> Sent:
    good = False
    with suppress(httpx.HTTPError):
        good = (await caller.get(url)).is_success
    return Sent(due, time.monotonic(), good)


class QuotaServer:
    """Answers so many requests in each second.

    Attributes:
        refused: how many it has answered with 429.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._window, self._count = 0, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer())
                await writer.drain()
        writer.close()

    def _answer(self) -> bytes:
        window = int(time.monotonic())
        self._window, self._count = window, self._count + 1 if window == self._window else 1
        if self._count <= QUOTA:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        self.refused += 1
        return b"HTTP/1.1 429 -\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


class Quota(NamedTuple):
    """What a quota came to: requests, 429s received, requests that failed, and seconds in all."""

    requests: int
    refused: int
    failed: int
    seconds: float


async def outage(kind: str, pool: ProcessPoolExecutor, port: int) -> float:
    """Return the attempts for each request from when the server hangs on."""
    begins = time.monotonic() + START
    hangs_at, seconds = begins + BEFORE, BEFORE + AWAY + AFTER
    server = HangingServer(hangs_at)
    worker = asyncio.create_task(server.work())
    sent = [
        each
        async for each in _fleet(kind, server, pool, port, begins, seconds, RATE, PATIENCE)
        if each.due >= hangs_at
    ]
    worker.cancel()
    await server.close()
    received = sum(moment >= hangs_at for moment in server.received)
    return received / len(sent)


async def quota(kind: str, pool: ProcessPoolExecutor, port: int) -> Quota:
    """Send more than a server answers."""
    begins = time.monotonic() + START
    server = QuotaServer()
    sent = [each async for each in _fleet(kind, server, pool, port, begins, SECONDS, OFFERED, 5.0)]
    failed = sum(not each.good for each in sent)
    return Quota(len(sent), server.refused, failed, max(each.ended for each in sent) - begins)


async def _fleet(  # noqa: PLR0913, PLR0917 - each differs
    kind: str,
    server: HangingServer | QuotaServer,
    pool: ProcessPoolExecutor,
    port: int,
    begins: float,
    seconds: float,
    rate: float,
    patience: float,
) -> AsyncIterator[Sent]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=1000)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    loop = asyncio.get_running_loop()
    shares = [
        Share(kind, url, port, begins, seconds, rate / WORKERS, patience, seed)
        for seed in range(WORKERS)
    ]
    for each in await asyncio.gather(*(loop.run_in_executor(pool, work, one) for one in shares)):
        for sent in each:
            yield sent
    listener.close()


def workers() -> tuple[dict[str, float], dict[str, Quota]]:
    """Each kind of fleet, one after another; nothing where this machine has no Redis."""
    path = next(filter(None, map(program, KINDS)), None)
    if path is None:
        return {}, {}
    server = RedisServer(path)
    try:
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            list(pool.map(time.sleep, [BORN] * WORKERS))
            return (
                {kind: asyncio.run(outage(kind, pool, server.port)) for kind in (OWN, SHARED)},
                {
                    kind: asyncio.run(quota(kind, pool, server.port))
                    for kind in (OWN, OWN_COOLED, SHARED)
                },
            )
    finally:
        server.kill()

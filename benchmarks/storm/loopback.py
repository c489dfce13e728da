"""The same on a real wire, small: a server of 40 requests a second hangs for 2 s.

asyncio, HTTP/1.1 on 127.0.0.1, 32 requests a second, a patience of 1 s; the transports as they are
used. The server works off a queue of 1.5 s' work, and drops what comes beyond.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import httpx
import httpx_retries

from httpx_retry import AsyncRetryTransport

if TYPE_CHECKING:
    from collections.abc import Callable

CAPACITY = 40
RATE = 32
ROOM = 60
BEFORE, AWAY, AFTER = 1.0, 2.0, 7.0
PATIENCE = 1.0
LIMITS = httpx.Limits(max_connections=None)

CLIENTS: dict[str, Callable[[], httpx.AsyncBaseTransport]] = {
    "httpx": lambda: httpx.AsyncHTTPTransport(limits=LIMITS),
    "httpx_retry": lambda: AsyncRetryTransport(limits=LIMITS),
    "httpx-retries": lambda: httpx_retries.RetryTransport(
        transport=httpx.AsyncHTTPTransport(limits=LIMITS)
    ),
}


class Server:
    """Answers at a constant rate, but for while it hangs.

    Args:
        hangs_at: seconds on the monotonic clock.

    Attributes:
        received: when each request was.
    """

    def __init__(self, hangs_at: float) -> None:
        self.received: list[float] = []
        self._hangs_at = hangs_at
        self._queue: asyncio.Queue[asyncio.Event] = asyncio.Queue(maxsize=ROOM)
        self._tasks: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.received.append(time.monotonic())
                done = asyncio.Event()
                with suppress(asyncio.QueueFull):
                    self._queue.put_nowait(done)
                await done.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()
        self._tasks.discard(asyncio.current_task())

    async def work(self) -> None:
        free = time.monotonic()
        back = self._hangs_at + AWAY
        while True:
            done = await self._queue.get()
            free = max(free, time.monotonic())
            if self._hangs_at <= free < back:
                free = back
            free += 1 / CAPACITY
            await asyncio.sleep(max(0.0, free - time.monotonic()))
            done.set()

    async def close(self) -> None:
        tasks = [task for task in self._tasks if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Found(NamedTuple):
    """What one client met.

    Attributes:
        attempts: what the server received for each request, from its hanging on.
        recovery: seconds from its return to when the last request began that failed, or that was
            still not answered in the end; infinity: there were such in the last seconds.
    """

    attempts: float
    recovery: float


async def run(transport: httpx.AsyncBaseTransport) -> Found:
    """Call a server from before it hangs until it should long have recovered."""
    began = time.monotonic()
    hangs_at, ends = began + BEFORE, began + BEFORE + AWAY + AFTER
    server = Server(hangs_at)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=1000)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    worker = asyncio.create_task(server.work())
    draws = random.Random(7)
    sent: list[tuple[float, asyncio.Task[httpx.Response]]] = []
    async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
        due = began
        while (due := due + draws.expovariate(RATE)) < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent.append((due, asyncio.create_task(client.get(url))))
        received = sum(moment >= hangs_at for moment in server.received)
        settled = [(due, task) for due, task in sent if hangs_at <= due < ends - PATIENCE]
        bad = [due for due, task in settled if not task.done() or task.exception() is not None]
        for _, task in sent:
            task.cancel()
        await asyncio.gather(*(task for _, task in sent), return_exceptions=True)
    worker.cancel()
    listener.close()
    await server.close()
    last = max(bad, default=hangs_at) - (hangs_at + AWAY)
    is_over = last < AFTER - 2 * PATIENCE
    count = sum(due >= hangs_at for due, _ in sent)
    return Found(received / count, max(0.0, last) if is_over else float("inf"))


def loopback() -> dict[str, Found]:
    """Each client against a server of its own, one after another."""
    return {name: asyncio.run(run(make())) for name, make in CLIENTS.items()}

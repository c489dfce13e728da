"""What does one retry cost over a real connection? 503 with 300 bytes, then 200, over loopback.

A response that is thrown away unread costs its connection: the server, in a process of its own,
counts those that it accepts. The lower bound is a transport that knows what comes: it reads the
503, and calls again. No contender waits between its attempts; rounds are interleaved, and
ratios are medians over the rounds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import statistics
import threading
import time
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import h11
import httpx
import httpx_retries
from rich.console import Console
from rich.table import Table

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryPolicy, RetryTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 15
CALLS = 200
BODY = b"x" * 300
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


class Server:
    """Answers 503 and 200 in turn, whatever the connection.

    Attributes:
        connections: how many were accepted.
    """

    def __init__(self) -> None:
        self.connections = 0
        self._statuses = cycle((503, 200))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        parser = h11.Connection(h11.SERVER)
        with connection:
            while data := connection.recv(65_536):
                parser.receive_data(data)
                while (event := parser.next_event()) is not h11.NEED_DATA:
                    if isinstance(event, h11.EndOfMessage):
                        connection.sendall(self._answer(parser))
                        parser.start_next_cycle()
                    elif isinstance(event, h11.ConnectionClosed):
                        return

    def _answer(self, parser: h11.Connection) -> bytes:
        head = h11.Response(status_code=next(self._statuses), headers=HEADERS)
        events = (head, h11.Data(data=BODY), h11.EndOfMessage())
        return b"".join(parser.send(event) or b"" for event in events)


def _serve(pipe: Any) -> None:
    server = Server()
    pipe.send(server.url)
    while pipe.recv() == "connections?":
        pipe.send(server.connections)


@contextmanager
def serving() -> Iterator[tuple[str, Callable[[], int]]]:
    """A server's URL, and what tells how many connections it has accepted."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,))
    process.start()
    theirs.close()  # a server that dies is noticed then

    def connections() -> int:
        ours.send("connections?")
        count: int = ours.recv()
        return count

    try:
        yield ours.recv(), connections
    finally:
        ours.send("stop")
        process.join()


class Cost(NamedTuple):
    """Of one call: seconds by the clock and of CPU, and new connections but the round's first."""

    wall: float
    cpu: float
    connections: float


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


POLICY = RetryPolicy(backoff=ConstantBackoff(0))
PEER = httpx_retries.Retry(total=3, backoff_factor=0)


def calls(transport: httpx.BaseTransport, url: str) -> tuple[float, float]:
    """Wall-clock and CPU seconds of a round."""
    with httpx.Client(transport=transport) as client:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(CALLS):
            assert client.get(url).status_code == 200
        return time.perf_counter() - wall, time.process_time() - cpu


def async_calls(transport: httpx.AsyncBaseTransport, url: str) -> tuple[float, float]:
    """As `calls`, in a task."""

    async def run() -> tuple[float, float]:
        async with httpx.AsyncClient(transport=transport) as client:
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(CALLS):
                assert (await client.get(url)).status_code == 200
            return time.perf_counter() - wall, time.process_time() - cpu

    return asyncio.run(run())


CONTENDERS: dict[str, dict[str, Callable[[str], tuple[float, float]]]] = {
    "sync": {
        "lower bound": lambda url: calls(Again(), url),
        "httpx_retry": lambda url: calls(RetryTransport(policy=POLICY), url),
        "httpx-retries": lambda url: calls(httpx_retries.RetryTransport(retry=PEER), url),
    },
    "asyncio": {
        "lower bound": lambda url: async_calls(AsyncAgain(), url),
        "httpx_retry": lambda url: async_calls(AsyncRetryTransport(policy=POLICY), url),
        "httpx-retries": lambda url: async_calls(httpx_retries.RetryTransport(retry=PEER), url),
    },
}


def rounds(contenders: dict[str, Callable[[str], tuple[float, float]]]) -> dict[str, list[Cost]]:
    """Each contender's costs per call, by round; each goes first in turn."""
    seen: dict[str, list[Cost]] = {name: [] for name in contenders}
    order = list(contenders.items())
    with serving() as (url, connections):
        for _ in range(ROUNDS):
            order.append(order.pop(0))
            for name, run in order:
                before = connections()
                wall, cpu = run(url)
                new = connections() - before - 1
                seen[name].append(Cost(wall / CALLS, cpu / CALLS, new / CALLS))
    return seen


def main() -> None:
    """Print one table."""
    columns = ("world", "transport", "connects", "CPU µs", "CPU", "wall µs", "wall")
    table = Table(*columns, title="503 with 300 bytes, then 200; ratios to httpx-retries")
    for world, contenders in CONTENDERS.items():
        seen = rounds(contenders)
        for name, costs in seen.items():
            pairs = list(zip(costs, seen["httpx-retries"], strict=True))
            table.add_row(
                world,
                name,
                f"{statistics.median(cost.connections for cost in costs):g}",
                f"{statistics.median(cost.cpu for cost in costs) * 1e6:.0f}",
                f"{statistics.median(cost.cpu / peer.cpu for cost, peer in pairs):.2f}",
                f"{statistics.median(cost.wall for cost in costs) * 1e6:.0f}",
                f"{statistics.median(cost.wall / peer.wall for cost, peer in pairs):.2f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()

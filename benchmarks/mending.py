"""Does a broken download arrive, and what does it cost when nothing breaks?

Three contenders in one run: httpx bare, with httpx-retries, with httpx_retry; a real server on a
real socket. Downloads are cut at random places; throughput is of an unbroken body, in interleaved
rounds; the cost of a small GET is measured without a network, which would drown it.
"""

from __future__ import annotations

import multiprocessing
import random
import socket
import statistics
import threading
import time
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h11
import httpx
import httpx_retries
from rich.console import Console
from rich.table import Table

from httpx_retry import ConstantBackoff, RetryPolicy, RetryTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = bytes(1 << 20)


class DownloadServer:
    """Sends bodies as fast as the kernel takes them; h11 is for requests, which are few.

    Args:
        body: what each response is a part of.
        repeat: how often it is repeated within one response.
        etag: its validator; None: it has none.
        cuts: how many responses of each download break off, at random places.
    """

    def __init__(
        self, body: bytes, *, repeat: int = 1, etag: str | None = '"1"', cuts: int = 0
    ) -> None:
        self.body, self.repeat, self.etag, self.cuts = body, repeat, etag, cuts
        self.sent = 0
        self._left: dict[str, int] = {}
        self._random = random.Random(7)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while request := self._request(connection):
                if not self._answer(connection, *request):
                    return

    @staticmethod
    def _request(connection: socket.socket) -> tuple[str, int] | None:
        parser = h11.Connection(h11.SERVER)
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                asked = dict(event.headers).get(b"range", b"bytes=0-")
                return event.target.decode(), int(asked[6:].partition(b"-")[0])
            try:
                data = connection.recv(65_536)
            except OSError:
                return None
            if not data:
                return None
            parser.receive_data(data)

    def _answer(self, connection: socket.socket, path: str, start: int) -> bool:
        total = len(self.body) * self.repeat
        status = "206 Partial Content" if start else "200 OK"
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {total - start}"]
        lines += [f"ETag: {self.etag}"] if self.etag else []
        lines += [f"Content-Range: bytes {start}-{total - 1}/{total}"] if start else []
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        left = self._left.get(path, self.cuts)
        self._left[path] = left - 1
        if left > 0:
            part = self.body[start : self._random.randrange(start, total)]
            connection.sendall(part)
            self.sent += len(part)
            return False
        view = memoryview(self.body)[start:] if self.repeat == 1 else memoryview(self.body)
        for _ in range(self.repeat):
            connection.sendall(view)
            self.sent += len(view)
        return True

    def close(self) -> None:
        self._listener.close()


def _serve(pipe: Any, body: bytes, options: dict[str, Any]) -> None:
    server = DownloadServer(body, **options)
    pipe.send(server.url)
    while pipe.recv() == "sent?":
        pipe.send(server.sent)
    server.close()


class Served:
    """A server in a process of its own, so that it does not share the client's lock."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self.url: str = pipe.recv()

    @property
    def sent(self) -> int:
        """Bytes of bodies that it sent in all: what came over the wire, delivered or not."""
        self._pipe.send("sent?")
        count: int = self._pipe.recv()
        return count


@contextmanager
def serving(body: bytes, **options: Any) -> Iterator[Served]:
    """Run a server of `body` for as long as the context lasts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, body, options))
    process.start()
    try:
        yield Served(ours)
    finally:
        ours.send("stop")
        process.join()


def clients() -> dict[str, Callable[[], httpx.Client]]:
    """The contenders, with quick waits."""
    policy = RetryPolicy(backoff=ConstantBackoff(0))
    peer = httpx_retries.Retry(total=5, backoff_factor=0)
    return {
        "httpx": httpx.Client,
        "httpx-retries": lambda: httpx.Client(transport=httpx_retries.RetryTransport(retry=peer)),
        "httpx_retry": lambda: httpx.Client(transport=RetryTransport(policy=policy)),
    }


def fetched(client: httpx.Client, url: str) -> bytes:
    """A body, or nothing where it did not arrive."""
    try:
        with client.stream("GET", url) as response:
            return b"".join(response.iter_raw())
    except httpx.TransportError:
        return b""


def downloads(count: int = 500) -> Table:
    """`count` downloads of 1 MB, one after another, each cut three times at random places."""
    table = Table("client", "byte-exact", "bytes sent / body", title="downloads cut three times")
    body = random.Random(1).randbytes(1_000_000)
    for name, make in clients().items():
        exact = 0
        with serving(body, cuts=3) as server, make() as client:
            for number in range(count):
                exact += fetched(client, f"{server.url}/{number}") == body
            ratio = f"{server.sent / (count * len(body)):.3f}" if exact else "-"
        table.add_row(name, f"{exact / count:.1%}", ratio)
    return table


def throughput(megabytes: int = 1024, rounds: int = 15) -> Table:
    """An unbroken body of 1 GB, in interleaved rounds: by the clock, and in the client's CPU."""
    columns = ("body", "client", "MB/s", "speed of bare", "CPU of bare")
    table = Table(*columns, title=f"throughput of {megabytes} MB")
    for kind, etag in (("with an ETag", '"1"'), ("without", None)):
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in clients()}
        with serving(CHUNK, repeat=megabytes, etag=etag) as server:
            contenders = list(clients().items())
            for _ in range(rounds):
                # Each goes first in turn: what comes after another may find warmer caches.
                contenders.append(contenders.pop(0))
                for name, make in contenders:
                    seen[name].append(seconds_to_read(make, server.url))
        for name, times in seen.items():
            pairs = list(zip(times, seen["httpx"], strict=True))
            speed = megabytes / statistics.median(wall for wall, _ in times)
            wall = statistics.median(bare[0] / ours[0] for ours, bare in pairs)
            cpu = statistics.median(ours[1] / bare[1] for ours, bare in pairs)
            table.add_row(kind, name, f"{speed:,.0f}", f"{wall:.3f}", f"{cpu:.3f}")
    return table


def seconds_to_read(make: Callable[[], httpx.Client], url: str) -> tuple[float, float]:
    """Wall-clock and CPU seconds of one download, chunk by chunk."""
    with make() as client, client.stream("GET", url) as response:
        wall, cpu = time.perf_counter(), time.process_time()
        for _chunk in response.iter_raw():
            pass
        return time.perf_counter() - wall, time.process_time() - cpu


class Json(httpx.SyncByteStream):
    """A small body in one chunk, as a socket gives it."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"answer": 42}'


HEADERS = [(b"Content-Type", b"application/json"), (b"Content-Length", b"14"), (b"Server", b"x")]


class Wire(httpx.BaseTransport):
    """Answers with a small JSON body at once."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HEADERS, stream=Json())


def small_get(rounds: int = 25, calls: int = 400) -> Table:
    """What `client.get()` of a small JSON body costs more than bare: by medians, and at best."""
    columns = ("client", "µs a call", "added µs", "added µs, best rounds")
    table = Table(*columns, title="a small JSON GET, no network")
    off = RetryPolicy(recover_body=False)
    made: dict[str, httpx.BaseTransport] = {
        "httpx": Wire(),
        "httpx_retry, recover_body=False": RetryTransport(Wire(), policy=off),
        "httpx_retry": RetryTransport(Wire()),
    }
    seen: dict[str, list[float]] = {name: [] for name in made}
    open_clients = {name: httpx.Client(transport=transport) for name, transport in made.items()}
    for _ in range(rounds):
        for name, client in open_clients.items():
            began = time.perf_counter()
            for _ in range(calls):
                client.get("http://test/")
            seen[name].append((time.perf_counter() - began) / calls * 1e6)
    for name, times in seen.items():
        paired = [one - other for one, other in zip(times, seen["httpx"], strict=True)]
        best = min(times) - min(seen["httpx"])
        added = f"{statistics.median(paired):.2f}"
        table.add_row(name, f"{statistics.median(times):.1f}", added, f"{best:.2f}")
    return table


def memory(megabytes: int = 1024) -> Table:
    """The most that Python holds while an unbroken 1 GB body without a validator is read."""
    table = Table("client", "peak MB", title=f"memory while {megabytes} MB are read")
    with serving(CHUNK, repeat=megabytes, etag=None) as server:
        for name, make in clients().items():
            with make() as client, client.stream("GET", server.url) as response:
                tracemalloc.start()
                for _chunk in response.iter_raw():
                    pass
                table.add_row(name, f"{tracemalloc.get_traced_memory()[1] / 1e6:.2f}")
                tracemalloc.stop()
    return table


def main() -> None:
    """Print the tables."""
    console = Console()
    for measured in (downloads, throughput, small_get, memory):
        console.print(measured())


if __name__ == "__main__":
    main()

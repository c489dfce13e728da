"""Does a broken download arrive, and what does it cost when nothing breaks?

Three contenders in one run: httpx bare, with httpx-retries, with httpx_retry; a real server on a
real socket. Downloads are cut at random places; throughput is of an unbroken body, in interleaved
rounds. What a small GET costs is `client_level`'s question.
"""

from __future__ import annotations

import random
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import httpx
import httpx_retries

from httpx_retry import RetryTransport

from .harness.contenders import BARE, OURS, PEER, POLICY, retries
from .harness.downloads import DownloadServer, Manner
from .harness.rounds import interleaved
from .harness.servers import serving
from .harness.tables import Table
from .harness.work import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench

CHUNK = bytes(1 << 20)
UNVALIDATED = Manner(etag=None)


def clients() -> dict[str, Callable[[], httpx.Client]]:
    """The contenders, with quick waits."""
    return {
        BARE: lambda: httpx.Client(trust_env=False),
        PEER: lambda: httpx.Client(transport=httpx_retries.RetryTransport(retry=retries())),
        OURS: lambda: httpx.Client(transport=RetryTransport(policy=POLICY)),
    }


def fetched(client: httpx.Client, url: str) -> bytes | None:
    """A body; None where it did not arrive."""
    try:
        with client.stream("GET", url) as response:
            return b"".join(response.iter_raw())
    except httpx.TransportError:
        return None


def downloads(bench: Bench) -> Table:
    """Downloads of 1 MB, one after another, each cut three times at random places."""
    count = bench.pick(500, 10)
    table = Table(
        "downloads of 1 MB, cut three times",
        {"client": "", "byte-exact": ".1%", "bytes sent / body": ".3f"},
    )
    body = random.Random(1).randbytes(1_000_000)
    makes = list(clients().items())
    for step in bench.steps("downloads", len(makes)):
        name, make = makes[step]
        manner = Manner(cuts=3)
        with serving(DownloadServer, body=body, manner=manner) as server, make() as client:
            exact = sum(fetched(client, f"{server.url}/{one}") == body for one in range(count))
            ratio = server.ask("sent") / (count * len(body)) if exact else None
        table.add(name, exact / count, ratio)
    return table


def _downloads_of(make: Callable[[], httpx.Client], url: str) -> Calls:
    client = make()
    return Calls(partial(_read, client, url), client.close)


def _read(client: httpx.Client, url: str) -> None:
    with client.stream("GET", url) as response:
        for _chunk in response.iter_raw():
            pass


def throughput(bench: Bench) -> Table:
    """An unbroken body of 1 GB, in interleaved rounds: by the clock, and in the client's CPU."""
    megabytes = bench.pick(1024, 32)
    table = Table(
        f"throughput of {megabytes} MB",
        {"body": "", "client": "", "MB/s": ",.0f", "time × bare": ".3f", "CPU × bare": ".3f"},
        bars="MB/s",
    )
    for kind, manner in (("with an ETag", Manner()), ("without", UNVALIDATED)):
        with serving(DownloadServer, body=CHUNK, manner=manner, repeat=megabytes) as server:
            makes = {
                name: partial(_downloads_of, make, server.url) for name, make in clients().items()
            }
            rounds = interleaved(
                bench, f"throughput, {kind}", makes, count=1, rounds=bench.pick(15, 3)
            )
        for name in rounds:
            speed = megabytes / rounds.wall(name)
            table.add(kind, name, speed, rounds.ratio(name, BARE), rounds.cpu_ratio(name, BARE))
    return table


def memory(bench: Bench) -> Table:
    """The most that Python holds while an unbroken body without a validator is read."""
    megabytes = bench.pick(1024, 32)
    table = Table(f"memory while {megabytes} MB are read", {"client": "", "peak MB": ".2f"})
    makes = list(clients().items())
    with serving(DownloadServer, body=CHUNK, manner=UNVALIDATED, repeat=megabytes) as server:
        for step in bench.steps("memory", len(makes)):
            name, make = makes[step]
            with make() as client:
                tracemalloc.start()
                _read(client, server.url)
                table.add(name, tracemalloc.get_traced_memory()[1] / 1e6)
                tracemalloc.stop()
    return table


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    yield downloads(bench)
    yield throughput(bench)
    yield memory(bench)

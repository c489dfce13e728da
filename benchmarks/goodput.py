"""How much gets through chaos? GETs, 20 at once, against a server where a fifth of them fails.

Connections that end or are reset before, inside and after the headers, bodies cut short, 503s: by a
server of the tests' laboratory, in a process of its own. Each contender as it comes, but with up to
4 attempts and waits from 5 ms on. Good is what arrived whole; `sent` is what the server read.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import backoff
import httpx
import httpx_hedged
import httpx_retries
import stamina
import tenacity

from httpx_retry import AsyncRetryTransport, ExponentialBackoff, RetryPolicy
from tests.faults.lab import Cut, Fin, HTTP1Server, Reply
from tests.faults.storm import HTTP1_MIX, script

from .harness.contenders import BARE, HEDGED, OURS, PEER
from .harness.servers import serving
from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .harness.bench import Bench

BODY = b"x" * 2_000
AT_ONCE = 20
FIRST_WAIT = 0.005


class Chaos:
    """The server: it serves from when it is made.

    Attributes:
        url: where it is.
    """

    def __init__(self) -> None:
        mix = [*HTTP1_MIX, (Cut(Reply(body=BODY), at=1_000, by=Fin()), 50)]
        self._server = HTTP1Server(
            Reply(body=BODY) if step == Reply() else step for step in script(mix, seed=7)
        )
        self._server.__enter__()
        self.url = self._server.url

    def close(self) -> None:
        """End its thread."""
        self._server.__exit__(None, None, None)

    @property
    def received(self) -> int:
        """How many requests it has read."""
        return sum(map(len, self._server.processed.values()))


async def _plain(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await client.get(url)


async def _checked(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return (await client.get(url)).raise_for_status()


class Contender(NamedTuple):
    """A transport, and a function that gets by a client."""

    transport: Callable[[], httpx.AsyncBaseTransport]
    get: Any


def contenders() -> dict[str, Contender]:
    """Each as its users would have it."""
    waits = ExponentialBackoff(initial=FIRST_WAIT)
    policy = RetryPolicy(backoff=waits)
    jitter = tenacity.wait_random_exponential(multiplier=FIRST_WAIT)
    on_error = tenacity.retry_if_exception_type(httpx.HTTPError)
    bare = partial(httpx.AsyncHTTPTransport, trust_env=False)
    return {
        BARE: Contender(bare, _plain),
        OURS: Contender(partial(AsyncRetryTransport, policy=policy, trust_env=False), _plain),
        PEER: Contender(
            lambda: httpx_retries.RetryTransport(
                bare(), httpx_retries.Retry(total=3, backoff_factor=FIRST_WAIT)
            ),
            _plain,
        ),
        HEDGED: Contender(lambda: httpx_hedged.HedgedTransport(bare()), _plain),
        "tenacity": Contender(
            bare,
            tenacity.retry(
                stop=tenacity.stop_after_attempt(4), wait=jitter, retry=on_error, reraise=True
            )(_checked),
        ),
        "stamina": Contender(
            bare,
            stamina.retry(on=httpx.HTTPError, attempts=4, wait_initial=FIRST_WAIT)(_checked),
        ),
        "backoff": Contender(
            bare,
            backoff.on_exception(
                partial(backoff.expo, factor=FIRST_WAIT), httpx.HTTPError, max_tries=4
            )(_checked),
        ),
    }


async def good_ones(contender: Contender, url: str, count: int) -> int:
    """How many of so many GETs bring the whole body."""
    numbers = iter(range(count))
    good = 0

    async def worker(client: httpx.AsyncClient) -> None:
        nonlocal good
        for number in numbers:
            try:
                response = await contender.get(client, f"{url}/{number}")
            except httpx.HTTPError:
                continue
            good += response.status_code == 200 and response.content == BODY

    async with httpx.AsyncClient(transport=contender.transport()) as client:
        await asyncio.gather(*(worker(client) for _ in range(AT_ONCE)))
    return good


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "GETs in chaos",
        {"contender": "", "good": ".2%", "good a second": ",.0f", "sent / good": ".2f"},
        bars="good",
    )
    count = bench.pick(5_000, 60)
    names = list(contenders())[: bench.pick(None, 3)]
    for step in bench.steps("goodput", len(names)):
        contender = contenders()[names[step]]
        with serving(Chaos) as server:
            began = time.perf_counter()
            good = asyncio.run(good_ones(contender, server.url, count))
            took = time.perf_counter() - began
            sent = server.ask("received")
        table.add(names[step], good / count, good / took, sent / good)
    yield table

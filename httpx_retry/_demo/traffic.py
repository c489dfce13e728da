"""Sends the planned requests, bare and wrapped, sync and async, and tells what came of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, product, starmap
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx

from .. import (
    AsyncRetryTransport,
    Attempt,
    ExponentialBackoff,
    RetryPolicy,
    RetryTransport,
    retry_history,
)
from .plan import Break, HttpVersion, PlannedRequest, plan
from .results import Exchange, Row, Setting, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .server import FlakyServer

SYNC, ASYNC = "sync", "async"
SETTINGS = tuple(starmap(Setting, product(HttpVersion, (SYNC, ASYNC), (False, True))))
POLICY = RetryPolicy(max_attempts=8, backoff=ExponentialBackoff(initial=0.03, maximum=0.2))
_CONCURRENCY = 8


class Traffic:
    """The same requests for every setting, against one server."""

    def __init__(self, server: FlakyServer, *, seed: int, requests: int) -> None:
        self._server = server
        self._seed = seed
        self._requests = requests

    def row(self, setting: Setting) -> Row:
        """Send all requests in this setting and return what came of them."""
        numbers = range(1, self._requests + 1)
        planned = [plan(self._seed, setting.version, number) for number in numbers]
        if setting.world == SYNC:
            exchanges = self._by_threads(setting, planned)
        else:
            # In a thread, because whoever runs the demo may have an event loop in this one.
            with ThreadPoolExecutor(1) as thread:
                exchanges = thread.submit(asyncio.run, self._by_tasks(setting, planned)).result()
        in_order = sorted(exchanges, key=lambda exchange: exchange.planned.number)
        return Row(setting, tuple(in_order), self._server.attempts(setting.run))

    def _by_threads(self, setting: Setting, planned: Sequence[PlannedRequest]) -> list[Exchange]:
        # Each thread has a client of its own: where threads share an HTTP/2 connection of httpcore,
        # they read and write its TLS socket at once, and requests get lost.
        with ThreadPoolExecutor(_CONCURRENCY) as threads:
            send = partial(self._one_thread, setting)
            done = threads.map(send, _shares(planned), range(_CONCURRENCY))
            return list(chain.from_iterable(done))

    def _one_thread(
        self, setting: Setting, share: Sequence[PlannedRequest], thread: int
    ) -> list[Exchange]:
        random = Random(f"{self._seed} {thread}").random
        options = self._options(setting)
        transport = (
            RetryTransport(policy=POLICY, random=random, **options)
            if setting.wrapped
            else httpx.HTTPTransport(**options)
        )
        url = self._server.url(setting.version)
        with httpx.Client(transport=transport, base_url=url) as client:
            return [_ask(client, setting.run, planned) for planned in share]

    async def _by_tasks(
        self, setting: Setting, planned: Sequence[PlannedRequest]
    ) -> list[Exchange]:
        random = Random(self._seed).random
        options = self._options(setting)
        transport = (
            AsyncRetryTransport(policy=POLICY, random=random, **options)
            if setting.wrapped
            else httpx.AsyncHTTPTransport(**options)
        )
        # Tasks share one client, so an HTTP/2 connection that ends fails every request on it, also
        # a POST, which may not be sent again. So whatever ends a connection is sent alone: each
        # request then meets the faults of its own plan and no others, whatever the timing.
        together = [request for request in planned if not request.ends_connection]
        alone = [request for request in planned if request.ends_connection]
        url = self._server.url(setting.version)
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            ask = partial(_ask_one_by_one, client, setting.run)
            done = await asyncio.gather(*map(ask, _shares(together)))
            return [*chain.from_iterable(done), *await ask(alone)]

    def _options(self, setting: Setting) -> dict[str, Any]:
        return {"http2": setting.version is HttpVersion.HTTP2, "verify": self._server.client_tls}


def _shares(planned: Sequence[PlannedRequest]) -> list[Sequence[PlannedRequest]]:
    return [planned[first::_CONCURRENCY] for first in range(_CONCURRENCY)]


def _ask(client: httpx.Client, run: str, planned: PlannedRequest) -> Exchange:
    result: httpx.Response | httpx.HTTPError
    path = f"/{run}/{planned.number}"
    began = perf_counter()
    try:
        result = client.request(planned.method, path, content=planned.body)
    except httpx.HTTPError as error:
        result = error
    return _exchange(planned, result, perf_counter() - began)


async def _ask_one_by_one(
    client: httpx.AsyncClient, run: str, share: Sequence[PlannedRequest]
) -> list[Exchange]:
    return [await _ask_async(client, run, planned) for planned in share]


async def _ask_async(client: httpx.AsyncClient, run: str, planned: PlannedRequest) -> Exchange:
    result: httpx.Response | httpx.HTTPError
    path = f"/{run}/{planned.number}"
    began = perf_counter()
    try:
        result = await client.request(planned.method, path, content=planned.body)
    except httpx.HTTPError as error:
        result = error
    return _exchange(planned, result, perf_counter() - began)


def _exchange(
    planned: PlannedRequest, result: httpx.Response | httpx.HTTPError, seconds: float
) -> Exchange:
    steps = tuple(_steps(planned, retry_history(result)))
    if isinstance(result, httpx.Response):
        served = planned.served
        succeeded = (result.status_code, result.content) == (served.status, served.body)
        outcome = str(result.status_code)
    else:
        succeeded = False
        outcome = type(result).__name__
    return Exchange(planned, outcome, succeeded, seconds, steps)


def _steps(planned: PlannedRequest, history: Sequence[Attempt]) -> Iterator[Step]:
    for attempt in history:
        # The plan tells broken attempts apart where their exceptions are of one class.
        fault = planned.reply(attempt.number - 1)
        broken = fault.value if isinstance(fault, Break) else str(attempt.error)
        outcome = broken if attempt.status is None else str(attempt.status)
        yield Step(outcome, attempt.started - history[0].started, attempt.elapsed, attempt.wait)

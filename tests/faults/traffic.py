"""Mixed traffic that meets mixed faults, round after round, through one retry transport each."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from h2.errors import ErrorCodes

from httpx_retry import ConstantBackoff, ExponentialBackoff, RetryPolicy, retry_history
from tests.faults.lab import (
    PARTIAL_HEADERS,
    Cut,
    Fin,
    GoAway,
    HTTP1Server,
    HTTP1Step,
    HTTP2Server,
    HTTP2Step,
    Last,
    Received,
    Reply,
    ResetStream,
    Rst,
    Stall,
    client_context,
)
from tests.faults.storm import script
from tests.worlds import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from httpx_retry import RetryEvent
    from tests.worlds import World

AT_ONCE = 4
# Seconds: no phase of a good request takes as long, and one that stalls ends soon.
PATIENCE = 0.2
POLICY = RetryPolicy(
    max_attempts=5,
    backoff=ExponentialBackoff(initial=0.01, maximum=0.2),
    replay_buffer=1 << 16,
)

# Seconds of a wait that is cancelled, and after how many that happens: far from its end.
LONG = 0.5
MOMENT = 0.002
LONG_WAIT: dict[str, Any] = {"retry": {"backoff": ConstantBackoff(LONG)}}

# One is collected before its first byte is delivered; the other is not, and can be resumed.
SMALL = Reply(200, b"small " * 100)
LARGE = Reply(200, b"large " * 12_000, headers={"etag": '"1"'})
BUSY = Reply(503, b"busy " * 60)
SLOW_DOWN = Reply(429, b"", headers={"retry-after-ms": "5"})

# How often each comes in a thousand requests; the rest are good replies.
HTTP1_MIX: list[tuple[HTTP1Step, int]] = [
    (LARGE, 150),
    (SMALL, 150),
    (BUSY, 80),
    (SLOW_DOWN, 20),
    (Cut(LARGE, at=30_000), 30),
    (Cut(LARGE, at=5_000, by=Rst()), 30),
    (Cut(SMALL, at=100), 30),
    (Fin(), 40),
    (Rst(), 40),
    (Fin(after=PARTIAL_HEADERS), 20),
    (Stall(), 3),
    (Stall(after=PARTIAL_HEADERS), 2),
]
HTTP2_MIX: list[tuple[HTTP2Step, int]] = [
    (LARGE, 150),
    (SMALL, 150),
    (BUSY, 80),
    (SLOW_DOWN, 20),
    (Cut(LARGE, at=30_000, by=ResetStream(ErrorCodes.INTERNAL_ERROR)), 30),
    (Cut(LARGE, at=5_000), 10),
    (Cut(SMALL, at=100, by=ResetStream(ErrorCodes.CANCEL)), 30),
    (ResetStream(), 60),
    (ResetStream(ErrorCodes.INTERNAL_ERROR), 20),
    (GoAway(Last.PROCESSED), 15),
    (GoAway(Last.MAX), 5),
    (Fin(), 10),
    (Rst(), 10),
    (Stall(), 3),
]


class _Forgetful:
    """A server of the lab that keeps no record: that of a soak would have no end."""

    _conversations: dict[asyncio.Task[None], Any]
    _loop: asyncio.AbstractEventLoop

    def note_processed(self, request: Received) -> None:
        """Nobody reads it."""

    def note_refused(self, request: Received) -> None:
        """Nobody reads it."""

    def hang_up(self) -> None:
        """Ends every connection, those that have stalled included."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()

    async def _hang_up(self) -> None:
        while self._conversations:
            for conversation in self._conversations:
                conversation.cancel()
            await asyncio.wait(list(self._conversations))
            await asyncio.sleep(0)  # until they are forgotten


class FaultyHTTP1Server(_Forgetful, HTTP1Server):
    """Fails at random over HTTP/1.1."""

    def __init__(self, seed: int) -> None:
        super().__init__(script(HTTP1_MIX, seed))


class FaultyHTTP2Server(_Forgetful, HTTP2Server):
    """Fails at random over HTTP/2."""

    def __init__(self, seed: int) -> None:
        super().__init__(script(HTTP2_MIX, seed))


async def _parts() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b"part "


class _Renewed(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An HTTP transport whose pool is another one each round."""

    pool: Any = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = self.pool.handle_request(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await self.pool.handle_async_request(request)
        return response


class Lane:
    """One world's traffic over one protocol, through one retry transport.

    The connection pool is another one each round, in threads or an event loop of that round:
    between two rounds nothing is open.

    Args:
        world: where it runs.
        url: a server's: HTTP/2 over https, else HTTP/1.1.
        seed: of what is sent.
        on_event: called with each event of the transport.

    Attributes:
        counts: the requests, the retries, and what came of them.
        held: slots of pools that were still taken when all requests of a round were through.
    """

    def __init__(
        self,
        world: World,
        url: str,
        seed: int,
        on_event: Callable[[RetryEvent], object] | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.held = 0
        self._world = world
        self._url = url
        self._random = random.Random(seed)
        self._counting = Lock()
        self._names = itertools.count()
        self._cancel: dict[int, Callable[[], object]] = {}
        http2 = url.startswith("https:")
        made = httpx.AsyncHTTPTransport if world.is_async else httpx.HTTPTransport
        self._make = partial(made, verify=client_context(), trust_env=False, http2=http2)
        self._renewed = _Renewed()
        # Two threads on one HTTP/2 connection of httpcore's may write their headers in any order.
        self._threads = 1 if http2 else AT_ONCE
        transport = world.transport(self._renewed, policy=POLICY, on_event=on_event)
        if world.is_async:
            self._watch_waits(transport._waiter)
        client = httpx.AsyncClient if world.is_async else httpx.Client
        self._client: Any = client(transport=transport, timeout=PATIENCE)
        # An HTTP/2 connection does not survive a cancellation anywhere but in our own wait.
        anywhere = [] if http2 else [self._cut_short]
        waiting = [self._cancelled_while_waiting, *anywhere] if world.is_async else []
        native = [self._cancelled_natively] if world.name == "asyncio" else []
        self._kinds = [*[self._read] * 12, self._left, self._uploaded, *waiting, *native]

    def round(self, requests: int) -> None:
        """Send so many requests, a few at a time."""
        self._renewed.pool = self._make()
        if self._world.is_async:
            self._world.run(partial(self._round_of_tasks, requests))
        else:
            with ThreadPoolExecutor(self._threads) as threads:
                for _ in threads.map(self._world.run, [self._one] * requests):
                    pass
            self._note_held()
            self._renewed.pool.close()
        self._renewed.pool = None

    async def _round_of_tasks(self, requests: int) -> None:
        plan = iter(range(requests))

        async def worker() -> None:
            for _ in plan:
                await self._one()

        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(worker)
        self._note_held()
        await self._renewed.pool.aclose()

    def _note_held(self) -> None:
        self.held += len(self._renewed.pool._pool._requests)

    def close(self) -> None:
        """Close the retry transport."""
        self._world.run(partial(self._world.close, self._client))

    async def _one(self) -> None:
        """Send one request of a kind that chance chooses, and count what comes of it."""
        send = self._random.choice(self._kinds)
        name = str(next(self._names))
        outcome: httpx.Response | Exception | None
        try:
            outcome = await send(name)
        except Exception as error:  # noqa: BLE001 - the counts' readers judge it
            outcome = error
        self._count(outcome)

    def _count(self, outcome: httpx.Response | Exception | None) -> None:
        with self._counting:
            self.counts["requests"] += 1
            if outcome is None:
                self.counts["cancelled"] += 1
                return
            self.counts["retries"] += max(len(retry_history(outcome)) - 1, 0)
            is_response = isinstance(outcome, httpx.Response)
            self.counts["answered" if is_response else type(outcome).__name__] += 1

    def _watch_waits(self, waiter: Any) -> None:
        """Let those be cancelled that asked for it, once they wait and nowhere else."""
        wait = waiter.wait

        async def watched(seconds: float, epoch: int) -> Any:
            if seconds == LONG and self._cancel:
                self._cancel.get(anyio.get_current_task().id, int)()
            return await wait(seconds, epoch)

        waiter.wait = watched

    async def _begin(self, name: str, **options: Any) -> httpx.Response:
        options.setdefault("method", "GET")
        request = self._client.build_request(url=self._url, headers={"x-id": name}, **options)
        response: httpx.Response = await settled(self._client.send(request, stream=True))
        return response

    async def _read(self, name: str, **options: Any) -> httpx.Response:
        response = await self._begin(name, **options)
        try:
            await self._world.raw_chunks(response)
        finally:
            await self._world.close(response)
        return response

    async def _left(self, name: str) -> httpx.Response:
        """Of its body nothing is read; and it has little time."""
        response = await self._begin(name, extensions={"retry": {"max_elapsed": 0.1}})
        await self._world.close(response)
        return response

    async def _uploaded(self, name: str) -> httpx.Response:
        """Its body can be read once, and is kept."""
        body = _parts() if self._world.is_async else iter([b"part "] * 100)
        return await self._read(name, method="PUT", content=body)

    async def _cut_short(self, name: str) -> httpx.Response | None:
        with anyio.move_on_after(self._random.random() / 50):
            return await self._read(name)
        return None

    async def _cancelled_while_waiting(self, name: str) -> httpx.Response | None:
        def cancel() -> None:
            scope.deadline = anyio.current_time() + MOMENT

        with anyio.CancelScope() as scope, self._cancelling(cancel):
            return await self._read(name, extensions=LONG_WAIT)
        return None

    async def _cancelled_natively(self, name: str) -> httpx.Response | None:
        async def read() -> httpx.Response:
            with self._cancelling(lambda: loop.call_later(MOMENT, task.cancel)):
                return await self._read(name, extensions=LONG_WAIT)

        loop = asyncio.get_running_loop()
        task = loop.create_task(read())
        try:
            return await task
        except asyncio.CancelledError:
            return None

    @contextmanager
    def _cancelling(self, cancel: Callable[[], object]) -> Iterator[None]:
        """Have this task cancelled in its next wait."""
        me = anyio.get_current_task().id
        self._cancel[me] = cancel
        try:
            yield
        finally:
            self._cancel.pop(me, None)

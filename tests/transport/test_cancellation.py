"""A call that is cancelled, wherever it may be suspended: nothing leaks, nothing is swallowed."""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryPolicy
from httpx_retry._streams import close_async_stream
from tests.faults.lab import Cut, Fin, HTTP1Server, HTTP1Step, Reply
from tests.faults.lab.clients import leaves_upload_unfinished
from tests.worlds import OVER_HTTPX2, Stream

from .loops import SkippingLoop, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

POLICY = RetryPolicy(max_attempts=10, backoff=ConstantBackoff(0.001))
READING = POLICY.replace(read_body=True, retry_if=lambda outcome: None)
BREAK = httpx.ReadError("reset")
# More than there are: the walk ends at the first that is not reached.
MANY = 500


@coroutine
def walked(
    work: Coroutine[Any, Any, Any], at: int, cancel: Callable[[], object]
) -> Generator[Any, Any, Any]:
    """Run `work`, and cancel as it suspends for the `at`-th time."""
    step: Callable[[], Any] = lambda: work.send(None)  # noqa: E731 - one of two
    while True:
        try:
            trap = step()
        except StopIteration as end:
            return end.value
        at -= 1
        if at == 0:
            cancel()
        try:
            value = yield trap
        except BaseException as error:  # noqa: BLE001 - handed on
            step = lambda error=error: work.throw(error)  # type: ignore[misc]  # noqa: E731
        else:
            step = lambda value=value: work.send(value)  # type: ignore[misc]  # noqa: E731


async def cancelled_natively(work: Coroutine[Any, Any, Any], at: int) -> bool:
    """Whether `task.cancel()` of asyncio, as the work suspends for the `at`-th time, was met."""

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        await walked(work, at, task.cancel)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return task.cancelled()


async def cancelled_by_scope(work: Coroutine[Any, Any, Any], at: int) -> bool:
    """Whether a cancel scope of anyio, as the work suspends for the `at`-th time, was met."""
    with anyio.CancelScope() as scope:
        await walked(work, at, scope.cancel)
    return scope.cancelled_caught


WAYS = [
    pytest.param("asyncio", cancelled_natively, id="task.cancel"),
    pytest.param("asyncio", cancelled_by_scope, id="scope on asyncio"),
    pytest.param("trio", cancelled_by_scope, id="scope on trio"),
]


@pytest.mark.filterwarnings("ignore:coroutine '_closed' was never awaited")
def test_a_close_whose_own_task_is_cancelled_before_it_begins_ends() -> None:
    async def close_and_cancel() -> None:
        closing = asyncio.ensure_future(close_async_stream(Stream()))
        await asyncio.sleep(0)
        (inner,) = asyncio.all_tasks() - {closing, asyncio.current_task()}
        inner.cancel()
        await closing

    run(close_and_cancel())


class Halt(BaseException):
    """An interrupt of one's own: it is no cancellation."""


async def test_what_interrupts_a_closing_is_raised(world: World, clock: FakeClock) -> None:
    class Halting(Stream):
        def close(self) -> None:
            raise Halt

    answer = httpx.Response(503, stream=Halting(b"sorry"))
    transport = world.transport(lambda _: answer, clock=clock, policy=POLICY)

    with pytest.raises(Halt):
        await world.handle(transport, httpx.Request("GET", "http://test/"))


def test_a_close_costs_two_turns_of_the_event_loop_and_troubles_nobody() -> None:
    async def close() -> None:
        before = loop.skipping.turns
        await close_async_stream(Stream())
        assert loop.skipping.turns - before == 2
        await asyncio.sleep(0)

    loop, trouble = SkippingLoop(), list[Any]()
    loop.set_exception_handler(lambda _, what: trouble.append(what))
    run(close(), loop)

    assert trouble == []


class Suspending(Stream):
    """A stream that suspends wherever it can.

    Attributes:
        closing: how often its closing was begun.
    """

    closing = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            await anyio.lowlevel.checkpoint()
            yield part
            await anyio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.closing += 1
        await anyio.lowlevel.checkpoint()
        await super().aclose()
        await anyio.lowlevel.checkpoint()


class Inner(httpx.AsyncBaseTransport):
    """Fails in every way that there is, and then does not."""

    def __init__(self) -> None:
        etag = {"ETag": '"1"'}
        rest = etag | {"Content-Range": "bytes 4-7/8"}
        self._answers: list[Any] = [
            (503, {"Content-Length": "3"}, (b"bad",)),
            (503, {}, (b"bad",)),
            httpx.ConnectError("refused"),
            (200, etag, (b"some", BREAK)),
            (503, {"Content-Length": "3"}, (b"bad",)),
            (206, rest, (b"rest",)),
        ]
        self.streams: list[Suspending] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers, parts = answer
        self.streams.append(Suspending(*parts))
        return httpx.Response(status, headers=headers, stream=self.streams[-1])


@leaves_upload_unfinished  # generators that a cancelled reader leaves, as with bare httpx
@pytest.mark.parametrize(
    "policy", [POLICY, POLICY.replace(read_body=True, retry_if=lambda _: None)]
)
@pytest.mark.parametrize(("backend", "cancelled"), WAYS)
def test_every_stream_is_closed_once_wherever_the_call_is_cancelled(
    backend: str, cancelled: Any, policy: RetryPolicy
) -> None:
    async def prepare(request: httpx.Request, number: int) -> None:
        await anyio.lowlevel.checkpoint()

    async def get(client: httpx.AsyncClient) -> None:
        response = await client.get("http://test/")
        # Read before it was judged, the broken one was no response at all.
        assert response.content == (b"rest" if policy.read_body else b"somerest")

    async def walk() -> None:
        for at in range(1, MANY):
            inner = Inner()
            transport = AsyncRetryTransport(inner, policy=policy, budget=None, prepare=prepare)
            async with httpx.AsyncClient(transport=transport) as client:
                was_met = await cancelled(get(client), at)
            streams = inner.streams
            assert [stream.closing for stream in streams] == [1] * len(streams), at
            # The third and fifth are the client's to close, who may be cut short in it, as ever.
            discarded = [stream for stream in streams if stream not in streams[2:5:2]]
            assert [stream.closed for stream in discarded] == [1] * len(discarded), at
            if not was_met:
                assert at > 30
                return

    anyio.run(walk, backend=backend)


@pytest.mark.parametrize("ending", ["a result", "an error", "a cancellation of its own"])
def test_a_closing_that_waits_for_a_future_is_given_what_becomes_of_it(ending: str) -> None:
    met: list[str] = []

    class Closing(Stream):
        async def aclose(self) -> None:
            future = asyncio.get_running_loop().create_future()
            end: Any = {
                "a result": lambda: future.set_result("a result"),
                "an error": lambda: future.set_exception(LookupError("an error")),
                "a cancellation of its own": future.cancel,
            }[ending]
            asyncio.get_running_loop().call_later(0.001, end)
            try:
                met.append(await future)
            except LookupError as error:
                met.append(str(error))
            except asyncio.CancelledError:
                met.append("a cancellation of its own")

    async def close(at: int) -> bool:
        return await cancelled_natively(close_async_stream(Closing()), at)

    assert asyncio.run(close(0)) is False
    assert asyncio.run(close(1)) is True
    assert met == [ending, ending]


async def slots_lost(
    make: Callable[..., httpx.AsyncBaseTransport], steps: list[HTTP1Step], cancelled: Any
) -> int:
    """At how many suspension points of one call a cancellation costs the pool its only slot."""
    lost = 0
    for at in range(1, MANY):
        with HTTP1Server([*steps, WHOLE, WHOLE]) as server:
            limits = httpx.Limits(max_connections=1)
            async with make(limits=limits, trust_env=False) as transport:
                was_met = await cancelled(_read(transport, server.url), at)
                try:
                    await _read(transport, server.url)
                except httpx.PoolTimeout:
                    lost += 1
        if not was_met:
            return lost
    raise AssertionError("the walk has no end")


async def _read(transport: httpx.AsyncBaseTransport, url: str) -> None:
    timeout = {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 0.05}
    request = httpx.Request("GET", url, extensions={"timeout": timeout})
    stream: Any = None
    try:
        response = await transport.handle_async_request(request)
        stream = response.stream
        async for _chunk in stream:
            pass
    except httpx.RemoteProtocolError:
        pass  # where nobody retries
    finally:
        # The caller's closing is shielded here, so that what is walked is what the transport does.
        await close_async_stream(stream)


WHOLE = Reply(200, bytes(100_000), {"ETag": '"1"'})
REST = {"ETag": '"1"', "Content-Range": "bytes 12345-99999/100000"}


def wrapped(**options: Any) -> AsyncRetryTransport:
    return AsyncRetryTransport(policy=POLICY, budget=None, **options)


@leaves_upload_unfinished
@pytest.mark.parametrize(("backend", "cancelled"), WAYS)
def test_no_slot_of_a_real_pool_is_lost_beyond_what_httpcore_loses(
    backend: str, cancelled: Any
) -> None:
    # Too long to be drained; drained; lost; broken off; the rest of it: five attempts.
    steps: list[HTTP1Step] = [
        Reply(503, bytes(20_000)),
        Reply(503, bytes(300)),
        Fin(),
        Cut(WHOLE, 12_345),
        Reply(206, bytes(87_655), REST),
    ]

    async def count() -> tuple[list[int], int]:
        bare = [await slots_lost(httpx.AsyncHTTPTransport, [step], cancelled) for step in steps]
        return bare, await slots_lost(wrapped, steps, cancelled)

    bare, ours = anyio.run(count, backend=backend)

    # httpcore 1.0.9 loses one itself where task.cancel() meets its request's first lock, and one
    # where it meets the lock with which it gives up a body that broke off; httpcore2 loses none.
    loses = cancelled is cancelled_natively and not OVER_HTTPX2
    assert bare == ([1, 1, 2, 2, 1] if loses else [0] * 5)
    assert ours <= sum(bare)

"""Between a failure and the next attempt: what comes too late is not sent, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from httpx_retry import (
    AsyncRetryTransport,
    ConstantBackoff,
    Load,
    RetryBudget,
    RetryPolicy,
    StopReason,
    SystemClock,
    retry_history,
)
from httpx_retry._streams import close_async_stream
from httpx_retry._wait import TaskWait
from tests.worlds import Stream, World

from .handlers import Server, options
from .loops import Since

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock

AT_ONCE = RetryPolicy(backoff=ConstantBackoff(0))
# Longer than any test takes; and if nobody wakes what waits, that is seen soon.
FOR_SECONDS = RetryPolicy(backoff=ConstantBackoff(5.0), max_attempts=2)
REQUEST = ("GET", "http://test/")


def close(world: World, transport: Any) -> None:
    """Close a transport over a mock, where nothing that it awaits suspends."""
    closing = transport.aclose() if world.is_async else transport.close()
    if closing is not None:
        with pytest.raises(StopIteration):
            closing.send(None)


async def test_nothing_is_sent_once_it_was_closed_in_prepare(
    world: World, clock: FakeClock
) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        close(world, transport)

    server = Server(503)
    transport = world.transport(server, **options(clock, policy=AT_ONCE, prepare=prepare))
    with pytest.raises(httpx.TransportError, match="the transport was closed before the next"):
        await world.handle(transport, httpx.Request(*REQUEST))

    assert server.sends == 1


@pytest.mark.parametrize("failure", [503, httpx.ReadError("reset")], ids=["response", "error"])
async def test_nothing_is_sent_once_prepare_took_the_time(
    world: World, clock: FakeClock, failure: Any
) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        clock.advance(5.0)

    server = Server(failure)
    policy = AT_ONCE.replace(max_elapsed=1.0)
    transport = world.transport(server, **options(clock, policy=policy, prepare=prepare))
    with pytest.raises(httpx.TransportError) as caught:
        await world.handle(transport, httpx.Request(*REQUEST))

    assert server.sends == 1
    assert retry_history(caught.value)[-1].reason is StopReason.DEADLINE
    if failure == 503:
        assert str(caught.value) == "the deadline passed before the next attempt"
    else:
        assert caught.value is failure


async def test_one_that_is_in_time_is_sent(world: World, clock: FakeClock) -> None:
    policy = AT_ONCE.replace(max_elapsed=1.0)
    async with world.client(Server(503, 200), **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 200


async def test_the_deadline_of_an_outer_transport_holds_within(
    world: World, clock: FakeClock
) -> None:
    seen: list[tuple[float, float]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions["timeout"]
        clock.advance(0.25)
        seen.append((timeouts.get("read"), dict(timeouts)["read"]))
        return httpx.Response(200)

    inner = world.transport(answer, **options(clock, policy=RetryPolicy(max_elapsed=3.0)))
    outer = world.transport(inner, **options(clock, policy=RetryPolicy(max_elapsed=0.5)))
    async with world.client_of(outer) as client:
        await client.get()

    assert seen == [(0.25, 0.5)]


@pytest.mark.parametrize("odd", [5, (1, 2), httpx.Timeout(5), None])
async def test_odd_timeouts_are_none(world: World, clock: FakeClock, odd: Any) -> None:
    for policy in (AT_ONCE, AT_ONCE.replace(max_elapsed=1.0)):
        server = Server((503, {"Content-Length": "9"}), 200)
        transport = world.transport(server, **options(clock, policy=policy))
        request = httpx.Request(*REQUEST, extensions={"timeout": odd})
        assert (await world.handle(transport, request)).status_code == 200


class Broken:
    """A budget that cannot be reached."""

    def withdraw(self, origin: str, load: Any, now: float) -> float:
        return 1.0

    def deposit(self, origin: str, tokens: float | None) -> None:
        raise ConnectionError("no budget today")


@pytest.mark.parametrize("answers", [(200,), (503, 200)])
async def test_a_deposit_that_fails_costs_no_response(
    world: World, clock: FakeClock, answers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(*answers)
    more = options(clock, policy=AT_ONCE, budget=Broken())
    async with world.client(server, **more) as client:
        assert (await client.get()).status_code == 200

    assert [stream.closed for stream in server.streams] == [1] * len(answers)
    assert "the budget's deposit failed" in caplog.text
    assert "no budget today" in caplog.text


async def test_a_close_while_an_attempt_is_under_way_spends_no_tokens(
    world: World, clock: FakeClock
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if server.sends:
            close(world, transport)
        return server(request)

    budget, server = RetryBudget(), Server(503)
    transport = world.transport(answer, **options(clock, policy=AT_ONCE, budget=budget))
    response = await world.handle(transport, httpx.Request(*REQUEST))

    assert retry_history(response)[-1].reason is StopReason.CLOSED
    assert server.sends == 2
    assert not budget.missing


async def test_a_url_that_the_wrapped_transport_rewrites_is_not_the_budgets(
    world: World, clock: FakeClock
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        request.url = httpx.URL("http://elsewhere/")
        return httpx.Response(503)

    budget = RetryBudget()
    transport = world.transport(answer, **options(clock, policy=AT_ONCE, budget=budget))
    await world.handle(transport, httpx.Request(*REQUEST))

    assert budget.missing == {"http://test": 3.0}


async def test_a_subclass_of_the_budget_is_told_of_everything(
    world: World, clock: FakeClock
) -> None:
    class Told(RetryBudget):
        def deposit(self, origin: str, tokens: float | None) -> None:
            told.append(tokens)

    told: list[float | None] = []
    async with world.client(Server(200), **options(clock, budget=Told())) as client:
        await client.get()

    assert told == [None]


async def test_but_its_traffic_is_counted_as_ever(world: World, clock: FakeClock) -> None:
    class Named(RetryBudget):
        """Another name, and no more."""

    budget = Named(capacity=0)
    async with world.client(Server(200), **options(clock, budget=budget)) as client:
        for _ in range(8):
            await client.get()

    granted = [budget.withdraw("http://test", Load.SOME, clock.monotonic()) for _ in range(5)]
    assert granted == [1.0] * 4 + [None]


@pytest.mark.parametrize("method", ["GET\nWARNING forged", "\x1b[31mGET"])
async def test_a_method_stays_one_line(
    world: World, clock: FakeClock, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Any] = []
    policy = AT_ONCE.replace(methods=[])
    more = options(clock, policy=policy, on_event=events.append)
    transport = world.transport(Server(503), **more)
    await world.handle(transport, httpx.Request(method, "http://test/"))

    (line,) = [each.getMessage() for each in caplog.records if each.name == "httpx_retry"]
    assert (line + repr(events[0])).isprintable()


async def test_frozen_exceptions_pass_through(world: World, clock: FakeClock) -> None:
    @dataclass(frozen=True)
    class Denied(Exception):  # noqa: N818 - as users name theirs
        why: str

    for policy in (AT_ONCE, AT_ONCE.replace(exceptions=[Denied])):
        transport = world.transport(Server(Denied("x")), **options(clock, policy=policy))
        with pytest.raises(Denied):
            await world.handle(transport, httpx.Request(*REQUEST))


async def test_a_wait_of_a_transport_that_is_closed_already_takes_no_time(
    world: World, clock: FakeClock
) -> None:
    def event(told: Any) -> None:
        if told.kind == "retry-scheduled":
            close(world, transport)

    more = options(clock, policy=FOR_SECONDS, on_event=event)
    transport = world.transport(Server(503), **more)
    with pytest.raises(httpx.TransportError):
        await world.handle(transport, httpx.Request(*REQUEST))

    assert clock.sleeps == []


async def test_a_closing_that_bounds_itself_is_let(async_world: World) -> None:
    class Bounded(Stream):
        async def aclose(self) -> None:
            with anyio.move_on_after(0.001):
                await anyio.sleep_forever()
            await super().aclose()

    stream = Bounded()
    await close_async_stream(stream)

    assert stream.closed == 1


class Inner(httpx.AsyncBaseTransport):
    """Fails, and notes that it was closed."""

    closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    async def aclose(self) -> None:
        self.closed += 1


def waiting(backend: str, transport: AsyncRetryTransport) -> threading.Thread:
    """A thread whose event loop has a task that waits for days."""
    is_waiting = threading.Event()

    async def call() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            is_waiting.set()

    async def one() -> None:
        with pytest.raises(httpx.TransportError):
            await transport.handle_async_request(httpx.Request(*REQUEST))

    thread = threading.Thread(target=anyio.run, args=(call,), kwargs={"backend": backend})
    thread.start()
    is_waiting.wait()
    return thread


async def test_a_wake_just_before_the_wait_is_not_missed(async_world: World) -> None:
    waiter = TaskWait(SystemClock())
    wait = waiter.wait(100_000.0, Since(waiter.epoch))
    waiter.wake()

    await wait


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_tasks_of_another_event_loop_wake_too(async_world: World, backend: str) -> None:
    inner = Inner()
    transport = AsyncRetryTransport(inner, policy=FOR_SECONDS)
    thread = waiting(backend, transport)
    await transport.aclose()
    await anyio.to_thread.run_sync(thread.join)

    assert inner.closed == 1


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_loop_that_is_no_more_is_no_obstacle() -> None:
    inner = Inner()
    transport = AsyncRetryTransport(inner, policy=FOR_SECONDS)
    loop = asyncio.new_event_loop()
    call = transport.handle_async_request(httpx.Request(*REQUEST))
    # Stopped while it waits, and closed over it, as a program does that has given up.
    task = loop.create_task(call)
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    loop.close()
    asyncio.run(transport.aclose())

    assert inner.closed == 1
    task._log_destroy_pending = False  # type: ignore[attr-defined] # it is, and is meant to be

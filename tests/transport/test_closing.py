"""Closing a transport ends the retrying of every call that began before, and of none after."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from httpx_retry import (
    AsyncRetryTransport,
    ConstantBackoff,
    RetryBudget,
    RetryEvent,
    RetryPolicy,
    RetryTransport,
    StopReason,
    retry_history,
)
from tests.worlds import Stream, World, settled

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock

# Longer than any test takes; and if nobody wakes what waits, that is seen soon.
FOR_SECONDS = RetryPolicy(backoff=ConstantBackoff(5.0), max_attempts=2)
BREAK = httpx.ReadError("reset")


class Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers as told, and writes down what else is done to it."""

    def __init__(self, *answers: Any) -> None:
        self.server = Server(*answers)
        self.calls: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.server(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.server(request)

    def __enter__(self) -> Any:
        self.calls.append("enter")
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append("exit")

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def close(self) -> None:
        self.calls.append("close")

    async def aclose(self) -> None:
        self.close()


class Waiting:
    """Calls that wait for their next attempt, in threads or in tasks, when it is closed.

    Args:
        answer: that each of them gets.
        calls: how many there are.
        by_leaving: whether the transport is closed at the end of its `with` block.
    """

    def __init__(self, answer: Any, calls: int = 1, *, by_leaving: bool = False) -> None:
        self.inner = Inner(answer)
        self.errors: list[Exception] = []
        self.kinds: list[str] = []
        self.budget = RetryBudget()
        self._calls = calls
        self._by_leaving = by_leaving

    def on_event(self, event: RetryEvent) -> None:
        self.kinds.append(event.kind)

    @property
    def options(self) -> dict[str, Any]:
        return {"policy": FOR_SECONDS, "budget": self.budget, "on_event": self.on_event}

    def in_threads(self) -> None:
        transport = RetryTransport(self.inner, **self.options)
        if self._by_leaving:
            transport.__enter__()

        def call() -> None:
            try:
                transport.handle_request(httpx.Request("GET", "http://test/"))
            except httpx.TransportError as error:
                self.errors.append(error)

        threads = [threading.Thread(target=call) for _ in range(self._calls)]
        for thread in threads:
            thread.start()
        # Until all are inside the wait: a thread that is about to wait is woken too.
        while len(transport._waiter._waiters) < self._calls:
            time.sleep(0)
        if self._by_leaving:
            transport.__exit__()
        else:
            transport.close()
        for thread in threads:
            thread.join()

    async def in_tasks(self) -> None:
        transport = AsyncRetryTransport(self.inner, **self.options)
        if self._by_leaving:
            await transport.__aenter__()

        async def call() -> None:
            try:
                await transport.handle_async_request(httpx.Request("GET", "http://test/"))
            except httpx.TransportError as error:
                self.errors.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(self._calls):
                group.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            if self._by_leaving:
                await transport.__aexit__()
            else:
                await transport.aclose()


async def closed_while_waiting(
    world: World, answer: Any, calls: int = 1, *, by_leaving: bool = False
) -> Waiting:
    waiting = Waiting(answer, calls, by_leaving=by_leaving)
    if world.is_async:
        await waiting.in_tasks()
    else:
        waiting.in_threads()
    return waiting


async def test_a_call_that_waits_ends_with_its_last_error(world: World) -> None:
    waiting = await closed_while_waiting(world, BREAK)

    assert waiting.errors == [BREAK]
    (attempt,) = retry_history(BREAK)
    assert attempt.reason is StopReason.CLOSED
    assert attempt.wait is None
    assert "gave up after 1 attempt" in BREAK.__notes__[0]  # type: ignore[attr-defined] # PEP 678
    assert "(transport closed): ReadError" in BREAK.__notes__[0]  # type: ignore[attr-defined]
    assert waiting.kinds == ["retry-scheduled", "gave-up"]


async def test_where_the_last_failure_was_a_response_the_error_says_so(world: World) -> None:
    waiting = await closed_while_waiting(world, 503)

    (error,) = waiting.errors
    assert type(error) is httpx.TransportError
    assert str(error) == "the transport was closed before the next attempt"
    assert error.request.url == "http://test/"
    (attempt,) = retry_history(error)
    assert (attempt.status, attempt.reason) == (503, StopReason.CLOSED)


@pytest.mark.parametrize(
    ("by_leaving", "calls"), [(False, ["close"]), (True, ["enter", "exit"])], ids=["close", "with"]
)
async def test_all_that_wait_wake_at_once_and_send_no_more(
    world: World, by_leaving: bool, calls: list[str]
) -> None:
    waiting = await closed_while_waiting(world, 503, calls=20, by_leaving=by_leaving)

    assert len(waiting.errors) == 20
    assert waiting.inner.server.sends == 20
    assert waiting.inner.calls == calls


async def test_what_was_taken_from_the_budget_is_given_back(world: World) -> None:
    waiting = await closed_while_waiting(world, 503, calls=5)

    assert not waiting.budget.missing


async def test_a_call_whose_attempt_is_under_way_is_not_retried(
    world: World, clock: FakeClock
) -> None:
    transport: Any = None

    def answer(request: httpx.Request) -> httpx.Response:
        closing = transport.aclose() if world.is_async else transport.close()
        if closing is not None:
            with pytest.raises(StopIteration):
                closing.send(None)
        return httpx.Response(503, stream=stream)

    stream = Stream(b"answer")
    transport = world.transport(answer, **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert retry_history(response)[-1].reason is StopReason.CLOSED
    assert await world.read_stream(response) == b"answer"
    assert clock.sleeps == []


async def test_later_calls_go_through_as_they_would_bare(world: World, clock: FakeClock) -> None:
    inner = Inner(200, 503, 200)
    transport = world.transport(inner, **options(clock))
    for _ in range(2):
        async with world.client_of(transport) as client:
            assert (await client.get()).status_code == 200

    assert inner.server.sends == 3
    assert inner.calls == ["enter", "exit"] * 2


async def test_a_body_is_not_mended_once_the_transport_is_closed(
    world: World, clock: FakeClock
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, headers={"ETag": '"1"'}, stream=Stream(b"some", BREAK))

    requests: list[httpx.Request] = []
    transport = world.transport(answer, **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    await world.close(transport)
    with pytest.raises(httpx.ReadError) as caught:
        await world.read_stream(response)

    assert caught.value is BREAK
    assert retry_history(BREAK)[-1].reason is StopReason.CLOSED
    assert len(requests) == 1


async def test_a_recovery_that_waits_ends_with_what_the_body_broke_off_with(
    world: World, clock: FakeClock
) -> None:
    def wait(context: Any) -> float:
        closing = transport.aclose() if world.is_async else transport.close()
        if closing is not None:
            with pytest.raises(StopIteration):
                closing.send(None)
        return 1.0

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"ETag": '"1"'}, stream=Stream(b"some", BREAK))

    more = options(clock, policy=RetryPolicy(backoff=wait))
    transport = world.transport(answer, **more)
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    with pytest.raises(httpx.ReadError) as caught:
        await world.read_stream(response)

    assert caught.value is BREAK
    assert retry_history(response) == retry_history(BREAK)
    assert retry_history(BREAK)[-1].reason is StopReason.CLOSED


async def test_closing_twice_wakes_as_closing_once_does(async_world: World) -> None:
    transport = AsyncRetryTransport(Inner(BREAK), policy=FOR_SECONDS)

    async def call() -> None:
        with pytest.raises(httpx.ReadError):
            await transport.handle_async_request(httpx.Request("GET", "http://test/"))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        await transport.aclose()
        await transport.aclose()


async def test_closing_is_handed_on_once(world: World) -> None:
    inner = Inner(200)
    transport = world.transport(inner)
    await settled(transport.aclose() if world.is_async else transport.close())

    assert inner.calls == ["close"]

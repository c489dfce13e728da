"""`instant_retries()`: nothing waits in the whole process, and what is skipped counts as waited."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from anyio import create_task_group as task_group

from httpx_retry import (
    AsyncRetryTransport,
    ConstantBackoff,
    RetryPolicy,
    RetryTransport,
    StopReason,
    retry_history,
)
from httpx_retry.testing import BreaksOff, FakeClock, ScriptedTransport, instant_retries

if TYPE_CHECKING:
    from tests.worlds import World

HOUR = RetryPolicy(backoff=ConstantBackoff(3_600.0), max_retry_after=7_200.0)
FILE = bytes(100_000)


class Ticking:
    """A user's own clock that passes no time by itself: only what is skipped counts."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_000_000.0 + self.now


async def test_nothing_waits_and_the_waits_are_told(world: World) -> None:
    server = ScriptedTransport([503, (429, {"Retry-After": "60"}), httpx.ReadError, 200])
    began = time.monotonic()
    with instant_retries() as waits:
        async with world.client(server, policy=HOUR) as client:
            assert (await client.get()).status_code == 200

    assert waits == [3_600.0, 60.0, 3_600.0]
    assert time.monotonic() - began < 60.0


def test_it_reaches_every_thread_and_every_event_loop() -> None:
    def in_a_thread() -> None:
        with httpx.Client(
            transport=RetryTransport(ScriptedTransport([503, 200]), policy=HOUR)
        ) as client:
            statuses.append(client.get("http://test/").status_code)

    def in_a_loop() -> None:
        asyncio.run(in_a_task())

    async def in_a_task() -> None:
        transport = AsyncRetryTransport(ScriptedTransport([503, 200]), policy=HOUR)
        async with httpx.AsyncClient(transport=transport) as client:
            statuses.append((await client.get("http://test/")).status_code)

    statuses: list[int] = []
    threads = [threading.Thread(target=target) for target in (in_a_thread, in_a_loop) * 3]
    with instant_retries() as waits:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert statuses == [200] * 6
    assert waits == [3_600.0] * 6


async def test_afterwards_waits_are_real_again(world: World) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(0.05))
    with instant_retries() as waits:
        pass
    began = time.monotonic()
    async with world.client(ScriptedTransport([503, 200]), policy=policy) as client:
        await client.get()

    assert time.monotonic() - began >= 0.05
    assert waits == []


async def test_an_inner_one_ends_without_ending_the_outer(world: World) -> None:
    async def get() -> None:
        async with world.client(ScriptedTransport([503, 200]), policy=HOUR) as client:
            await client.get()

    with instant_retries() as outer:
        with pytest.raises(KeyError), instant_retries() as inner:  # noqa: PT012 - leaving by it is the point
            await get()
            raise KeyError
        await get()

    assert inner == [3_600.0]
    assert outer == [3_600.0] * 2


async def test_those_of_several_threads_may_overlap(world: World) -> None:
    first, second = instant_retries(), instant_retries()
    first.__enter__()
    waits = second.__enter__()
    first.__exit__(None, None, None)
    async with world.client(ScriptedTransport([503, 200]), policy=HOUR) as client:
        await client.get()
    second.__exit__(None, None, None)

    assert waits == [3_600.0]
    await test_afterwards_waits_are_real_again(world)


async def test_one_may_be_entered_again(world: World) -> None:
    context = instant_retries()
    with context as outer:
        with context as inner:
            assert inner is not outer
        async with world.client(ScriptedTransport([503, 200]), policy=HOUR) as client:
            await client.get()

    assert (outer, inner) == ([3_600.0], [])


async def test_a_deadline_falls_as_it_would_have(world: World) -> None:
    clock = Ticking()
    policy = RetryPolicy(max_elapsed=10.0, backoff=ConstantBackoff(4.0), max_attempts=9)
    server = Phases()
    with instant_retries() as waits:
        async with world.client(server, policy=policy, clock=clock) as client:
            response = await client.get(timeout=None)

    history = retry_history(response)
    assert waits == [4.0, 4.0]
    assert history[-1].reason is StopReason.DEADLINE
    assert [attempt.started - history[0].started for attempt in history] == [0.0, 4.0, 8.0]
    # What each attempt may take is what would have been left.
    assert server.allowed == [10.0, 6.0, 2.0]
    assert clock.now == 100.0


class Phases(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Fails, and notes what a phase of each attempt may take."""

    def __init__(self) -> None:
        self.allowed: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.allowed.append(request.extensions["timeout"].get("read"))
        return httpx.Response(503)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


async def test_no_call_spends_the_time_of_another(world: World) -> None:
    clock = Ticking()
    policy = RetryPolicy(max_elapsed=10.0, backoff=ConstantBackoff(4.0))
    transport = world.transport(ScriptedTransport([503, 503, 200] * 5), policy=policy, clock=clock)
    with instant_retries() as waits:
        async with world.client_of(transport) as client:
            for _ in range(5):
                assert (await client.get()).status_code == 200

    assert waits == [4.0] * 10


async def test_calls_at_the_same_time_keep_each_their_own(async_world: World) -> None:
    policy = RetryPolicy(max_elapsed=10.0, backoff=ConstantBackoff(4.0))
    statuses: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sends[request.url.path] = sends.get(request.url.path, 0) + 1
        return httpx.Response(503 if sends[request.url.path] < 3 else 200)

    async def get(path: str) -> None:
        response = await client.get(f"http://test/{path}")
        statuses.append(response.status_code)

    sends: dict[str, int] = {}
    options = {"policy": policy, "clock": Ticking()}
    with instant_retries():
        async with async_world.client(answer, **options) as client, task_group() as group:
            for number in range(10):
                group.start_soon(get, str(number))

    assert statuses == [200] * 10


async def test_the_servers_waits_add_up_as_they_would_have(world: World) -> None:
    server = ScriptedTransport([(503, {"Retry-After": "40"})] * 2)
    with instant_retries() as waits:
        async with world.client(server) as client:
            response = await client.get()

    assert waits == [40.0]
    assert retry_history(response)[-1].reason is StopReason.RETRY_AFTER_TOO_LONG


async def test_a_date_to_come_back_at_comes_nearer(world: World) -> None:
    clock = Ticking()
    at = datetime.fromtimestamp(clock.time(), timezone.utc) + timedelta(seconds=50)
    named = (503, {"Retry-After": format_datetime(at, usegmt=True)})
    server = ScriptedTransport([(503, {"Retry-After": "30"}), named, 200])
    with instant_retries() as waits:
        async with world.client(server, clock=clock) as client:
            assert (await client.get()).status_code == 200

    assert waits == [30.0, 20.0]


async def test_the_deadline_of_a_body_falls_as_it_would_have(world: World) -> None:
    policy = RetryPolicy(max_elapsed=10.0, backoff=ConstantBackoff(6.0))
    etag = {"ETag": '"1"'}
    rest = {**etag, "Content-Range": "bytes 70000-99999/100000"}
    server = ScriptedTransport(
        [
            503,
            BreaksOff(FILE, after=70_000, headers=etag),
            BreaksOff(FILE[70_000:], after=10, status=206, headers=rest),
        ]
    )
    with instant_retries() as waits:
        async with world.client(server, policy=policy, clock=Ticking()) as client:
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                await client.get()

    history = retry_history(caught.value)
    assert waits == [6.0, 6.0]
    assert history[-1].reason is StopReason.DEADLINE
    assert [attempt.started - history[0].started for attempt in history] == [0.0, 6.0, 12.0]


async def test_a_feed_is_as_old_as_it_would_have_been(world: World) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    server = ScriptedTransport([BreaksOff(FILE, after=70_000, headers=chunked)] * 2)
    with instant_retries() as waits:
        policy = RetryPolicy(backoff=ConstantBackoff(6.0))
        async with world.client(server, policy=policy, clock=Ticking()) as client:
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                await client.get()

    assert waits == [6.0]
    assert "older than 5 s" in caught.value.__notes__[0]  # type: ignore[attr-defined] # PEP 678


async def test_a_virtual_clock_keeps_its_own_waits(world: World) -> None:
    clock = FakeClock()
    with instant_retries() as waits:
        async with world.client(ScriptedTransport([503, 200]), policy=HOUR, clock=clock) as client:
            await client.get()

    assert clock.sleeps == [3_600.0]
    assert clock.monotonic() == 3_600.0
    assert waits == []


async def test_a_wait_that_is_skipped_lets_other_tasks_run(async_world: World) -> None:
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    # Trio shuffles those whose turn it is: after two waits, everybody has had one.
    server = ScriptedTransport([503, 503, 200])
    with instant_retries():
        async with async_world.client(server, policy=HOUR) as client, task_group() as group:
            group.start_soon(other)
            await client.get()
            turns.append("client")

    assert turns == ["other", "client"]


async def test_a_closed_transport_notes_no_wait(world: World) -> None:
    def wait(context: Any) -> float:
        closing = transport.aclose() if world.is_async else transport.close()
        if closing is not None:
            with pytest.raises(StopIteration):
                closing.send(None)
        return 1.0

    transport = world.transport(
        ScriptedTransport([httpx.ReadError]), policy=RetryPolicy(backoff=wait)
    )
    with instant_retries() as waits, pytest.raises(httpx.ReadError):
        await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert waits == []

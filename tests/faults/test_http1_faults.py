"""HTTP/1.1 faults on real sockets: each is understood, and a POST is processed once at the most."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from httpx_retry import Evidence, RetryPolicy, RetryReason, retry_history
from tests.faults.lab import (
    CONTINUE,
    EARLY_HINTS,
    GARBAGE,
    HUGE_HEADER,
    PARTIAL_HEADERS,
    PARTIAL_STATUS_LINE,
    CorruptRecord,
    Early,
    Fin,
    HTTP1Server,
    Identity,
    Reply,
    Rst,
    Stall,
    close_before_write,
    close_before_write_async,
)
from tests.faults.lab.clients import leaves_upload_unfinished

from .meeting import expect, meet, patience, send

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World

UNKNOWN = Evidence.UNKNOWN
ONCE = RetryPolicy(max_attempts=1)

AFTER_THE_REQUEST = [
    Fin(),
    Rst(),
    Stall(),
    *[
        ending(after=begun)
        for begun in (PARTIAL_STATUS_LINE, PARTIAL_HEADERS, CONTINUE, EARLY_HINTS)
        for ending in (Fin, Rst)
    ],
    Stall(after=PARTIAL_HEADERS),
    Fin(after=GARBAGE),
    Fin(after=HUGE_HEADER),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("step", AFTER_THE_REQUEST, ids=repr)
async def test_what_came_after_the_request_left_proves_nothing(
    world: World, clock: FakeClock, step: Any, method: str
) -> None:
    with HTTP1Server([step]) as server:
        met = await expect(world, clock, server, method, UNKNOWN, timeout=patience(step))

    assert len(met.processed) == (2 if method == "GET" else 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("step", [Fin(), Rst(), CorruptRecord()], ids=repr)
async def test_nor_does_it_under_tls(
    world: World, clock: FakeClock, step: Any, method: str
) -> None:
    with HTTP1Server([step], tls=Identity()) as server:
        await expect(world, clock, server, method, UNKNOWN)


UPLOAD = b"x" * 20_000_000  # more than the sockets' buffers hold


@leaves_upload_unfinished
@pytest.mark.parametrize("step", [Rst(), Stall()], ids=repr)
async def test_an_upload_that_breaks_off_proves_nothing(
    world: World, clock: FakeClock, step: Any
) -> None:
    with HTTP1Server([Early(step)]) as server:
        met = await meet(world, clock, server, "POST", content=UPLOAD, timeout=patience(step))

    assert met.evidence is UNKNOWN
    assert met.error is not None


@leaves_upload_unfinished
async def test_an_early_refusal_of_an_upload_is_final(world: World, clock: FakeClock) -> None:
    with HTTP1Server([Early(Reply(413))]) as server:
        met = await meet(world, clock, server, "POST", content=UPLOAD)

    # asyncio loses the response when the reset follows it at once.
    assert met.processed == []
    assert met.response is None or met.response.status_code == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
async def test_a_connection_closed_before_the_pool_looks_is_no_fault(
    world: World, clock: FakeClock, by: Any, method: str
) -> None:
    with HTTP1Server() as server:
        async with world.client(None, clock=clock) as client:
            await client.get(server.url)
            assert server.close_idle(by) == 1
            response = await client.request(method, server.url)

    assert response.status_code == 200
    assert clock.sleeps == []


@leaves_upload_unfinished
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
async def test_a_post_on_a_stale_connection_is_sent_again_if_its_headers_never_left(
    world: World, clock: FakeClock, by: Any
) -> None:
    with HTTP1Server() as server:
        async with world.client(None, clock=clock) as client:
            await client.get(server.url)
            closing = close_before_write_async if world.is_async else close_before_write
            trace = {"trace": closing(server, by)}
            met = await send(client, server, "POST", content=b"order", extensions=trace)

    if isinstance(by, Rst) and world.name != "asyncio":
        assert met.response is not None
        attempt = met.history[0]
        assert (attempt.evidence, attempt.reason) == (Evidence.UNSENT, RetryReason.UNSENT)
        # A stale connection says nothing of the server: no wait.
        assert clock.sleeps == []
        assert len(met.processed) == 1
    else:
        # The kernel took the bytes: nothing proves that nobody read them.
        assert met.evidence is UNKNOWN
        assert met.processed == []


async def test_headers_may_have_left_where_another_owner_closes_the_connection_meanwhile(
    async_world: World, clock: FakeClock
) -> None:
    headers = {"x-padding": "~" * 20_000_000}  # more than the sockets' buffers hold
    begun, shared = anyio.Event(), httpx.AsyncHTTPTransport()
    errors: list[Exception] = []

    async def note(event: str, _: dict[str, Any]) -> None:
        if event == "http11.send_request_headers.started":
            begun.set()

    async def post(url: str) -> None:
        transport = async_world.transport(shared, clock=clock, policy=ONCE)
        async with async_world.client_of(transport) as client:
            with pytest.raises(httpx.ReadError) as caught:
                await client.post(url, headers=headers, extensions={"trace": note})
        errors.append(caught.value)

    with socket.create_server(("127.0.0.1", 0)) as nobody_reads:
        url = f"http://127.0.0.1:{nobody_reads.getsockname()[1]}"
        async with anyio.create_task_group() as group:
            group.start_soon(post, url)
            await begun.wait()
            await anyio.wait_all_tasks_blocked()
            await shared.aclose()

    # trio writes nothing any more once its writer waits.
    expected = Evidence.UNSENT if async_world.name == "trio" else UNKNOWN
    assert [each.evidence for error in errors for each in retry_history(error)] == [expected]

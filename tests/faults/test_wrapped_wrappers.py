"""A wrapped transport that does more than send: what it sent counts, whatever it raises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import Evidence, RetryPolicy
from tests.faults.lab import (
    Cut,
    HTTP1Server,
    HTTP2Server,
    Reply,
    ResetStream,
    Rst,
    client_context,
    refused,
)
from tests.worlds import World, settled

from .meeting import Met, send

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
Step = Callable[[Send, httpx.Request], Awaitable[httpx.Response]]


class Wrapping(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Does a step of its own around httpx's own transport."""

    def __init__(self, step: Step, *, is_async: bool) -> None:
        kind: Any = httpx.AsyncHTTPTransport if is_async else httpx.HTTPTransport
        self._inner = kind(http2=True, verify=client_context(), trust_env=False)
        self._step = step

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def pass_on(request: httpx.Request) -> httpx.Response:
            response: httpx.Response = self._inner.handle_request(request)
            return response

        try:
            self._step(pass_on, request).__await__().__next__()
        except StopIteration as end:
            response: httpx.Response = end.value
            return response
        raise AssertionError("a sync step suspended")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._step(self._inner.handle_async_request, request)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()


async def sign(pass_on: Send, request: httpx.Request) -> httpx.Response:
    request.stream = httpx.ByteStream(b"signed")
    request.headers["Content-Length"] = "6"
    return await pass_on(request)


async def copy(pass_on: Send, request: httpx.Request) -> httpx.Response:
    other = httpx.Request(
        request.method, request.url, content=b"packed", extensions=request.extensions
    )
    other.headers["x-id"] = request.headers["x-id"]
    return await pass_on(other)


@pytest.mark.parametrize("step", [sign, copy])
async def test_another_body_in_its_place_does_not_make_a_request_unsent(
    world: World, clock: FakeClock, step: Step
) -> None:
    with HTTP1Server([Rst()]) as server:
        met = await through(world, clock, step, server)

    assert met.evidence is Evidence.UNKNOWN
    assert len(met.processed) == 1


async def test_a_log_that_reads_a_form_does_not_either(world: World, clock: FakeClock) -> None:
    async def log(pass_on: Send, request: httpx.Request) -> httpx.Response:
        await settled(request.aread() if world.is_async else request.read())
        return await pass_on(request)

    with HTTP1Server([Rst()]) as server:
        met = await through(world, clock, log, server, files={"file": b"content"})

    assert met.evidence is Evidence.UNKNOWN
    assert len(met.processed) == 1


async def test_an_error_of_a_request_that_followed_is_not_the_first_ones(
    world: World, clock: FakeClock
) -> None:
    with HTTP1Server() as server, refused() as nowhere:

        async def follow(pass_on: Send, request: httpx.Request) -> httpx.Response:
            await pass_on(request)
            follow_up = httpx.Request("GET", nowhere, extensions=request.extensions)
            return await pass_on(follow_up)

        met = await through(world, clock, follow, server)

    assert isinstance(met.error, httpx.ConnectError)
    assert met.evidence is Evidence.UNKNOWN
    assert len(met.processed) == 1


async def test_a_refusal_of_a_stream_that_followed_is_not_the_first_ones(
    world: World, clock: FakeClock
) -> None:
    async def follow(pass_on: Send, request: httpx.Request) -> httpx.Response:
        await pass_on(request)
        return await pass_on(httpx.Request("GET", request.url, extensions=request.extensions))

    with HTTP2Server([Reply(204), ResetStream()]) as server:
        met = await through(world, clock, follow, server)

    assert met.evidence is Evidence.UNKNOWN
    assert len(met.processed) == 1


async def test_a_refusal_after_the_response_has_begun_is_none(
    world: World, clock: FakeClock
) -> None:
    policy = RetryPolicy(read_body=True, retry_if=lambda outcome: None)
    cut = Cut(Reply(200, b"hello"), at=2, by=ResetStream())
    with HTTP2Server([cut]) as server:
        async with world.client(
            None, http2=True, verify=client_context(), clock=clock, policy=policy
        ) as client:
            met = await send(client, server, "POST", content=b"order")

    assert met.evidence is Evidence.UNKNOWN
    assert len(met.processed) == 1


async def test_what_the_callers_trace_raises_is_not_the_transports(
    world: World, clock: FakeClock
) -> None:
    def trace(event: str, info: Any) -> None:
        if event == "http11.receive_response_headers.complete":
            raise httpx.ConnectError("in a trace")

    async def trace_in_a_task(event: str, info: Any) -> None:
        trace(event, info)

    extensions = {"trace": trace_in_a_task if world.is_async else trace}
    with HTTP1Server() as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            met = await send(client, server, "POST", content=b"order", extensions=extensions)

    assert met.evidence is Evidence.UNKNOWN
    assert len(met.processed) == 1


async def through(world: World, clock: FakeClock, step: Step, server: Any, **request: Any) -> Met:
    """POST through a retry transport around one that does a step of its own."""
    wrapping = Wrapping(step, is_async=world.is_async)
    content = request or {"content": b"order"}
    async with world.client(wrapping, clock=clock) as client:
        return await send(client, server, "POST", **content)

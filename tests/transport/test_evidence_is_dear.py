"""Evidence is gathered where it is needed, and nowhere else; keys make it needless."""

from __future__ import annotations

import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy
from tests.faults.lab import HTTP1Server, Reply

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World


class Passing(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Keeps the requests that reach it, as any transport between ours and the network may."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._server(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._server(request)


@pytest.mark.parametrize(
    ("method", "headers", "is_traced"),
    [("GET", {}, False), ("POST", {}, True), ("POST", {"Idempotency-Key": "7"}, False)],
)
async def test_only_what_may_not_run_twice_is_traced(
    world: World, clock: FakeClock, method: str, headers: dict[str, str], is_traced: bool
) -> None:
    server = Server(429, 200)
    transport = world.transport(Passing(server), **options(clock))
    request = httpx.Request(method, "http://test/", headers=headers, content=b"x")

    await world.handle(transport, request)

    assert [("trace" in sent.extensions) for sent in server.requests] == [is_traced] * 2
    assert [(sent is request) for sent in server.requests] == [not is_traced] * 2
    assert [(sent.stream is request.stream) for sent in server.requests] == [True] * 2
    assert request.extensions == {}


async def test_a_deadline_is_no_reason_to_trace(world: World, clock: FakeClock) -> None:
    server = Server(200)
    policy = RetryPolicy(max_elapsed=5)

    await world.handle(
        world.transport(Passing(server), **options(clock, policy=policy)),
        httpx.Request("GET", "http://test/"),
    )

    assert list(server.requests[0].extensions) == ["timeout"]


async def test_a_mock_is_given_the_very_request(world: World, clock: FakeClock) -> None:
    server = Server(200)
    request = httpx.Request("POST", "http://test/", content=b"x")

    await world.handle(world.transport(server, **options(clock)), request)

    assert server.requests[0] is request


async def test_the_callers_own_trace_goes_on_working(world: World, clock: FakeClock) -> None:
    events: list[str] = []

    def trace(event: str, info: Any) -> None:
        events.append(event)

    async def trace_in_a_task(event: str, info: Any) -> None:
        trace(event, info)

    extensions = {"trace": trace_in_a_task if world.is_async else trace}
    with HTTP1Server([Reply(429), Reply(200)]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            response = await client.post(server.url, extensions=extensions)

    assert response.status_code == 200
    assert events.count("http11.send_request_headers.complete") == 2


async def test_what_the_callers_trace_raises_reaches_the_caller(
    world: World, clock: FakeClock
) -> None:
    def trace(event: str, info: Any) -> None:
        raise LookupError(event)

    async def trace_in_a_task(event: str, info: Any) -> None:
        trace(event, info)

    extensions = {"trace": trace_in_a_task if world.is_async else trace}
    with HTTP1Server() as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            with pytest.raises(LookupError, match="connect_tcp"):
                await client.post(server.url, extensions=extensions)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_generated_key_is_one_uuid_on_all_attempts(
    world: World, clock: FakeClock, method: str
) -> None:
    server = Server(503, 503, 200)
    policy = RetryPolicy(generate_idempotency_key=True)

    async with world.client(server, **options(clock, policy=policy)) as client:
        request = client.build_request(method, "http://test/")
        response = await client.send(request)
        await client.post()

    assert response.status_code == 200
    assert "Idempotency-Key" not in request.headers
    first, second, third, fourth = (sent.headers["Idempotency-Key"] for sent in server.requests)
    assert first == second == third != fourth
    assert uuid.UUID(first).version == 4


async def test_a_key_of_the_callers_own_is_kept_and_others_need_none(
    world: World, clock: FakeClock
) -> None:
    server = Server(200)
    policy = RetryPolicy(generate_idempotency_key=True, idempotency_header="X-Key")

    async with world.client(server, **options(clock, policy=policy)) as client:
        await client.post(headers={"x-key": "mine"})
        await client.get()

    assert [sent.headers.get("x-key") for sent in server.requests] == ["mine", None]


async def test_a_key_is_made_even_for_a_method_that_may_run_twice(
    world: World, clock: FakeClock
) -> None:
    server = Server(200)
    policy = RetryPolicy(generate_idempotency_key=True, methods=["POST"])

    async with world.client(server, **options(clock, policy=policy)) as client:
        await client.post()

    assert "Idempotency-Key" in server.requests[0].headers


async def test_prepare_sees_the_key_and_the_last_word_is_its(
    world: World, clock: FakeClock
) -> None:
    seen: list[str] = []

    def prepare(request: httpx.Request, number: int) -> None:
        seen.append(request.headers["Idempotency-Key"])

    server = Server(503, 200)
    policy = RetryPolicy(generate_idempotency_key=True)
    async with world.client(server, **options(clock, policy=policy, prepare=prepare)) as client:
        await client.post()

    assert seen == [server.requests[0].headers["Idempotency-Key"]]


def test_h2_is_imported_by_nothing_of_ours() -> None:
    program = """
import sys, httpx, httpx_retry
def broken(request): raise httpx.RemoteProtocolError("broken")
client = httpx.Client(transport=httpx_retry.RetryTransport(httpx.MockTransport(broken)))
for call in (client.post, lambda url: client.get(url, extensions={"retry": {"max_attempts": 1}})):
    try: call("http://test/")
    except httpx.RemoteProtocolError: pass
print([name for name in ("h2", "hpack", "h11", "anyio", "asyncio") if name in sys.modules])
"""
    run = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]", run.stdout

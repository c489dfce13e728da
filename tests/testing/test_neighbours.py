"""Retry transports beside the other tools of a test suite, in whatever order they are stacked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import freezegun
import httpx
import pytest
import respx
import time_machine

from httpx_retry import ConstantBackoff, RetryPolicy, retry_history
from httpx_retry.testing import FakeClock, ScriptedTransport
from tests.faults.lab import HTTP1Server, Reply
from tests.worlds import WORLDS, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from pytest_httpx import HTTPXMock

    from tests.worlds import Client

URL = "http://test/orders"
HOUR = RetryPolicy(backoff=ConstantBackoff(3_600.0))
STOPPED = datetime(2030, 1, 1, tzinfo=timezone.utc)


@asynccontextmanager
async def client_of_httpx(world: World, **options: Any) -> AsyncIterator[Client]:
    """A client over a retry transport over httpx's own, which mocks patch."""
    async with world.client(None, policy=HOUR, trust_env=False, **options) as client:
        yield client


async def test_a_mock_transport(world: World, instant_retries: list[float]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(503 if len(bodies) < 3 else 200)

    bodies: list[bytes] = []
    async with world.client(answer, policy=HOUR) as client:
        response = await client.request("PUT", URL, content=b"body")

    assert response.status_code == 200
    assert bodies == [b"body"] * 3
    assert instant_retries == [3_600.0] * 2


async def test_a_mock_transport_with_an_async_handler(
    async_world: World, instant_retries: list[float]
) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(statuses))

    statuses = iter([503, 200])
    transport = async_world.transport(httpx.MockTransport(answer), policy=HOUR)
    async with async_world.client_of(transport) as client:
        assert (await client.get(URL)).status_code == 200

    assert instant_retries == [3_600.0]


async def test_asgi(async_world: World, instant_retries: list[float]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        bodies.append(b"")
        while (message := await receive())["more_body"]:
            bodies[-1] += message["body"]
        if len(bodies) == 1:
            raise ConnectionResetError
        status = 503 if len(bodies) == 2 else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    bodies: list[bytes] = []
    async with async_world.client(httpx.ASGITransport(app), policy=HOUR) as client:
        response = await client.request("PUT", URL, content=b"body")

    assert response.text == "done"
    assert bodies == [b"body"] * 3
    assert instant_retries == [3_600.0] * 2


def test_wsgi(instant_retries: list[float]) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        bodies.append(environ["wsgi.input"].read())
        start_response("200 OK" if len(bodies) > 1 else "503 Busy", [("Content-Length", "4")])
        return [b"done"]

    async def test() -> None:
        async with WORLDS[0].client(httpx.WSGITransport(app), policy=HOUR) as client:
            assert (await client.request("PUT", URL, content=b"body")).text == "done"

    bodies: list[bytes] = []
    WORLDS[0].run(test)

    assert bodies == [b"body"] * 2
    assert instant_retries == [3_600.0]


async def test_what_escapes_an_app_was_processed_by_it(
    async_world: World, instant_retries: list[float]
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        orders.append(b"")
        while (message := await receive())["more_body"]:
            orders[-1] += message["body"]
        raise httpx.ConnectError("the app's own call was refused")

    orders: list[bytes] = []
    async with async_world.client(httpx.ASGITransport(app), policy=HOUR) as client:
        with pytest.raises(httpx.ConnectError):
            await client.request("POST", URL, content=b"tea")

    assert orders == [b"tea"]
    assert instant_retries == []


def test_and_by_one_of_wsgi(instant_retries: list[float]) -> None:
    def app(environ: dict[str, Any], _: Callable[..., Any]) -> Iterable[bytes]:
        orders.append(environ["wsgi.input"].read())
        raise httpx.ConnectError("the app's own call was refused")

    async def test() -> None:
        async with WORLDS[0].client(httpx.WSGITransport(app), policy=HOUR) as client:
            with pytest.raises(httpx.ConnectError):
                await client.request("POST", URL, content=b"tea")

    orders: list[bytes] = []
    WORLDS[0].run(test)

    assert orders == [b"tea"]
    assert instant_retries == []


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
async def test_respx(world: World, instant_retries: list[float], using: str) -> None:
    with respx.mock(using=using) as router:
        route = router.get(URL)
        route.side_effect = [httpx.Response(503), httpx.ConnectTimeout, httpx.Response(200)]
        async with client_of_httpx(world) as client:
            if using == "httpx":
                # It takes the place of the whole transport: nothing is left that would retry.
                assert [(await client.get(URL)).status_code, route.call_count] == [503, 1]
                return
            response = await client.get(URL)

    assert response.status_code == 200
    assert route.call_count == 3
    assert len(retry_history(response)) == 3
    assert instant_retries == [3_600.0] * 2


async def test_pytest_httpx_sees_every_attempt(
    world: World, instant_retries: list[float], httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(status_code=503, headers={"Retry-After": "9"})
    httpx_mock.add_exception(httpx.ConnectError("refused"))
    httpx_mock.add_response(text="done")
    async with client_of_httpx(world) as client:
        response = await client.request("PUT", URL, content=b"body")

    assert response.text == "done"
    assert [each.read() for each in httpx_mock.get_requests()] == [b"body"] * 3
    assert instant_retries == [9.0, 3_600.0]


def frozen(tool: str) -> Any:
    if tool == "freezegun":
        return freezegun.freeze_time(STOPPED)
    return time_machine.travel(STOPPED, tick=False)


@pytest.mark.parametrize("tool", ["freezegun", "time-machine"])
async def test_a_stopped_clock_does_not_stop_what_is_instant(
    world: World, instant_retries: list[float], tool: str
) -> None:
    at = format_datetime(STOPPED.replace(second=30), usegmt=True)
    server = ScriptedTransport([(429, {"Retry-After": "5"}), (503, {"Retry-After": at}), 503, 200])
    with frozen(tool):
        async with world.client(server, policy=HOUR) as client:
            assert (await client.get(URL)).status_code == 200

    # The date counts from the wall clock as it stands, and what was waited already.
    assert instant_retries == [5.0, 25.0, 3_600.0]


@pytest.mark.parametrize("tool", ["freezegun", "time-machine"])
async def test_a_stopped_clock_does_not_stop_a_fake_one(world: World, tool: str) -> None:
    server = ScriptedTransport([503, 503, 200])
    with frozen(tool):
        async with world.client(server, policy=HOUR, clock=FakeClock()) as client:
            assert (await client.get(URL)).status_code == 200


@pytest.mark.parametrize("tool", ["freezegun", "time-machine"])
def test_a_thread_waits_in_real_seconds_under_a_stopped_clock(tool: str) -> None:
    async def test() -> None:
        policy = RetryPolicy(backoff=ConstantBackoff(0.01))
        async with WORLDS[0].client(ScriptedTransport([503, 503, 200]), policy=policy) as client:
            assert (await client.get(URL)).status_code == 200

    with frozen(tool):
        WORLDS[0].run(test)


async def test_vcrpy_records_and_replays_every_attempt(
    world: World, instant_retries: list[float], tmp_path: Path
) -> None:
    vcr: Any = pytest.importorskip("vcr", reason="it needs Python 3.11")
    recorder = vcr.VCR(path_transformer=lambda name: str(tmp_path / name))
    codes: list[list[int]] = []
    with HTTP1Server([Reply(503), Reply(429), Reply(200, b"done")]) as server:
        for _ in range(2):
            with recorder.use_cassette("orders.yaml") as cassette:
                async with client_of_httpx(world) as client:
                    response = await client.get(server.url)
            assert response.text == "done"
            codes.append([recorded["status"]["code"] for recorded in cassette.responses])

    assert codes == [[503, 429, 200]] * 2
    assert server.connections == 1
    assert instant_retries == [3_600.0] * 4

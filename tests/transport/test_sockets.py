"""The main job on real sockets: a real client, a real server, HTTP/1.1 and HTTP/2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import retry_history
from tests.faults.lab import Fin, HTTP1Server, HTTP2Server, Identity, Reply, Rst, client_context

from .handlers import options

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from httpx_retry.testing import FakeClock
    from tests.worlds import World


def http1(*script: Any) -> AbstractContextManager[Any]:
    return HTTP1Server(script)


def http2(*script: Any) -> AbstractContextManager[Any]:
    return HTTP2Server(script, tls=Identity())


@pytest.fixture(params=[http1, http2], ids=["HTTP/1.1", "HTTP/2"])
def serve(request: pytest.FixtureRequest) -> Any:
    return request.param


def wrapping(clock: FakeClock, **more: Any) -> dict[str, Any]:
    return options(clock, **more) | {"http2": True, "verify": client_context()}


async def test_a_get_outlives_a_flaky_server(world: World, clock: FakeClock, serve: Any) -> None:
    with serve(Reply(503), Reply(429, headers={"retry-after": "5"}), Reply(200, b"here")) as server:
        async with world.client(None, **wrapping(clock)) as client:
            response = await client.get(server.url)

    assert (response.status_code, response.content) == (200, b"here")
    assert response.http_version == ("HTTP/2" if serve is http2 else "HTTP/1.1")
    assert clock.sleeps == [0.1, 5.0]
    assert [attempt.status for attempt in retry_history(response)] == [503, 429, 200]


@pytest.mark.parametrize("ending", [Fin(), Rst()], ids=repr)
async def test_a_get_outlives_a_broken_connection_and_a_post_is_not_repeated(
    world: World, clock: FakeClock, serve: Any, ending: Fin | Rst
) -> None:
    with serve(ending, Reply(200), ending, Reply(200)) as server:
        async with world.client(None, **wrapping(clock)) as client:
            response = await client.get(server.url, headers={"x-id": "get"})
            with pytest.raises(httpx.TransportError):
                await client.post(server.url, headers={"x-id": "post"}, content=b"order")

    assert response.status_code == 200
    assert len(server.processed["get"]) == 2
    assert [request.body for request in server.processed["post"]] == [b"order"]


async def test_a_post_is_repeated_where_nothing_listens(world: World, clock: FakeClock) -> None:
    with HTTP1Server() as server:
        url = server.url
    with pytest.raises(httpx.ConnectError) as caught:
        async with world.client(None, **wrapping(clock)) as client:
            await client.post(url)

    assert len(retry_history(caught.value)) == 4


async def test_a_body_is_sent_whole_each_time(world: World, clock: FakeClock, serve: Any) -> None:
    body = bytes(range(256)) * 1024
    with serve(Reply(503), Reply(503), Reply(200)) as server:
        async with world.client(None, **wrapping(clock)) as client:
            response = await client.request(
                "PUT", server.url, content=body, headers={"x-id": "put"}
            )

    assert response.status_code == 200
    assert [request.body == body for request in server.processed["put"]] == [True] * 3


async def test_a_streamed_response_is_streamed(world: World, clock: FakeClock, serve: Any) -> None:
    body = bytes(range(256)) * 4096
    with serve(Reply(503, b"x" * 100_000), Reply(200, body)) as server:
        async with world.client(None, **wrapping(clock)) as client:
            request = client.build_request("GET", server.url)
            response = await client.send(request, stream=True)
            chunks = await world.raw_chunks(response)

    assert b"".join(chunks) == body
    assert len(chunks) > 1
    assert response.num_bytes_downloaded == len(body)

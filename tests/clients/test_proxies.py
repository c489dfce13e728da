"""With `add_retries`, requests travel as they did: over HTTP/2, through the proxies there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import add_retries, retry_history
from tests.faults.lab import (
    TRUSTED,
    Fin,
    HTTP1Server,
    HTTP2Server,
    ProxyServer,
    Received,
    Reply,
    ResetStream,
    client_context,
)
from tests.worlds import settled

from .flaky import client_of, entered, transport_of

if TYPE_CHECKING:
    from types import ModuleType

    from httpx_retry.testing import FakeClock
    from tests.faults.lab import HTTP2Step
    from tests.worlds import World

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
FAULTS: tuple[HTTP2Step, ...] = (ResetStream(), Reply(503))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no proxy until the test does."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


async def response_through(world: World, client: Any, origin: HTTP2Server) -> Any:
    async with entered(world, client):
        return await settled(client.get(origin.url))


def assert_it_went_through(proxy: ProxyServer, origin: HTTP2Server, response: Any) -> None:
    """By the servers' own logs: one tunnel, and in it one connection that speaks HTTP/2 alone."""
    target = f"127.0.0.1:{origin.port}"
    assert proxy.processed == {target: [Received("CONNECT")]}
    assert (origin.connections, origin.handshakes) == (1, 1)
    assert origin.refused == {"/": [Received("GET")]}
    assert origin.processed == {"/": [Received("GET")] * 2}
    assert (response.status_code, response.extensions["http_version"]) == (200, b"HTTP/2")
    assert len(retry_history(response)) == 3


@pytest.mark.usefixtures("environment")
async def test_http2_and_a_proxy_stay(world: World, family: ModuleType, clock: FakeClock) -> None:
    with HTTP2Server(FAULTS) as origin, ProxyServer() as proxy:
        options = {"http2": True, "proxy": proxy.url, "verify": client_context()}
        client = add_retries(client_of(family, world, **options), clock=clock)
        response = await response_through(world, client, origin)

    assert_it_went_through(proxy, origin, response)


async def test_the_proxy_of_the_environment_is_honoured(
    world: World, family: ModuleType, clock: FakeClock, environment: pytest.MonkeyPatch
) -> None:
    with HTTP2Server(FAULTS) as origin, ProxyServer() as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        options = {"http2": True, "verify": client_context()}
        client = add_retries(client_of(family, world, **options), clock=clock)
        response = await response_through(world, client, origin)

    assert_it_went_through(proxy, origin, response)


async def test_what_the_environment_exempts_goes_past_the_proxy(
    world: World, family: ModuleType, clock: FakeClock, environment: pytest.MonkeyPatch
) -> None:
    with HTTP2Server(FAULTS) as origin, ProxyServer() as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        environment.setenv("NO_PROXY", "127.0.0.1")
        options = {"http2": True, "verify": client_context()}
        client = add_retries(client_of(family, world, **options), clock=clock)
        response = await response_through(world, client, origin)

    assert proxy.connections == 0
    assert response.extensions["http_version"] == b"HTTP/2"
    assert len(retry_history(response)) == 3


@pytest.mark.usefixtures("environment")
async def test_a_proxy_that_fails_is_tried_again(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP2Server() as origin, ProxyServer([Reply(503), Fin()]) as proxy:
        options = {"http2": True, "proxy": proxy.url, "verify": client_context()}
        client = add_retries(client_of(family, world, **options), clock=clock)
        response = await response_through(world, client, origin)

    assert response.status_code == 200
    assert [len(connects) for connects in proxy.processed.values()] == [3]
    assert origin.processed == {"/": [Received("GET")]}


@pytest.mark.usefixtures("environment")
async def test_a_proxy_of_the_client_itself_leads_past_the_transport_that_it_was_given(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([Reply(503)], tls=TRUSTED) as origin, ProxyServer() as proxy:
        options = {"proxy": proxy.url, "verify": client_context()}
        transport = transport_of(family, world, clock=clock)
        client = client_of(family, world, transport=transport, **options)
        async with entered(world, client):
            response = await settled(client.get(origin.url))

    assert response.status_code == 503
    assert retry_history(response) == ()

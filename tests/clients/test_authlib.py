"""authlib's OAuth 2 clients: tokens are refreshed before, and in the middle of, retries.

They are clients of httpx2 where that is installed, and else of httpx.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import add_retries
from tests.faults.lab import HTTP1Server, Reply, client_context
from tests.worlds import settled

from .flaky import FAILS_TWICE, REFUSES_TWICE, entered, processed, told

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.faults.lab import Received
    from tests.worlds import World

# Said by authlib where httpx2 is not installed, as on Python 3.10.
pytestmark = pytest.mark.filterwarnings("ignore:The httpx module is deprecated")

DAY = 86_400.0


def issued(token: str) -> Reply:
    """What the token endpoint answers."""
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": DAY}
    return Reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def client_of(world: World, server: HTTP1Server, *, expires_in: float) -> Any:
    """A client whose first token is "old", with a refresh token."""
    package: Any = pytest.importorskip("authlib.integrations.httpx_client")
    kind = package.AsyncOAuth2Client if world.is_async else package.OAuth2Client
    token = {"access_token": "old", "refresh_token": "r-1", "token_type": "Bearer"}
    return kind(
        client_id="shop",
        client_secret="a secret",  # noqa: S106 - nobody's
        token={**token, "expires_at": time.time() + expires_in},
        token_endpoint=f"{server.url}/token",
        verify=client_context(),
        trust_env=False,
    )


def tokens(requests: list[Received]) -> list[str]:
    """The tokens that requests brought."""
    return [each.headers["authorization"].removeprefix("Bearer ") for each in requests]


async def test_a_refresh_that_is_refused_is_asked_for_again_and_then_the_request_is_retried(
    world: World, clock: FakeClock
) -> None:
    script = [*REFUSES_TWICE, issued("new"), *FAILS_TWICE, Reply(200, b"orders")]
    with HTTP1Server(script) as server:
        client = add_retries(client_of(world, server, expires_in=-DAY), clock=clock)
        async with entered(world, client):
            response = await settled(client.get(f"{server.url}/orders"))

    assert response.content == b"orders"
    assert told(processed(server)) == ["GET /orders"] * 3 + ["POST /token"] * 3
    assert tokens(server.processed["/orders"]) == ["new"] * 3
    assert len(set(map(repr, server.processed["/token"]))) == 1


async def test_a_refresh_that_may_have_happened_is_not_asked_for_twice(
    world: World, clock: FakeClock
) -> None:
    """A refresh token is often good for one use: the second would end the session."""
    with HTTP1Server([Reply(503), issued("new")]) as server:
        client = add_retries(client_of(world, server, expires_in=-DAY), clock=clock)
        async with entered(world, client):
            with pytest.raises(Exception, match="503"):
                await settled(client.get(f"{server.url}/orders"))

    assert told(processed(server)) == ["POST /token"]


async def test_a_token_that_expires_while_it_waits_is_refreshed_by_prepare(
    world: World, clock: FakeClock
) -> None:
    def expire(event: Any) -> None:
        client.token["expires_at"] = 1

    def refreshed(request: Any, number: int) -> None:
        if is_with_token(request):
            client.ensure_active_token(client.token)
            request.headers["Authorization"] = f"Bearer {client.token['access_token']}"

    async def refreshed_async(request: Any, number: int) -> None:
        if is_with_token(request):
            await client.ensure_active_token(client.token)
            request.headers["Authorization"] = f"Bearer {client.token['access_token']}"

    def is_with_token(request: Any) -> bool:
        # The refresh itself may be retried, too: it brings none.
        return str(request.headers["Authorization"]).startswith("Bearer ")

    minutes = Reply(503, headers={"Retry-After": "50"})
    script = [minutes, Reply(429), issued("new"), Reply(200, b"orders")]
    with HTTP1Server(script) as server:
        client = client_of(world, server, expires_in=DAY)
        prepare: Any = refreshed_async if world.is_async else refreshed
        add_retries(client, prepare=prepare, on_event=expire, clock=clock)
        async with entered(world, client):
            response = await settled(client.get(f"{server.url}/orders"))

    assert response.content == b"orders"
    assert tokens(server.processed["/orders"]) == ["old", "new"]
    assert told(server.processed["/token"]) == ["POST /token"] * 2


async def test_a_token_is_fetched_through_a_server_that_refuses_twice(
    world: World, clock: FakeClock
) -> None:
    with HTTP1Server([*REFUSES_TWICE, issued("first")]) as server:
        client = add_retries(client_of(world, server, expires_in=DAY), clock=clock)
        async with entered(world, client):
            token = await settled(
                client.fetch_token(f"{server.url}/token", grant_type="client_credentials")
            )

    assert token["access_token"] == "first"  # noqa: S105 - nobody's

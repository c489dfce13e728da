"""A client that openapi-python-client generated, into which retries are added."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import RetryPolicy, add_retries
from tests.faults.lab import HTTP1Server, Reply, client_context
from tests.worlds import settled

from .flaky import FAILS_TWICE, REFUSES_TWICE, entered

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World

pytestmark = pytest.mark.usefixtures("_shop_client")

DOCUMENT = json.dumps({"number": 7, "item": "tea"}).encode()
FOUND, PLACED = Reply(200, DOCUMENT), Reply(201, DOCUMENT)


def client_for(world: World, server: HTTP1Server, **retrying: Any) -> Any:
    package: Any = import_module("shop_client")
    client = package.Client(base_url=server.url, verify_ssl=client_context())
    http = client.get_async_httpx_client() if world.is_async else client.get_httpx_client()
    add_retries(http, **retrying)
    return client


def operation(world: World, name: str) -> Any:
    """The function for an operation, as the world calls it."""
    module: Any = import_module(f"shop_client.api.orders.{name}")
    return module.asyncio if world.is_async else module.sync


def order(**fields: Any) -> Any:
    models: Any = import_module("shop_client.models")
    return models.Order(**fields)


async def test_an_operation_goes_through_a_server_that_fails_twice(
    world: World, clock: FakeClock
) -> None:
    with HTTP1Server([*FAILS_TWICE, FOUND]) as server:
        async with entered(world, client_for(world, server, clock=clock)) as client:
            found = await settled(operation(world, "get_order")(7, client=client))

    assert found == order(number=7, item="tea")
    assert len(server.processed["/orders/7"]) == 3


async def test_an_order_is_placed_again_only_where_it_was_refused(
    world: World, clock: FakeClock
) -> None:
    body = order(item="tea")
    with HTTP1Server([*REFUSES_TWICE, PLACED, Reply(503), PLACED]) as server:
        async with entered(world, client_for(world, server, clock=clock)) as client:
            place = operation(world, "place_order")
            placed = await settled(place(client=client, body=body))
            nothing = await settled(place(client=client, body=body))

    assert (placed.number, nothing) == (7, None)
    assert len(server.processed["/orders"]) == 4


async def test_or_where_each_order_has_a_key(world: World, clock: FakeClock) -> None:
    keyed = RetryPolicy(generate_idempotency_key=True)
    with HTTP1Server([*FAILS_TWICE, PLACED]) as server:
        async with entered(world, client_for(world, server, policy=keyed, clock=clock)) as client:
            place = operation(world, "place_order")
            placed = await settled(place(client=client, body=order(item="tea")))

    assert placed.number == 7
    assert len({each.headers["idempotency-key"] for each in server.processed["/orders"]}) == 1


async def test_what_is_made_of_it_with_other_headers_needs_retries_of_its_own(
    world: World, clock: FakeClock
) -> None:
    with HTTP1Server([Reply(503)]) as server:
        client = client_for(world, server, clock=clock)
        async with entered(world, client), entered(world, client.with_headers({})) as other:
            assert await settled(operation(world, "get_order")(7, client=other)) is None

    assert len(server.processed["/orders/7"]) == 1

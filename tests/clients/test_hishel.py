"""hishel's cache above the retry transport, as it should be, and below it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import add_retries, retry_history
from tests.faults.lab import Cut, HTTP1Server, Reply, Rst, client_context
from tests.worlds import settled

from .flaky import FAILS_TWICE, client_of, entered, transport_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

pytestmark = pytest.mark.usefixtures("_elsewhere")

DOCUMENT = Reply(200, b"a document", {"ETag": '"v1"', "Cache-Control": "max-age=600"})
MISTAKE = Reply(503, b"sorry", {"Cache-Control": "max-age=600"})


def in_world(world: World, module: str, name: str) -> Any:
    """What goes by that name in the world, from a module of that name."""
    package = import_module(module)
    return getattr(package, f"Async{name}" if world.is_async else name)


@asynccontextmanager
async def cache_above(
    world: World, family: ModuleType, clock: FakeClock, **options: Any
) -> AsyncIterator[Any]:
    transport = transport_of(family, world, clock=clock, verify=client_context())
    cache = in_world(world, f"hishel.{family.__name__}", "CacheTransport")(transport, **options)
    async with entered(world, client_of(family, world, transport=cache)) as client:
        yield client


@asynccontextmanager
async def cache_below(
    world: World, family: ModuleType, clock: FakeClock, **options: Any
) -> AsyncIterator[Any]:
    kind = in_world(world, f"hishel.{family.__name__}", "CacheClient")
    client = kind(verify=client_context(), trust_env=False, **options)
    async with entered(world, add_retries(client, clock=clock)):
        yield client


PLACES = [cache_above, cache_below]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("rfc", [False, True])
async def test_what_came_at_the_third_attempt_is_cached(
    world: World, family: ModuleType, clock: FakeClock, place: Any, rfc: bool
) -> None:
    with HTTP1Server([*FAILS_TWICE, DOCUMENT]) as server:
        async with place(world, family, clock, rfc=rfc) as client:
            first = await settled(client.get(server.url))
            second = await settled(client.get(server.url))

    assert (first.content, second.content) == (b"a document", b"a document")
    from_cache = [each.extensions["caching"]["from_cache"] for each in (first, second)]
    assert from_cache == [False, True]
    # A cache makes a response of its own.
    assert len(retry_history(first)) == (0 if place is cache_above else 3)
    assert len(server.processed["/"]) == 3


@pytest.mark.parametrize("place", PLACES)
async def test_a_body_that_was_mended_is_cached_whole(
    world: World, family: ModuleType, clock: FakeClock, place: Any
) -> None:
    with HTTP1Server([Cut(DOCUMENT, 4, Rst()), DOCUMENT]) as server:
        async with place(world, family, clock) as client:
            contents = [(await settled(client.get(server.url))).content for _ in range(2)]

    assert contents == [b"a document"] * 2
    assert len(server.processed["/"]) == 2


@pytest.mark.parametrize("place", PLACES)
async def test_what_was_kept_is_revalidated_through_a_server_that_fails_twice(
    world: World, family: ModuleType, clock: FakeClock, place: Any
) -> None:
    old = Reply(200, b"a document", {"ETag": '"v1"', "Cache-Control": "no-cache"})
    unchanged = Reply(304, b"", {"ETag": '"v1"'})
    with HTTP1Server([old, *FAILS_TWICE, unchanged]) as server:
        async with place(world, family, clock, rfc=True) as client:
            contents = [(await settled(client.get(server.url))).content for _ in range(2)]

    assert contents == [b"a document"] * 2
    asked = [each.headers.get("if-none-match") for each in server.processed["/"]]
    assert asked == [None, '"v1"', '"v1"', '"v1"']


async def test_above_a_failure_that_may_be_kept_is_retried_all_the_same(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([MISTAKE, MISTAKE, DOCUMENT]) as server:
        async with cache_above(world, family, clock, rfc=True) as client:
            response = await settled(client.get(server.url))

    assert response.status_code == 200


async def test_below_a_failure_that_may_be_kept_answers_all_retries(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([MISTAKE, MISTAKE, DOCUMENT]) as server:
        async with cache_below(world, family, clock, rfc=True) as client:
            response = await settled(client.get(server.url))

    assert response.status_code == 503
    assert len(retry_history(response)) == 4
    assert len(server.processed["/"]) == 1

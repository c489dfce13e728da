"""Server-sent events, by httpx-sse and by httpx2 itself: none is replayed once they flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import add_retries
from tests.faults.lab import Cut, Fin, HTTP1Server, Reply, client_context

from .flaky import FAILS_TWICE, client_of, entered

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

ONE, TWO = b"id: 1\ndata: one\n\n", b"id: 2\ndata: two\n\n"
FEED = Reply(200, ONE + TWO, {"Content-Type": "text/event-stream"}, chunked=True)


def connected(world: World, client: Any, url: str, headers: dict[str, str]) -> Any:
    """The context of a source of events: httpx2 has its own, for httpx there is httpx-sse."""
    if hasattr(client, "sse"):
        return client.sse(url, headers=headers)
    package: Any = pytest.importorskip("httpx_sse")
    connect = package.aconnect_sse if world.is_async else package.connect_sse
    return connect(client, "GET", url, headers=headers)


async def hear(
    world: World, client: Any, url: str, hearer: Callable[[str], object], **headers: str
) -> None:
    """Hear what the events say, as far as they come."""
    async with entered(world, connected(world, client, url, headers)) as source:
        if world.is_async:
            async for event in source if hasattr(client, "sse") else source.aiter_sse():
                hearer(event.data)
        else:
            for event in source if hasattr(client, "sse") else source.iter_sse():
                hearer(event.data)


async def heard_from(
    server: HTTP1Server, world: World, family: ModuleType, clock: FakeClock
) -> list[str]:
    heard: list[str] = []
    client = client_of(family, world, trust_env=False, verify=client_context())
    async with entered(world, add_retries(client, clock=clock)):
        await hear(world, client, server.url, heard.append)
    return heard


async def test_a_stream_is_opened_through_a_server_that_fails_twice(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([*FAILS_TWICE, FEED]) as server:
        assert await heard_from(server, world, family, clock) == ["one", "two"]

    assert len(server.processed["/"]) == 3


async def test_a_stream_that_broke_before_any_event_is_opened_again(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([Cut(FEED, 0, Fin()), FEED]) as server:
        assert await heard_from(server, world, family, clock) == ["one", "two"]


async def test_a_stream_that_broke_later_is_the_callers_to_open_again(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    heard: list[str] = []
    with HTTP1Server([Cut(FEED, len(ONE), Fin()), *FAILS_TWICE, FEED]) as server:
        client = client_of(family, world, trust_env=False, verify=client_context())
        async with entered(world, add_retries(client, clock=clock)):
            with pytest.raises(family.RemoteProtocolError):
                await hear(world, client, server.url, heard.append)
            assert (heard, len(server.processed["/"])) == (["one"], 1)

            await hear(world, client, server.url, heard.append, **{"Last-Event-ID": "1"})

    assert heard == ["one", "one", "two"]
    asked = [each.headers.get("last-event-id") for each in server.processed["/"]]
    assert asked == [None, "1", "1", "1"]

"""How clients are made here: of both families, in three worlds; and what they meet."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.faults.lab import Reply, Rst

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from types import ModuleType

    from tests.faults.lab import HTTP1Step, Received, Server
    from tests.worlds import World

FAILS_TWICE: tuple[HTTP1Step, ...] = (Reply(503), Rst())
"""It may have been processed: for requests that may run twice."""

REFUSES_TWICE: tuple[HTTP1Step, ...] = (Reply(429), Reply(425))
"""It was not processed: for every request."""


def client_of(module: ModuleType, world: World, **options: Any) -> Any:
    """A client of httpx or httpx2, that of the world."""
    name = "AsyncClient" if world.is_async else "Client"
    return getattr(module, name)(**options)


def transport_of(module: ModuleType, world: World, **options: Any) -> Any:
    """The retry transport for that client, over a new one of httpx's own."""
    room = "httpx_retry" if module.__name__ == "httpx" else f"httpx_retry.{module.__name__}"
    name = "AsyncRetryTransport" if world.is_async else "RetryTransport"
    return getattr(import_module(room), name)(**options)


@asynccontextmanager
async def entered(world: World, client: Any) -> AsyncIterator[Any]:
    """Enters a client, or whatever else is entered, in the way of the world."""
    if world.is_async:
        async with client as each:
            yield each
    else:
        with client as each:
            yield each


def processed(server: Server[Any]) -> list[Received]:
    """What the server read in full, sorted by path or id."""
    return [each for name in sorted(server.processed) for each in server.processed[name]]


def told(requests: Iterable[Received]) -> list[str]:
    """Requests in short: method and path."""
    return [f"{each.method} {each.path}" for each in requests]

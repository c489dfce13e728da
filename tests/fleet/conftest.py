"""Each server that this machine has, and the two worlds in which Redis has a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from httpx_retry._redis import link
from tests.worlds import WORLDS, World

from .servers import KINDS, Server, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=WORLDS[:2], ids=lambda world: world.name)
def world(request: pytest.FixtureRequest) -> World:
    """Threads and asyncio."""
    found: World = request.param
    return found


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Makes Redis slow that takes longer. 5 s at first: this machine may be busy."""

    def set_it(seconds: float) -> None:
        monkeypatch.setattr(link, "LONGEST", seconds)

    set_it(5.0)
    return set_it


@pytest.fixture(scope="session", params=KINDS)
def path(request: pytest.FixtureRequest) -> str:
    """The program of each kind of server."""
    kind: str = request.param
    found = program(kind)
    if found is None:
        pytest.skip(f"this machine has no {kind}")
    return found


@pytest.fixture(scope="session")
def _running(path: str) -> Iterator[Server]:
    server = Server(path)
    yield server
    server.close()


@pytest.fixture
def server(_running: Server) -> Server:
    """A server that is running and empty."""
    with _running.admin() as client:
        client.flushall()
    return _running


@pytest.fixture
def own_server(path: str) -> Iterator[Server]:
    """One to be killed."""
    server = Server(path)
    yield server
    server.close()


@pytest.fixture(params=WORLDS[1:2], ids=lambda world: world.name)
def async_world(request: pytest.FixtureRequest) -> World:
    """Asyncio."""
    found: World = request.param
    return found

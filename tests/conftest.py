"""The three worlds, and the clock that every test tells the time."""

from __future__ import annotations

import gc
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import settings

from httpx_retry.testing import FakeClock

from .worlds import WORLDS, World

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(params=WORLDS, ids=lambda world: world.name)
def world(request: pytest.FixtureRequest) -> World:
    """Threads, asyncio, trio: each test that asks for it runs in all of them."""
    found: World = request.param
    return found


@pytest.fixture(params=[world for world in WORLDS if world.is_async], ids=lambda world: world.name)
def async_world(request: pytest.FixtureRequest) -> World:
    """Asyncio and trio: for what there is in tasks alone."""
    found: World = request.param
    return found


@pytest.fixture
def clock() -> FakeClock:
    """A clock on which no wait takes time."""
    return FakeClock()


@pytest.fixture
def _collected_at_once() -> Iterator[None]:
    """Brings the garbage collector while the test's own filters for warnings are in force."""
    yield
    gc.collect()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine function in the world that it asks for; others run it that asks for none."""
    wanted = pyfuncitem._fixtureinfo.argnames
    if not iscoroutinefunction(pyfuncitem.obj) or not {"world", "async_world"} & set(wanted):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    name = "world" if "world" in wanted else "async_world"
    world = cast("World", pyfuncitem.funcargs[name])
    world.run(partial(pyfuncitem.obj, **arguments))
    return True

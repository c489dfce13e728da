"""The two real ways to wait, with the sleep of each world recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryPolicy

from .handlers import Server

if TYPE_CHECKING:
    from tests.worlds import World


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which the operating system or the event loop was asked to wait."""
    seconds: list[float] = []

    async def sleep_in_task(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(time, "sleep", seconds.append)
    monkeypatch.setattr(anyio, "sleep", sleep_in_task)
    return seconds


async def test_the_system_clock_waits_for_real(world: World, slept: list[float]) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(0.75))

    async with world.client(Server(503, 503, 200), policy=policy) as client:
        assert (await client.get()).status_code == 200

    assert slept == [0.75, 0.75]


async def test_a_wait_of_nothing_does_not_sleep_at_all(world: World, slept: list[float]) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(0))

    async with world.client(Server(503, 200), policy=policy) as client:
        assert (await client.get()).status_code == 200

    assert slept == []


async def test_a_wait_of_days_is_no_error(world: World, slept: list[float]) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(100_000))

    async with world.client(Server(httpx.ReadError("reset"), 200), policy=policy) as client:
        assert (await client.get()).status_code == 200

    assert sum(slept) == 100_000
    assert max(slept) <= (100_000 if world.is_async else 86_400)

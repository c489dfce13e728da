"""Real time: what is asked of the operating system and of the event loop, and no more than that."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING

from httpx_retry import ConstantBackoff, RetryPolicy, retry_history

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World


async def test_the_system_clock_waits_for_real(world: World) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(0.01))
    began = time.monotonic()

    async with world.client(Server(503, 503, 200), policy=policy) as client:
        assert (await client.get()).status_code == 200

    assert time.monotonic() - began >= 0.02


async def test_a_wait_of_nothing_does_not_wait_at_all(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(0))

    async with world.client(Server(503, 200), **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 200

    assert clock.sleeps == []


async def test_any_real_number_is_a_wait(world: World) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(Fraction(1, 100)))  # type: ignore[arg-type] # as numbers.Real says

    async with world.client(Server(503, 200), policy=policy) as client:
        response = await client.get()

    assert [attempt.wait for attempt in retry_history(response)] == [0.01, None]

"""Real time: what is asked of the operating system and of the event loop, and no more than that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from httpx_retry import ConstantBackoff, RetryPolicy

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

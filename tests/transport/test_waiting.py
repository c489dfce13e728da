"""Real time: what is asked of the operating system and of the event loop, and no more than that."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from typing import TYPE_CHECKING

import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryPolicy, RetryTransport, retry_history

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


def test_the_lock_that_a_thread_waits_for_is_the_one_of_that_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given green threads, which put a lock of theirs in place once all is imported,
    waits: list[float | None] = []

    class Green:
        def acquire(self, timeout: float | None = None) -> None:
            waits.append(timeout)

    transport = RetryTransport(
        httpx.MockTransport(Server(503, 200)), policy=RetryPolicy(backoff=ConstantBackoff(1.2))
    )
    monkeypatch.setattr(threading, "Lock", Green)

    with httpx.Client(transport=transport) as client:
        assert client.get("http://test/").status_code == 200

    # then it is that one which is waited for, and no other.
    assert waits == [None, 0.5, 0.5, pytest.approx(0.2)]


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

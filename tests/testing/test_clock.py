"""The fake clock passes time when it is asked to."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from httpx_retry import VirtualClock
from httpx_retry.testing import FakeClock


def test_time_passes_by_waits_and_by_hand() -> None:
    clock = FakeClock(wall=1_000.0)
    clock.skip(0.5)
    clock.advance(2.0)
    clock.skip(0.25)

    assert clock.sleeps == [0.5, 0.25]
    assert clock.monotonic() == 2.75
    assert clock.time() == 1_002.75
    assert repr(clock) == "<FakeClock at 2.75 s, sleeps [0.5, 0.25]>"


def test_it_is_a_virtual_clock() -> None:
    assert isinstance(FakeClock(), VirtualClock)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), "1"])
def test_time_does_not_go_back(seconds: Any) -> None:
    clock = FakeClock()
    for passes in (clock.advance, clock.skip, FakeClock):
        with pytest.raises((TypeError, ValueError)):
            passes(seconds)

    assert clock.sleeps == []


def test_threads_may_share_it() -> None:
    clock = FakeClock()

    def wait() -> None:
        for _ in range(1_000):
            clock.skip(1.0)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clock.monotonic() == len(clock.sleeps) == 4_000

"""Locks, seen from another thread than the one that holds them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx_retry._core._lock import ForkSafeLock


@contextmanager
def held_by_another_thread(lock: ForkSafeLock) -> Iterator[None]:
    """Hold a lock in another thread while the block lasts."""
    held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock.here():
            held.set()
            is_over.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        is_over.set()
        thread.join(10)


def is_held(lock: ForkSafeLock) -> bool:
    """Whether another thread would wait for a lock."""
    got: list[bool] = []

    def take() -> None:
        here = lock.here()
        got.append(here.acquire(blocking=False))
        if got == [True]:
            here.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(10)
    return got == [False]

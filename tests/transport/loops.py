"""Event loops of asyncio whose waits take no time."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

# Turns of a loop that no test needs.
MANY = 200_000


class Skipping(selectors.SelectSelector):
    """A selector that waits for nothing: time passes in the loop alone.

    Attributes:
        turns: of the loop so far.
    """

    now = 0.0
    turns = 0

    def select(self, timeout: float | None = None) -> Any:
        self.turns += 1
        assert self.turns < MANY, "it would hang"
        self.now += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose waits take no time.

    Attributes:
        timers: all that were set.
    """

    def __init__(self) -> None:
        self.skipping = Skipping()
        super().__init__(self.skipping)
        self.timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self.skipping.now

    def call_at(  # type: ignore[override] # Python 3.10's has other types than later ones
        self, when: float, callback: Callable[..., object], *args: Any, **options: Any
    ) -> asyncio.TimerHandle:
        self.timers.append(super().call_at(when, callback, *args, **options))
        return self.timers[-1]


def run(main: Coroutine[Any, Any, object], loop: SkippingLoop | None = None) -> None:
    """Run a coroutine in a loop whose waits take no time."""
    loop = loop or SkippingLoop()
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()


class Since:
    """Who waits since an epoch, for real."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def skip(self, seconds: float) -> None:
        raise AssertionError(f"{seconds} s are to be waited")

"""What is measured: one call, made over and over, in a thread or in a task of asyncio.

Timers and instruction counters run the same work; a loop and one twice as long tell what a call
costs, and what surrounds the loop cancels.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Work(Protocol):
    """Something to be done `count` times."""

    def run(self, count: int) -> None:
        """Do it so many times."""

    def close(self) -> None:
        """Let go of clients, threads and event loops."""


Make: TypeAlias = "Callable[[], Work]"


def _nothing() -> None:
    """Nothing has to be closed."""


class Calls:
    """Calls from a thread."""

    def __init__(self, call: Callable[[], Any], close: Callable[[], Any] = _nothing) -> None:
        self._call = call
        self.close = close

    def run(self, count: int) -> None:
        call = self._call
        for _ in range(count):
            call()


class TaskCalls:
    """Calls from a task, in an event loop of their own."""

    def __init__(
        self, call: Callable[[], Awaitable[Any]], close: Callable[[], Awaitable[Any]] | None = None
    ) -> None:
        self._call = call
        self._close = close
        self._loop = asyncio.new_event_loop()

    async def _calls(self, count: int) -> None:
        call = self._call
        for _ in range(count):
            await call()

    async def _closed(self) -> None:
        if self._close is not None:
            await self._close()

    def run(self, count: int) -> None:
        self._loop.run_until_complete(self._calls(count))

    def close(self) -> None:
        self._loop.run_until_complete(self._closed())
        self._loop.close()

"""The two ways to wait: a thread's and a task's; and what else differs between them in kind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ._core._checks import check_callable, check_plain_function
from ._core.clock import Clock, VirtualClock

if TYPE_CHECKING:
    import httpx

Prepare = Callable[["httpx.Request", int], Any]

# time.sleep refuses more than about 292 years; nobody waits out a day within one request either.
_LONGEST_SLEEP = 86_400.0


class ThreadWait:
    """Waits in the calling thread.

    Args:
        clock: one that passes its own time (`VirtualClock`) is asked to; else real time passes.
    """

    def __init__(self, clock: Clock) -> None:
        self._virtual = clock if isinstance(clock, VirtualClock) else None

    def wait(self, seconds: float) -> None:
        """Return after `seconds`."""
        if self._virtual is not None:
            self._virtual.skip(seconds)
            return
        while seconds > 0:
            time.sleep(min(seconds, _LONGEST_SLEEP))
            seconds -= _LONGEST_SLEEP


class TaskWait:
    """Waits in the calling task, of asyncio or trio.

    Args:
        clock: as for `ThreadWait`.
    """

    def __init__(self, clock: Clock) -> None:
        self._virtual = clock if isinstance(clock, VirtualClock) else None

    async def wait(self, seconds: float) -> None:
        """Return after `seconds`."""
        from anyio import sleep  # noqa: PLC0415 - httpx brings it in when it first needs it, too

        if self._virtual is not None:
            self._virtual.skip(seconds)
            seconds = 0.0
        await sleep(seconds)


def as_hook(name: str, function: Prepare) -> Prepare:
    """Return the function, checked to be a plain one.

    Raises:
        TypeError: for what is no plain function.
    """
    check_plain_function(name, function)
    return function


def as_async_hook(name: str, function: Prepare) -> Callable[[httpx.Request, int], Awaitable[Any]]:
    """Return a coroutine function that calls one, or a plain function.

    Raises:
        TypeError: for what cannot be called.
    """
    check_callable(name, function)

    async def hook(request: httpx.Request, number: int) -> Any:
        result = function(request, number)
        return await result if isawaitable(result) else result

    return hook


whole = list
"""All chunks of a stream."""


async def async_whole(stream: AsyncIterable[bytes]) -> list[bytes]:
    """Return all chunks of an async stream."""
    return [chunk async for chunk in stream]


def end_iteration(iterator: Any) -> None:
    """Close a generator that is not read to its end; any other iterator needs nothing."""
    close = getattr(iterator, "close", None)
    if close is not None:
        close()


async def end_async_iteration(iterator: Any) -> None:
    """Close an async generator, as `end_iteration` does: trio warns of those left open."""
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()

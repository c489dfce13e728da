"""What asyncio alone has: its running loop, and work that `task.cancel()` would cut short."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Coroutine


def asyncio_loop() -> AbstractEventLoop | None:
    """Return the event loop of asyncio whose task runs this; None in a task of trio."""
    asyncio: Any = sys.modules.get("asyncio")
    try:
        loop: AbstractEventLoop | None = asyncio and asyncio.get_running_loop()
    except RuntimeError:
        return None
    # As trio's guest, a loop of asyncio runs what is no task of its own.
    return loop if loop and asyncio.current_task(loop) else None


async def undisturbed(
    work: Coroutine[Any, Any, None], loop: AbstractEventLoop
) -> BaseException | None:
    """Run a coroutine to its end, whatever `task.cancel()` does, and return that cancellation.

    A shielded scope of anyio does not stop `task.cancel()`; a task of its own does. Timeouts and
    cancellations within the work stay within it.

    Raises:
        BaseException: what the work raises, where nothing was cancelled.
    """
    import asyncio  # noqa: PLC0415 - it is loaded, as a task of it runs this

    ended = loop.create_future()

    def tell(_: object = None) -> None:
        if not ended.done():
            ended.set_result(None)

    async def work_and_tell() -> None:
        try:
            await work
        finally:
            tell()

    task = loop.create_task(work_and_tell())
    # For a task that is cancelled before it begins: its `finally` is never reached. Else this comes
    # one turn of the loop after `tell` was called there.
    task.add_done_callback(tell)
    cancellation: BaseException | None = None
    while not task.done():
        try:
            await ended
        except asyncio.CancelledError as error:  # noqa: PERF203 - once, as a rule
            cancellation, ended = error, loop.create_future()
    failure = None if task.cancelled() else task.exception()
    if failure is not None and cancellation is None:
        raise failure
    return cancellation

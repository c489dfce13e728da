"""Streams in both worlds: read whole, left early, closed for good."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterable, Coroutine

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


def close_stream(stream: Any) -> None:
    """Close what is thrown away; how it breaks then is nobody's concern. None: nothing is."""
    if stream is not None:
        try:  # noqa: SIM105 - contextlib's manager costs what all else here does
            stream.close()
        except Exception:  # noqa: BLE001, S110 - as said
            pass


async def close_async_stream(stream: Any) -> None:
    """Close what is thrown away, to the end; a cancellation meanwhile is raised afterwards.

    A close that is cut short leaks its connection's slot. On asyncio it is another task's: it must
    not leave a scope of the task that sent the request.
    """
    if stream is None:
        return
    from anyio import CancelScope  # noqa: PLC0415 - httpx brings it in when it first needs it, too

    cancellation = None
    with CancelScope(shield=True):
        loop = asyncio_loop()
        if loop is not None:
            cancellation = await _undisturbed(_closed(stream), loop)
        else:
            await _closed(stream)
    if cancellation is not None:
        raise cancellation


async def _closed(stream: Any) -> None:
    with suppress(Exception):
        await stream.aclose()


def asyncio_loop() -> AbstractEventLoop | None:
    """Return the event loop of asyncio whose task runs this; None in a task of trio."""
    asyncio: Any = sys.modules.get("asyncio")
    try:
        loop: AbstractEventLoop | None = asyncio and asyncio.get_running_loop()
    except RuntimeError:
        return None
    # As trio's guest, a loop of asyncio runs what is no task of its own.
    return loop if loop and asyncio.current_task(loop) else None


async def _undisturbed(
    work: Coroutine[Any, Any, None], loop: AbstractEventLoop
) -> BaseException | None:
    """Run a coroutine to its end, whatever `task.cancel()` does, and return that cancellation.

    No scope holds it off. A task of its own does: what the work itself times out or cancels stays
    its own affair there.
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
    # A turn of the loop later, but whatever becomes of it: it may be cancelled before it begins.
    task.add_done_callback(tell)
    cancellation: BaseException | None = None
    while not task.done():
        try:
            await ended
        except asyncio.CancelledError as error:  # noqa: PERF203 - once, as a rule
            cancellation, ended = error, loop.create_future()
    return cancellation

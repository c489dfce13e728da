"""Streams in both worlds: read whole, left early, closed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._http.alarm import interrupt_of
from ._loop import asyncio_loop, undisturbed

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

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
    """Close what is thrown away; how it breaks then is nobody's concern. None: nothing is.

    Raises:
        Exception: what a signal's handler, or another thread, raises meanwhile.
    """
    if stream is not None:
        try:
            stream.close()
        except Exception as error:
            if interrupt_of(error) is not None:
                raise


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
            cancellation = await undisturbed(_closed(stream), loop)
        else:
            await _closed(stream)
    if cancellation is not None:
        raise cancellation


async def _closed(stream: Any) -> None:
    try:
        await stream.aclose()
    except Exception as error:
        if interrupt_of(error) is not None:
            raise

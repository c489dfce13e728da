"""The gap that no pool can close: a connection found good, and gone when the request is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .server import Server
    from .steps import Fin, Rst, Step

_POLLED_BUT_NOT_WRITTEN = "send_request_headers.started"

Trace: TypeAlias = "Callable[[str, Mapping[str, Any]], None]"
AsyncTrace: TypeAlias = "Callable[[str, Mapping[str, Any]], Awaitable[None]]"


def close_before_write(server: Server[Step], by: Fin | Rst) -> Trace:
    """A trace (`extensions={"trace": ...}`) that has idle connections closed under a request.

    httpcore reports the start of writing after its pool has polled the connection: at that point
    the trace lets the server close it. After an RST the write fails, but on asyncio, where the read
    does; after a FIN it succeeds, and the read finds the end.
    """

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(_POLLED_BUT_NOT_WRITTEN):
            server.close_idle(by)

    return trace


def close_before_write_async(server: Server[Step], by: Fin | Rst) -> AsyncTrace:
    """The same for asyncio and trio."""
    close = close_before_write(server, by)

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        close(event, info)

    return trace

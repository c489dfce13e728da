"""What httpcore's trace of one attempt proves: whether the request left, and on which stream.

httpcore calls `extensions["trace"]` at each of its steps. A proxy's CONNECT emits the same events
as the request that it is for: only the body's stream tells the two apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

_HEADERS = frozenset({"http11.send_request_headers", "http2.send_request_headers"})


class Witness:
    """Sees one attempt through its trace.

    Args:
        request: the request that is traced.

    Attributes:
        saw_anything: whether the transport traces at all: where it does not, nothing is proved.
        began: whether the sending of the request's headers was begun.
        headers_left: whether its headers were written whole.
        stream_id: the HTTP/2 stream that they were written to; None over HTTP/1.1.
        tunnel_failed: whether TLS failed inside a proxy's tunnel.
    """

    __slots__ = (
        "_body",
        "_is_own_step",
        "began",
        "headers_left",
        "saw_anything",
        "stream_id",
        "tunnel_failed",
    )

    def __init__(self, request: httpx.Request) -> None:
        self._body = request.stream
        self._is_own_step = False
        self.saw_anything = False
        self.began = False
        self.headers_left = False
        self.stream_id: int | None = None
        self.tunnel_failed = False

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take in one event of the trace."""
        self.saw_anything = True
        step, _, stage = event.rpartition(".")
        if stage == "started":
            if "request" in info:
                self._is_own_step = info["request"].stream is self._body
            if step in _HEADERS and self._is_own_step:
                self.began = True
                self.stream_id = info.get("stream_id")
        elif step in _HEADERS and stage == "complete" and self._is_own_step:
            self.headers_left = True
        elif stage == "failed":
            self._note_failure(step, info["exception"])

    def _note_failure(self, step: str, error: BaseException) -> None:
        if step == "proxy.start_tls":
            self.tunnel_failed = True
        elif type(error).__name__ == "ConnectionNotAvailable":
            # A GOAWAY that named a lower stream: unprocessed, and httpcore sends it again itself.
            self.headers_left = False


def as_trace(
    witness: Witness, following: Callable[[str, dict[str, Any]], Any] | None
) -> Callable[[str, dict[str, Any]], None]:
    """Return a trace extension for threads: the witness sees each event, then the caller's own."""

    def trace(event: str, info: dict[str, Any]) -> Any:
        witness.note(event, info)
        return None if following is None else following(event, info)

    return trace


def as_async_trace(
    witness: Witness, following: Callable[[str, dict[str, Any]], Any] | None
) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """Return a trace extension for tasks, as `as_trace` does."""

    async def trace(event: str, info: dict[str, Any]) -> None:
        witness.note(event, info)
        if following is not None:
            await following(event, info)

    return trace

"""What httpcore's trace of one attempt proves: whether a request left, and on which stream.

httpcore calls `extensions["trace"]` at each of its steps. A proxy's CONNECT emits the same events
as the request that it is for. Any other request that leaves counts as ours: a wrapped transport
may put another in its place, or send several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .unwritten import never_left

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_HEADERS = frozenset({"http11.send_request_headers", "http2.send_request_headers"})
_ANSWERS = frozenset({"http11.receive_response_headers", "http2.receive_response_headers"})


class Witness:
    """Sees one attempt through its trace.

    Attributes:
        saw_anything: whether the transport traces at all: where it does not, nothing is proved.
        began: whether the sending of a request's headers was begun.
        left: how many requests' headers may have left: all that were begun, less those that
            provably were not written whole, and those that a GOAWAY disowned. A server may act on
            headers alone, whatever body they announce.
        disowned: how many were: httpcore sends those again itself.
        was_answered: whether response headers came for any of them.
        stream_id: the HTTP/2 stream of the latest; None over HTTP/1.1, and where it did not leave.
        tunnel_failed: whether TLS failed inside a proxy's tunnel.
    """

    __slots__ = (
        "_is_connect",
        "_over_tls",
        "began",
        "disowned",
        "left",
        "saw_anything",
        "stream_id",
        "tunnel_failed",
        "was_answered",
    )

    def __init__(self) -> None:
        self._is_connect = self._over_tls = False
        self.saw_anything = False
        self.began = False
        self.left = 0
        self.disowned = 0
        self.was_answered = False
        self.stream_id: int | None = None
        self.tunnel_failed = False

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take in one event of the trace."""
        self.saw_anything = True
        step, _, stage = event.rpartition(".")
        if stage == "started":
            if step in _HEADERS:
                self._is_connect = info["request"].method == b"CONNECT"
                if not self._is_connect:
                    self.began = True
                    # Until the contrary is proved: an alarm may go off at any line.
                    self.left += 1
                    self.stream_id = info.get("stream_id")
                    self._over_tls = info["request"].url.scheme == b"https"
        elif stage == "failed":
            self._note_failure(step, info["exception"])
        elif not self._is_connect:
            self.was_answered = self.was_answered or step in _ANSWERS

    def _note_failure(self, step: str, error: BaseException) -> None:
        if step == "proxy.start_tls":
            self.tunnel_failed = True
        elif step in _HEADERS and not self._is_connect:
            if never_left(error, self.stream_id, over_tls=self._over_tls):
                self._take_back()
        elif step in _ANSWERS and type(error).__name__ == "ConnectionNotAvailable":
            self._take_back()
            self.disowned += 1

    def _take_back(self) -> None:
        """The latest did not leave: what is said of its stream is said of no other."""
        self.left -= 1
        self.stream_id = None


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

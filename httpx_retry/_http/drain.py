"""When it is cheaper to read what is left of a response than to lose its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .representation import WITHOUT_BODY, length_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

# Bytes. HTTP/1.1 gives a connection up if a body is left unread. HTTP/2 keeps it, but what is left
# unread goes on eating the window that all its streams share.
_SHORT = 1 << 14
_SHORT_OF_HTTP2 = 1 << 22
_MOST_DIGITS = 9
# Seconds after which no more is read; a read that has begun has the caller's own timeout.
_LONGEST = 1.0
_LONGEST_READ = 5.0


class Drain:
    """How much of a response may still be read, and for how long.

    Args:
        stream: the response's, sync or async.
        limit: bytes.
        monotonic: the clock, in seconds.

    Attributes:
        stream: as given.
        ends: the monotonic second at which it is given up.
    """

    __slots__ = ("_left", "_monotonic", "ends", "stream")

    def __init__(self, stream: Any, limit: int, monotonic: Callable[[], float]) -> None:
        self.stream = stream
        self._left = limit
        self._monotonic = monotonic
        self.ends = monotonic() + _LONGEST

    def is_over(self, size: int) -> bool:
        """Whether no more is to be read, now that a chunk of `size` bytes has come."""
        self._left -= size
        return self._left < 0 or self._monotonic() > self.ends


def drain_for(
    request: httpx.Request,
    response: httpx.Response,
    monotonic: Callable[[], float],
    left: float | None,
    *,
    over_http2: bool,
) -> Drain | None:
    """Return how to drain a response; None: it is rather closed unread.

    Args:
        request: what it answers.
        response: not read yet.
        monotonic: the clock, in seconds.
        left: seconds until the deadline; None: there is none.
        over_http2: whether the response came over HTTP/2.
    """
    value = length_of(response.headers)
    length: int | None = None
    if value is not None and value.isdigit() and len(value) <= _MOST_DIGITS:
        length = int(value)
    if request.method == "HEAD" or response.status_code in WITHOUT_BODY:
        length = 0
    if over_http2:
        # Even where there is no body its server has yet to say so: END_STREAM may never come.
        limit = most = _SHORT_OF_HTTP2
    elif length == 0:
        return Drain(response.stream, 0, monotonic)
    elif length is None:
        return None
    else:
        limit, most = length, _SHORT
    if length is not None and length > most:
        return None
    timeouts = request.extensions.get("timeout")
    # httpx gives a dict: to ask for any Mapping costs ten times as much.
    longest_read = timeouts.get("read") if isinstance(timeouts, dict) else None
    # A server may go silent in the middle: nobody waits long for what nobody wants.
    if longest_read is None or longest_read > _LONGEST_READ:
        return None
    if left is not None and left < _LONGEST + longest_read:
        return None
    return Drain(response.stream, limit, monotonic)

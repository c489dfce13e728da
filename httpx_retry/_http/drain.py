"""When it is cheaper to read what is left of a response than to lose its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .deadline import Deadline
from .representation import WITHOUT_BODY, length_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

# Bytes. HTTP/1.1 gives a connection up if a body is left unread. HTTP/2 keeps it, but what is left
# unread goes on eating the window that all its streams share, and its stream counts as open.
_SHORT = 1 << 14
_SHORT_OF_HTTP2 = 1 << 22
_MOST_DIGITS = 9
# Seconds after which no read begins, and the fewest for which it is worth while.
_LONGEST = 1.0
_SHORTEST = 0.05
# Seconds that the last read may last over HTTP/2.
_LONGEST_READ = 2.0
# A caller's own read timeout that is not above this is left as it is.
_PATIENCE = 5.0


class Drain:
    """How much of a response may still be read, and for how long.

    Args:
        stream: the response's, sync or async.
        limit: bytes.
        monotonic: the clock, in seconds.
        ends: the monotonic second at which it is given up.

    Attributes:
        stream: as given.
    """

    __slots__ = ("_ends", "_left", "_monotonic", "stream")

    def __init__(
        self, stream: Any, limit: int, monotonic: Callable[[], float], ends: float
    ) -> None:
        self.stream = stream
        self._left = limit
        self._monotonic = monotonic
        self._ends = ends

    def is_over(self, size: int) -> bool:
        """Whether no more is to be read, now that a chunk of `size` bytes has come."""
        self._left -= size
        return self._left < 0 or self._monotonic() > self._ends


def drain_for(  # noqa: PLR0913 - what is known of the attempt, which stands a rank above
    request: httpx.Request,
    response: httpx.Response,
    monotonic: Callable[[], float],
    left: float | None,
    deadline: Deadline | None,
    *,
    over_http2: bool,
) -> Drain | None:
    """Return how to drain a response; None: it is rather closed unread.

    Args:
        request: what it answers.
        response: not read yet.
        monotonic: the clock, in seconds.
        left: seconds until the deadline; None: there is none.
        deadline: the timeouts that the request was sent with, where they can be moved.
        over_http2: whether the response came over HTTP/2.
    """
    limit = _limit_for(request, response, over_http2=over_http2)
    if limit is None:
        return None
    if limit and deadline is None:
        timeouts = request.extensions.get("timeout")
        # httpx gives a dict: to ask for any Mapping costs ten times as much.
        own = timeouts if isinstance(timeouts, dict) else {}
        longest_read = own.get("read")
        if over_http2 or longest_read is None or longest_read > _PATIENCE:
            # What is no chunk is not counted, and may go on for ever: silence, pings, others.
            deadline = _deadline_in(response.stream, own, monotonic)
            if deadline is None:
                return None
    # Half of what is left stays for the retry; and what is read last may take as long again.
    seconds = _LONGEST if left is None else min(_LONGEST, left / 4)
    if limit and seconds < _SHORTEST:
        return None
    now = monotonic()
    ends = now + seconds
    if deadline is not None:
        last = ends
        if over_http2:
            # One that times out takes all its connection with it: it is given longer.
            deadline.stop_reading(ends)
            longest = seconds + _LONGEST_READ
            last = now + (longest if left is None else min(longest, left / 2))
        deadline.move(last)
    return Drain(response.stream, limit, monotonic, ends)


def _limit_for(request: httpx.Request, response: httpx.Response, *, over_http2: bool) -> int | None:
    """The bytes that may be read: 0 where there are none, None where none are to be."""
    value = length_of(response.headers)
    length: int | None = None
    if value is not None and value.isdigit() and len(value) <= _MOST_DIGITS:
        length = int(value)
    if request.method == "HEAD" or response.status_code in WITHOUT_BODY:
        length = 0
    most = _SHORT_OF_HTTP2 if over_http2 else _SHORT
    if length is not None and length > most:
        return None
    # Even where there is no body a server over HTTP/2 has yet to say so: END_STREAM may never come.
    return most if over_http2 else length


def _deadline_in(
    stream: object, own: dict[str, Any], monotonic: Callable[[], float]
) -> Deadline | None:
    """Put a deadline into the request that httpcore reads a stream for; None: it is not found.

    It asks that one for its timeouts before each read. It is no other's, and not the caller's.
    """
    request: Any = stream
    for name in ("_httpcore_stream", "_stream", "_request"):
        request = getattr(request, name, None)
    extensions = getattr(request, "extensions", None)
    if not isinstance(extensions, dict):
        return None
    deadline = Deadline(own, None, monotonic)
    request.extensions = {**extensions, "timeout": deadline}
    return deadline

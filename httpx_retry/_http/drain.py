"""When it is cheaper to read what is left of a response than to lose its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .deadline import is_patient, timeouts_of
from .httpcore_stream import connection_stream, put_deadline
from .representation import WITHOUT_BODY, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from .deadline import Deadline

# Bytes. A connection is given up if a body is left unread.
_SHORT = 1 << 14
_MOST_DIGITS = 9
# Seconds after which no read begins, and the fewest for which it is worth while.
_LONGEST = 1.0
_SHORTEST = 0.05


class Drain:
    """How much of a response may still be read, and for how long.

    Args:
        stream: the response's, sync or async, or what is beneath it.
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


def drain_for(
    request: httpx.Request,
    response: httpx.Response,
    monotonic: Callable[[], float],
    left: float | None,
    deadline: Deadline | None,
) -> Drain | None:
    """Return how to drain a response over HTTP/1.1; None: it is rather closed unread.

    Args:
        request: what it answers.
        response: not read yet.
        monotonic: the clock, in seconds.
        left: seconds until the deadline; None: there is none.
        deadline: the timeouts that the request was sent with, where they can be moved.
    """
    length = _length_of(request, response)
    if length is None or length > _SHORT:
        return None
    # Half of what is left stays for the retry; and what is read last may take as long again.
    seconds = _LONGEST if left is None else min(_LONGEST, left / 4)
    if length and seconds < _SHORTEST:
        return None
    ends = monotonic() + seconds
    if length:
        own = timeouts_of(request)
        # A server may go silent halfway.
        if deadline is not None or is_patient(own):
            found = put_deadline(response.stream, own, monotonic)
            deadline = deadline if found is None else found
            if deadline is None:
                return None
            deadline.move(ends)
    # What httpx and the pool add for whoever reads costs a quarter of all that a retry does here.
    stream = connection_stream(response.stream)
    return Drain(response.stream if stream is None else stream, length, monotonic, ends)


def _length_of(request: httpx.Request, response: httpx.Response) -> int | None:
    """The bytes of a body; None where nobody says, or where its connection ends with it."""
    if request.method == "HEAD" or response.status_code in WITHOUT_BODY:
        return 0
    length = b""
    for _, name, value in fields_of(response.headers):
        if name == b"content-length":
            length = value
        elif name == b"transfer-encoding" or (name == b"connection" and b"close" in value.lower()):
            return None
    return int(length) if length.isdigit() and len(length) <= _MOST_DIGITS else None

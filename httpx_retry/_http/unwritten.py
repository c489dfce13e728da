"""Whether the headers of a request left, where writing them failed.

Over HTTP/1.1 a write that failed did not write all, unless somebody else on this side closed the
connection meanwhile. Over HTTP/2 httpcore writes what all requests on a connection have queued in
whichever of them comes first, and gives each later one the error of the write that failed: so the
headers of a request that meets one may have gone long before. What went, and what did not, stands
in the frames that the error came through; where they do not tell, nothing is proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .causes import frames_of, is_a

if TYPE_CHECKING:
    from types import FrameType

_WRITE = "_write_outgoing_data"
# Of TLS, a record that is cut short is none: what one holds arrives whole or not at all.
_RECORD = 16_384
# RFC 9113 §4.1, §6.2, §6.10.
_FRAME_HEADER = 9
_HEADERS, _CONTINUATION = 0x1, 0x9


def never_left(error: BaseException, stream_id: int | None, *, over_tls: bool) -> bool:
    """Whether it is proved that a request's headers were not written whole.

    Args:
        error: of the step that was to write them, as httpcore's trace shows it.
        stream_id: of the request; None over HTTP/1.1.
        over_tls: whether its connection is.
    """
    # asyncio goes on writing after a timeout or a cancellation, and an alarm interrupts anything.
    # So it does until somebody closes the connection, which the writer hears of only then.
    has_failed = type(error).__name__ == "WriteError" and not is_a(
        error.__cause__, "anyio", "ClosedResourceError"
    )
    if stream_id is None:
        return has_failed
    frames = list(frames_of(error))
    if is_a(error, "h2.exceptions", "ProtocolError"):
        return any(_makes_frames(frame) for frame in frames)
    # The latest first: each wrote, or was to write, what had been queued by then.
    writes = [frame.f_locals for frame in frames if frame.f_code.co_name == _WRITE]
    # A transport may raise one and the same error on many connections.
    ours = [each for each in writes if each.get("self") is writes[0].get("self")]
    queued: list[bytes] = [each["data_to_send"] for each in ours if "data_to_send" in each]
    for data in queued:
        end = _end_of_headers(data, stream_id)
        if end is not None:
            was_begun = data is queued[-1]  # else an earlier write had failed
            return not was_begun or (has_failed and over_tls and _is_in_last_record(end, data))
    return False  # another request wrote them, and that went well


def _makes_frames(frame: FrameType) -> bool:
    """Whether h2 was to make frames of headers, which it refuses on a connection that closes."""
    is_h2 = frame.f_globals.get("__name__") == "h2.connection"
    return is_h2 and frame.f_code.co_name == "send_headers"


def _is_in_last_record(end: int, data: bytes) -> bool:
    """Whether what ends there does so in the record of TLS that a write which failed lacks."""
    return end > (len(data) - 1) // _RECORD * _RECORD


def _end_of_headers(data: bytes, stream_id: int) -> int | None:
    """Where the headers of a stream end in what was queued; None: they are not in it."""
    found, start = None, 0
    while start + _FRAME_HEADER <= len(data):
        length, kind = int.from_bytes(data[start : start + 3], "big"), data[start + 3]
        stream = int.from_bytes(data[start + 5 : start + _FRAME_HEADER], "big")
        start += _FRAME_HEADER + length
        if stream == stream_id and kind in (_HEADERS, _CONTINUATION):
            found = start
    return found

"""Whether the headers of a request over HTTP/2 left, where writing them failed.

httpcore writes what all requests on a connection have queued in whichever of them comes first, and
gives each later one the error of the write that failed. So the headers of a request that meets one
may have gone long before. What went, and what did not, stands in the frames that the error came
through; where they do not tell, nothing is proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .causes import frames_of

if TYPE_CHECKING:
    from types import FrameType

_WRITE = "_write_outgoing_data"
# Of TLS, a record that is cut short is none: what one holds arrives whole or not at all.
_RECORD = 16_384
# RFC 9113 §4.1, §6.2, §6.10.
_FRAME_HEADER = 9
_HEADERS, _CONTINUATION = 0x1, 0x9


def never_left(error: BaseException, stream_id: int, *, over_tls: bool) -> bool:
    """Whether it is proved that a request's headers were not written whole.

    Args:
        error: of the step that was to write them, as httpcore's trace shows it.
        stream_id: of the request.
        over_tls: whether its connection is.
    """
    frames = list(frames_of(error))
    if any(_is_refusal_of_h2(frame) for frame in frames):
        return True
    # The latest first: each wrote, or was to write, what had been queued by then.
    writes = [frame.f_locals for frame in frames if frame.f_code.co_name == _WRITE]
    # A transport may raise one and the same error on many connections.
    ours = [each for each in writes if each.get("self") is writes[0].get("self")]
    queued: list[bytes] = [each["data_to_send"] for each in ours if "data_to_send" in each]
    for data in queued:
        end = _end_of_headers(data, stream_id)
        if end is not None:
            was_begun = data is queued[-1]  # else an earlier write had failed
            return not was_begun or (over_tls and _was_cut_before(end, data, error))
    return False  # another request wrote them, and that went well


def goes_on(error: BaseException) -> bool:
    """Whether a write may go on after this: asyncio's does after a timeout or a cancellation."""
    return type(error).__name__ == "WriteTimeout" or not isinstance(error, Exception)


def _was_cut_before(end: int, data: bytes, error: BaseException) -> bool:
    """Whether a write over TLS that failed ended before this place: it lacks its last record."""
    return not goes_on(error) and end > (len(data) - 1) // _RECORD * _RECORD


def _is_refusal_of_h2(frame: FrameType) -> bool:
    """Whether h2 would not even make a frame of headers, on a connection that is closing."""
    is_h2 = frame.f_globals.get("__name__") == "h2.connection"
    return is_h2 and frame.f_code.co_name == "send_headers"


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

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
    from collections.abc import Iterator
    from types import FrameType

_WRITE = "_write_outgoing_data"
# Of TLS, a record that is cut short is none: what one holds arrives whole or not at all.
_RECORD = 16_384
# RFC 9113 §4.1, §6.2.
_FRAME_HEADER = 9
_HEADERS = 0x1


def never_left(error: BaseException, stream_id: int, *, over_tls: bool) -> bool:
    """Whether it is proved that a request's headers were not written whole.

    Args:
        error: httpcore's own, of the step that was to write them, as its trace shows it.
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
    holding = [number for number, data in enumerate(queued) if _ours_and_after(data, stream_id)]
    if not holding:
        return False  # another request wrote them, and that went well
    data = queued[holding[0]]
    if data is not queued[-1]:
        return True  # that write was not begun: an earlier one had failed
    if type(error).__name__ == "WriteTimeout":
        return False  # asyncio goes on writing after one, and a system keeps what it has taken
    is_last = all(each == stream_id for each in _ours_and_after(data, stream_id))
    return is_last or (over_tls and len(data) <= _RECORD)


def _is_refusal_of_h2(frame: FrameType) -> bool:
    """Whether h2 would not even make a frame of headers, on a connection that is closing."""
    is_h2 = frame.f_globals.get("__name__") == "h2.connection"
    return is_h2 and frame.f_code.co_name == "send_headers"


def _ours_and_after(data: bytes, stream_id: int) -> list[int]:
    """The streams of the frames in what was queued, from the headers of ours on."""
    frames = list(_frames_in(data))
    places = [place for place, each in enumerate(frames) if each == (_HEADERS, stream_id)]
    return [each for _, each in frames[places[0] :]] if places else []


def _frames_in(data: bytes) -> Iterator[tuple[int, int]]:
    """The type and stream of each frame."""
    place = 0
    while place + _FRAME_HEADER <= len(data):
        length, kind = int.from_bytes(data[place : place + 3], "big"), data[place + 3]
        stream = int.from_bytes(data[place + 5 : place + _FRAME_HEADER], "big") & 0x7FFF_FFFF
        yield kind, stream
        place += _FRAME_HEADER + length

"""What httpcore reads a response from, beneath the stream that httpx gives: what ends that well.

Nothing but its own attributes leads there. Where they do not, as over mocks and other libraries,
nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

# RFC 9113 §7: the stream is no longer needed.
_CANCEL = 0x8
# Bytes that httpcore lets come unread on a connection, and the fewest that are worth a frame.
_WINDOW = 1 << 24
_WORTH_A_FRAME = 1 << 20


def abandon_stream(stream: object) -> None:
    """Let a response over HTTP/2 that nobody reads hold up no other on its connection.

    httpcore closes one that was not read to its end without a word. What still comes of it uses up
    the window that all streams of the connection share (RFC 9113 §5.2.1): after some twenty answers
    of a megabyte, nothing comes any more. So the window is opened by as much as may still come.

    To read it takes time, and a read that times out takes the connection with it. To cancel each is
    what servers take for an attack (CVE-2023-44487), and then they end the connection. Only where
    unread streams are half of those that may be open, the oldest is cancelled: it may never end.

    Nothing is sent here: it goes with what is sent next on the connection, which is what whoever
    reads there next sends.

    Args:
        stream: the response's, not closed yet.
    """
    beneath = _beneath(stream)
    stream_id = getattr(beneath, "_stream_id", None)
    if stream_id is None:
        return
    try:
        connection = beneath._connection  # noqa: SLF001 - httpcore has no other way
        state, read = connection._h2_state, connection._events.keys() - {stream_id}  # noqa: SLF001 - as said
        # A copy, as threads begin streams meanwhile.
        streams = list(state.streams.items())
        unread = [each for number, each in streams if number not in read and not each.closed]
        if 2 * len(unread) > _most_open(state):
            state.reset_stream(unread.pop(0).stream_id, _CANCEL)
        wanted = _WINDOW + sum(map(_still_to_come, unread))
        missing = wanted - state.inbound_flow_control_window
        if missing >= _WORTH_A_FRAME:
            state.increment_flow_control_window(missing)
    except Exception:  # noqa: BLE001, S110 - the connection has ended, or httpcore is another one
        pass


def _most_open(state: Any) -> int:
    """How many streams httpcore opens at a time."""
    ours, theirs = state.local_settings, state.remote_settings
    return int(min(ours.max_concurrent_streams, theirs.max_concurrent_streams))


def _still_to_come(stream: Any) -> int:
    """The bytes that may still come on a stream: what its Content-Length says, if it has one."""
    window: int = stream.inbound_flow_control_window
    told = stream._expected_content_length  # noqa: SLF001 - what h2 itself goes by
    return window if told is None else min(window, told - stream._actual_content_length)  # noqa: SLF001 - as said


def put_deadline(
    stream: object, own: dict[str, Any], monotonic: Callable[[], float]
) -> Deadline | None:
    """Give the reading of a response a deadline; None: its request is not found.

    httpcore asks that one for its timeouts before it reads. It is no other's, and not the caller's.

    Args:
        stream: the response's.
        own: the caller's timeouts.
        monotonic: the clock, in seconds.
    """
    request: Any = getattr(_beneath(stream), "_request", None)
    extensions = getattr(request, "extensions", None)
    if not isinstance(extensions, dict):
        return None
    deadline = Deadline(own, None, monotonic)
    request.extensions = {**extensions, "timeout": deadline}
    return deadline


def _beneath(stream: object) -> Any:
    return getattr(getattr(stream, "_httpcore_stream", None), "_stream", None)

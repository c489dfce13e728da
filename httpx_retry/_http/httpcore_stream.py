"""What httpcore reads a response from, beneath the stream that httpx gives: what ends that well.

Nothing but its own attributes leads there. Where they do not, as over mocks and other libraries,
nothing is done.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._core.decider import SHORTEST_ATTEMPT
from .alarm import interrupt_of
from .deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# RFC 9113 §7: the stream is no longer needed.
_CANCEL = 0x8
# Bytes that may come of a body that nobody reads.
_MOST_UNREAD = 1 << 26


def abandon_stream(stream: object) -> None:
    """Let a response over HTTP/2 that nobody reads hold up no other on its connection.

    httpcore closes one that was not read to its end without a word. What comes of it all the same
    is lost to the window that all streams of the connection share (RFC 9113 §5.2.1): after some
    seventeen megabytes, nothing comes any more. So it is given back here, and as it comes.

    To read it takes time, and a read that times out takes the connection with it. To cancel each is
    what servers take for an attack (CVE-2023-44487), and then they end the connection. So only what
    is very long is cancelled; and the oldest, which may never end, where more than half of the
    streams that may be open are unread.

    Nothing is sent here: it goes with what is sent next on the connection, which is what whoever
    reads something there next sends.

    Args:
        stream: the response's, not closed yet.
    """
    beneath = connection_stream(stream)
    stream_id = getattr(beneath, "_stream_id", None)
    if stream_id is None:
        return
    try:
        connection = beneath._connection  # noqa: SLF001 - httpcore has no other way
        state, events = connection._h2_state, connection._events  # noqa: SLF001 - as said
        came = sum(getattr(each, "flow_controlled_length", 0) for each in events[stream_id])
        state.acknowledge_received_data(came, stream_id)
        for number in _too_many(state, events, stream_id):
            state.reset_stream(number, _CANCEL)
        own = state.streams[stream_id]
        if (own._expected_content_length or 0) > _MOST_UNREAD:  # noqa: SLF001 - what h2 itself goes by
            state.reset_stream(stream_id, _CANCEL)
        else:
            _give_back_what_comes(state, own)
    except Exception as error:
        # Else it has ended, or httpcore is another one.
        if interrupt_of(error) is not None:
            raise


def _too_many(state: Any, events: Mapping[int, Any], stream_id: int) -> list[int]:
    """The oldest streams that nobody reads, as far as these are more than half of all there may be.

    Args:
        state: h2's.
        events: httpcore's: of the streams that are read, and of this one.
        stream_id: the one that is abandoned now.
    """
    # Before the events: what threads begin meanwhile stands there first.
    streams = list(state.streams.items())
    unread = [
        number
        for number, stream in streams
        if not stream.closed and (number == stream_id or number not in events)
    ]
    ours, theirs = state.local_settings, state.remote_settings
    most = min(ours.max_concurrent_streams, theirs.max_concurrent_streams)
    return unread[: max(0, len(unread) - most // 2)]


def _give_back_what_comes(state: Any, stream: Any) -> None:
    """Have h2 give back what comes on a stream, and cancel it once that is too much."""
    receive_data = stream.receive_data
    left = _MOST_UNREAD

    def receive_unread(data: bytes, end_stream: bool, size: int) -> Any:
        nonlocal left
        result = receive_data(data, end_stream, size)
        left -= size
        # Whoever reads on the connection comes by here, for a response of its own.
        with suppress(Exception):
            state.acknowledge_received_data(size, stream.stream_id)
            if left < 0:
                state.reset_stream(stream.stream_id, _CANCEL)
        return result

    stream.receive_data = receive_unread


def put_deadline(
    stream: object, own: dict[str, Any], monotonic: Callable[[], float]
) -> Deadline | None:
    """Give the reading of a response a deadline; None: its request is not found.

    httpcore asks that one for its timeouts as the body begins. It is no other's, and not the
    caller's.

    Args:
        stream: the response's.
        own: the caller's timeouts.
        monotonic: the clock, in seconds.
    """
    request: Any = getattr(connection_stream(stream), "_request", None)
    extensions = getattr(request, "extensions", None)
    if not isinstance(extensions, dict):
        return None
    deadline = Deadline(own, None, monotonic)
    request.extensions = {**extensions, "timeout": deadline}
    return deadline


def bound_reads(
    stream: object, ends: Callable[[], float | None], monotonic: Callable[[], float]
) -> bool:
    """Let no read of a response's body take longer than it may now, where that can be done.

    A deadline that is put does not do: that is asked once, as the body begins. Over HTTP/2 it is
    not done: what times out there takes the connection with it, and all others on it.

    Args:
        stream: the response's, not read yet.
        ends: asked before each read: the monotonic second by which it is to be over; None: this
            one and all later ones have the caller's own timeout.
        monotonic: the clock, in seconds.

    Returns:
        Whether it was done.
    """
    beneath = connection_stream(stream)
    connection: Any = getattr(beneath, "_connection", None)
    receive = getattr(connection, "_receive_event", None)  # of HTTP/1.1 alone
    if receive is None or not hasattr(beneath, "_closed"):
        return False

    def receive_in_time(timeout: float | None = None) -> Any:
        # Once it is closed, the connection may be another request's.
        until = None if beneath._closed else ends()  # noqa: SLF001 - nothing else tells
        if until is None:
            del connection._receive_event  # noqa: SLF001 - httpcore's own method is left
        else:
            left = max(until - monotonic(), SHORTEST_ATTEMPT)
            timeout = left if timeout is None else min(timeout, left)
        return receive(timeout=timeout)

    connection._receive_event = receive_in_time  # noqa: SLF001 - httpcore has no other way
    return True


def connection_stream(stream: object) -> Any:
    """Return what the connection itself gives; None where nothing leads there.

    To read that takes fewer steps, and raises httpcore's own exceptions. The stream is still to be
    closed: its connection goes back to the pool by it alone.

    Args:
        stream: the response's.
    """
    return getattr(getattr(stream, "_httpcore_stream", None), "_stream", None)

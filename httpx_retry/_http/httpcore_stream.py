"""What httpcore reads a response from, beneath the stream that httpx gives: two ways to end that.

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


def cancel_stream(stream: object) -> None:
    """Let nothing more come for a response over HTTP/2, and give back what came (RFC 9113 §5.4.2).

    httpcore closes one that was not read to its end without a word. Its bytes go on taking up the
    window that all streams of the connection share, and it counts as open: some twenty answers of a
    megabyte are the end of all that goes on there. To read them takes time, and a read that times
    out takes the connection with it.

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
        state = connection._h2_state  # noqa: SLF001 - as said
        for event in connection._events[stream_id]:  # noqa: SLF001 - as said
            size = getattr(event, "flow_controlled_length", None)
            if size:
                state.acknowledge_received_data(size, stream_id)
        state.reset_stream(stream_id, _CANCEL)
    except Exception:  # noqa: BLE001, S110 - it has ended, or httpcore is another one
        pass


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

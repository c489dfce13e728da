"""The HTTP/2 stream of a response that is thrown away: its server is told (RFC 9113 §5.4.2, §7).

httpcore closes one that was not read to its end without a word. Its bytes go on taking up the
window that all streams of the connection share, and it counts as open: some twenty answers of a
megabyte are the end of all that goes on there. To read them takes time, and a read that times out
takes the connection with it.
"""

from __future__ import annotations

from typing import Any

# RFC 9113 §7: the stream is no longer needed.
_CANCEL = 0x8


def cancel_stream(stream: object) -> None:
    """Let nothing more come for a response, and give back what came of it.

    Nothing is sent here: it goes with what is sent next on the connection, which is what whoever
    reads there next sends. Where httpcore's stream is not found, or has ended, nothing is done.

    Args:
        stream: the response's, not closed yet.
    """
    beneath: Any = stream
    for name in ("_httpcore_stream", "_stream"):
        beneath = getattr(beneath, name, None)
    stream_id = getattr(beneath, "_stream_id", None)
    if stream_id is None:
        return
    try:
        connection = beneath._connection  # noqa: SLF001 - httpcore has no other way
        state = connection._h2_state  # noqa: SLF001 - as said
        for event in connection._events.get(stream_id, ()):  # noqa: SLF001 - as said
            size = getattr(event, "flow_controlled_length", None)
            if size:
                state.acknowledge_received_data(size, stream_id)
        known = state.streams.get(stream_id)
        if known is not None and not known.closed:
            state.reset_stream(stream_id, _CANCEL)
    except Exception:  # noqa: BLE001, S110 - the connection has ended, or httpcore is another one
        pass

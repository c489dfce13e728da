"""The streams of one HTTP/2 connection: requests in, scripted frames out, and no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import h2.events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from .server import Received, Server
from .steps import (
    BODILESS,
    CorruptRecord,
    Cut,
    Early,
    Ending,
    Fin,
    GoAway,
    NoMoreStreams,
    Reply,
    ResetStream,
    Rst,
    Stall,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class _Stream:
    """One request, and what is left to do about it."""

    id: int
    request: Received
    step: Step
    body: bytearray = field(default_factory=bytearray)
    answered: bool = False
    complete: bool = False
    unsent: memoryview | None = None
    afterwards: Ending | ResetStream | GoAway | None = None


class Streams:
    """What the server of `script` and record does on one connection.

    Feed `receive`, send what `take_output` gives, and then do what `ending` says, if anything.
    """

    def __init__(self, server: Server[Step], max_streams: int, most_resets: int) -> None:
        self._server = server
        self._resets_left = most_resets
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: max_streams}
        self._h2.local_settings = Settings(client=False, initial_values=limits)
        self._h2.initiate_connection()
        self._output = bytearray()
        self._open: dict[int, _Stream] = {}
        self._highest = 0
        self._highest_processed = 0
        self._last: int | None = None
        self._settled = False
        self._ending: Ending | None = None

    @property
    def idle(self) -> bool:
        """Whether there have been streams, and all are done."""
        return bool(self._highest) and not self._open

    @property
    def ending(self) -> Ending | None:
        """How the TCP connection shall end, once that is due."""
        return self._ending if self._settled else None

    def receive(self, data: bytes) -> None:
        """Takes bytes from the client and does what they give rise to."""
        for event in self._h2.receive_data(data):
            self._handle(event)
        for stream in list(self._open.values()):
            self._send_body(stream)  # A window may have opened.

    def take_output(self) -> bytes:
        """The bytes to be sent next."""
        self._write(b"")
        output = bytes(self._output)
        self._output.clear()
        return output

    def _write(self, raw: bytes) -> None:
        # h2 knows nothing of raw bytes: what it has produced so far must stay in front of them.
        self._output += self._h2.data_to_send() + raw

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.SettingsAcknowledged):
            self._settled = True
        if self._ending:
            return  # Nothing may follow the last word.
        match event:
            case h2.events.RequestReceived():
                self._begin(event)
            case h2.events.DataReceived():
                self._take_data(event)
            case h2.events.StreamEnded():
                stream = self._open.get(event.stream_id)
                if stream:
                    self._complete(stream)
            case h2.events.StreamReset():
                self._open.pop(event.stream_id, None)
                self._count_reset()
            case _:
                pass  # PING, WINDOW_UPDATE, PRIORITY: h2 has seen to them.

    def _count_reset(self) -> None:
        self._resets_left -= 1
        if self._resets_left < 0:
            self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._ending = Fin()

    def _begin(self, event: h2.events.RequestReceived) -> None:
        self._highest = event.stream_id
        request = _request(event.headers)
        if self._last is not None and event.stream_id > self._last:
            self._server.note_refused(request)
            return
        stream = _Stream(event.stream_id, request, self._server.next_step())
        self._open[stream.id] = stream
        if not event.stream_ended:
            self._answer_early(stream)

    def _take_data(self, event: h2.events.DataReceived) -> None:
        stream = self._open.get(event.stream_id)
        size = event.flow_controlled_length
        if not (stream and isinstance(stream.step, Early)):
            self._h2.acknowledge_received_data(size, event.stream_id)
        elif size:
            # This stream stays blocked; its siblings need not suffer for it.
            self._h2.increment_flow_control_window(size)
        if stream:
            stream.body += event.data
            self._answer_early(stream)

    def _answer_early(self, stream: _Stream) -> None:
        step = stream.step
        if isinstance(step, Early) and len(stream.body) >= step.read and not stream.answered:
            self._answer(stream)

    def _complete(self, stream: _Stream) -> None:
        stream.complete = True
        if not stream.answered:
            self._answer(stream)

    def _answer(self, stream: _Stream) -> None:
        stream.answered = True
        step = stream.step.step if isinstance(stream.step, Early) else stream.step
        request = replace(stream.request, body=bytes(stream.body))
        if self._refuses(step, stream.id):
            self._server.note_refused(request)
        elif stream.complete:
            self._server.note_processed(request)
            self._highest_processed = max(self._highest_processed, stream.id)
        self._perform(stream, step)

    def _refuses(self, step: Step, stream_id: int) -> bool:
        if isinstance(step, GoAway):
            return step.last.stream_id(stream_id, self._highest_processed) < stream_id
        return step == ResetStream(ErrorCodes.REFUSED_STREAM)

    def _perform(self, stream: _Stream, step: Step) -> None:
        match step:
            case Reply():
                self._reply(stream, step)
            case NoMoreStreams():
                self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
                self._reply(stream, Reply())
            case Cut(reply, at, by):
                self._reply(stream, reply, at, by)
            case ResetStream(code):
                self._h2.reset_stream(stream.id, code)
                self._open.pop(stream.id)
            case GoAway():
                self._go_away(stream, step)
            case Stall(after):
                self._write(after)
            case Fin() | Rst() | CorruptRecord():
                self._ending = step
            case _:
                raise TypeError(f"{step!r} has no meaning in HTTP/2")

    def _reply(
        self,
        stream: _Stream,
        reply: Reply,
        at: int | None = None,
        by: Ending | ResetStream | GoAway | None = None,
    ) -> None:
        bodiless = stream.request.method == "HEAD" or reply.status in BODILESS
        self._h2.send_headers(stream.id, _head(reply))
        stream.unsent = memoryview(b"" if bodiless else reply.body[:at])
        stream.afterwards = by
        self._send_body(stream)

    def _send_body(self, stream: _Stream) -> None:
        if stream.unsent is None:
            return
        while stream.unsent:
            window = self._h2.local_flow_control_window(stream.id)
            room = min(window, self._h2.max_outbound_frame_size)
            if room <= 0:
                return
            self._h2.send_data(stream.id, bytes(stream.unsent[:room]))
            stream.unsent = stream.unsent[room:]
        stream.unsent = None
        if stream.afterwards:
            self._perform(stream, stream.afterwards)
        else:
            self._h2.end_stream(stream.id)
            if not stream.complete:  # RFC 9113 §8.1: the rest of the request is not wanted.
                self._h2.reset_stream(stream.id, ErrorCodes.NO_ERROR)
            self._open.pop(stream.id)

    def _go_away(self, stream: _Stream, step: GoAway) -> None:
        last = step.last.stream_id(stream.id, self._highest_processed)
        assert last >= self._highest_processed, f"{step!r} disowns a stream that was processed"
        # Not through h2: it could not send a reply after it.
        self._write(GoAwayFrame(last_stream_id=last, error_code=step.code).serialize())
        self._last = last
        for other in [other for other in self._open.values() if other.id > last]:
            del self._open[other.id]
            if other is not stream:
                self._server.note_refused(replace(other.request, body=bytes(other.body)))
        if isinstance(step.then, Reply):
            assert stream.id in self._open, f"{step!r} answers a stream that it disowns"
        self._perform(stream, step.then)


def _request(fields: Sequence[tuple[bytes, bytes]]) -> Received:
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in fields}
    return Received(headers.pop(":method"), b"", headers.pop(":path"), headers)


def _head(reply: Reply) -> list[tuple[str, str]]:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if not reply.chunked and reply.status not in BODILESS:
        headers = {"content-length": str(len(reply.body)), **headers}
    return [(":status", str(reply.status)), *headers.items()]

"""HTTP/2 by h2, and the ways in which a stream or its connection ends too early."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from .connection import Connection, Respond
from .plan import Answer, Break, Reply

if TYPE_CHECKING:
    import asyncio

_STREAM_ERRORS = {
    Break.REFUSED_STREAM: ErrorCodes.REFUSED_STREAM,
    Break.STREAM_ERROR: ErrorCodes.INTERNAL_ERROR,
}


@dataclass
class _ArrivingRequest:
    method: str
    path: str
    body: bytes = b""


class Http2Connection(Connection):
    """Serves the streams of one connection side by side."""

    def __init__(self, respond: Respond, open_connections: set[Connection]) -> None:
        super().__init__(respond, open_connections)
        self._http = H2Connection(H2Configuration(client_side=False))
        self._arriving: dict[int, _ArrivingRequest] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the settings that open an HTTP/2 connection."""
        super().connection_made(transport)
        self._http.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent."""
        with suppress(ProtocolError):  # frames that a client sent before it saw our GOAWAY
            for event in self._http.receive_data(data):
                self._handle(event)
        self._flush()

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            headers = dict(event.headers)
            self._arriving[event.stream_id] = _ArrivingRequest(
                headers[b":method"].decode(), headers[b":path"].decode()
            )
        elif isinstance(event, DataReceived):
            self._arriving[event.stream_id].body += event.data
            self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            request = self._arriving.pop(event.stream_id)
            self.answer(event.stream_id, request.method, request.path, request.body)

    def send(self, stream: int, reply: Reply) -> None:
        """Answer, reset the stream, or say GOAWAY and end the connection."""
        with suppress(ProtocolError):  # the client gave this stream up meanwhile
            if isinstance(reply, Answer):
                self._http.send_headers(stream, [(":status", str(reply.status)), *reply.headers])
                # No window to wait for: so few bytes fit into that of any client of the demo.
                self._http.send_data(stream, reply.body, end_stream=True)
            elif reply in _STREAM_ERRORS:
                self._http.reset_stream(stream, _STREAM_ERRORS[reply])
            else:
                self._http.close_connection(ErrorCodes.INTERNAL_ERROR)
        self._flush()
        if reply is Break.GOAWAY:
            self.close()

    def _flush(self) -> None:
        self.write(self._http.data_to_send())

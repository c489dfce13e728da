"""HTTP/1.1 by h11, and the ways in which an HTTP/1.1 connection ends too early."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress

import h11

from .connection import Connection, Respond
from .plan import Answer, Break, Reply

_THE_ONLY_STREAM = 0
# Closing a socket that lingers for 0 s sends RST, not FIN. Windows has shorts where POSIX has ints.
_LINGER_0_SECONDS = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Http1Connection(Connection):
    """Serves one request after the other and keeps the connection alive in between."""

    def __init__(self, respond: Respond, open_connections: set[Connection]) -> None:
        super().__init__(respond, open_connections)
        self._http = h11.Connection(h11.SERVER)
        self._method = ""
        self._path = ""
        self._body = b""

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent."""
        self._http.receive_data(data)
        self._read_request()

    def _read_request(self) -> None:
        while isinstance(event := self._http.next_event(), h11.Event):
            if isinstance(event, h11.Request):
                self._method, self._path, self._body = (
                    event.method.decode(),
                    event.target.decode(),
                    b"",
                )
            elif isinstance(event, h11.Data):
                self._body += event.data
            else:
                self.answer(_THE_ONLY_STREAM, self._method, self._path, self._body)

    def send(self, stream: int, reply: Reply) -> None:  # noqa: ARG002 -- HTTP/1.1 has but one
        """Answer, or end the connection before the first byte of an answer."""
        if isinstance(reply, Answer):
            self._send_answer(reply)
        elif reply is Break.RESET:
            self._reset()
        else:
            self.close()

    def _send_answer(self, answer: Answer) -> None:
        head = self._http.send(h11.Response(status_code=answer.status, headers=answer.headers))
        body = self._http.send(h11.Data(answer.body))
        self.write(head + body + self._http.send(h11.EndOfMessage()))
        self._http.start_next_cycle()
        self._read_request()

    def _reset(self) -> None:
        with suppress(OSError):  # the client left meanwhile, and the socket is closed already
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0_SECONDS
            )
        self.transport.abort()

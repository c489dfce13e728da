"""Servers on the loopback, each in a process of its own: they do not share the client's lock."""

from __future__ import annotations

import multiprocessing
import socket
import threading
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import TYPE_CHECKING, Any

import h2.events
import h11
from h2.config import H2Configuration
from h2.connection import H2Connection

from tests.faults.lab.tls import TRUSTED, authority_pem, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .inner import Headers


# Seconds that a server may take to end.
_PATIENCE = 5.0


class Listener:
    """Accepts connections on a port of 127.0.0.1, each of which gets a thread.

    Args:
        over_tls: whether it speaks TLS.

    Attributes:
        url: where it is.
        authority: the certificate of whoever vouches for it, as PEM.
        connections: how many were accepted.
    """

    def __init__(self, *, over_tls: bool = False) -> None:
        self.connections = 0
        self._tls = server_context(TRUSTED, "http/1.1") if over_tls else None
        self.authority = authority_pem()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        scheme = "https" if over_tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.connections += 1
            threading.Thread(target=self._serve_and_close, args=(connection,), daemon=True).start()

    def _serve_and_close(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, suppress(OSError):  # a client may be gone at any time
            if self._tls is None:
                self.serve(connection)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self.serve(secured)

    def serve(self, connection: socket.socket) -> None:
        """Converse until the client has gone."""
        raise NotImplementedError

    def close(self) -> None:
        """Its threads end with their process."""


def _written(peer: h11.Connection, status: int, headers: Headers, body: bytes) -> bytes:
    length = (b"Content-Length", b"%d" % len(body))
    head = h11.Response(status_code=status, headers=[length, *headers])
    events = (head, h11.Data(data=body), h11.EndOfMessage())
    return b"".join(peer.send(event) or b"" for event in events)


class HTTP1Server(Listener):
    """Answers each request with 200 and one body."""

    def __init__(self, headers: Headers = (), body: bytes = b"") -> None:
        self._headers = headers
        self._body = body
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        parser = h11.Connection(h11.SERVER)
        while data := connection.recv(65_536):
            parser.receive_data(data)
            while (event := parser.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.EndOfMessage):
                    connection.sendall(_written(parser, 200, self._headers, self._body))
                    parser.start_next_cycle()
                elif isinstance(event, h11.ConnectionClosed):
                    return


class PromptServer(Listener):
    """Answers with these statuses in turn and one body, and takes next to no time for it.

    Its answers were written beforehand, and what comes in one piece is one request.
    """

    def __init__(self, statuses: Sequence[int], body: bytes, *, over_tls: bool = False) -> None:
        self._answers = cycle(
            [_written(h11.Connection(h11.SERVER), status, (), body) for status in statuses]
        )
        super().__init__(over_tls=over_tls)

    def serve(self, connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(next(self._answers))


class HTTP2Server(Listener):
    """Answers each stream once it is complete with 200 and one body, in one write."""

    def __init__(self, headers: Headers = (), body: bytes = b"") -> None:
        length = b"%d" % len(body)
        self._headers = [(b":status", b"200"), (b"content-length", length)]
        self._headers += [(name.lower(), value) for name, value in headers]
        self._body = body
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        peer = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        peer.initiate_connection()
        connection.sendall(peer.data_to_send())
        while data := connection.recv(65_536):
            for event in peer.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    peer.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    peer.send_headers(event.stream_id, self._headers)
                    peer.send_data(event.stream_id, self._body, end_stream=True)
            connection.sendall(peer.data_to_send())


class Served:
    """A server in another process.

    Attributes:
        url: where it is.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self.url: str = self.ask("url")

    def ask(self, name: str) -> Any:
        """Return an attribute of the server."""
        self._pipe.send(name)
        return self._pipe.recv()


def _serve(pipe: Any, make: Callable[..., Any], options: dict[str, Any]) -> None:
    server = make(**options)
    while (name := pipe.recv()) is not None:
        pipe.send(getattr(server, name))
    server.close()


@contextmanager
def serving(make: Callable[..., Any], **options: Any) -> Iterator[Served]:
    """Run a server for as long as the context lasts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make, options), daemon=True)
    process.start()
    theirs.close()  # a server that dies is noticed then
    try:
        yield Served(ours)
    finally:
        with suppress(OSError):  # it may have died, which says more than that it cannot be told
            ours.send(None)
        process.join(_PATIENCE)
        process.terminate()

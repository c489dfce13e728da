"""A server of one body, broken off as it is told, with or without validators and ranges."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import h11

from .servers import Listener

if TYPE_CHECKING:
    import socket


class Manner(NamedTuple):
    """How a download is served.

    Attributes:
        etag: its validator, quotes included; None: it has none.
        last_modified: long ago; None: it does not say.
        has_length: whether the length is told; else the body is chunked.
        has_ranges: whether a range is served as asked.
        cuts: how many responses of each download break off, at random places.
        changes: whether each response is of another version.
    """

    etag: str | None = '"1"'
    last_modified: str | None = None
    has_length: bool = True
    has_ranges: bool = True
    cuts: int = 0
    changes: bool = False


class DownloadServer(Listener):
    """Sends bodies as fast as the kernel takes them; h11 is for requests, which are few.

    Args:
        body: what each response is a part of.
        repeat: how often it is repeated within one response.
        manner: how.

    Attributes:
        sent: bytes of bodies in all: what came over the wire, delivered or not.
    """

    def __init__(self, body: bytes, manner: Manner, *, repeat: int = 1) -> None:
        self.sent = 0
        self._body, self._repeat, self._manner = body, repeat, manner
        self._served: dict[str, int] = {}
        self._random = random.Random(7)
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        while request := self._request(connection):
            if not self._answer(connection, *request):
                return

    def _request(self, connection: socket.socket) -> tuple[str, int] | None:
        parser = h11.Connection(h11.SERVER)
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                asked = dict(event.headers).get(b"range", b"bytes=0-")
                start = int(asked[6:].partition(b"-")[0]) if self._manner.has_ranges else 0
                return event.target.decode(), start
            data = connection.recv(65_536)
            if not data:
                return None
            parser.receive_data(data)

    def _answer(self, connection: socket.socket, path: str, start: int) -> bool:
        served = self._served.get(path, 0)
        self._served[path] = served + 1
        body, tag = self._body, self._manner.etag
        if self._manner.changes and served:
            body, start = bytes(byte ^ 1 for byte in body), 0
            tag = None if tag is None else f'"{served}"'
        connection.sendall(self._head(start, len(body) * self._repeat, tag))
        if served < self._manner.cuts:
            self._send(connection, body[start : self._random.randrange(start, len(body))])
            return False
        view = memoryview(body)[start:] if self._repeat == 1 else memoryview(body)
        for _ in range(self._repeat):
            self._send(connection, view)
        if not self._manner.has_length:
            connection.sendall(b"0\r\n\r\n")
        return True

    def _head(self, start: int, total: int, tag: str | None) -> bytes:
        manner = self._manner
        lines = ["HTTP/1.1 206 Partial Content" if start else "HTTP/1.1 200 OK"]
        lines += [f"Content-Length: {total - start}"] if manner.has_length else []
        lines += [] if manner.has_length else ["Transfer-Encoding: chunked"]
        lines += [f"ETag: {tag}"] if tag else []
        if manner.last_modified is not None:
            lines += [f"Last-Modified: {manner.last_modified}"]
            lines += ["Date: Sun, 06 Nov 1994 08:49:37 GMT"]
        lines += [f"Content-Range: bytes {start}-{total - 1}/{total}"] if start else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _send(self, connection: socket.socket, part: bytes | memoryview) -> None:
        if not self._manner.has_length:
            part = b"%x\r\n%b\r\n" % (len(part), bytes(part))
        connection.sendall(part)
        self.sent += len(part)

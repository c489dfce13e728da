"""A scripted HTTP/2 server, and the frames with which it breaks the protocol."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from .http2_streams import Streams
from .server import Acceptance, Server
from .steps import Cut, Early, Ending, GoAway, NoMoreStreams, Reply, ResetStream
from .tls import TRUSTED, Identity
from .wire import Wire, until_one_ends

if TYPE_CHECKING:
    from collections.abc import Iterable

BAD_FRAME = b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x"
"""A DATA frame on stream 0, which RFC 9113 §6.1 forbids: `Fin(after=BAD_FRAME)`."""

HTTP2Step: TypeAlias = Reply | Cut | Early | Ending | ResetStream | GoAway | NoMoreStreams


class HTTP2Server(Server[HTTP2Step]):
    """An HTTP/2 server, over TLS unless `tls` is None; see `Server` for the script and the record.

    It answers any number of concurrent streams, at most `max_streams` on one connection. `Fin`,
    `Rst` and the like end the TCP connection under all of its streams, once the client has
    acknowledged the settings: from then on it does nothing unasked, and the fault is the same each
    time. `Stall` leaves just its own stream without an answer. It ends a connection with GOAWAY on
    which the client resets more than `most_resets` streams (CVE-2023-44487), as many servers do.

    ```python
    with HTTP2Server(itertools.cycle([*[Reply()] * 9, GoAway(Last.AT, then=Reply())])) as server:
        ...
    ```
    """

    protocol = "h2"

    def __init__(
        self,
        script: Iterable[HTTP2Step] = (),
        *,
        accept: Iterable[Acceptance] = (),
        tls: Identity | None = TRUSTED,
        port: int = 0,
        max_streams: int = 100,
        most_resets: int = 1000,
    ) -> None:
        super().__init__(script, accept=accept, tls=tls, port=port)
        self._max_streams = max_streams
        self._most_resets = most_resets

    def default_step(self) -> HTTP2Step:
        """A 200."""
        return Reply()

    async def converse(self, wire: Wire) -> None:
        """Reads and writes at the same time, so that neither side can block the other."""
        connection = _Connection(wire, Streams(self, self._max_streams, self._most_resets))
        await until_one_ends(connection.read(), connection.write())
        if connection.streams.ending:
            await wire.end(connection.streams.ending)


class _Connection:
    """The two ways of one connection: one feeds the streams, one sends what they give."""

    def __init__(self, wire: Wire, streams: Streams) -> None:
        self.streams = streams
        self._wire = wire
        self._news = asyncio.Event()

    async def read(self) -> None:
        while data := await self._wire.receive():
            self.streams.receive(data)
            self._wire.idle = self.streams.idle
            self._news.set()

    async def write(self) -> None:
        while True:
            self._news.clear()
            await self._wire.send(self.streams.take_output())
            if self._news.is_set():
                continue  # What came up during the send goes first.
            if self.streams.ending:
                return
            await self._news.wait()

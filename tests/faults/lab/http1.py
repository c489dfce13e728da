"""A scripted HTTP/1.1 server, and the malformed or unfinished responses that it can send."""

from __future__ import annotations

import http.client
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import h11

from .server import Received, Server
from .steps import (
    BODILESS,
    CorruptRecord,
    Cut,
    Early,
    Ending,
    Fin,
    GoAway,
    Reply,
    ResetStream,
    Rst,
    Stall,
    Step,
    Tunnel,
)
from .tunnel import tunnel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .wire import Wire

PARTIAL_STATUS_LINE = b"HTTP/1.1 20"
PARTIAL_HEADERS = b"HTTP/1.1 200 OK\r\nContent-Le"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
GARBAGE = b"this is no status line\r\n\r\n"

# h11 takes at most 100 KB of an unfinished header, and httpcore asks it after each 64 KB.
HUGE_HEADER = b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 200 * 1024 + b"\r\n\r\n"

HTTP1Step: TypeAlias = Reply | Cut | Early | Tunnel | Ending


class HTTP1Server(Server[HTTP1Step]):
    """An HTTP/1.1 server; see `Server` for the script, the record and the rest.

    ```python
    with HTTP1Server([Rst(), Reply(200, b"ok")]) as server:
        ...
        assert server.processed == {"/path": [Received("GET"), Received("GET")]}
    ```
    """

    def default_step(self) -> HTTP1Step:
        """A 200."""
        return Reply()

    async def converse(self, wire: Wire) -> None:
        """Serves request after request, until a step or the client ends the connection."""
        connection = h11.Connection(h11.SERVER)
        while await self._exchange(wire, connection):
            connection.start_next_cycle()

    async def _exchange(self, wire: Wire, connection: h11.Connection) -> bool:
        """Serves one request; returns whether another may follow on the connection."""
        head = await _next_event(wire, connection)
        if not isinstance(head, h11.Request):
            return False
        wire.idle = False
        step = self.next_step()
        allowance = step.read if isinstance(step, Early) else None
        body, complete = await _read_body(wire, connection, allowance)
        if complete:
            self.note_processed(_received(head, body))
        if isinstance(step, Early):
            await self._perform_early(wire, connection, head, step.step)
            return False
        if isinstance(step, Tunnel):
            await wire.send(connection.send(h11.Response(status_code=200, headers=[])) or b"")
            await tunnel(wire, head.target.decode("ascii"), step)
            return False
        await self._perform(wire, connection, head, step)
        return connection.our_state is h11.DONE

    async def _perform_early(
        self, wire: Wire, connection: h11.Connection, head: h11.Request, step: Step
    ) -> None:
        if isinstance(step, Reply):
            # Said beforehand, so that no client reuses the connection before it is reset.
            step = replace(step, headers={"connection": "close", **step.headers})
            wire.reset_on_close()
        await self._perform(wire, connection, head, step)

    async def _perform(
        self, wire: Wire, connection: h11.Connection, head: h11.Request, step: Step
    ) -> None:
        match step:
            case Reply():
                response = _encode(connection, head, step)
                # Whoever has seen the whole response may count on the connection being idle.
                wire.idle = connection.their_state is h11.DONE
                await wire.send(response)
            case Cut(reply, at, by) if not isinstance(by, ResetStream | GoAway):
                await wire.send(_encode_part(connection, reply, at))
                await wire.end(by)
            case Fin() | Rst() | Stall() | CorruptRecord():
                await wire.end(step)
            case _:
                raise TypeError(f"{step!r} has no meaning in HTTP/1.1")


async def _next_event(wire: Wire, connection: h11.Connection) -> h11.Event:
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Event):
            return event
        data = await wire.receive()
        if not data and connection.their_state is not h11.IDLE:
            raise ConnectionAbortedError("the client closed in the middle of its request")
        connection.receive_data(data)


async def _read_body(
    wire: Wire, connection: h11.Connection, allowance: int | None
) -> tuple[bytes, bool]:
    """The body, in full or what came with its first `allowance` bytes; and whether it was all."""
    body = bytearray()
    while allowance is None or len(body) < allowance:
        event = await _next_event(wire, connection)
        if isinstance(event, h11.EndOfMessage):
            return bytes(body), True
        assert isinstance(event, h11.Data)
        body += event.data
    # How much more came along is chance: only an end right here is sure to be an end.
    ended = len(body) == allowance and isinstance(connection.next_event(), h11.EndOfMessage)
    return bytes(body), ended


def _received(head: h11.Request, body: bytes) -> Received:
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return Received(head.method.decode("ascii"), body, head.target.decode("ascii"), headers)


def _head(reply: Reply) -> h11.Response:
    headers: Mapping[str, str] = {name.lower(): value for name, value in reply.headers.items()}
    if reply.chunked:
        headers = {**headers, "transfer-encoding": "chunked"}
    elif reply.status not in BODILESS:
        headers = {"content-length": str(len(reply.body)), **headers}
    reason = http.client.responses.get(reply.status, "").encode()
    return h11.Response(status_code=reply.status, headers=list(headers.items()), reason=reason)


def _encode(connection: h11.Connection, head: h11.Request, reply: Reply) -> bytes:
    bodiless = head.method == b"HEAD" or reply.status in BODILESS
    body = h11.Data(data=b"" if bodiless else reply.body)
    events = (_head(reply), body, h11.EndOfMessage())
    return b"".join(connection.send(event) or b"" for event in events)


def _encode_part(connection: h11.Connection, reply: Reply, at: int) -> bytes:
    head = connection.send(_head(reply)) or b""
    body = connection.send(h11.Data(data=reply.body)) or b""
    start = body.index(b"\r\n") + 2 if reply.chunked else 0  # past the chunk's size
    return head + body[: start + at]

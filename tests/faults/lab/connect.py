"""What can go wrong before an origin hears anything: ports, names, and the proxies in between."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .http1 import HTTP1Server, HTTP1Step
from .server import Received, Server
from .steps import Fin, Rst, Stall, Step, Tunnel
from .tunnel import tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .wire import Wire

UNRESOLVABLE = f"http://{'.'.join(['x' * 63] * 4)}.invalid"
"""A name longer than DNS allows (RFC 1035 §2.3.4): the resolver refuses it without any network."""


@contextlib.contextmanager
def refused() -> Iterator[str]:
    """The URL of a port that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield _url(unused)


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """The URL of a listener that never accepts and whose queue is full: to connect takes for ever.

    Linux drops the SYNs then. Other systems may refuse instead.
    """
    with socket.socket() as listener, socket.socket() as occupant:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        occupant.connect(listener.getsockname())
        select.select([listener], [], [])  # Until it sits in the queue.
        yield _url(listener)


def _url(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


class ProxyServer(HTTP1Server):
    """An HTTP proxy: each step of its script answers one CONNECT, and by default that is a tunnel.

    `Reply(403)` refuses, an ending breaks off. What it records are the CONNECTs, by their target
    "host:port". Only targets on 127.0.0.1 are reached.
    """

    def default_step(self) -> HTTP1Step:
        """A tunnel."""
        return Tunnel()


@dataclass(frozen=True, repr=False)
class SOCKSRefusal(Step):
    """Answers the client's CONNECT with an error, 5 being "connection refused" (RFC 1928 §6)."""

    code: int = 5


SOCKSStep: TypeAlias = SOCKSRefusal | Tunnel | Fin | Rst | Stall


class SOCKSServer(Server[SOCKSStep]):
    """A SOCKS5 proxy without authentication (RFC 1928): each step serves one connection.

    An ending comes after the client's greeting, a refusal or a tunnel after its CONNECT.
    """

    @property
    def url(self) -> str:
        """What httpx takes as a proxy."""
        return f"socks5://127.0.0.1:{self.port}"

    def default_step(self) -> SOCKSStep:
        """A tunnel."""
        return Tunnel()

    async def converse(self, wire: Wire) -> None:
        """Serves one connection. Each message of a client comes in one piece, being so short."""
        await wire.receive()
        step = self.next_step()
        if isinstance(step, (Fin, Rst, Stall)):
            await wire.end(step)
            return
        await wire.send(b"\x05\x00")
        version_command_kind, host, port = struct.unpack("!4s4sH", await wire.receive())
        assert version_command_kind == b"\x05\x01\x00\x01", "only CONNECT to an IPv4 address"
        target = f"{socket.inet_ntoa(host)}:{port}"
        self.note_processed(Received("CONNECT", path=target))
        code = step.code if isinstance(step, SOCKSRefusal) else 0
        await wire.send(b"\x05%c\x00\x01" % code + bytes(6))
        if isinstance(step, Tunnel):
            await tunnel(wire, target, step)

"""What connections of both protocols share: they are known while open, and answer after a while."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeAlias, cast

from .plan import Reply

Respond: TypeAlias = Callable[[str, str, bytes], tuple[float, Reply]]
"""Takes method, path and body; gives the seconds to wait and what to reply then."""


class Connection(asyncio.Protocol):
    """A connection of one client, in the set of open ones from its first moment to its last."""

    transport: asyncio.Transport

    def __init__(self, respond: Respond, open_connections: set[Connection]) -> None:
        self.ended = asyncio.Event()
        self._is_closing = False
        self._respond = respond
        self._open_connections = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Enter the set of open connections."""
        self.transport = cast("asyncio.Transport", transport)
        self._open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it
        """Leave the set of open connections, now that the socket is closed."""
        self.close()  # on Python 3.10, TLS counts as open until this side closes it too
        self._open_connections.remove(self)
        self.ended.set()

    def answer(self, stream: int, method: str, path: str, body: bytes) -> None:
        """Have `send` called with what this request gets, once its service time is over."""
        service_time, reply = self._respond(method, path, body)
        asyncio.get_running_loop().call_later(service_time, self.send, stream, reply)

    def write(self, data: bytes) -> None:
        """Send bytes, if there still is somebody to send them to."""
        if not self._is_closing:
            self.transport.write(data)

    def close(self) -> None:
        """End the connection once what was written is on its way."""
        self._is_closing = True
        self.transport.close()

    @abstractmethod
    def send(self, stream: int, reply: Reply) -> None:
        """Do to this stream what the reply says."""

"""A flaky server on 127.0.0.1: HTTP/1.1 in the clear, HTTP/2 over TLS by a throw-away CA."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import trustme

from .http1 import Http1Connection
from .http2 import Http2Connection
from .plan import HttpVersion
from .service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .connection import Connection, Respond

_HOST = "127.0.0.1"


class FlakyServer:
    """Serves the planned requests of a seed with all their faults; `flaky_server` runs one.

    Attributes:
        client_tls: what a client needs in order to trust it.
    """

    def __init__(self, seed: int) -> None:
        self._service = Service(seed)
        self._listeners: dict[HttpVersion, asyncio.Server] = {}
        self._connections: set[Connection] = set()
        authority = trustme.CA()
        self._server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_tls.set_alpn_protocols(["h2"])
        authority.issue_cert(_HOST).configure_cert(self._server_tls)
        self.client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(self.client_tls)

    def url(self, version: HttpVersion) -> str:
        """Return the address at which this protocol is served."""
        port = self._listeners[version].sockets[0].getsockname()[1]
        return f"{'https' if version is HttpVersion.HTTP2 else 'http'}://{_HOST}:{port}"

    def attempts(self, run: str) -> int:
        """Return how many requests of a run arrived, repeated ones each time."""
        return self._service.attempts(run)

    async def open(self) -> None:
        """Listen on two free ports, one for each protocol."""
        self._listeners[HttpVersion.HTTP1] = await self._listen(
            HttpVersion.HTTP1, Http1Connection, tls=None
        )
        self._listeners[HttpVersion.HTTP2] = await self._listen(
            HttpVersion.HTTP2, Http2Connection, self._server_tls
        )

    async def _listen(
        self,
        version: HttpVersion,
        connection: Callable[[Respond, set[Connection]], Connection],
        tls: ssl.SSLContext | None,
    ) -> asyncio.Server:
        respond = partial(self._service.reply, version)
        factory = partial(connection, respond, self._connections)
        return await asyncio.get_running_loop().create_server(factory, _HOST, 0, ssl=tls)

    async def close(self) -> None:
        """Stop listening, and end the connections that clients left open."""
        for listener in self._listeners.values():
            listener.close()
        for connection in tuple(self._connections):
            connection.transport.abort()
            await connection.ended.wait()


@contextmanager
def flaky_server(seed: int) -> Iterator[FlakyServer]:
    """Run a flaky server in a thread of its own, and leave no thread and no socket behind."""
    server = FlakyServer(seed)
    with _loop_in_a_thread() as loop:
        asyncio.run_coroutine_threadsafe(server.open(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.close(), loop).result()


@contextmanager
def _loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="flaky server", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

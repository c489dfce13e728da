"""One accepted TCP connection, with every byte, record and closing flag under control.

TLS runs over memory, so that the socket stays within reach: a FIN without close_notify, an RST, a
forged record, or no reading at all are then plain operations on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
import struct
from typing import TYPE_CHECKING, TypeVar

from .steps import CorruptRecord, Ending, Fin, Rst

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_READ_SIZE = 65_536
_NO_LINGER = struct.pack("ii", 1, 0)

# Application data (0x17) of TLS 1.2 in form (0x0303), 32 bytes that no key ever sealed.
_FORGED_RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)


class Wire:
    """A socket and, after `start_tls`, the TLS session on it.

    `idle` is kept by whoever speaks HTTP on it: True while a peer could start another request.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.idle = False
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        self._received = ssl.MemoryBIO()
        self._sealed = ssl.MemoryBIO()
        self._sending = asyncio.Lock()

    async def receive(self) -> bytes:
        """The next bytes that the peer sent; empty once it has closed."""
        if self._tls is None:
            return await self._receive_sealed()
        try:
            return await self._do(functools.partial(self._tls.read, _READ_SIZE))
        except ConnectionAbortedError:
            return b""

    async def send(self, data: bytes) -> None:
        """Sends all of `data`: when this returns, the kernel has it. Calls keep their order."""
        if self._tls is None:
            await self._send_sealed(data)
        elif data:
            await self._do(functools.partial(self._tls.write, data))

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Does the server's side of the handshake.

        Raises:
            ssl.SSLError: if the peer does not agree; it has been sent the alert then.
            ConnectionError: if it closes.
        """
        tls = context.wrap_bio(self._received, self._sealed, server_side=True)
        await self._do(tls.do_handshake)
        self._tls = tls

    async def end(self, ending: Ending) -> None:
        """Does what `ending` says; a stall lasts until the task is cancelled.

        No other task may be reading: a socket closed under a reader confuses the event loop.
        """
        if isinstance(ending, CorruptRecord):
            await self._send_sealed(_FORGED_RECORD)
        else:
            await self.send(ending.after)
        if isinstance(ending, Rst):
            self.reset_on_close()
        if isinstance(ending, (Fin, Rst)):
            self.close()
        else:
            await asyncio.Event().wait()

    def reset_on_close(self) -> None:
        """Makes `close` send an RST in place of a FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

    def close(self) -> None:
        """Closes the socket, once; a second call does nothing."""
        if self._sock.fileno() == -1:
            return
        with contextlib.suppress(OSError):
            if not self._resets():
                # Unread bytes make the kernel send an RST: send the FIN first, then take them.
                self._sock.shutdown(socket.SHUT_WR)
                self._sock.recv(1 << 20)
        self._sock.close()

    def _resets(self) -> bool:
        size = len(_NO_LINGER)
        return self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, size) == _NO_LINGER

    async def _do(self, operation: Callable[[], T]) -> T:
        """Does a TLS operation: fetches the records that it lacks, sends those that it makes."""
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                try:
                    return operation()
                finally:
                    await self._send_sealed(self._sealed.read())
            data = await self._receive_sealed()
            if not data:
                raise ConnectionAbortedError("the peer closed without a word")
            self._received.write(data)

    async def _receive_sealed(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._sock, _READ_SIZE)

    async def _send_sealed(self, data: bytes) -> None:
        if not data:
            return  # A reader with nothing to send does not wait for a writer.
        # Under the lock, as two writers on one socket could interleave. It wakes them in order.
        async with self._sending:
            await asyncio.get_running_loop().sock_sendall(self._sock, data)


async def until_one_ends(*ways: Coroutine[None, None, None]) -> None:
    """Runs all at once until the first is done, ends the others, and raises what it raised."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()

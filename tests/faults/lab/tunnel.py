"""What a proxy does after it has agreed to connect."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from .wire import Wire, until_one_ends

if TYPE_CHECKING:
    from .steps import Tunnel


async def tunnel(client: Wire, target: str, step: Tunnel) -> None:
    """Passes bytes between the client and `target`, "host:port", until either closes.

    Raises:
        ValueError: if the target is not on this host.
    """
    if step.broken:
        await client.receive()
        await client.end(step.broken)
        return
    host, _, port = target.rpartition(":")
    if host != "127.0.0.1":
        raise ValueError(f"{target!r} is not on 127.0.0.1")
    sock = socket.socket()
    with contextlib.closing(Wire(sock)) as origin:
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        await until_one_ends(_pass_on(client, origin), _pass_on(origin, client))


async def _pass_on(source: Wire, sink: Wire) -> None:
    while data := await source.receive():
        await sink.send(data)

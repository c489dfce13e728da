"""The sections of docs/moving-here.md, and what their code does against a server that fails."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from httpx_retry.testing import instant_retries
from tests.faults.lab import HTTP1Server, Received, refused
from tests.snippets import ROOT, paste

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.lab import HTTP1Step

PAGE = "docs/moving-here.md"
_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Section(NamedTuple):
    """One way here: the code as it was, and as it is."""

    old: str
    new: str

    def changed(self, text: str, into: str) -> Section:
        """The section with other code in both of its blocks."""
        assert text in self.old
        assert text in self.new
        return Section(self.old.replace(text, into), self.new.replace(text, into))


SECTIONS = {
    title: Section(*_BLOCK.findall(body))
    for title, body in _SECTION.findall((ROOT / PAGE).read_text())
}


class Seen(NamedTuple):
    """What somebody would see of a run, at either end.

    Attributes:
        result: the text that the code came to, or the name of what it raised.
        requests: how often the server processed one.
        connections: how many it accepted.
        waits: what was, or would have been, waited.
        received: the requests themselves.
    """

    result: str
    requests: int
    connections: int
    waits: list[float]
    received: list[Received]


def run_old(section: Section, *script: HTTP1Step, refusals: int = 0) -> Seen:
    """Run the code as it was, and pass over its waits."""

    async def pass_over(seconds: float) -> None:
        waits.append(seconds)

    waits: list[float] = []
    with (
        mock.patch.object(time, "sleep", waits.append),
        mock.patch.object(asyncio, "sleep", pass_over),
    ):
        return _run(section.old, script, refusals, waits)


def run_new(section: Section, *script: HTTP1Step, refusals: int = 0) -> Seen:
    """Run the code as it is, and skip its waits."""
    with instant_retries() as waits:
        return _run(section.new, script, refusals, waits)


def _run(block: str, script: tuple[HTTP1Step, ...], refusals: int, waits: list[float]) -> Seen:
    with _flaky(script, refusals) as server:
        try:
            result = paste(block, server.url)["text"]
        except Exception as error:  # noqa: BLE001 - of any library
            result = type(error).__name__
    received = [each for requests in server.processed.values() for each in requests]
    return Seen(result, len(received), server.connections, [*filter(None, waits)], received)


@contextmanager
def _flaky(script: tuple[HTTP1Step, ...], refusals: int) -> Iterator[HTTP1Server]:
    """A server that does as its script says, and opens its port after so many refusals."""

    def connect(self: socket.socket, address: Any) -> None:
        nonlocal refusals
        try:
            really_connect(self, address)
        except ConnectionRefusedError:
            refusals -= 1
            if refusals == 0:
                occupied.close()
                opened.enter_context(server)
            raise

    really_connect = socket.socket.connect
    server = HTTP1Server(script)
    with ExitStack() as opened, ExitStack() as occupied:
        if not refusals:
            opened.enter_context(server)
        else:
            server.port = int(occupied.enter_context(refused()).rpartition(":")[2])
            opened.enter_context(mock.patch.object(socket.socket, "connect", connect))
        yield server

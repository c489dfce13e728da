"""What all servers share: the thread and its event loop, the listener, the script, the record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from .steps import Fin, Rst, Stall
from .tls import Identity, server_context
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from typing_extensions import Self

StepT_co = TypeVar("StepT_co", covariant=True)
Acceptance: TypeAlias = Identity | Fin | Rst | Stall

_logger = logging.getLogger(__name__)

_BACKLOG = 512
_PATIENCE = 5.0


@dataclass(frozen=True)
class Received:
    """A request as the server read it; equal to another of the same method and body."""

    method: str
    body: bytes = b""
    path: str = field(default="", compare=False, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def id(self) -> str:
        """The request's name in the record: its header `x-id`, else its path."""
        return self.headers.get("x-id", self.path)


class Server(ABC, Generic[StepT_co]):
    """A server on 127.0.0.1 that serves while the `with` block lasts and does what it was told.

    `script` holds one step for each request, in the order in which their headers come in, over all
    connections; when it is exhausted the default step goes on. It is read lazily, so it may be
    endless: `itertools.cycle`, or a generator with a seeded `random.Random`.

    `accept` holds one entry for each TCP connection: an ending takes the place of the TLS handshake
    (without TLS: of HTTP) once the client's first bytes are there; an `Identity` shows itself in
    place of `tls` on that connection. When it is exhausted, connections are served.

    `connections` counts the TCP connections accepted, `handshakes` those whose TLS handshake
    succeeded. `processed` has, by id, the requests that were read in full, headers and body, in
    order and as often as they came; `refused` has those that the server disowned by protocol. All
    are final once the block is left; a mistake of the lab or of its script is raised then.
    """

    protocol: ClassVar[str] = "http/1.1"

    def __init__(
        self,
        script: Iterable[StepT_co] = (),
        *,
        accept: Iterable[Acceptance] = (),
        tls: Identity | None = None,
        port: int = 0,
    ) -> None:
        self.port = port
        self.tls = tls
        self.connections = 0
        self.handshakes = 0
        self.processed: dict[str, list[Received]] = {}
        self.refused: dict[str, list[Received]] = {}
        self._script: Iterator[StepT_co] = iter(script)
        self._accept: Iterator[Acceptance] = iter(accept)
        self._begun = 0
        self._progress = threading.Condition()
        self._conversations: dict[asyncio.Task[None], Wire] = {}
        self._mistakes: list[Exception] = []

    @property
    def url(self) -> str:
        """Where the server is to be found, without a path."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def close_idle(self, by: Fin | Rst | None = None) -> int:
        """Closes the connections that wait for a next request, by FIN if not told otherwise.

        Returns how many were closed. The client's kernel knows by then: this is loopback.
        """
        closing = self._close_idle(by or Fin())
        return asyncio.run_coroutine_threadsafe(closing, self._loop).result(_PATIENCE)

    def wait_for_requests(self, count: int) -> None:
        """Blocks until the headers of `count` requests have come in since the server was made."""
        with self._progress:
            arrived = self._progress.wait_for(lambda: self._begun >= count, _PATIENCE)
        assert arrived, f"{self._begun} of {count} requests came in"

    def __enter__(self) -> Self:
        # Bound and listening before the thread starts: a client may connect at once.
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        started = threading.Event()
        name = f"{type(self).__name__} {self.port}"
        self._thread = threading.Thread(target=self._run, args=(started,), name=name)
        self._thread.start()
        started.wait()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join()
        self._listener.close()
        if exc is None and self._mistakes:
            raise self._mistakes[0]

    @abstractmethod
    def default_step(self) -> StepT_co:
        """What is done with a request for which the script has no step."""

    @abstractmethod
    async def converse(self, wire: Wire) -> None:
        """Speaks the server's protocol on a connection until it ends."""

    def next_step(self) -> StepT_co:
        """The step for a request whose headers have just come in."""
        with self._progress:
            self._begun += 1
            self._progress.notify_all()
        return next(self._script, None) or self.default_step()

    def note_processed(self, request: Received) -> None:
        """Records a request that was read in full."""
        self.processed.setdefault(request.id, []).append(request)

    def note_refused(self, request: Received) -> None:
        """Records a request that the server declares not to have processed."""
        self.refused.setdefault(request.id, []).append(request)

    def _run(self, started: threading.Event) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._accept_until_cancelled(started))  # It cancels all other tasks then.

    async def _accept_until_cancelled(self, started: threading.Event) -> None:
        main = asyncio.current_task()
        assert main
        self._main, self._loop = main, main.get_loop()
        # Not `sock_accept`: cancelled at the wrong moment, it loses a socket that it has accepted.
        self._loop.add_reader(self._listener, self._accept_connection)
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._loop.remove_reader(self._listener)

    def _accept_connection(self) -> None:
        sock, _ = self._listener.accept()
        self.connections += 1
        wire = Wire(sock)
        conversation = self._loop.create_task(self._serve(wire, next(self._accept, None)))
        self._conversations[conversation] = wire
        # One that is cancelled before it begins has closed nothing.
        conversation.add_done_callback(lambda done: self._conversations.pop(done).close())

    async def _serve(self, wire: Wire, acceptance: Acceptance | None) -> None:
        try:
            if isinstance(acceptance, (Fin, Rst, Stall)):
                await wire.receive()
                await wire.end(acceptance)
                return
            if identity := acceptance or self.tls:
                await wire.start_tls(server_context(identity, self.protocol))
                self.handshakes += 1
            await self.converse(wire)
        except (ConnectionError, ssl.SSLError):
            pass  # The client closed, or refused the handshake: that is its good right.
        except Exception as mistake:
            # Raised when the server is closed; logged for tests that fail before that.
            _logger.exception("a mistake of the lab or of its script")
            self._mistakes.append(mistake)
        finally:
            wire.close()

    async def _close_idle(self, by: Fin | Rst) -> int:
        idle = {task: wire for task, wire in self._conversations.items() if wire.idle}
        for task, wire in idle.items():
            if isinstance(by, Rst):
                wire.reset_on_close()
            task.cancel()
        if idle:
            await asyncio.wait(idle)
        return len(idle)

"""A server in a list: it answers in order, and keeps what it was sent."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import isawaitable, iscoroutine
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import httpx

from .._http.family import Family
from .._settings import OF_A_CLOCK, check_methods
from ._clock import FakeClock
from ._entries import check_entry, is_function, named, played

if TYPE_CHECKING:
    from ._entries import Entry


class Received(NamedTuple):
    """A request as it arrived.

    Attributes:
        method: its method.
        url: its URL.
        headers: its headers.
        body: its body, all of it.
        time: seconds on the script's clock.
    """

    method: str
    url: httpx.URL
    headers: httpx.Headers
    body: bytes
    time: float


class Script:
    """What answers by a list, for any family of httpx: a public class adds the family and bases."""

    family: ClassVar[Family]
    clock: FakeClock
    requests: list[Received]

    def __init__(self, script: Iterable[Entry], *, clock: FakeClock | None = None) -> None:
        if not isinstance(script, Iterable):
            raise TypeError(f"script must be a list of entries, not {script!r}")
        self._script: tuple[Any, ...] = tuple(script)
        for number, entry in enumerate(self._script, 1):
            check_entry(entry, f"entry {number} of the script", self.family)
        self._lock = Lock()
        self.clock = FakeClock() if clock is None else clock
        check_methods("clock must", self.clock, OF_A_CLOCK)
        self.requests = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self.requests)} of {len(self._script)} used>"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the script says.

        Raises:
            AssertionError: where the script is at its end.
            BaseException: what the script says to raise.
        """
        body: Any = request.stream
        seen, entry = self._receive(request, b"".join(body))
        while is_function(entry):
            entry = entry(seen)
            if iscoroutine(entry):
                entry.close()
                raise TypeError("an async function in a script needs an async client")
            check_entry(entry, "what a function in a script returns", self.family)
        return played(entry, request, self.family)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, as `handle_request` does."""
        body: Any = request.stream
        seen, entry = self._receive(request, b"".join([chunk async for chunk in body]))
        while is_function(entry):
            entry = entry(seen)
            if isawaitable(entry):
                entry = await entry
            check_entry(entry, "what a function in a script returns", self.family)
        return played(entry, request, self.family)

    def _receive(self, request: httpx.Request, body: bytes) -> tuple[httpx.Request, Any]:
        """Write a request down, and return it with its body read, and the entry that it meets."""
        seen = self.family.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=body,
            extensions=request.extensions,
        )
        with self._lock:
            at = self.clock.monotonic()
            self.requests.append(
                Received(request.method, request.url, request.headers.copy(), body, at)
            )
            number = len(self.requests)
        if number > len(self._script):
            raise AssertionError(self._account())
        return seen, self._script[number - 1]

    def assert_used_up(self) -> None:
        """Check that as many requests came as the script has entries: no fewer, and no more.

        Raises:
            AssertionError: where that is not so; it lists what came.
        """
        if len(self.requests) != len(self._script):
            raise AssertionError(self._account())

    def _account(self) -> str:
        """What was expected, and what came, line by line."""
        meant, plural = len(self._script), "" if len(self._script) == 1 else "s"
        lines = [f"the script is for {meant} request{plural}, and {len(self.requests)} came:"]
        for index in range(max(len(self._script), len(self.requests))):
            came, answer = "no request", "nothing in the script"
            if index < len(self.requests):
                request = self.requests[index]
                came = f"{request.method} {request.url} at {request.time:g} s"
            if index < len(self._script):
                answer = named(self._script[index])
            lines.append(f"  {index + 1}. {came}: {answer}")
        return "\n".join(lines)


class ScriptedTransport(Script, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that answers each request by the next entry of a script, sync and async.

    To be wrapped by a retry transport, or to be given to a client as it is. Thread-safe.

    Args:
        script: the entries (see `Entry`), in order.
        clock: what tells the time of each request; None: a new `FakeClock`. Give the retry
            transport the same: `RetryTransport(server, clock=server.clock)`.

    Attributes:
        clock: as given, or the new one.
        requests: what came, as `Received`, in order.

    Raises:
        TypeError: for an entry that means nothing, and for what is no clock.
        ValueError: for a status out of range.
    """

    family: ClassVar[Family] = Family(httpx)

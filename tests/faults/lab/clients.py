"""Bare httpx in three worlds, for the lab's test of itself."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import httpx
import pytest

from .tls import client_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from _pytest.mark.structures import ParameterSet

TestT = TypeVar("TestT", bound="Callable[..., object]")

ASYNC_WORLDS = ("asyncio", "trio")
WORLDS = ("sync", *ASYNC_WORLDS)
PATIENT = httpx.Timeout(5)

_STRIKING: dict[object, httpx.Timeout] = {
    httpx.ConnectTimeout: httpx.Timeout(5, connect=0.1),
    httpx.ReadTimeout: httpx.Timeout(5, read=0.1),
    httpx.WriteTimeout: httpx.Timeout(5, write=0.1),
}


def by_step(rows: Iterable[tuple[Any, ...]]) -> list[ParameterSet]:
    """Rows that begin with a step, as parameters: the step is what the test's name shows."""
    return [pytest.param(*row, id=repr(row[0])) for row in rows]


def leaves_to_the_collector(warning: str) -> Callable[[TestT], TestT]:
    """For a test in which httpcore leaves open what the garbage collector then warns of.

    The warning would fail whatever test runs when the collector comes: so it comes at once.
    """

    def mark(test: TestT) -> TestT:
        pytest.mark.filterwarnings(f"ignore:{warning}:ResourceWarning")(test)
        pytest.mark.usefixtures("_collected_at_once")(test)
        return test

    return mark


leaves_upload_unfinished = leaves_to_the_collector("Async generator")  # trio's warning
leaves_socket_open = leaves_to_the_collector("unclosed")


@dataclass(frozen=True)
class Call:
    """Some equal requests, with the ids "1", "2" and so on, on one client.

    If a timeout is what is `expected`, that one is short; all others would do for any machine.
    """

    url: str
    times: int = 1
    method: str = "GET"
    body: bytes | None = None
    http2: bool = False
    proxy: str | None = None
    expected: object = None
    trace: Callable[[str, Mapping[str, Any]], None] | None = None

    def client_options(self) -> dict[str, Any]:
        """What to make the client with."""
        timeout = _STRIKING.get(self.expected, PATIENT)
        options = {"verify": client_context(), "timeout": timeout, "trust_env": False}
        return options | {"http2": self.http2, "proxy": self.proxy}

    def request_options(self, number: int, trace: object) -> dict[str, Any]:
        """What to make a request with."""
        options = {"method": self.method, "url": self.url, "content": self.body}
        extensions = {"trace": trace} if trace else {}
        return options | {"headers": {"x-id": str(number)}, "extensions": extensions}


@dataclass
class Seen:
    """What the client saw of one request.

    A status beside an error means that it broke while the body was read.
    """

    status: int | None = None
    body: bytes | None = None
    error: BaseException | None = None

    @property
    def raised(self) -> type:
        """The error's class, or `Seen` if there was none."""
        return type(self.error or self)

    @property
    def causes(self) -> list[object]:
        """What lies behind the error: `args[0]` of its cause, what caused that, and so on."""
        return list(_causes(self.error))

    @contextlib.contextmanager
    def catching(self) -> Iterator[None]:
        """Keeps what is raised."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - any class may come, to be looked at
            self.error = error


def _causes(error: BaseException | None) -> Iterator[object]:
    if error is None or error.__cause__ is None:
        return
    cause: object = next(iter(error.__cause__.args), None)
    while cause is not None:
        yield cause
        grouped = getattr(cause, "exceptions", [None])[0]
        nearer = getattr(cause, "__cause__", None) or getattr(cause, "__context__", None)
        cause = nearer or grouped


def send(world: str, call: Call) -> list[Seen]:
    """Makes the call in one of the `WORLDS`, one request after the other.

    What is expected is expected of the first; the others have nothing to wait for.
    """
    if world == "sync":
        return _send(call)
    return anyio.run(_send_async, call, backend=world)


def send_at_once(world: str, call: Call) -> list[Seen]:
    """Makes the call on asyncio or trio, all requests at the same time."""
    return anyio.run(_send_at_once, call, backend=world)


def _send(call: Call) -> list[Seen]:
    all_seen = [Seen() for _ in range(call.times)]
    with httpx.Client(**call.client_options()) as client:
        for number, seen in enumerate(all_seen, 1):
            request = client.stream(**call.request_options(number, call.trace))
            with seen.catching(), request as response:
                seen.status = response.status_code
                seen.body = response.read()
            client.timeout = PATIENT
    return all_seen


async def _send_async(call: Call) -> list[Seen]:
    all_seen = [Seen() for _ in range(call.times)]
    async with httpx.AsyncClient(**call.client_options()) as client:
        for number, seen in enumerate(all_seen, 1):
            await _send_one(client, call, number, seen)
            client.timeout = PATIENT
    return all_seen


async def _send_at_once(call: Call) -> list[Seen]:
    all_seen = [Seen() for _ in range(call.times)]
    async with httpx.AsyncClient(**call.client_options()) as client, anyio.create_task_group() as g:
        for number, seen in enumerate(all_seen, 1):
            g.start_soon(_send_one, client, call, number, seen)
    return all_seen


async def _send_one(client: httpx.AsyncClient, call: Call, number: int, seen: Seen) -> None:
    async def trace(event: str, info: Mapping[str, Any]) -> None:
        assert call.trace
        call.trace(event, info)

    request = client.stream(**call.request_options(number, trace if call.trace else None))
    with seen.catching():
        async with request as response:
            seen.status = response.status_code
            seen.body = await response.aread()

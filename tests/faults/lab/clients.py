"""Bare httpx in three worlds, for the lab's test of itself."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from .steps import Step
from .tls import client_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WORLDS = ("sync", "asyncio", "trio")
TIMEOUT = 0.2


def step_name(value: object) -> str:
    """A parameter's part in a test's name: that of a step is its repr, what is expected has none."""
    return repr(value) if isinstance(value, Step) else ""


@dataclass(frozen=True)
class Call:
    """Some equal requests, one after the other on one client, with the ids "1", "2" and so on."""

    url: str
    times: int = 1
    method: str = "GET"
    body: bytes | None = None
    http2: bool = False
    proxy: str | None = None
    trace: Callable[[str, Mapping[str, Any]], None] | None = None

    def client_options(self) -> dict[str, Any]:
        """What to make the client with."""
        options = {"verify": client_context(), "timeout": TIMEOUT, "trust_env": False}
        return options | {"http2": self.http2, "proxy": self.proxy}

    def request_options(self, number: int, trace: object) -> dict[str, Any]:
        """What to make a request with."""
        options = {"method": self.method, "url": self.url, "content": self.body}
        extensions = {"trace": trace} if trace else {}
        return options | {"headers": {"x-id": str(number)}, "extensions": extensions}


@dataclass
class Seen:
    """What the client saw of one request. A status beside an error means: while reading the body."""

    status: int | None = None
    body: bytes | None = None
    error: BaseException | None = None

    @property
    def raised(self) -> type[BaseException]:
        """The error's class, or `Seen` if there was none."""
        return type(self.error or self)

    @property
    def causes(self) -> list[object]:
        """What lies behind the error, nearest first: `args[0]` of its cause, then what caused that."""
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
    """Makes the call with a client of its own, in one of the `WORLDS`."""
    if world == "sync":
        return _send(call)
    return anyio.run(_send_async, call, backend=world)


def send_at_once(world: str, call: Call) -> list[Seen]:
    """The same with all requests at the same time, on asyncio or trio."""
    return anyio.run(_send_at_once, call, backend=world)


def _send(call: Call) -> list[Seen]:
    all_seen = [Seen() for _ in range(call.times)]
    with httpx.Client(**call.client_options()) as client:
        for number, seen in enumerate(all_seen, 1):
            request = client.stream(**call.request_options(number, call.trace))
            with seen.catching(), request as response:
                seen.status = response.status_code
                seen.body = response.read()
    return all_seen


async def _send_async(call: Call) -> list[Seen]:
    all_seen = [Seen() for _ in range(call.times)]
    async with httpx.AsyncClient(**call.client_options()) as client:
        for number, seen in enumerate(all_seen, 1):
            await _send_one(client, call, number, seen)
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

# What type checkers see of the scripted server for httpx2: its own classes, as in `../httpx2.pyi`.

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, TypeAlias

import httpx2

from .._http.family import Family
from ._clock import FakeClock
from ._entries import BreaksOff
from ._responses import Headers

__all__ = ["Entry", "Received", "ScriptedTransport"]

Entry: TypeAlias = (
    int
    | tuple[int, Headers]
    | tuple[int, Headers, Any]
    | httpx2.Response
    | BreaksOff
    | BaseException
    | type[BaseException]
    | Callable[[httpx2.Request], Any]
)

class Received(NamedTuple):
    method: str
    url: httpx2.URL
    headers: httpx2.Headers
    body: bytes
    time: float

class ScriptedTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    family: ClassVar[Family]
    clock: FakeClock
    requests: list[Received]

    def __init__(self, script: Iterable[Entry], *, clock: FakeClock | None = None) -> None: ...
    def assert_used_up(self) -> None: ...

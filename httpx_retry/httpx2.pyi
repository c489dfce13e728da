# What type checkers see of the transports for httpx2: its own classes, where the code is shared.

import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar, TypeAlias, TypedDict

import httpx2
from typing_extensions import Unpack

from ._core.budget import Budget, Fresh
from ._core.clock import Clock
from ._core.cooldown import Cooldown
from ._core.policy import RetryPolicy
from ._http.family import Family
from ._observe import EventHook

__all__ = ["AsyncRetryTransport", "RetryTransport"]

_Prepare: TypeAlias = Callable[[httpx2.Request, int], httpx2.Request | None]
_AsyncPrepare: TypeAlias = Callable[
    [httpx2.Request, int], httpx2.Request | Awaitable[httpx2.Request | None] | None
]

class _HTTPTransportOptions(TypedDict, total=False):
    verify: ssl.SSLContext | str | bool
    cert: str | tuple[str, str] | tuple[str, str, str] | None
    trust_env: bool
    http1: bool
    http2: bool
    limits: httpx2.Limits
    proxy: httpx2.URL | str | httpx2.Proxy | None
    uds: str | None
    local_address: str | None
    retries: int
    socket_options: Iterable[Any] | None

class RetryTransport(httpx2.BaseTransport):
    family: ClassVar[Family]

    def __init__(
        self,
        transport: httpx2.BaseTransport | None = None,
        *,
        policy: RetryPolicy = ...,
        budget: Budget | Fresh | None = ...,
        cooldown: Cooldown | bool = False,
        on_event: EventHook | None = None,
        prepare: _Prepare | None = None,
        clock: Clock = ...,
        random: Callable[[], float] = ...,
        **http_transport_options: Unpack[_HTTPTransportOptions],
    ) -> None: ...

class AsyncRetryTransport(httpx2.AsyncBaseTransport):
    family: ClassVar[Family]

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        policy: RetryPolicy = ...,
        budget: Budget | Fresh | None = ...,
        cooldown: Cooldown | bool = False,
        on_event: EventHook | None = None,
        prepare: _AsyncPrepare | None = None,
        clock: Clock = ...,
        random: Callable[[], float] = ...,
        **http_transport_options: Unpack[_HTTPTransportOptions],
    ) -> None: ...

"""How an attempt ends, as httpx says it: the exceptions, and what httpcore leaves behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpcore
import httpx

from .model import End

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = httpx.Request("GET", "https://service.test/")

RESPONSES = {
    End.ANSWERED: httpx.Response(200, request=REQUEST),
    End.UNAVAILABLE: httpx.Response(503, request=REQUEST),
    End.LIMITED: httpx.Response(429, headers={"Retry-After": "1"}, request=REQUEST),
}


def _refused() -> httpx.TransportError:
    return _caused(
        httpx.ConnectError, httpcore.ConnectError, ConnectionRefusedError(111, "refused")
    )


def _reset() -> httpx.TransportError:
    return _caused(httpx.ReadError, httpcore.ReadError, ConnectionResetError(104, "reset"))


def _caused(
    outer: Callable[..., httpx.TransportError], inner: type[Exception], root: OSError
) -> httpx.TransportError:
    error, cause = outer("", request=REQUEST), inner(root)
    cause.__cause__ = root
    error.__cause__ = cause
    return error


_ERRORS: dict[End, Callable[[], httpx.TransportError]] = {
    End.TIMED_OUT: lambda: httpx.ReadTimeout("", request=REQUEST),
    End.REFUSED: _refused,
    End.RESET: _reset,
}


def result_of(end: End) -> httpx.Response | httpx.TransportError:
    """What the wrapped transport gives, or raises."""
    return RESPONSES[end] if end in RESPONSES else _ERRORS[end]()


def error_of(end: End) -> httpx.HTTPError | None:
    """What a caller sees who calls `raise_for_status`; None where all is well."""
    if end not in RESPONSES:
        return _ERRORS[end]()
    try:
        RESPONSES[end].raise_for_status()
    except httpx.HTTPStatusError as error:
        return error
    return None

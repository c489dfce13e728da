"""What a transport is given to call: a thread calls plain functions, a task awaits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from ._core._checks import check_callable, check_plain_function

if TYPE_CHECKING:
    import httpx

Prepare = Callable[["httpx.Request", int], "httpx.Request | None"]
AsyncPrepare = Callable[
    ["httpx.Request", int], "httpx.Request | Awaitable[httpx.Request | None] | None"
]
_GIVEN = ("request", "number")


def as_method(name: str, shared: object, method: str) -> Callable[..., Any] | None:
    """Return the method by which a budget or a cool-down asks others; None where it shares nothing.

    Raises:
        TypeError: for one that is to be awaited.
    """
    found = _found(shared, method)
    if found is not None and iscoroutinefunction(found):
        raise TypeError(
            f"{name} is for an AsyncRetryTransport, as {method}() of {shared!r} is a coroutine"
            f" function: a RetryTransport needs one over a redis.Redis, say"
        )
    return found


def as_async_method(name: str, shared: object, method: str) -> Callable[..., Any] | None:
    """Return the method by which a budget or a cool-down asks others, as `as_method` does.

    Raises:
        TypeError: for one that would block the event loop.
    """
    found = _found(shared, method)
    if found is not None and not iscoroutinefunction(found):
        raise TypeError(
            f"{name} is for a RetryTransport, as {method}() of {shared!r} is a plain function:"
            f" an AsyncRetryTransport needs one over a redis.asyncio.Redis, say"
        )
    return found


def _found(shared: object, method: str) -> Callable[..., Any] | None:
    found = getattr(shared, method, None)
    return found if callable(found) else None


def as_prepare(function: Prepare | None) -> Prepare | None:
    """Return the function, checked to be a plain one.

    Raises:
        TypeError: for what is no plain function.
    """
    if function is not None:
        check_plain_function("prepare", function, _GIVEN)
    return function


def as_async_prepare(
    function: AsyncPrepare | None,
) -> Callable[[httpx.Request, int], Awaitable[httpx.Request | None]] | None:
    """Return a coroutine function that calls one, or a plain function.

    Raises:
        TypeError: for what cannot be called.
    """
    if function is None:
        return None
    check_callable("prepare", function, _GIVEN)

    async def prepare(request: httpx.Request, number: int) -> httpx.Request | None:
        result = function(request, number)
        return await result if isawaitable(result) else result

    return prepare

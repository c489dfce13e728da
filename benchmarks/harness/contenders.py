"""Who is compared, at the level of a transport: `handle(request)`, with up to 4 attempts, no wait.

What decorates functions decorates the inner transport's method; as a status is no error to most of
these, that method raises where they are to retry, which is what their users write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import backoff
import httpx
import httpx_hedged
import httpx_retries
import retryhttp
import stamina
import tenacity

from httpx_retry import AsyncRetryTransport, ConstantBackoff, RetryPolicy, RetryTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .inner import Inner

Handle: TypeAlias = "Callable[[httpx.Request], httpx.Response]"
AsyncHandle: TypeAlias = "Callable[[httpx.Request], Awaitable[httpx.Response]]"
Wrap: TypeAlias = "Callable[[Inner], Handle]"
AsyncWrap: TypeAlias = "Callable[[Inner], AsyncHandle]"

BARE, OURS, LEAN, PEER = "bare httpx", "httpx_retry", "httpx_retry, lean", "httpx-retries"

POLICY = RetryPolicy(backoff=ConstantBackoff(0))
# Without body recovery and without a budget: what a plain retry layer does.
LEAN_POLICY = POLICY.replace(recover_body=False)


def retries() -> httpx_retries.Retry:
    """httpx-retries' own policy."""
    return httpx_retries.Retry(total=3, backoff_factor=0)


TENACITY: dict[str, Any] = {
    "stop": tenacity.stop_after_attempt(4),
    "wait": tenacity.wait_none(),
    "retry": tenacity.retry_if_exception_type(httpx.HTTPError),
    "reraise": True,
}
STAMINA: dict[str, Any] = {"on": httpx.HTTPError, "attempts": 4, "wait_max": 0, "wait_initial": 0}
STAMINA["wait_jitter"] = 0


def _decorators() -> dict[str, Callable[[Any], Any]]:
    no_wait = tenacity.wait_none()
    return {
        "tenacity": tenacity.retry(**TENACITY),
        "stamina": stamina.retry(**STAMINA),
        "backoff": backoff.on_exception(
            backoff.constant, httpx.HTTPError, max_tries=4, interval=0, jitter=None
        ),
        "retryhttp": retryhttp.retry(
            max_attempt_number=4, wait_server_errors=no_wait, reraise=True
        ),
    }


def _checked(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    if response.status_code >= 500:
        raise httpx.HTTPStatusError("failed", request=request, response=response)
    return response


def _decorated(decorate: Callable[[Any], Any]) -> Wrap:
    def wrap(inner: Inner) -> Handle:
        def handle(request: httpx.Request) -> httpx.Response:
            return _checked(inner.handle_request(request), request)

        wrapped: Handle = decorate(handle)
        return wrapped

    return wrap


def _async_decorated(decorate: Callable[[Any], Any]) -> AsyncWrap:
    def wrap(inner: Inner) -> AsyncHandle:
        async def handle(request: httpx.Request) -> httpx.Response:
            return _checked(await inner.handle_async_request(request), request)

        wrapped: AsyncHandle = decorate(handle)
        return wrapped

    return wrap


# What is a transport can be given to a client too.
SYNC_TRANSPORTS: dict[str, Callable[[httpx.BaseTransport], httpx.BaseTransport]] = {
    BARE: lambda inner: inner,
    OURS: lambda inner: RetryTransport(inner, policy=POLICY),
    LEAN: lambda inner: RetryTransport(inner, policy=LEAN_POLICY, budget=None),
    PEER: lambda inner: httpx_retries.RetryTransport(inner, retries()),
}
ASYNC_TRANSPORTS: dict[str, Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]] = {
    BARE: lambda inner: inner,
    OURS: lambda inner: AsyncRetryTransport(inner, policy=POLICY),
    LEAN: lambda inner: AsyncRetryTransport(inner, policy=LEAN_POLICY, budget=None),
    PEER: lambda inner: httpx_retries.RetryTransport(inner, retries()),
}


def _method(make: Callable[[httpx.BaseTransport], httpx.BaseTransport]) -> Wrap:
    return lambda inner: make(inner).handle_request


def _async_method(
    make: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport],
) -> AsyncWrap:
    return lambda inner: make(inner).handle_async_request


SYNC: dict[str, Wrap] = {
    **{name: _method(make) for name, make in SYNC_TRANSPORTS.items()},
    **{name: _decorated(each) for name, each in _decorators().items()},
}
ASYNC: dict[str, AsyncWrap] = {
    **{name: _async_method(make) for name, make in ASYNC_TRANSPORTS.items()},
    **{name: _async_decorated(each) for name, each in _decorators().items()},
}
# What our happy path is made of: a wrapper that does nothing but call, and ours without one part.
PASS, NO_RECOVERY, NO_BUDGET = "pass-through", "recover_body=False", "budget=None"


class Pass(httpx.BaseTransport):
    """A layer that does nothing."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._inner.handle_request(request)


class AsyncPass(httpx.AsyncBaseTransport):
    """The same in a task."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._inner.handle_async_request(request)


SYNC_PARTS: dict[str, Wrap] = {
    PASS: _method(Pass),
    NO_RECOVERY: _method(lambda inner: RetryTransport(inner, policy=LEAN_POLICY)),
    NO_BUDGET: _method(lambda inner: RetryTransport(inner, policy=POLICY, budget=None)),
}
ASYNC_PARTS: dict[str, AsyncWrap] = {
    PASS: _async_method(AsyncPass),
    NO_RECOVERY: _async_method(lambda inner: AsyncRetryTransport(inner, policy=LEAN_POLICY)),
    NO_BUDGET: _async_method(lambda inner: AsyncRetryTransport(inner, policy=POLICY, budget=None)),
}

# It races requests, and retries none: compared where nothing fails.
HEDGED = "httpx-hedged"
HEDGED_SYNC = _method(httpx_hedged.SyncHedgedTransport)
HEDGED_ASYNC = _async_method(httpx_hedged.HedgedTransport)

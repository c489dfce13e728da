"""What type checkers make of transports and clients. Read by mypy and pyright, and never run.

Each `ignore` is a specification: that line must be an error. Both checkers report one too many.
"""

from __future__ import annotations

import ssl

import httpx
from typing_extensions import assert_type

from httpx_retry import (
    AsyncRetryTransport,
    RetryBudget,
    RetryPolicy,
    RetryTransport,
    SystemClock,
    add_retries,
)
from httpx_retry.testing import FakeClock, ScriptedTransport

# A transport is what a client takes, of its own world alone.
httpx.Client(transport=RetryTransport(), mounts={"https://": RetryTransport(retries=1)})
httpx.AsyncClient(transport=AsyncRetryTransport(), mounts={"all://": AsyncRetryTransport()})
httpx.Client(transport=AsyncRetryTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
httpx.AsyncClient(transport=RetryTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# It wraps any transport of its own world, another retry transport's pool or a mock included.
RetryTransport(httpx.HTTPTransport(http2=True))
RetryTransport(httpx.MockTransport(lambda _: httpx.Response(200)))
RetryTransport(httpx.WSGITransport(app=lambda _environ, _start: []))
RetryTransport(ScriptedTransport([503, 200]))
AsyncRetryTransport(httpx.AsyncHTTPTransport())
AsyncRetryTransport(ScriptedTransport([503, 200]))
RetryTransport(httpx.AsyncHTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
AsyncRetryTransport(httpx.HTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(httpx.Client())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# The options of httpx's own transport are known, by name and by type.
RetryTransport(
    verify=ssl.create_default_context(),
    cert=("cert.pem", "key.pem"),
    trust_env=False,
    http1=False,
    http2=True,
    limits=httpx.Limits(max_connections=5),
    proxy="http://127.0.0.1:8080",
    uds=None,
    local_address="127.0.0.1",
    retries=2,
    socket_options=[(6, 1, 1)],
)
AsyncRetryTransport(http2=True, proxy=httpx.Proxy("http://127.0.0.1:8080"))
RetryTransport(http3=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RetryTransport(http2="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(max_attempts=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
AsyncRetryTransport(limits=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# So are our own arguments. All but the transport go by name.
RetryTransport(policy=RetryPolicy(), budget=RetryBudget(), clock=SystemClock(), random=lambda: 0.5)
RetryTransport(budget=None, on_event=None, prepare=None, clock=FakeClock())
RetryTransport(None, RetryPolicy())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RetryTransport(policy=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(policy={"max_attempts": 3})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(budget=20)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(clock=0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(random=0.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class MyClient(httpx.Client):
    """One of somebody's own."""


class MyAsyncClient(httpx.AsyncClient):
    """Another."""


# A client that is given retries stays what it is.
assert_type(add_retries(httpx.Client()), httpx.Client)
assert_type(add_retries(httpx.AsyncClient(), policy=RetryPolicy()), httpx.AsyncClient)
assert_type(add_retries(MyClient(), budget=None), MyClient)
assert_type(add_retries(MyAsyncClient()), MyAsyncClient)
add_retries(httpx.HTTPTransport())  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
add_retries(3)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
add_retries(httpx.Client)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
add_retries(httpx.Client(), RetryPolicy())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
add_retries(httpx.Client(), http2=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class MyTransport(RetryTransport):
    """Transports may be subclassed, and wrap each other."""


def in_threads(request: httpx.Request) -> None:
    """As context managers and called by hand they are typed as httpx's own."""
    with MyTransport() as transport:
        assert_type(transport, MyTransport)
        assert_type(transport.handle_request(request), httpx.Response)
    transport.close()


async def in_tasks(request: httpx.Request) -> None:
    """The same, awaited."""
    async with AsyncRetryTransport() as transport:
        assert_type(transport, AsyncRetryTransport)
        assert_type(await transport.handle_async_request(request), httpx.Response)
    await transport.aclose()

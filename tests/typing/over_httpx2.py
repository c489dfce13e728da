"""What type checkers make of the transports for httpx2: its classes, and not httpx's."""

from __future__ import annotations

import httpx
import httpx2
from typing_extensions import assert_type

from httpx_retry import RetryPolicy, add_retries, retry_history
from httpx_retry import RetryTransport as RetryTransport1
from httpx_retry.httpx2 import AsyncRetryTransport, RetryTransport
from httpx_retry.testing import ScriptedTransport as ScriptedTransport1
from httpx_retry.testing.httpx2 import Entry, Received, ScriptedTransport

httpx2.Client(transport=RetryTransport(policy=RetryPolicy(), http2=True))
httpx2.AsyncClient(transport=AsyncRetryTransport(limits=httpx2.Limits(max_connections=1)))
RetryTransport(httpx2.HTTPTransport())
RetryTransport(ScriptedTransport([503, 200]))
AsyncRetryTransport(httpx2.AsyncHTTPTransport())

# The families do not mix.
httpx.Client(transport=RetryTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
httpx2.Client(transport=RetryTransport1())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(httpx.HTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(limits=httpx.Limits())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
httpx2.Client(transport=AsyncRetryTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(http3=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

assert_type(add_retries(httpx2.Client()), httpx2.Client)
assert_type(add_retries(httpx2.AsyncClient()), httpx2.AsyncClient)
add_retries(httpx2.HTTPTransport())  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
add_retries(httpx2.Client)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]


def sign(request: httpx2.Request, number: int) -> httpx2.Request:
    """What `prepare` gets, and gives back, is httpx2's."""
    request.headers["X-Attempt"] = str(number)
    return request


def sign1(request: httpx.Request, number: int) -> httpx.Request:
    """And not httpx's."""
    request.headers["X-Attempt"] = str(number)
    return request


async def sign_later(request: httpx2.Request, number: int) -> httpx2.Request | None:
    """With a token that takes a request to get."""
    return sign(request, number)


def sign_across(request: httpx2.Request, number: int) -> httpx.Request:
    """What it returns is of the other family."""
    return httpx.Request(request.method, str(request.url), headers={"X-Attempt": str(number)})


RetryTransport(prepare=sign)
add_retries(httpx2.Client(), prepare=sign)
add_retries(httpx2.AsyncClient(), prepare=sign_later)
add_retries(httpx2.Client(), prepare=sign_across)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
retry_history(httpx2.Response(200))
retry_history(httpx2.Request("GET", "https://test/"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RetryTransport(prepare=sign1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def by_hand(request: httpx2.Request) -> None:
    """Called by hand they are typed as httpx2's own."""
    assert_type(RetryTransport().handle_request(request), httpx2.Response)


def answer(request: httpx2.Request) -> httpx2.Response:
    """A function in a script is given httpx2's request, and gives its response."""
    return httpx2.Response(200, json={"path": request.url.path})


script: list[Entry] = [503, (429, {"Retry-After": "1"}), httpx2.ReadError, httpx2.Response(200)]
server = ScriptedTransport([*script, answer])
assert_type(server.requests, list[Received])
assert_type(server.requests[0].url, httpx2.URL)
assert_type(server.requests[0].headers, httpx2.Headers)
ScriptedTransport([httpx.Response(200)])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
ScriptedTransport1([answer])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

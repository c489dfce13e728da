"""What type checkers make of `httpx_retry.testing`. Read by them, and never run."""

from __future__ import annotations

import httpx
from typing_extensions import assert_type

from httpx_retry.testing import (
    BreaksOff,
    Entry,
    FakeClock,
    Received,
    ScriptedTransport,
    instant_retries,
)


def answer(request: httpx.Request) -> httpx.Response:
    """A function in a script."""
    return httpx.Response(200, json={"path": request.url.path})


async def answer_later(_: httpx.Request) -> int:
    """Another, for async clients, that gives an entry of its own."""
    return 204


server = ScriptedTransport(
    [
        503,
        (429, {"Retry-After": "1"}),
        (200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], b"body"),
        httpx.ReadError,
        httpx.ConnectTimeout("late"),
        BreaksOff("the whole body", after=3, headers={"ETag": '"1"'}),
        httpx.Response(200),
        answer,
        answer_later,
    ],
    clock=FakeClock(),
)
script: list[Entry] = [503, answer]
ScriptedTransport(script)
ScriptedTransport(["503"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
ScriptedTransport(503)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
BreaksOff("whole")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

httpx.Client(transport=server)
httpx.AsyncClient(transport=server)
assert_type(server.requests, list[Received])
assert_type(server.requests[0].body, bytes)
assert_type(server.clock.sleeps, list[float])

with instant_retries() as waits:
    assert_type(waits, list[float])

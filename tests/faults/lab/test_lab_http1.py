"""What bare httpx raises for each HTTP/1.1 fault of the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import anyio
import h11
import httpx
import pytest
import trio
from httpx import ReadError, ReadTimeout, RemoteProtocolError, WriteTimeout

from . import (
    CONTINUE,
    EARLY_HINTS,
    GARBAGE,
    HUGE_HEADER,
    PARTIAL_HEADERS,
    PARTIAL_STATUS_LINE,
    CorruptRecord,
    Cut,
    Early,
    Fin,
    HTTP1Server,
    HTTP1Step,
    Identity,
    Received,
    Reply,
    Rst,
    Stall,
    close_before_write,
    close_before_write_async,
)
from .clients import ASYNC_WORLDS, WORLDS, Call, Seen, by_step, leaves_upload_unfinished, send

if TYPE_CHECKING:
    from collections.abc import Mapping

Timeout = (TimeoutError, trio.TooSlowError)
Cause: TypeAlias = type | tuple[type, ...]
Raised: TypeAlias = type | tuple[type, ...]

SIZED = Reply(200, b"x" * 1000)
CHUNKED = Reply(200, b"x" * 1000, chunked=True)
UPLOAD = b"x" * 20_000_000  # more than the sockets' buffers hold

BEFORE_HEADERS: list[tuple[HTTP1Step, type[Exception], Cause]] = [
    (Fin(), RemoteProtocolError, str),
    (Rst(), ReadError, ConnectionResetError),
    (Stall(), ReadTimeout, Timeout),
    *[
        row
        for begun in (PARTIAL_STATUS_LINE, PARTIAL_HEADERS, CONTINUE, EARLY_HINTS)
        for row in (
            (Fin(after=begun), RemoteProtocolError, str),
            (Rst(after=begun), ReadError, ConnectionResetError),
        )
    ],
    (Stall(after=PARTIAL_HEADERS), ReadTimeout, Timeout),
    (Stall(after=EARLY_HINTS), ReadTimeout, Timeout),
    (Fin(after=GARBAGE), RemoteProtocolError, h11.RemoteProtocolError),
    (Fin(after=HUGE_HEADER), RemoteProtocolError, h11.RemoteProtocolError),
]

INSIDE_BODY: list[tuple[HTTP1Step, type[Exception], Cause]] = [
    row
    for reply in (SIZED, CHUNKED)
    for row in (
        (Cut(reply, 500, Fin()), RemoteProtocolError, h11.RemoteProtocolError),
        (Cut(reply, 500, Rst()), ReadError, ConnectionResetError),
        (Cut(reply, 500, Stall()), ReadTimeout, Timeout),
    )
]
INSIDE_BODY.append((Cut(CHUNKED, 1000, Fin()), RemoteProtocolError, h11.RemoteProtocolError))


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("step", "raised", "cause"), by_step(BEFORE_HEADERS))
def test_fault_before_the_headers(
    world: str, step: HTTP1Step, raised: type[Exception], cause: Cause
) -> None:
    first = seen_with(world, HTTP1Server([step]), raised)
    assert (first.status, first.raised) == (None, raised)
    assert any(isinstance(each, cause) for each in first.causes)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("step", "raised", "cause"), by_step(INSIDE_BODY))
def test_fault_inside_the_body(
    world: str, step: HTTP1Step, raised: type[Exception], cause: Cause
) -> None:
    first = seen_with(world, HTTP1Server([step]), raised)
    assert (first.status, first.raised) == (200, raised)
    assert any(isinstance(each, cause) for each in first.causes)


@pytest.mark.parametrize("world", WORLDS)
def test_a_body_of_unsaid_length_cannot_be_seen_to_break_off(world: str) -> None:
    half = Fin(after=b"HTTP/1.1 200 OK\r\n\r\nthe first ha")
    seen = seen_with(world, HTTP1Server([half]), Seen)
    assert (seen.status, seen.body, seen.error) == (200, b"the first ha", None)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("step", "raised"),
    by_step(
        [
            (Fin(), RemoteProtocolError),
            (Rst(), ReadError),
            (Cut(SIZED, 500, Fin()), RemoteProtocolError),
            (Cut(SIZED, 500, Rst()), ReadError),
            (Cut(SIZED, 500, Stall()), ReadTimeout),
        ]
    ),
)
def test_fault_under_tls(world: str, step: HTTP1Step, raised: type[Exception]) -> None:
    first = seen_with(world, HTTP1Server([step], tls=Identity()), raised)
    # CPython 3.10 to 3.12.2 takes a reset under TLS for an end of file (gh-115627).
    assert first.raised in ((raised, RemoteProtocolError) if world == "sync" else (raised,))


def test_corrupt_record_escapes_httpx_on_asyncio_only() -> None:
    raised = {
        world: seen_with(
            world, HTTP1Server([CorruptRecord()], tls=Identity()), ReadError
        ).raised.__name__
        for world in WORLDS
    }
    assert raised == {"sync": "ReadError", "asyncio": "SSLError", "trio": "ReadError"}


def seen_with(world: str, server: HTTP1Server, expected: type) -> Seen:
    """What is seen of the first of two requests, when all else is as it has to be."""
    with server:
        first, second = send(world, Call(server.url, 2, expected=expected))
        assert second.body == b"ok"
        assert server.connections == 2
        assert server.processed == {"1": [Received("GET")], "2": [Received("GET")]}
    return first


@leaves_upload_unfinished
@pytest.mark.parametrize("tls", [None, Identity()], ids=["clear", "tls"])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("step", "possible"),
    by_step(
        [
            (Early(Reply(413)), (Seen, ReadError)),
            (Early(Rst()), (RemoteProtocolError, ReadError)),
            (Early(Stall()), WriteTimeout),
        ]
    ),
)
def test_fault_during_the_upload(
    world: str, tls: Identity | None, step: HTTP1Step, possible: Raised
) -> None:
    with HTTP1Server([step], tls=tls) as server:
        (seen,) = send(world, Call(server.url, method="POST", body=UPLOAD, expected=possible))
        assert isinstance(seen.error or seen, possible)
        assert server.processed == {}
    if world == "sync" and isinstance(step, Early) and step.step == Reply(413):
        assert seen.status == 413


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
def test_connection_closed_while_idle_is_noticed_by_the_pool(world: str, by: Fin | Rst) -> None:
    with HTTP1Server() as server:

        def close_after_use(event: str, info: Mapping[str, object]) -> None:
            if event == "http11.response_closed.complete":
                assert server.close_idle(by) == 1

        all_seen = send(world, Call(server.url, 3, trace=close_after_use))
        assert [seen.status for seen in all_seen] == [200, 200, 200]
        assert server.connections == 3


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
def test_connection_closed_between_poll_and_write_is_not(world: str, by: Fin | Rst) -> None:
    with HTTP1Server() as server:
        close = close_before_write(server, by)
        failed = []

        def trace(event: str, info: Mapping[str, object]) -> None:
            close(event, info)
            if event.endswith("failed"):
                failed.append(event)

        _, second, third = send(world, Call(server.url, 3, trace=trace))
        assert second.raised in {RemoteProtocolError, ReadError}
        assert third.status == 200
        assert set(server.processed) == {"1", "3"}
    # On asyncio the write to a connection that was reset succeeds, so nothing proves "unsent".
    headers_failed = "http11.send_request_headers.failed" in failed
    assert headers_failed is (by == Rst() and world != "asyncio")


@pytest.mark.parametrize("world", ASYNC_WORLDS)
def test_the_same_trace_for_async_clients(world: str) -> None:
    async def get_twice(url: str) -> None:
        extensions = {"trace": close_before_write_async(server, Fin())}
        async with httpx.AsyncClient() as client:
            await client.get(url, extensions=extensions)
            with pytest.raises(RemoteProtocolError):
                await client.get(url, extensions=extensions)

    with HTTP1Server() as server:
        anyio.run(get_twice, server.url, backend=world)

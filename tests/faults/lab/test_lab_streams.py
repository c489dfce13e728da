"""Many concurrent HTTP/2 streams: what they do to each other, and how the server counts them."""

from __future__ import annotations

import itertools
import random
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx
import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from h2.exceptions import StreamClosedError, TooManyStreamsError
from httpx import LocalProtocolError, ReadError, ReadTimeout, RemoteProtocolError

from . import (
    Early,
    Fin,
    GoAway,
    HTTP2Server,
    HTTP2Step,
    Last,
    Received,
    Reply,
    ResetStream,
    Rst,
    Stall,
    client_context,
)
from .clients import (
    ASYNC_WORLDS,
    Call,
    Seen,
    by_step,
    leaves_upload_unfinished,
    send_at_once,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

REFUSED = ResetStream(ErrorCodes.REFUSED_STREAM)


@pytest.mark.parametrize("world", ASYNC_WORLDS)
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
def test_a_lost_connection_takes_all_streams_with_one_cause(world: str, by: Fin | Rst) -> None:
    with HTTP2Server([*[Stall()] * 4, by]) as server:
        all_seen = send_at_once(world, Call(server.url, 5, http2=True))
        assert {seen.raised for seen in all_seen} <= {RemoteProtocolError, ReadError}
        assert len({id(seen.error.__cause__) for seen in all_seen if seen.error}) == 1
        assert len(server.processed) == 5


@pytest.mark.parametrize("world", ASYNC_WORLDS)
@pytest.mark.parametrize(("first", "second"), [(0.1, 5), (0.2, 0.1)], ids=["short", "long"])
def test_the_timeout_of_the_stream_that_reads_holds_for_all(
    world: str, first: float, second: float
) -> None:
    async def get_both() -> None:
        async def get(read_timeout: float) -> None:
            with pytest.raises(ReadTimeout):
                await client.get(server.url, timeout=httpx.Timeout(5, read=read_timeout))

        async with httpx.AsyncClient(http2=True, verify=client_context()) as client:
            await client.get(server.url)
            async with anyio.create_task_group() as both:
                both.start_soon(get, first)
                await anyio.to_thread.run_sync(server.wait_for_requests, 2)
                both.start_soon(get, second)

    with HTTP2Server([Reply(), Stall(), Stall()]) as server:
        before = time.monotonic()
        anyio.run(get_both, backend=world)
        assert first <= time.monotonic() - before < first + 1
        assert server.connections == 1


@pytest.mark.parametrize("world", ASYNC_WORLDS)
@pytest.mark.parametrize(
    ("step", "raised", "cause"),
    by_step(
        [
            (Fin(), LocalProtocolError, TooManyStreamsError),
            (GoAway(), RemoteProtocolError, ConnectionTerminated),
        ]
    ),
)
def test_requests_that_wait_for_a_stream_are_not_sent(
    world: str, step: HTTP2Step, raised: type, cause: type
) -> None:
    failed: list[str] = []

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "http2.send_request_headers.failed":
            failed.append(event)

    with HTTP2Server([step], max_streams=1) as server:
        all_seen = send_at_once(world, Call(server.url, 3, http2=True, trace=trace))
        waited = [seen for seen in all_seen if isinstance(seen.causes[0], cause)]
        assert {seen.raised for seen in waited} == {raised}
        assert len(waited) >= len(failed) == 2
        assert len(server.processed | server.refused) == 1


@leaves_upload_unfinished
@pytest.mark.parametrize("world", ASYNC_WORLDS)
def test_a_reset_read_by_a_sibling_strikes_the_upload_as_a_protocol_error(world: str) -> None:
    with HTTP2Server([Reply(), Early(REFUSED)]) as server:
        error = anyio.run(upload_while_a_sibling_reads, server.url, backend=world)
        assert isinstance(error, LocalProtocolError)
        assert isinstance(error.__cause__, Exception)
        assert isinstance(error.__cause__.args[0], StreamClosedError)
        assert server.refused.keys() == {"/upload"}
        assert server.processed.keys() == {"/first", "/sibling"}


async def upload_while_a_sibling_reads(url: str) -> Exception | None:
    """The error of an upload whose reset comes in while another stream waits for its response."""
    async with httpx.AsyncClient(http2=True, verify=client_context()) as client:

        async def body() -> AsyncIterator[bytes]:
            yield b"one"
            await client.get(f"{url}/sibling")
            yield b"two"

        await client.get(f"{url}/first")  # until then httpcore allows itself but one stream
        try:
            await client.post(f"{url}/upload", content=body())
        except LocalProtocolError as error:
            return error
    return None


@pytest.mark.parametrize("world", ASYNC_WORLDS)
def test_large_bodies_both_ways_on_concurrent_streams(world: str) -> None:
    up, down = b"u" * 2_000_000, b"d" * 3_000_000
    with HTTP2Server([Reply(body=down)] * 4) as server:
        call = Call(server.url, 4, method="POST", body=up, http2=True)
        assert [seen.body for seen in send_at_once(world, call)] == [down] * 4
        assert list(server.processed.values()) == [[Received("POST", up)]] * 4
        assert server.connections == 1


@pytest.mark.parametrize("world", ASYNC_WORLDS)
def test_soak_with_random_refusals(world: str) -> None:
    def script() -> Iterator[HTTP2Step]:
        chance = random.Random(7)
        while True:
            yield REFUSED if chance.random() < 0.3 else Reply()

    with HTTP2Server(script()) as server:
        all_seen = send_at_once(world, Call(server.url, 100, http2=True))
        assert_consistent(server, all_seen)
        answered = {str(n) for n, seen in enumerate(all_seen, 1) if seen.status == 200}
        assert server.processed.keys() == answered
        assert 10 < len(server.refused) < 60


@pytest.mark.parametrize("world", ASYNC_WORLDS)
@pytest.mark.parametrize(
    "tenth",
    [GoAway(Last.BELOW, then=Stall()), GoAway(Last.AT, then=Reply()), Fin(), Rst()],
    ids=repr,
)
def test_soak_with_a_fault_on_every_tenth_stream(world: str, tenth: HTTP2Step) -> None:
    with HTTP2Server(itertools.cycle([*[Reply()] * 9, tenth])) as server:
        call = Call(server.url, 100, http2=True, expected=ReadTimeout)
        all_seen = send_at_once(world, call)
        assert_consistent(server, all_seen)
        assert any(seen.error for seen in all_seen)


def assert_consistent(server: HTTP2Server, all_seen: list[Seen]) -> None:
    """Asserts that whatever was answered was processed, and nothing twice."""
    answered = {str(n) for n, seen in enumerate(all_seen, 1) if seen.body == b"ok"}
    assert answered <= server.processed.keys()
    assert all(len(requests) == 1 for requests in server.processed.values())

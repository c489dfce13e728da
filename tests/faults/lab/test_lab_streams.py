"""Many concurrent HTTP/2 streams: what they do to each other, and what the server keeps count of."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from h2.exceptions import StreamClosedError, TooManyStreamsError
from httpx import LocalProtocolError, ReadError, RemoteProtocolError

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
from .clients import WORLDS, Call, Seen, send_at_once, step_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

ASYNC_WORLDS = WORLDS[1:]
REFUSED = ResetStream(ErrorCodes.REFUSED_STREAM)


@pytest.mark.parametrize("world", ASYNC_WORLDS)
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=step_name)
def test_a_lost_connection_takes_all_streams_with_one_cause(world: str, by: Fin | Rst) -> None:
    with HTTP2Server([*[Stall()] * 4, by]) as server:
        all_seen = send_at_once(world, Call(server.url, 5, http2=True))
        assert {seen.raised for seen in all_seen} <= {RemoteProtocolError, ReadError}
        assert len({id(seen.error.__cause__) for seen in all_seen if seen.error}) == 1
        assert len(server.processed) == 5


@pytest.mark.parametrize("world", ASYNC_WORLDS)
def test_one_streams_timeout_fails_its_siblings(world: str) -> None:
    with HTTP2Server([Reply(), Stall(), Stall()]) as server:
        all_seen = send_at_once(world, Call(server.url, 3, http2=True))
        assert sorted(seen.raised.__name__ for seen in all_seen) == [
            "ReadTimeout",
            "ReadTimeout",
            "Seen",
        ]


@pytest.mark.parametrize("world", ASYNC_WORLDS)
@pytest.mark.parametrize(
    ("step", "raised", "cause"),
    [
        (Fin(), LocalProtocolError, TooManyStreamsError),
        (GoAway(), RemoteProtocolError, ConnectionTerminated),
    ],
    ids=step_name,
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
        waited = [seen for seen in all_seen if seen.raised is raised]
        assert [seen for seen in waited if isinstance(seen.causes[0], cause)][1:]
        assert len(failed) == 2
        assert len(server.processed | server.refused) == 1


@pytest.mark.parametrize("world", ASYNC_WORLDS)
def test_a_reset_read_by_a_sibling_strikes_the_upload_as_a_protocol_error(world: str) -> None:
    with HTTP2Server([Early(REFUSED)]) as server:
        error = anyio.run(upload_while_a_sibling_reads, server.url, backend=world)
        assert isinstance(error, LocalProtocolError)
        assert isinstance(error.__cause__, Exception)
        assert isinstance(error.__cause__.args[0], StreamClosedError)
        assert (server.refused.keys(), server.processed.keys()) == ({"/upload"}, {"/sibling"})


async def upload_while_a_sibling_reads(url: str) -> Exception | None:
    """The error of an upload whose reset comes in while another stream waits for its response."""
    async with httpx.AsyncClient(http2=True, verify=client_context()) as client:

        async def body() -> AsyncIterator[bytes]:
            yield b"first"
            await client.get(f"{url}/sibling")
            yield b"second"

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
    ids=step_name,
)
def test_soak_with_a_fault_on_every_tenth_stream(world: str, tenth: HTTP2Step) -> None:
    with HTTP2Server(itertools.cycle([*[Reply()] * 9, tenth])) as server:
        all_seen = send_at_once(world, Call(server.url, 100, http2=True))
        assert_consistent(server, all_seen)
        assert any(seen.error for seen in all_seen)


def assert_consistent(server: HTTP2Server, all_seen: list[Seen]) -> None:
    """Asserts that whatever was answered was processed, and nothing twice."""
    answered = {str(n) for n, seen in enumerate(all_seen, 1) if seen.body == b"ok"}
    assert answered <= server.processed.keys()
    assert all(len(requests) == 1 for requests in server.processed.values())

"""HTTP/2 faults on real sockets: the protocol's own signals count."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived
from hyperframe.frame import GoAwayFrame

from httpx_retry import ConstantBackoff, Evidence, RetryBudget, RetryPolicy, StopReason
from tests.faults.lab import (
    BAD_FRAME,
    FLOW_WINDOW,
    Early,
    Fin,
    GoAway,
    HTTP2Server,
    Last,
    NoMoreStreams,
    Reply,
    ResetStream,
    Rst,
    Stall,
    client_context,
)
from tests.faults.lab.clients import leaves_upload_unfinished

from .meeting import expect, meet, patience, send

if TYPE_CHECKING:
    from typing_extensions import Self

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

UNKNOWN, REFUSED, PERMANENT = Evidence.UNKNOWN, Evidence.REFUSED, Evidence.PERMANENT
HTTP2 = {"http2": True}
SILENT_ON_HTTP_1_1 = {ErrorCodes.REFUSED_STREAM, ErrorCodes.HTTP_1_1_REQUIRED}

FAULTS = [
    (ResetStream(ErrorCodes.REFUSED_STREAM), REFUSED),
    (ResetStream(ErrorCodes.HTTP_1_1_REQUIRED), PERMANENT),
    *[(ResetStream(code), UNKNOWN) for code in ErrorCodes if code not in SILENT_ON_HTTP_1_1],
    (GoAway(Last.ZERO), REFUSED),
    (GoAway(Last.ZERO, ErrorCodes.ENHANCE_YOUR_CALM), REFUSED),
    (GoAway(Last.ZERO, then=Rst()), REFUSED),
    (GoAway(Last.AT), UNKNOWN),
    (GoAway(Last.MAX), UNKNOWN),
    (GoAway(Last.MAX, then=Stall()), UNKNOWN),
    (GoAway(Last.AT, then=Reply()), UNKNOWN),
    (Fin(), UNKNOWN),
    (Rst(), UNKNOWN),
    (Stall(), UNKNOWN),
    (Fin(after=BAD_FRAME), UNKNOWN),
    (Reply(headers={"content-length": "9"}), UNKNOWN),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("step", "evidence"), FAULTS, ids=repr)
async def test_the_evidence_of_each_fault(
    world: World, clock: FakeClock, step: Any, evidence: Evidence, method: str
) -> None:
    with HTTP2Server([step]) as server:
        http2 = {"transport": HTTP2, "timeout": patience(step)}
        await expect(world, clock, server, method, evidence, **http2)


async def test_the_first_retry_after_a_refusal_waits_for_nothing_and_the_second_backs_off(
    world: World, clock: FakeClock
) -> None:
    refusal = ResetStream(ErrorCodes.REFUSED_STREAM)
    policy = RetryPolicy(backoff=ConstantBackoff(3))

    with HTTP2Server([refusal, refusal, Reply(503), refusal]) as server:
        met = await meet(world, clock, server, "GET", policy=policy, transport=HTTP2)

    waits = [attempt.wait for attempt in met.history]
    assert waits == [0, 3, 3, None]
    assert clock.sleeps == [3, 3]
    assert server.connections == 1


async def test_a_server_that_refuses_for_ever_is_given_up(world: World, clock: FakeClock) -> None:
    with HTTP2Server([GoAway(Last.ZERO)] * 9) as server:
        met = await meet(world, clock, server, "POST", content=b"order", transport=HTTP2)

    assert [attempt.evidence for attempt in met.history] == [REFUSED] * 4
    assert met.history[-1].reason is StopReason.ATTEMPTS_EXHAUSTED


UPLOAD = b"x" * 200_000  # more than one window


@leaves_upload_unfinished
@pytest.mark.parametrize(
    ("step", "evidence"),
    [
        (Early(GoAway(Last.BELOW), FLOW_WINDOW), REFUSED),
        (Early(GoAway(Last.AT), FLOW_WINDOW), UNKNOWN),
        (Early(Fin(), FLOW_WINDOW), UNKNOWN),
        (Early(Rst(), FLOW_WINDOW), UNKNOWN),
        (Early(Stall(), FLOW_WINDOW), UNKNOWN),
        # httpcore overlooks the reset while it waits for the window: only a timeout is seen.
        (Early(ResetStream(ErrorCodes.REFUSED_STREAM), FLOW_WINDOW), UNKNOWN),
    ],
    ids=repr,
)
async def test_a_fault_while_the_upload_waits_for_its_window(
    world: World, clock: FakeClock, step: Any, evidence: Evidence
) -> None:
    with HTTP2Server([Reply(), step]) as server:
        upload = {"transport": HTTP2, "content": UPLOAD, "timeout": patience(step)}
        await expect(world, clock, server, "POST", evidence, warm=True, **upload)


@leaves_upload_unfinished
async def test_a_goaway_that_disowns_every_stream_while_the_upload_waits(
    world: World, clock: FakeClock
) -> None:
    with HTTP2Server([Early(GoAway(Last.ZERO), FLOW_WINDOW)]) as server:
        await expect(world, clock, server, "POST", REFUSED, transport=HTTP2, content=UPLOAD)


async def test_a_refusal_in_the_middle_of_an_upload_is_one(world: World, clock: FakeClock) -> None:
    refusal = Early(ResetStream(ErrorCodes.REFUSED_STREAM), read=1000)
    with HTTP2Server([refusal]) as server:
        await expect(world, clock, server, "POST", REFUSED, transport=HTTP2, content=b"x" * 2000)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
async def test_an_idle_connection_that_was_lost(
    world: World, clock: FakeClock, by: Any, method: str
) -> None:
    with HTTP2Server() as server:
        async with world.client(None, clock=clock, verify=False, **HTTP2) as client:
            await client.get(server.url, headers={"x-id": "warm"})
            assert server.close_idle(by) == 1
            met = await send(client, server, method)

    if met.response is None:
        # The kernel took the headers: nothing proves that nobody read them.
        assert (method, met.evidence, met.processed) == ("POST", UNKNOWN, [])
    else:
        assert len(met.processed) == 1


async def test_httpcores_own_resend_after_a_goaway_carries_the_whole_body(
    world: World, clock: FakeClock
) -> None:
    with HTTP2Server([Reply(), GoAway(Last.BELOW)]) as server:
        met = await meet(world, clock, server, "POST", content=b"order", transport=HTTP2, warm=True)

    assert met.response is not None
    assert met.history == ()
    assert [received.body for received in met.processed] == [b"order"]


@pytest.mark.parametrize("content", [b"", b"order"], ids=["empty", "order"])
async def test_a_stream_that_was_not_begun_was_not_sent_and_costs_nothing(
    world: World, clock: FakeClock, content: bytes
) -> None:
    # Given a server that answers, and wants no more streams on that connection
    budget = RetryBudget(capacity=0.0)
    with HTTP2Server([NoMoreStreams()]) as server:
        retry = {"clock": clock, "budget": budget, "verify": client_context()}
        async with world.client(None, **retry, **HTTP2) as client:
            await client.get(server.url)

            # When httpcore tries to begin one there, again and again
            met = await send(client, server, "POST", content=content)

    # Then each attempt is known not to have left, and the budget was not asked for it
    assert [attempt.evidence for attempt in met.history] == [Evidence.UNSENT] * 4
    assert met.history[-1].reason is StopReason.ATTEMPTS_EXHAUSTED
    assert met.processed == []


class LyingServer:
    """Begins to answer a stream, leaves it out in its GOAWAY, and goes; then it answers well.

    The lab's own servers tell the truth.
    """

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._lies = True
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        for _ in range(2):
            connection, _address = self._listener.accept()
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        state = H2Connection(H2Configuration(client_side=False))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while data := connection.recv(1 << 16):
            for event in state.receive_data(data):
                if isinstance(event, RequestReceived):
                    number = event.stream_id
                    headers = [(":status", "200"), ("etag", '"v"'), ("content-length", "100000")]
                    state.send_headers(number, headers)
                    if number > 1 and self._lies:
                        self._lies = False
                        state.send_data(number, b"x" * 10_000)
                        leaves_out = GoAwayFrame(0, last_stream_id=1, error_code=2)
                        connection.sendall(state.data_to_send() + leaves_out.serialize())
                        return
                    for _ in range(10):
                        state.send_data(number, b"x" * 10_000, end_stream=False)
                    state.end_stream(number)
            connection.sendall(state.data_to_send())


async def test_a_goaway_that_leaves_out_what_it_answers_breaks_a_body_off(
    world: World, clock: FakeClock
) -> None:
    kind: Any = httpx.AsyncHTTPTransport if world.is_async else httpx.HTTPTransport
    with LyingServer() as server:
        inner = kind(http1=False, http2=True, trust_env=False)
        async with world.client(inner, clock=clock) as client:
            bodies = [(await client.get(server.url)).content for _ in range(2)]

    # httpcore has a name of its own for it, which httpx does not know.
    assert bodies == [b"x" * 100_000] * 2

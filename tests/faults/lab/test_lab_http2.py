"""What bare httpx raises for each HTTP/2 fault of the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pytest
import trio
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset
from h2.exceptions import InvalidBodyLengthError, ProtocolError
from httpx import LocalProtocolError, ReadError, ReadTimeout, RemoteProtocolError, WriteError

from . import (
    BAD_FRAME,
    FLOW_WINDOW,
    Cut,
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
)
from .clients import WORLDS, Call, Seen, by_step, leaves_upload_unfinished, send

if TYPE_CHECKING:
    from collections.abc import Mapping

Raised: TypeAlias = type | tuple[type, ...]
Cause: TypeAlias = type | tuple[type, ...]
Row: TypeAlias = tuple[HTTP2Step, Raised, Cause]

Timeout = (TimeoutError, trio.TooSlowError)
Reset = (str, ConnectionResetError)  # gh-115627, as in HTTP/1.1 under TLS

SMALL = Reply(200, b"x" * 1000)
UPLOAD = b"x" * 200_000  # more than one window

SENDING = "http2.send_request_headers.started"
REFUSED = ResetStream(ErrorCodes.REFUSED_STREAM)

CODES = (
    ErrorCodes.REFUSED_STREAM,
    ErrorCodes.CANCEL,
    ErrorCodes.INTERNAL_ERROR,
    ErrorCodes.ENHANCE_YOUR_CALM,
    ErrorCodes.NO_ERROR,
    ErrorCodes.HTTP_1_1_REQUIRED,
)
RESETS: list[Row] = [(ResetStream(code), RemoteProtocolError, StreamReset) for code in CODES]
GOAWAYS: list[Row] = [(GoAway(last), RemoteProtocolError, ConnectionTerminated) for last in Last]

SOLE_STREAM: list[Row] = [
    *RESETS,
    *GOAWAYS,
    (GoAway(code=ErrorCodes.ENHANCE_YOUR_CALM), RemoteProtocolError, ConnectionTerminated),
    (GoAway(Last.MAX, then=Stall()), RemoteProtocolError, ConnectionTerminated),
    (GoAway(Last.AT, then=Reply()), LocalProtocolError, ProtocolError),
    (Fin(), RemoteProtocolError, str),
    (Rst(), (RemoteProtocolError, ReadError), Reset),
    (Stall(), ReadTimeout, Timeout),
    (Fin(after=BAD_FRAME), LocalProtocolError, ProtocolError),
    (Reply(headers={"content-length": "9"}), LocalProtocolError, InvalidBodyLengthError),
]

INSIDE_BODY: list[Row] = [
    (Cut(SMALL, 500, ResetStream(ErrorCodes.CANCEL)), RemoteProtocolError, StreamReset),
    (Cut(SMALL, 500, Fin()), RemoteProtocolError, str),
    (Cut(SMALL, 500, Rst()), (RemoteProtocolError, ReadError), Reset),
    (Cut(SMALL, 500, Stall()), ReadTimeout, Timeout),
]

BLOCKED_UPLOAD: list[Row] = [
    (Early(REFUSED, FLOW_WINDOW), ReadTimeout, Timeout),  # httpcore overlooks the reset
    (Early(Reply(413), FLOW_WINDOW), ReadTimeout, Timeout),
    (Early(Stall(), FLOW_WINDOW), ReadTimeout, Timeout),
    (Early(GoAway(), FLOW_WINDOW), RemoteProtocolError, ConnectionTerminated),
    (Early(Fin(), FLOW_WINDOW), RemoteProtocolError, str),
    (Early(Rst(), FLOW_WINDOW), (RemoteProtocolError, ReadError), Reset),
]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("step", "raised", "cause"), by_step(SOLE_STREAM))
def test_fault_before_the_headers(
    world: str, step: HTTP2Step, raised: Raised, cause: Cause
) -> None:
    seen = seen_with(world, step, raised)
    assert seen.status is None
    assert isinstance(seen.error, raised)
    evidence = next(each for each in seen.causes if isinstance(each, cause))
    if isinstance(step, ResetStream):
        assert isinstance(evidence, StreamReset)
        assert (evidence.error_code, evidence.remote_reset) == (step.code, True)
    if isinstance(evidence, ConnectionTerminated):
        assert isinstance(step, GoAway)
        assert evidence.error_code == step.code
        assert evidence.last_stream_id == step.last.stream_id(1)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("step", "raised", "cause"), by_step(INSIDE_BODY))
def test_fault_inside_the_body(world: str, step: HTTP2Step, raised: Raised, cause: Cause) -> None:
    seen = seen_with(world, step, raised)
    assert seen.status == 200
    assert isinstance(seen.error, raised)
    assert any(isinstance(each, cause) for each in seen.causes)


def seen_with(world: str, step: HTTP2Step, raised: Raised) -> Seen:
    """What is seen of the first of two requests, when all else is as it has to be."""
    with HTTP2Server([step]) as server:
        first, second = send(world, Call(server.url, 2, http2=True, expected=raised))
        assert second.body == b"ok"
        disowned = isinstance(step, GoAway) and step.last not in {Last.AT, Last.MAX}
        first_record = server.refused if disowned or step == REFUSED else server.processed
        assert first_record.pop("1") == [Received("GET")]
        assert (server.processed, server.refused) == ({"2": [Received("GET")]}, {})
        lives_on = isinstance(step.by if isinstance(step, Cut) else step, ResetStream)
        assert server.connections == server.handshakes == (1 if lives_on else 2)
    return first


@pytest.mark.parametrize("world", WORLDS)
def test_bad_frame_inside_the_body_escapes_httpx(world: str) -> None:
    seen = seen_with(world, Cut(SMALL, 500, Fin(after=BAD_FRAME)), ProtocolError)
    assert (seen.status, seen.raised) == (200, ProtocolError)


@leaves_upload_unfinished
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("step", "raised", "cause"), by_step(BLOCKED_UPLOAD))
def test_fault_while_the_upload_is_flow_blocked(
    world: str, step: HTTP2Step, raised: Raised, cause: Cause
) -> None:
    with HTTP2Server([step]) as server:
        call = Call(server.url, method="POST", body=UPLOAD, http2=True, expected=raised)
        (seen,) = send(world, call)
        assert isinstance(seen.error, raised)
        assert any(isinstance(each, cause) for each in seen.causes)
        assert server.processed == {}


@pytest.mark.parametrize("world", WORLDS)
def test_refusal_after_a_part_of_an_upload_that_fits_the_window(world: str) -> None:
    with HTTP2Server([Early(REFUSED, read=1000)]) as server:
        call = Call(server.url, 2, method="POST", body=b"x" * 2000, http2=True)
        first, second = send(world, call)
        assert isinstance(first.causes[0], StreamReset)
        assert second.status == 200
        assert server.refused.keys() == {"1"}
        assert server.processed.keys() == {"2"}


@pytest.mark.parametrize("world", WORLDS)
def test_httpcore_resends_what_a_goaway_disowns_while_reading(world: str) -> None:
    with HTTP2Server([Reply(), GoAway(Last.BELOW)]) as server:
        all_seen = send(world, Call(server.url, 2, method="POST", body=b"x", http2=True))
        assert [seen.status for seen in all_seen] == [200, 200]
        assert (len(server.refused["2"]), len(server.processed["2"])) == (1, 1)


@leaves_upload_unfinished
@pytest.mark.parametrize("world", WORLDS)
def test_httpcore_does_not_while_sending(world: str) -> None:
    with HTTP2Server([Reply(), Early(GoAway(Last.BELOW), FLOW_WINDOW)]) as server:
        call = Call(server.url, 2, method="POST", body=UPLOAD, http2=True)
        _, second = send(world, call)
        (evidence,) = second.causes
        assert isinstance(evidence, ConnectionTerminated)
        assert evidence.last_stream_id == 1
        assert server.processed.keys() == {"1"}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("by", [Fin(), Rst()], ids=repr)
@pytest.mark.parametrize("between", ["requests", "poll and write"])
def test_idle_connection_lost(world: str, by: Fin | Rst, between: str) -> None:
    event_of_loss = "http2.response_closed.complete" if between == "requests" else SENDING
    with HTTP2Server() as server:
        failed = []

        def trace(event: str, info: Mapping[str, object]) -> None:
            if event == event_of_loss:
                server.close_idle(by)
            if event.endswith("failed"):
                failed.append(event)

        first, second, third = send(world, Call(server.url, 3, http2=True, trace=trace))
        assert (first.status, third.status) == (200, 200)
        assert second.raised in {RemoteProtocolError, ReadError, WriteError}
        assert server.processed.keys() == {"1", "3"}
        assert (second.raised is WriteError) is ("http2.send_request_headers.failed" in failed)

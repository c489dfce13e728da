"""The flaky server, on real sockets: it does what the plan says, and leaves nothing behind."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from h2.errors import ErrorCodes
from h2.events import StreamReset

from httpx_retry._demo import service
from httpx_retry._demo.plan import Answer, Break, HttpVersion, PlannedRequest, Reply
from httpx_retry._demo.server import FlakyServer, flaky_server

from .samples import planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    PlanIs: TypeAlias = Callable[[PlannedRequest], None]

BOTH = pytest.mark.parametrize("version", HttpVersion, ids=lambda version: version.name)


@contextmanager
def client_of(server: FlakyServer, version: HttpVersion) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(http2=version is HttpVersion.HTTP2, verify=server.client_tls)
    with httpx.Client(transport=transport, base_url=server.url(version)) as client:
        yield client


@pytest.fixture
def plan_is(monkeypatch: pytest.MonkeyPatch) -> PlanIs:
    """Give every request the same plan."""

    def set_plan(request: PlannedRequest) -> None:
        monkeypatch.setattr(service, "plan", lambda *_: request)

    return set_plan


@pytest.fixture
def server() -> Iterator[FlakyServer]:
    with flaky_server(7) as server:
        yield server


@BOTH
def test_a_request_without_faults_is_served(
    server: FlakyServer, plan_is: PlanIs, version: HttpVersion
) -> None:
    request = planned(method="PUT", body=b"x" * 100_000)
    plan_is(request)
    with client_of(server, version) as client:
        response = client.put("/run/1", content=request.body)
    assert (response.status_code, response.content) == (200, request.served.body)
    assert response.http_version == version.value


@BOTH
@pytest.mark.parametrize("fault", [Answer(500), Answer(503), Answer(429, retry_after=0.04)])
def test_a_fault_may_be_an_answer(
    server: FlakyServer,
    plan_is: PlanIs,
    version: HttpVersion,
    fault: Answer,
) -> None:
    plan_is(planned(fault))
    with client_of(server, version) as client:
        failed, served = client.get("/run/1"), client.get("/run/1")
    assert failed.status_code == fault.status
    assert failed.headers.get("retry-after") == (fault.retry_after and str(fault.retry_after))
    assert served.status_code == 200


@pytest.mark.parametrize(
    ("version", "fault", "says"),
    [
        (HttpVersion.HTTP1, Break.RESET, "reset by peer"),
        (HttpVersion.HTTP1, Break.HANG_UP, "Server disconnected"),
        (HttpVersion.HTTP2, Break.GOAWAY, "ConnectionTerminated"),
    ],
)
def test_a_fault_may_end_the_connection(
    server: FlakyServer,
    plan_is: PlanIs,
    version: HttpVersion,
    fault: Reply,
    says: str,
) -> None:
    plan_is(planned(fault))
    with client_of(server, version) as client:
        with pytest.raises(httpx.TransportError, match=says):
            client.get("/run/1")
        assert client.get("/run/1").status_code == 200


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Break.REFUSED_STREAM, ErrorCodes.REFUSED_STREAM),
        (Break.STREAM_ERROR, ErrorCodes.INTERNAL_ERROR),
    ],
)
def test_a_fault_may_reset_one_stream(
    server: FlakyServer,
    plan_is: PlanIs,
    fault: Break,
    code: ErrorCodes,
) -> None:
    plan_is(planned(fault))
    with client_of(server, HttpVersion.HTTP2) as client:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            client.get("/run/1")
        assert client.get("/run/1").status_code == 200
    assert caught.value.__cause__ is not None
    event = caught.value.__cause__.args[0]
    assert isinstance(event, StreamReset)
    assert event.error_code == code


@BOTH
def test_a_connection_serves_one_request_after_the_other(
    server: FlakyServer, plan_is: PlanIs, version: HttpVersion
) -> None:
    plan_is(planned())
    with client_of(server, version) as client:
        first, second = (client.get("/run/1").extensions["network_stream"] for _ in range(2))
        assert first.get_extra_info("client_addr") == second.get_extra_info("client_addr")


@BOTH
@pytest.mark.parametrize("path", ["/", "/run", "/run/one", "/run/1/more"])
def test_a_path_without_run_and_number_is_not_found(
    server: FlakyServer, version: HttpVersion, path: str
) -> None:
    with client_of(server, version) as client:
        assert client.get(path).status_code == 404


@BOTH
@pytest.mark.parametrize(("method", "body"), [("PUT", b"bo"), ("PUT", b""), ("POST", b"body")])
def test_a_request_that_is_not_the_planned_one_is_bad(
    server: FlakyServer,
    plan_is: PlanIs,
    version: HttpVersion,
    method: str,
    body: bytes,
) -> None:
    plan_is(planned(method="PUT", body=b"body"))
    with client_of(server, version) as client:
        assert client.request(method, "/run/1", content=body).status_code == 400


def test_each_run_meets_the_faults_anew_and_is_counted_apart(
    server: FlakyServer, plan_is: PlanIs
) -> None:
    plan_is(planned(Answer(503)))
    with client_of(server, HttpVersion.HTTP1) as client:
        statuses = [client.get(f"/{run}/1").status_code for run in ("one", "one", "other")]
    assert statuses == [503, 200, 503]
    assert (server.attempts("one"), server.attempts("other")) == (2, 1)


@BOTH
@pytest.mark.parametrize("fault", Break)
def test_a_client_that_leaves_early_disturbs_nothing(
    server: FlakyServer,
    plan_is: PlanIs,
    caplog: pytest.LogCaptureFixture,
    version: HttpVersion,
    fault: Break,
) -> None:
    plan_is(planned(fault, service=0.2))  # by then it has left, on a busy machine, too
    with client_of(server, version) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.get("/run/1", timeout=httpx.Timeout(5.0, read=0.000_1))
    plan_is(planned(service=0.25))  # meanwhile, the other would have been answered
    with client_of(server, version) as patient:
        assert patient.get("/run/1").status_code == 200
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_pipelined_requests_are_answered_in_order(server: FlakyServer, plan_is: PlanIs) -> None:
    plan_is(planned(Answer(503)))
    url = httpx.URL(server.url(HttpVersion.HTTP1))
    request = b"GET /run/1 HTTP/1.1\r\nHost: demo\r\n\r\n"
    with socket.create_connection((url.host, url.port or 0), timeout=5) as connection:
        connection.sendall(request * 2)
        received = b""
        while received.count(b"HTTP/1.1") < 2:
            received += connection.recv(65_536)
    assert received.index(b"HTTP/1.1 503") < received.index(b"HTTP/1.1 200")


@BOTH
def test_nothing_is_left_when_the_server_stops(version: HttpVersion) -> None:
    threads = threading.active_count()
    with flaky_server(7) as server:
        url = httpx.URL(server.url(version))
        with client_of(server, version) as client:
            client.get("/")
            assert threading.active_count() == threads + 1
            left_open = client.get("/").extensions["network_stream"]
            assert left_open.get_extra_info("is_readable") is False
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.host, url.port or 0), timeout=5)


@BOTH
def test_a_connection_that_a_client_left_open_is_ended(version: HttpVersion) -> None:
    with flaky_server(7) as server:
        transport = httpx.HTTPTransport(http2=True, verify=server.client_tls)
        client = httpx.Client(transport=transport, base_url=server.url(version))
        stream = client.get("/").extensions["network_stream"]
    assert stream.get_extra_info("is_readable") is True  # what can be read is the end
    client.close()


def test_the_server_stops_when_its_user_fails() -> None:
    threads = threading.active_count()
    with pytest.raises(LookupError), flaky_server(7):
        raise LookupError
    assert threading.active_count() == threads

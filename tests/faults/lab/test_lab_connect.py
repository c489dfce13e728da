"""What bare httpx raises for each fault of the lab that comes before HTTP, or from a proxy."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
import trio
from httpx import (
    ConnectError,
    ConnectTimeout,
    ProxyError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
)

from . import (
    ALERT,
    CLIENT_CERTIFICATE,
    PLAINTEXT,
    UNRESOLVABLE,
    WRONG_AUTHORITY,
    WRONG_HOST,
    Fin,
    HTTP1Server,
    HTTP1Step,
    HTTP2Server,
    Identity,
    ProxyServer,
    Reply,
    Rst,
    SOCKSRefusal,
    SOCKSServer,
    Stall,
    Tunnel,
    client_context,
    full_backlog,
    refused,
)
from .clients import WORLDS, Call, Seen, by_step, leaves_socket_open, send

if TYPE_CHECKING:
    from .server import Acceptance

Timeout = (TimeoutError, trio.TooSlowError)
Cause = type | tuple[type, ...]

HANDSHAKES: list[tuple[Acceptance, type[Exception], Cause]] = [
    (Fin(), ConnectError, ssl.SSLEOFError),
    (Rst(), ConnectError, ConnectionResetError),
    (Stall(), ConnectTimeout, Timeout),
    (Fin(after=ALERT), ConnectError, ssl.SSLError),
    (Fin(after=PLAINTEXT), ConnectError, ssl.SSLError),
    (WRONG_HOST, ConnectError, ssl.SSLCertVerificationError),
    (WRONG_AUTHORITY, ConnectError, ssl.SSLCertVerificationError),
]

REFUSALS = [(Reply(status), ProxyError, str) for status in (403, 407, 502, 503)]

CONNECTS: list[tuple[HTTP1Step, type[Exception], Cause]] = [
    *REFUSALS,
    (Fin(), RemoteProtocolError, str),
    (Rst(), ReadError, ConnectionResetError),
    (Stall(), ReadTimeout, Timeout),
    (Tunnel(broken=Fin()), ConnectError, ssl.SSLEOFError),
    (Tunnel(broken=Rst()), ConnectError, ConnectionResetError),
    (Tunnel(broken=Stall()), ConnectTimeout, Timeout),
    (Tunnel(broken=Fin(after=ALERT)), ConnectError, ssl.SSLError),
]


def assert_raised(seen: Seen, raised: type[Exception], cause: Cause) -> None:
    assert seen.raised is raised
    assert any(isinstance(each, cause) for each in seen.causes)


@pytest.mark.parametrize("world", WORLDS)
def test_refused_port(world: str) -> None:
    with refused() as url:
        assert_raised(send(world, Call(url))[0], ConnectError, ConnectionRefusedError)


@pytest.mark.parametrize("world", WORLDS)
def test_full_backlog(world: str) -> None:
    with full_backlog() as url:
        assert_raised(send(world, Call(url, expected=ConnectTimeout))[0], ConnectTimeout, Timeout)


@pytest.mark.parametrize("world", WORLDS)
def test_unresolvable_name(world: str) -> None:
    assert_raised(send(world, Call(UNRESOLVABLE))[0], ConnectError, socket.gaierror)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("acceptance", "raised", "cause"), by_step(HANDSHAKES))
def test_fault_in_the_handshake(
    world: str,
    acceptance: Acceptance,
    raised: type[Exception],
    cause: Cause,
) -> None:
    with HTTP1Server(accept=[acceptance], tls=Identity()) as server:
        first, second = send(world, Call(server.url, 2, expected=raised))
        assert_raised(first, raised, cause)
        assert second.status == 200
        assert (server.connections, server.handshakes) == (2, 1)
        assert server.processed.keys() == {"2"}


def test_missing_client_certificate_is_noticed_while_reading_and_escapes_httpx_on_asyncio() -> None:
    raised = {}
    for world in WORLDS:
        with HTTP1Server(tls=CLIENT_CERTIFICATE) as server:
            raised[world] = send(world, Call(server.url))[0].raised.__name__
            assert server.processed == {}
    assert raised == {"sync": "ReadError", "asyncio": "SSLError", "trio": "ReadError"}


def test_client_certificate() -> None:
    with (
        HTTP1Server(tls=CLIENT_CERTIFICATE) as server,
        httpx.Client(verify=client_context(certificate=True)) as client,
    ):
        assert client.get(server.url).status_code == 200


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("step", "raised", "cause"), by_step(CONNECTS))
def test_fault_of_the_proxy(
    world: str, step: HTTP1Step, raised: type[Exception], cause: Cause
) -> None:
    with HTTP1Server(tls=Identity()) as origin, ProxyServer([step]) as proxy:
        first, second = send(world, Call(origin.url, 2, proxy=proxy.url, expected=raised))
        assert_raised(first, raised, cause)
        assert second.body == b"ok"
        assert [len(requests) for requests in proxy.processed.values()] == [2]
        assert origin.processed.keys() == {"2"}
        assert origin.connections == 1
    if isinstance(step, Reply):
        assert str(first.error).startswith(f"{step.status} ")


@pytest.mark.parametrize("world", WORLDS)
def test_wrong_certificate_behind_a_tunnel(world: str) -> None:
    with HTTP2Server(tls=WRONG_AUTHORITY) as origin, ProxyServer() as proxy:
        (seen,) = send(world, Call(origin.url, proxy=proxy.url, http2=True))
        assert_raised(seen, ConnectError, ssl.SSLCertVerificationError)


def test_failed_tls_behind_a_tunnel_costs_httpcore_a_slot_for_good() -> None:
    limits = httpx.Limits(max_connections=1)
    with (
        HTTP1Server(tls=Identity()) as origin,
        ProxyServer([Tunnel(broken=Fin())]) as proxy,
        httpx.Client(verify=client_context(), proxy=proxy.url, limits=limits) as client,
    ):
        with pytest.raises(ConnectError):
            client.get(origin.url)
        with pytest.raises(httpx.PoolTimeout):
            client.get(origin.url, timeout=httpx.Timeout(5, pool=0.1))


@leaves_socket_open
@pytest.mark.parametrize(
    ("step", "raised"),
    by_step(
        [
            (SOCKSRefusal(), "ProxyError"),
            (Fin(), "ProtocolError"),  # socksio's own, which httpx does not know
            (Rst(), "ReadError"),
            (Tunnel(broken=Fin()), "ConnectError"),
            (Tunnel(), "Seen"),
        ]
    ),
)
def test_fault_of_the_socks_proxy(step: SOCKSRefusal | Tunnel | Fin | Rst, raised: str) -> None:
    pytest.importorskip("socksio")
    with HTTP1Server(tls=Identity()) as origin, SOCKSServer([step]) as proxy:
        first, second = send("sync", Call(origin.url, 2, proxy=proxy.url))
        assert first.raised.__name__ == raised
        assert second.body == b"ok"

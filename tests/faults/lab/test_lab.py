"""What all servers of the lab promise: their record, their script, and a clean end."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from typing import TYPE_CHECKING, TypeAlias

import httpx
import pytest

from . import (
    Cut,
    Early,
    Fin,
    GoAway,
    HTTP1Server,
    HTTP2Server,
    Identity,
    Last,
    ProxyServer,
    Received,
    Reply,
    ResetStream,
    Rst,
    Stall,
    client_context,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .steps import Step

Kind: TypeAlias = type[HTTP1Server | HTTP2Server]

each_kind = pytest.mark.parametrize("kind", [HTTP1Server, HTTP2Server])


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(http2=True, verify=client_context(), trust_env=False) as client:
        yield client


@each_kind
def test_records_what_it_read_by_id_or_path(client: httpx.Client, kind: Kind) -> None:
    with kind() as server:
        client.get(f"{server.url}/a?b=c")
        client.post(f"{server.url}/a", content=iter([b"one", b"two"]), headers={"x-id": "upload"})
        client.put(server.url, content=b"x" * 300_000, headers={"x-id": "upload"})
        assert server.processed == {
            "/a?b=c": [Received("GET")],
            "upload": [Received("POST", b"onetwo"), Received("PUT", b"x" * 300_000)],
        }
        assert server.processed["upload"][0].path == "/a"
        assert server.processed["upload"][0].headers["x-id"] == "upload"


@each_kind
def test_script_is_followed_by_the_default(client: httpx.Client, kind: Kind) -> None:
    with kind([Reply(503, b"later", {"Retry-After": "1"}), Reply(204)]) as server:
        responses = [client.get(server.url) for _ in range(3)]
    assert [response.status_code for response in responses] == [503, 204, 200]
    assert (responses[0].text, responses[0].headers["retry-after"]) == ("later", "1")
    assert (responses[1].content, responses[2].content) == (b"", b"ok")


@each_kind
def test_early_step_counts_only_what_had_ended(client: httpx.Client, kind: Kind) -> None:
    with kind([Early(Reply(413)), Early(Reply(413)), Early(Reply(413), read=3)]) as server:
        client.get(server.url, headers={"x-id": "no body"})
        for name, body in {"unread": b"abc", "partly read": b"abcdef"}.items():
            client.post(server.url, content=body, headers={"x-id": name})
    assert server.processed == {"no body": [Received("GET")]}


@each_kind
def test_script_may_be_endless(client: httpx.Client, kind: Kind) -> None:
    with kind(itertools.cycle([Reply(500), Reply(200)])) as server:
        assert [client.get(server.url).status_code for _ in range(4)] == [500, 200, 500, 200]
        assert server.connections == 1


@each_kind
def test_reply_to_head_and_of_unsaid_length(client: httpx.Client, kind: Kind) -> None:
    with kind([Reply(), Reply(body=b"x" * 100_000, chunked=True)]) as server:
        head, chunked = client.head(server.url), client.get(server.url)
    assert (head.content, head.headers["content-length"]) == (b"", "2")
    assert "content-length" not in chunked.headers
    assert len(chunked.content) == 100_000


@each_kind
@pytest.mark.parametrize("tls", [None, Identity()], ids=["clear", "tls"])
def test_speaks_in_the_clear_and_under_tls(kind: Kind, tls: Identity | None) -> None:
    http2 = kind is HTTP2Server  # in the clear, by prior knowledge (RFC 9113 §3.3)
    transport = httpx.HTTPTransport(verify=client_context(), http1=not http2, http2=http2)
    with kind(tls=tls) as server, httpx.Client(transport=transport) as client:
        response = client.get(server.url)
        assert response.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        assert (server.connections, server.handshakes) == (1, 1 if tls else 0)


@each_kind
def test_closing_ends_a_stall_at_once(client: httpx.Client, kind: Kind) -> None:
    errors: list[httpx.TransportError] = []

    def wait_for_ever() -> None:
        with pytest.raises(httpx.TransportError) as raised:
            client.get(server.url, timeout=None)
        errors.append(raised.value)

    waiting = threading.Thread(target=wait_for_ever)
    with kind([Stall()]) as server:
        waiting.start()
        server.wait_for_requests(1)
        before = time.monotonic()
    waiting.join()
    assert time.monotonic() - before < 1
    # A socket that is closed before it has read everything, as HTTP/2's acknowledgements, resets.
    assert isinstance(errors[0], (httpx.RemoteProtocolError, httpx.ReadError))


@each_kind
def test_may_come_back_on_its_port(client: httpx.Client, kind: Kind) -> None:
    with kind() as server:
        client.get(server.url)
    with pytest.raises(httpx.TransportError):
        client.get(server.url)
    with kind(port=server.port) as again:
        assert again.url == server.url
        assert client.get(again.url).status_code == 200


@pytest.mark.parametrize(
    ("server", "mistake"),
    [
        (HTTP1Server([Cut(by=ResetStream())]), "Cut.* has no meaning in HTTP/1.1"),
        (HTTP2Server([Reply(), GoAway(Last.ZERO)]), "disowns a stream that was processed"),
        (HTTP2Server([Reply(), GoAway(Last.ZERO, then=Reply())]), "disowns a stream"),
        (HTTP2Server([GoAway(Last.ZERO, then=Reply())]), "answers a stream that it disowns"),
    ],
    ids=["no meaning", "disowns processed", "both", "answers disowned"],
)
def test_mistake_in_the_script_is_raised_at_the_end(
    client: httpx.Client, server: HTTP1Server | HTTP2Server, mistake: str
) -> None:
    with pytest.raises((TypeError, AssertionError), match=mistake), server:  # noqa: PT012
        for _ in range(2):
            with contextlib.suppress(httpx.TransportError):
                client.get(server.url)


def test_proxy_goes_nowhere_but_to_this_host() -> None:
    with (
        pytest.raises(ValueError, match="not on 127"),
        ProxyServer() as proxy,
        httpx.Client(proxy=proxy.url) as client,
        contextlib.suppress(httpx.TransportError),
    ):
        client.get("https://elsewhere.invalid")


def test_an_error_of_the_test_itself_is_not_hidden() -> None:
    with pytest.raises(KeyError), HTTP1Server([Cut(by=ResetStream())]) as server:  # noqa: PT012
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url, trust_env=False)
        raise KeyError


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (Reply(), "Reply()"),
        (
            Reply(503, headers={"retry-after": "1"}),
            "Reply(status=503, headers={'retry-after': '1'})",
        ),
        (Early(Rst(), read=9), "Early(step=Rst(), read=9)"),
        (GoAway(Last.AT), "GoAway(last=<Last.AT: 'this stream'>)"),
        (Fin(after=b"x" * 1000), f"Fin(after=b'{'x' * 26}...{'x' * 28}')"),
        (Identity(trusted=False), "Identity(trusted=False)"),
    ],
)
def test_step_shows_what_was_chosen(step: Step, shown: str) -> None:
    assert repr(step) == shown

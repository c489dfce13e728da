"""What stands behind an exception, where no server of the lab produces it."""

from __future__ import annotations

import errno
import socket
import ssl
from asyncio import CancelledError
from typing import Any, cast

import anyio
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import h11
import httpcore
import httpx
import pytest
import socksio.exceptions
import trio

from httpx_retry import Evidence, RetryPolicy
from httpx_retry._http.family import Family
from httpx_retry._http.faults import fault_of
from httpx_retry._http.outgoing import Outgoing
from httpx_retry._http.wire import Wire
from httpx_retry._http.witness import Witness, as_async_trace, as_trace

FAMILY = Family(httpx)
REQUEST = httpx.Request("POST", "https://test/", content=b"x")


def evidence(error: Exception, witness: Witness | None = None, *, proxy: bool = False) -> Evidence:
    return fault_of(error, REQUEST, Wire(FAMILY, None, has_proxy=proxy), witness).evidence


def caused(error: Exception, *causes: Any) -> Exception:
    """As httpcore leaves it: each cause is what the next was made of."""
    latest = error
    for cause in causes:
        latest.__cause__ = cause
        latest = cause
    return error


def of(*arguments: Any) -> Exception:
    """A mapped error of httpcore's, made of these."""
    error = httpx.RemoteProtocolError("mapped")
    error.__cause__ = Exception(*arguments)
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ssl.SSLError(1, "a corrupt record"), Evidence.UNKNOWN),
        (ssl.SSLCertVerificationError("self-signed"), Evidence.PERMANENT),
        (h11.LocalProtocolError("too little data"), Evidence.PERMANENT),
        (h2.exceptions.ProtocolError("bad frame"), Evidence.UNKNOWN),
        (anyio.BrokenResourceError(), Evidence.UNKNOWN),
        (anyio.ClosedResourceError(), Evidence.UNKNOWN),
        (anyio.EndOfStream(), Evidence.UNKNOWN),
        (httpcore.ConnectionNotAvailable(), Evidence.UNKNOWN),
        (trio.BrokenResourceError(), Evidence.UNKNOWN),
        (ConnectionResetError(), Evidence.UNKNOWN),
        (TimeoutError(), Evidence.UNKNOWN),
        (socket.gaierror(-2, "no such name"), Evidence.UNKNOWN),
        (OSError(errno.EHOSTUNREACH, "no route"), Evidence.UNKNOWN),
        # Not every OSError is the network's.
        (FileNotFoundError(), Evidence.BUG),
        (PermissionError(), Evidence.BUG),
        (KeyError(), Evidence.BUG),
        (httpx.StreamConsumed(), Evidence.BUG),
        (httpx.TooManyRedirects("of a client within"), Evidence.BUG),
        # An h2 connection wedged by a cancellation: another attempt would hang on it.
        (ValueError("semaphore released too many times"), Evidence.BUG),
    ],
    ids=repr,
)
def test_what_escapes_httpx_raw(error: Exception, expected: Evidence) -> None:
    assert evidence(error) is expected


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "as OpenSSL says it")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", Evidence.PERMANENT),
        ("TLSV1_ALERT_UNKNOWN_CA", Evidence.PERMANENT),
        ("TLSV1_ALERT_ACCESS_DENIED", Evidence.PERMANENT),
        ("TLSV1_ALERT_INTERNAL_ERROR", Evidence.UNSENT),
        ("CERTIFICATE_LIST_TOO_LONG", Evidence.UNSENT),
        ("UNEXPECTED_EOF_WHILE_READING", Evidence.UNSENT),
    ],
)
def test_a_peer_that_does_not_trust_us_will_not_tomorrow(reason: str, expected: Evidence) -> None:
    assert evidence(caused(httpx.ConnectError(""), Exception(tls(reason)))) is expected
    # What is no error of TLS may have a reason, too.
    other = Exception()
    other.reason = reason  # type: ignore[attr-defined] # the point
    assert evidence(caused(httpx.ConnectError(""), other)) is Evidence.UNSENT


def test_a_proxy_that_speaks_no_socks_was_sent_nothing() -> None:
    assert evidence(socksio.exceptions.ProtocolError("Malformed reply")) is Evidence.UNSENT


def test_what_a_server_did_over_http2_is_not_our_own_violation() -> None:
    ours = httpx.LocalProtocolError("of a request that cannot be")

    assert evidence(ours) is Evidence.PERMANENT
    assert evidence(caused(ours, h2.exceptions.ProtocolError("of a frame"))) is Evidence.UNKNOWN


def goaway(last: int) -> h2.events.ConnectionTerminated:
    event = h2.events.ConnectionTerminated()
    event.last_stream_id = last
    return event


def reset(code: int, *, by_us: bool = False, stream: int = 1) -> h2.events.StreamReset:
    # Older h2 makes its events empty, newer from their fields.
    event = h2.events.StreamReset.__new__(h2.events.StreamReset)
    event.stream_id = stream
    event.error_code = code
    event.remote_reset = not by_us
    return event


def test_only_the_servers_own_reset_counts() -> None:
    assert evidence(of(reset(7))) is Evidence.REFUSED
    assert evidence(of(reset(7, by_us=True))) is Evidence.UNKNOWN


def test_what_http2_says_without_any_trace() -> None:
    assert evidence(of(reset(13))) is Evidence.PERMANENT
    assert evidence(of(reset(13, by_us=True))) is Evidence.UNKNOWN
    assert evidence(of(reset(8))) is Evidence.UNKNOWN
    # Nothing of this connection was processed; else, which stream was ours?
    assert evidence(of(goaway(0))) is Evidence.REFUSED
    assert evidence(of(goaway(1))) is Evidence.UNKNOWN


def test_a_chain_that_is_a_ring_ends() -> None:
    first, second = httpx.ReadError("first"), Exception("second")
    first.__cause__, second.__cause__ = second, first

    assert evidence(first) is Evidence.UNKNOWN


def test_the_first_of_a_group_is_looked_into() -> None:
    class Group(Exception):  # noqa: N818 - stands in for ExceptionGroup, which 3.10 lacks
        exceptions = (ssl.SSLCertVerificationError("expired"), OSError())

    assert evidence(caused(httpx.ConnectError("all failed"), Exception(), OSError(), Group())) is (
        Evidence.PERMANENT
    )


def test_what_the_caller_was_busy_with_is_not_looked_at() -> None:
    error = httpx.ConnectError("refused")
    error.__context__ = ssl.SSLCertVerificationError("of another request")

    assert evidence(error) is Evidence.UNSENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("403 Forbidden", Evidence.PERMANENT),
        ("407 Proxy Authentication Required", Evidence.PERMANENT),
        ("407, message='Proxy Authentication Required'", Evidence.PERMANENT),  # by aiohttp
        ("429 Too Many Requests", Evidence.UNSENT),
        ("503 Service Unavailable", Evidence.UNSENT),
        ("Proxy Server could not connect: Connection refused.", Evidence.UNSENT),
        ("Proxy Server could not connect: Connection not allowed by ruleset.", Evidence.PERMANENT),
        ("Proxy Server could not connect: Command not supported.", Evidence.PERMANENT),
        ("Proxy Server could not connect: Address type not supported.", Evidence.PERMANENT),
        ("502 Address type not supported.", Evidence.UNSENT),  # of an HTTP proxy
        ("Invalid username/password", Evidence.PERMANENT),
        (
            "Requested USERNAME/PASSWORD from proxy server, but got NO ACCEPTABLE METHODS.",
            Evidence.PERMANENT,
        ),
        ("", Evidence.UNSENT),
        ("4", Evidence.UNSENT),
        ("403", Evidence.UNSENT),
        ("\u0664\u0660\u0663 ", Evidence.UNSENT),
    ],
)
def test_what_a_proxy_says_stands_in_its_text(text: str, expected: Evidence) -> None:
    assert evidence(httpx.ProxyError(text)) is expected


def test_tls_through_a_proxy_is_not_tried_again_and_a_proxy_that_is_away_is() -> None:
    tls, away = ssl.SSLEOFError(), ConnectionRefusedError()

    assert evidence(caused(httpx.ConnectError(""), Exception(tls)), proxy=True) is (
        Evidence.PERMANENT
    )
    assert evidence(caused(httpx.ConnectError(""), Exception(away)), proxy=True) is (
        Evidence.UNSENT
    )
    assert evidence(caused(httpx.ConnectError(""), Exception(tls))) is Evidence.UNSENT


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout])
@pytest.mark.parametrize(
    ("function", "module", "expected"),
    [
        ("_connect", "httpcore._sync.connection", Evidence.UNSENT),
        ("_connect", "httpcore._async.connection", Evidence.UNSENT),
        ("_connect", "mine", Evidence.PERMANENT),
        ("_connect", None, Evidence.PERMANENT),
        ("start_tls", "httpcore._sync.connection", Evidence.PERMANENT),
    ],
)
def test_what_fails_where_the_proxy_is_connected_to_has_no_tunnel(
    kind: Any, function: str, module: str | None, expected: Evidence
) -> None:
    # Given httpcore's error, raised within that function of that module
    place: dict[str, Any] = {"error": TimeoutError("timed out")}
    place |= {} if module is None else {"__name__": module}
    exec(f"def {function}():\n raise error", place)  # noqa: S102 - frames are what is read
    try:
        place[function]()
    except TimeoutError as raised:
        error = caused(kind(""), Exception("no exception of the network's"), raised)

    assert evidence(error, proxy=True) is expected
    assert evidence(error) is Evidence.UNSENT
    assert evidence(caused(kind(""), Exception(goaway(0))), proxy=True) is Evidence.PERMANENT


OURS, CONNECT = (httpcore.Request(method, "https://test/") for method in ("POST", "CONNECT"))


def witness(*events: tuple[str, dict[str, Any]]) -> Witness:
    made = Witness()
    for name, info in events:
        made.note(name, info)
    return made


def started(
    protocol: str, request: httpcore.Request = OURS, **more: int
) -> tuple[str, dict[str, Any]]:
    return f"{protocol}.send_request_headers.started", {"request": request, **more}


def ended(
    protocol: str, how: str, error: BaseException | None = None
) -> tuple[str, dict[str, Any]]:
    return f"{protocol}.send_request_headers.{how}", {"return_value": None, "exception": error}


def answered(protocol: str) -> tuple[str, dict[str, Any]]:
    return f"{protocol}.receive_response_headers.complete", {"return_value": None}


def not_begun() -> Exception:
    """What h2 raises where the server allows no more streams."""
    full = h2.connection.H2Connection()
    none = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 0}
    full.remote_settings = h2.settings.Settings(client=False, initial_values=none)
    url = [(":scheme", "https"), (":authority", "test"), (":path", "/")]
    with pytest.raises(h2.exceptions.TooManyStreamsError) as refused:
        full.send_headers(1, [(":method", "POST"), *url])
    return refused.value


class ConnectionNotAvailable(Exception):  # noqa: N818 - httpcore's own name for it
    pass


BROKEN = httpx.ReadError("reset")
H2 = "http2"


@pytest.mark.parametrize(
    ("events", "error", "expected"),
    [
        # A transport that does not trace proves nothing.
        ([], BROKEN, Evidence.UNKNOWN),
        # Only a proxy's CONNECT was sent.
        ([started("http11", CONNECT), ended("http11", "complete")], BROKEN, Evidence.UNSENT),
        ([started("http11"), ended("http11", "complete")], BROKEN, Evidence.UNKNOWN),
        ([started("http11"), ended("http11", "failed", httpcore.WriteError())], BROKEN,
         Evidence.UNSENT),
        # An alarm, in that step or in the trace itself.
        ([started("http11"), ended("http11", "failed", TimeoutError())], TimeoutError(),
         Evidence.UNKNOWN),
        ([started("http11")], TimeoutError(), Evidence.UNKNOWN),
        # Of HTTP/2, where another request may have written them: see test_unwritten.py.
        ([started(H2, stream_id=5), ended(H2, "failed", OSError())], BROKEN, Evidence.UNKNOWN),
        ([started(H2, stream_id=5), ended(H2, "failed", OSError())], of(goaway(3)),
         Evidence.REFUSED),
        # GOAWAY below, at and above our stream.
        ([started(H2, stream_id=5), ended(H2, "complete")], of(goaway(3)), Evidence.REFUSED),
        ([started(H2, stream_id=5), ended(H2, "complete")], of(goaway(5)), Evidence.UNKNOWN),
        ([started(H2, stream_id=5), ended(H2, "complete")], of(goaway(9)), Evidence.UNKNOWN),
        # httpcore itself sends again what a GOAWAY disowned, and then does not get through.
        (
            [
                started(H2, stream_id=5),
                ended(H2, "complete"),
                ("http2.receive_response_headers.failed", {"exception": ConnectionNotAvailable()}),
            ],
            BROKEN,
            Evidence.UNSENT,
        ),
        ([started("http11", CONNECT), ended("http11", "failed", httpcore.WriteError())],
         BROKEN, Evidence.UNSENT),
        # Headers that may have left count as such, whatever is proved of a later request.
        (
            [
                *[started(H2, stream_id=3), ended(H2, "failed", OSError())],
                *[started(H2, stream_id=5), ended(H2, "complete")],
            ],
            of(goaway(3)),
            Evidence.UNKNOWN,
        ),
        # What is said of a request that did not leave is said of no earlier one.
        (
            [
                *[started(H2, stream_id=3), ended(H2, "complete")],
                *[started(H2, stream_id=5), ended(H2, "failed", not_begun())],
            ],
            of(goaway(1)),
            Evidence.UNKNOWN,
        ),
        # Whatever the error says of the latest request, an earlier one of the attempt had left.
        (
            [started("http11"), ended("http11", "complete"), answered("http11")],
            httpx.ConnectError("of a request that followed"),
            Evidence.UNKNOWN,
        ),
        (
            [
                *[started(H2, stream_id=1), ended(H2, "complete"), answered(H2)],
                *[started(H2, stream_id=3), ended(H2, "complete")],
            ],
            of(reset(7, stream=3)),
            Evidence.UNKNOWN,
        ),
        ([started(H2, stream_id=3), ended(H2, "complete")], of(reset(7, stream=3)),
         Evidence.REFUSED),
        ([started(H2, stream_id=3), ended(H2, "complete")], of(reset(7, stream=1)),
         Evidence.UNKNOWN),
        # A certificate is no better for not having been sent anything.
        ([started("http11", CONNECT)], ssl.SSLCertVerificationError(""), Evidence.PERMANENT),
        ([("proxy.start_tls.failed", {"exception": OSError()})], httpx.ConnectTimeout(""),
         Evidence.PERMANENT),
    ],
)  # fmt: skip
def test_what_a_trace_proves(
    events: list[tuple[str, dict[str, Any]]], error: Exception, expected: Evidence
) -> None:
    assert evidence(error, witness(*events)) is expected


def test_a_witness_of_nothing_has_seen_nothing() -> None:
    fresh = Witness()

    seen = (fresh.saw_anything, fresh.began, fresh.was_answered, fresh.tunnel_failed)
    assert seen == (False, False, False, False)
    assert (fresh.left, fresh.disowned, fresh.stream_id) == (0, 0, None)


def test_the_callers_own_trace_sees_each_event_too() -> None:
    seen, event = [], ("http11.send_request_headers.started", {"request": OURS})

    def mine(name: str, info: dict[str, Any]) -> None:
        seen.append((name, info))

    async def mine_later(name: str, info: dict[str, Any]) -> None:
        mine(name, info)

    for_threads, for_tasks = Witness(), Witness()
    as_trace(for_threads, mine)(*event)
    with pytest.raises(StopIteration):
        cast("Any", as_async_trace(for_tasks, mine_later)(*event)).send(None)

    assert seen == [event, event]
    assert for_threads.began
    assert for_tasks.began


LEFT = [started(H2, stream_id=5), ended(H2, "complete")]
DISOWNED = [
    *LEFT,
    ("http2.receive_response_headers.failed", {"exception": ConnectionNotAvailable()}),
]


def departed(
    events: list[tuple[str, dict[str, Any]]], *, content: Any = b"x", proxy: bool = False
) -> tuple[Outgoing, Any]:
    """An attempt of which this was seen, and its request as it was sent."""
    request = httpx.Request("POST", "https://test/", content=content)
    wire = Wire(FAMILY, as_trace, has_proxy=proxy)
    outgoing = Outgoing(request, request.url, request.stream, RetryPolicy(replay_buffer=0), wire)
    sent: Any = outgoing.depart(None, lambda: 0.0)
    for name, info in events:
        sent.extensions["trace"](name, info)
    return outgoing, sent


def within(context: Exception, error: Exception, *, told: bool = True) -> Exception:
    """The error, as it is raised while another is handled."""

    def transport() -> None:
        try:
            raise context
        except type(context):
            if told:
                raise error  # noqa: B904 - as some do
            raise error from None

    with pytest.raises(type(error)):
        transport()
    return error


def while_busy_with(context: Exception, error: Exception) -> Exception:
    """The error, as it is raised for a caller that handles another."""

    def transport() -> None:
        raise error

    def caller() -> None:
        try:
            raise context
        except type(context):
            transport()

    with pytest.raises(type(error)):
        caller()
    assert error.__context__ is context
    # As the driver leaves it: what it came through begins with the transport.
    assert error.__traceback__ is not None
    steps = error.__traceback__
    while steps.tb_frame.f_code is not transport.__code__:
        assert steps.tb_next is not None
        steps = steps.tb_next
    return error.with_traceback(steps)


def borrowed(name: str = "ConnectTimeout") -> Any:
    return getattr(httpx, name)("gone")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        # It was sent, and the connection broke.
        (caused(borrowed(), ConnectionResetError()), Evidence.UNKNOWN),
        (caused(borrowed("ConnectError"), TimeoutError()), Evidence.UNKNOWN),
        (caused(borrowed("PoolTimeout"), OSError()), Evidence.UNKNOWN),
        (within(ConnectionResetError(), borrowed()), Evidence.UNKNOWN),
        # No connection was made.
        (caused(borrowed("ConnectError"), ConnectionRefusedError()), Evidence.UNSENT),
        (caused(borrowed(), OSError(ConnectionRefusedError())), Evidence.UNSENT),
        (caused(borrowed("ConnectError"), socket.gaierror()), Evidence.UNSENT),
        (within(ConnectionRefusedError(), borrowed()), Evidence.UNSENT),
        # It is httpx's own after all, in a wrapper that hides what it wraps.
        (caused(borrowed(), httpcore.ConnectTimeout()), Evidence.UNSENT),
        (while_busy_with(ConnectionResetError(), borrowed()), Evidence.UNSENT),
        # Nothing else is known of it.
        (borrowed(), Evidence.UNSENT),
        (within(ConnectionResetError(), borrowed(), told=False), Evidence.UNSENT),
    ],
)
def test_a_name_that_another_library_gave_proves_what_is_behind_it(
    error: Exception, expected: Evidence
) -> None:
    # Given what was not raised by httpx's own transport
    assert fault_of(error, REQUEST, Wire(FAMILY, None, renames=True), None).evidence is expected
    # and what was
    assert fault_of(error, REQUEST, Wire(FAMILY, None), None).evidence is Evidence.UNSENT


@pytest.mark.parametrize(
    ("error", "alone", "of_an_app"),
    [
        (httpx.ConnectError("refused"), Evidence.UNSENT, Evidence.UNKNOWN),
        (httpx.UnsupportedProtocol(""), Evidence.PERMANENT, Evidence.PERMANENT),
        (KeyError(), Evidence.BUG, Evidence.BUG),
    ],
)
def test_what_escapes_an_app_proves_nothing_of_the_request(
    error: Exception, alone: Evidence, of_an_app: Evidence
) -> None:
    request = httpx.Request("POST", "http://test/", content=b"x")
    found = []
    for runs_app in (False, True):
        wire = Wire(FAMILY, None, runs_app=runs_app)
        outgoing = Outgoing(request, request.url, request.stream, RetryPolicy(), wire)
        found.append(outgoing.fault_of(error).evidence)

    assert found == [alone, of_an_app]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, Evidence.UNSENT), ("http://test/", Evidence.UNSENT), ("http://db/", Evidence.UNKNOWN)],
)
def test_an_error_of_another_request_proves_nothing_of_this_one(
    asked: str | None, expected: Evidence
) -> None:
    # Given what a transport calls that answers by itself: a service that is down
    error = httpx.ConnectError("refused")
    if asked is not None:
        error.request = httpx.Request("POST", asked)

    request = httpx.Request("POST", "http://test/", content=b"x")
    outgoing = Outgoing(request, request.url, request.stream, RetryPolicy(), Wire(FAMILY, None))

    assert outgoing.fault_of(error).evidence is expected


def test_a_stream_that_h2_did_not_begin_was_not_sent_and_its_retry_waits() -> None:
    refused = not_begun()
    wedged = caused(httpx.LocalProtocolError("max"), refused)
    begun = started(H2, stream_id=5)

    outgoing, _ = departed([begun, ended(H2, "failed", refused)])
    assert outgoing.fault_of(wedged) == (Evidence.UNSENT, False)
    events = [begun, ended(H2, "failed", OSError())]
    assert departed(events, content=b"")[0].fault_of(BROKEN) == (Evidence.UNKNOWN, False)
    before: list[tuple[str, dict[str, Any]]] = [("connection.connect_tcp.started", {})]
    assert departed(before)[0].fault_of(BROKEN) == (Evidence.UNSENT, False)


@pytest.mark.parametrize(
    ("events", "proxy", "expected"),
    [
        (
            [started("http11"), ended("http11", "failed", httpcore.WriteError())],
            False,
            Evidence.UNSENT,
        ),
        (LEFT, False, Evidence.UNKNOWN),
        ([], False, Evidence.UNSENT),
        ([], True, Evidence.PERMANENT),
    ],
)
def test_an_attempt_is_judged_by_what_was_sent_what_was_seen_and_whether_a_proxy_is_used(
    events: list[tuple[str, dict[str, Any]]], proxy: bool, expected: Evidence
) -> None:
    outgoing, _ = departed(events, proxy=proxy)
    error = caused(httpx.ConnectError(""), Exception(ssl.SSLEOFError()))

    assert outgoing.fault_of(error).evidence is expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([*DISOWNED, *LEFT], Evidence.REFUSED),
        # Nobody disowned what was sent with the body.
        (LEFT, Evidence.UNKNOWN),
        ([*LEFT, *LEFT], Evidence.UNKNOWN),
        ([*DISOWNED, *LEFT, *LEFT], Evidence.UNKNOWN),
    ],
)
def test_a_body_that_cannot_be_sent_again_was_refused_if_its_request_was_disowned(
    events: list[tuple[str, dict[str, Any]]], expected: Evidence
) -> None:
    outgoing, sent = departed(events, content=iter([b"x"]))
    b"".join(sent.stream)

    with pytest.raises(httpx.RemoteProtocolError) as refused:
        b"".join(sent.stream)

    assert outgoing.fault_of(refused.value).evidence is expected


def test_each_disowned_request_is_counted() -> None:
    seen = witness(*DISOWNED, *DISOWNED)

    assert (seen.left, seen.disowned) == (0, 2)


def test_an_answer_once_seen_stays_seen() -> None:
    seen = witness(started("http11"), ended("http11", "complete"), answered("http11"))
    assert seen.was_answered

    seen.note("http11.receive_response_body.started", {"request": OURS})

    assert seen.was_answered


@pytest.mark.parametrize("content", [None, b"", b"x"])
@pytest.mark.parametrize(
    "events",
    [
        [started(H2, stream_id=5), ended(H2, "failed", httpcore.WriteError())],
        # asyncio goes on after one.
        [started("http11"), ended("http11", "failed", httpcore.WriteTimeout())],
        [started("http11"), ended("http11", "failed", CancelledError())],
    ],
)
def test_headers_that_may_have_left_after_all_prove_nothing_whatever_body_they_announce(
    content: bytes | None, events: list[tuple[str, dict[str, Any]]]
) -> None:
    """Many a server acts on them alone: an app is called as soon as they are there."""
    request = httpx.Request("POST", "https://test/", content=content)

    found = fault_of(httpx.WriteTimeout(""), request, Wire(FAMILY, None), witness(*events))

    assert found.evidence is Evidence.UNKNOWN

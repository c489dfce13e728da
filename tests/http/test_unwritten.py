"""Whether headers over HTTP/2 left where writing them failed: real connections, on no network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import h2.config
import h2.connection
import h2.exceptions
import h2.settings
import httpx
import pytest

from httpx_retry import Evidence
from httpx_retry._http.family import Family
from httpx_retry._http.faults import fault_of
from httpx_retry._http.unwritten import never_left
from httpx_retry._http.wire import Wire
from httpx_retry._http.witness import Witness, as_async_trace, as_trace
from tests.worlds import OVER_HTTPX2, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worlds import World

httpcore: Any = import_module("httpcore2" if OVER_HTTPX2 else "httpcore")
WIRE = Wire(Family(httpx), None)
SECURE, CLEAR = "https://test/", "http://test/"


class Line(httpcore.NetworkStream):  # type: ignore[misc] # of one of two modules
    """A connection whose reads give what has come, and whose writes fail at some point.

    Args:
        most_streams: what the server allows at once.

    Attributes:
        peer: the server's end.
        incoming: what has come.
        spare: writes that go well still, before each is `broken`.
        broken: what a write raises.
    """

    def __init__(self, most_streams: int = 100) -> None:
        self.peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        allowed = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: most_streams}
        self.peer.local_settings = h2.settings.Settings(client=False, initial_values=allowed)
        self.peer.initiate_connection()
        self.incoming = [self.peer.data_to_send()]
        self.spare = 100
        self.broken: Exception = httpcore.WriteError("reset")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.incoming.pop(0)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer and not self.spare:
            raise self.broken
        self.spare -= 1 if buffer else 0

    def close(self) -> None:
        pass


class AsyncLine(httpcore.AsyncNetworkStream):  # type: ignore[misc] # as above
    """The same in tasks, where a read waits for what is to come, and a write can be held up.

    Attributes:
        gate: where the next write waits.
    """

    def __init__(self, most_streams: int = 100) -> None:
        self.line = Line(most_streams)
        self.gate: anyio.Event | None = None
        self._came = anyio.Event()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        if not self.line.incoming:
            await self._came.wait()
        return self.line.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        gate, self.gate = self.gate, None
        if gate is not None:
            await gate.wait()
        self.line.write(buffer)

    async def aclose(self) -> None:
        pass

    def bring(self, data: bytes) -> None:
        """Let something come; nothing is the end."""
        self.line.incoming.append(data)
        self._came.set()


class Body:
    """A body of one chunk for both worlds, and no generator, which would want to be closed."""

    def __init__(self, chunk: bytes) -> None:
        self._chunks = iter([chunk])

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration


class Sent:
    """One request on a connection, what was seen of it, and how it failed."""

    def __init__(self, connection: Any, url: str, body: bytes = b"x", padding: int = 0) -> None:
        self.witness = Witness()
        self._error: Exception | None = None
        self._connection = connection
        self._url = url
        self._body = body
        self._headers = [(b"Host", b"test"), (b"Padding", b"~" * padding)]
        if body:
            self._headers.append((b"Content-Length", b"%d" % len(body)))

    async def send(self) -> None:
        connection = self._connection
        is_async = isinstance(connection, httpcore.AsyncHTTP2Connection)
        trace: Any = (as_async_trace if is_async else as_trace)(self.witness, None)
        request = httpcore.Request(
            "POST",
            self._url,
            headers=self._headers,
            content=Body(self._body),
            extensions={"trace": trace},
        )
        handle = connection.handle_async_request if is_async else connection.handle_request
        try:
            await settled(handle(request))
        except Exception as error:  # noqa: BLE001 - kept, to be looked at
            self._error = error

    @property
    def evidence(self) -> Evidence:
        """What its failure proves, once httpx has given it a name of its own."""
        mapped: Exception = getattr(httpx, type(self._error).__name__)("mapped")
        mapped.__cause__ = self._error
        request = httpx.Request("POST", self._url, content=self._body)
        return fault_of(mapped, request, WIRE, self.witness).evidence


def connection_on(line: Any, url: str) -> Any:
    """One of httpcore's, for a URL."""
    is_async = isinstance(line, AsyncLine)
    kind: Any = httpcore.AsyncHTTP2Connection if is_async else httpcore.HTTP2Connection
    return kind(httpcore.URL(url).origin, line)


@pytest.mark.parametrize(
    ("url", "expected"),
    # In the clear the window that is opened with them may be all that did not arrive.
    [(SECURE, Evidence.UNSENT), (CLEAR, Evidence.UNKNOWN)],
)
@pytest.mark.parametrize("body", [b"x", b""], ids=["body", "no body"])
async def test_a_write_of_nothing_else_that_failed_has_not_sent_them(
    world: World, url: str, body: bytes, expected: Evidence
) -> None:
    line: Any = AsyncLine() if world.is_async else Line()
    ours = Sent(connection_on(line, url), url, body)
    getattr(line, "line", line).spare = 1  # the preface

    await ours.send()

    assert ours.witness.began
    assert ours.evidence is expected


async def test_one_that_timed_out_may_go_on(world: World) -> None:
    line: Any = AsyncLine() if world.is_async else Line()
    ours = Sent(connection_on(line, SECURE), SECURE)
    beneath = getattr(line, "line", line)
    beneath.spare, beneath.broken = 1, httpcore.WriteTimeout("timed out")

    await ours.send()

    assert ours.evidence is Evidence.UNKNOWN


async def others_run() -> None:
    """Let every other task come as far as it can: to begin a connection takes a hundred turns."""
    for _ in range(300):
        await anyio.lowlevel.checkpoint()


async def beside_each_other(url: str, broken: tuple[int, Exception], **more: Any) -> list[Evidence]:
    """Four requests on one connection: the first is held up in its write, the others queue up.

    The second then writes what all of them have queued, and those after it find nothing of theirs.

    Args:
        url: of all.
        broken: how many writes go well, the one that is held up included, and what the next one
            raises: httpcore gives it to each request from then on.
        **more: of each.

    Returns:
        What the failure of each proves.
    """
    line = AsyncLine()
    connection = connection_on(line, url)
    four: list[Sent] = []
    async with anyio.create_task_group() as group:
        group.start_soon(Sent(connection, url).send)  # by which the settings come
        await others_run()
        line.gate = gate = anyio.Event()
        for _ in range(4):
            four.append(Sent(connection, url, **more))
            group.start_soon(four[-1].send)
            await others_run()
        line.line.spare, line.line.broken = broken
        gate.set()
        await others_run()
        for _ in range(3):  # readers
            line.bring(b"")
    return [each.evidence for each in four]


RESET, TIMED_OUT = httpcore.WriteError, httpcore.WriteTimeout
UNSENT, UNKNOWN = Evidence.UNSENT, Evidence.UNKNOWN


@pytest.mark.parametrize(
    ("url", "broken", "more", "expected"),
    [
        # The first one's write fails, and none is begun after it.
        (SECURE, (0, RESET), {}, [UNSENT] * 4),
        (SECURE, (0, TIMED_OUT), {}, [UNKNOWN, UNSENT, UNSENT, UNSENT]),
        (CLEAR, (0, RESET), {}, [UNKNOWN, UNSENT, UNSENT, UNSENT]),
        # The second's fails, which carries all the rest: none of it has arrived,
        (SECURE, (1, RESET), {}, [UNKNOWN, UNSENT, UNSENT, UNSENT]),
        # or what fits into a record of TLS,
        (SECURE, (1, RESET), {"padding": 6_000}, [UNKNOWN, UNKNOWN, UNSENT, UNSENT]),
        # or, after a timeout and in the clear, nobody knows what.
        (SECURE, (1, TIMED_OUT), {}, [UNKNOWN] * 4),
        (CLEAR, (1, RESET), {}, [UNKNOWN] * 4),
        # It went well: what fails then are the headers' steps of those whose headers it carried.
        (SECURE, (2, RESET), {}, [UNKNOWN] * 4),
        (SECURE, (3, RESET), {}, [UNKNOWN] * 4),
    ],
)
async def test_headers_may_have_gone_with_the_write_of_another_request(
    async_world: World,
    url: str,
    broken: tuple[int, type[Exception]],
    more: dict[str, Any],
    expected: list[Evidence],
) -> None:
    assert async_world.is_async

    spare, error = broken

    assert await beside_each_other(url, (spare, error("broken")), **more) == expected


async def test_an_error_that_is_raised_on_many_connections_proves_nothing_of_the_others(
    async_world: World,
) -> None:
    assert async_world.is_async
    error = RESET("always the same")
    await beside_each_other(SECURE, (1, error))

    assert await beside_each_other(SECURE, (2, error)) == [UNKNOWN] * 4


async def test_headers_of_which_h2_made_no_frame_have_not_left(async_world: World) -> None:
    assert async_world.is_async
    line = AsyncLine(most_streams=1)
    connection = connection_on(line, SECURE)
    first, waiting = Sent(connection, SECURE), Sent(connection, SECURE)
    async with anyio.create_task_group() as group:
        for each in (first, waiting):
            group.start_soon(each.send)
            await others_run()
        # GOAWAY, by which no stream is left out (RFC 9113 §6.8).
        line.line.peer.close_connection(last_stream_id=(1 << 31) - 1)
        line.bring(line.line.peer.data_to_send())

    assert first.evidence is UNKNOWN
    assert waiting.witness.began
    assert waiting.evidence is UNSENT


def test_what_httpcore_does_not_say_any_more_is_no_proof() -> None:
    seen = Witness()
    request = httpcore.Request("POST", SECURE)
    seen.note("http2.send_request_headers.started", {"request": request, "stream_id": 5})
    seen.note("http2.send_request_headers.failed", {"exception": RESET("without any frames")})

    assert fault_of(httpx.WriteError(""), httpx.Request("POST", SECURE), WIRE, seen).evidence is (
        UNKNOWN
    )


class Cancelled(BaseException):
    """As asyncio and trio have theirs."""


def closed_meanwhile() -> Exception:
    """As httpcore raises it on asyncio where somebody else closed the connection."""
    error: Exception = RESET()
    error.__cause__ = anyio.ClosedResourceError()
    return error


def frame(kind: int, length: int, stream: int = 5) -> bytes:
    """RFC 9113 §4.1."""
    return length.to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + bytes(length)


HEADERS, CONTINUATION, WINDOW_UPDATE, DATA = 1, 9, 8, 0
WINDOW = frame(WINDOW_UPDATE, 4)


@pytest.mark.parametrize(
    ("data", "error", "expected"),
    [
        (frame(HEADERS, 100) + WINDOW, RESET(), True),
        (frame(HEADERS, 100), RESET(), True),
        (frame(HEADERS, 100) + frame(DATA, 0, 3), RESET(), True),
        (frame(HEADERS, 100) + WINDOW, TIMED_OUT(), False),
        (frame(HEADERS, 100) + WINDOW, TimeoutError("an alarm"), False),
        (frame(HEADERS, 100) + WINDOW, Cancelled(), False),
        (frame(HEADERS, 100) + WINDOW, closed_meanwhile(), False),
        # In threads they may have gone without the window that is opened with them.
        (WINDOW, RESET(), False),
        (frame(HEADERS, 100, 7) + WINDOW, RESET(), False),
        (frame(HEADERS, 100, (1 << 24) + 5) + WINDOW, RESET(), False),
        (frame(DATA, 100, 3) + frame(HEADERS, 100) + WINDOW, RESET(), True),
        # Their last byte has to be in the last record.
        (frame(HEADERS, 16_384 - 9) + WINDOW, RESET(), False),
        (frame(HEADERS, 16_384 - 9), RESET(), True),
        (frame(HEADERS, 16_385 - 18) + frame(DATA, 0, 3), RESET(), False),
        (frame(HEADERS, 16_384 - 8) + WINDOW, RESET(), True),
        (frame(HEADERS, 16_000) + frame(CONTINUATION, 400) + WINDOW, RESET(), True),
        (frame(HEADERS, 16_000) + frame(CONTINUATION, 300) + frame(DATA, 90, 3), RESET(), False),
    ],
)
def test_the_record_that_was_cut_has_the_end_of_the_headers(
    data: bytes, error: BaseException, expected: bool
) -> None:
    def _write_outgoing_data(data_to_send: bytes) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        _write_outgoing_data(data)

    assert never_left(caught.value, 5, over_tls=True) is expected
    assert never_left(caught.value, 5, over_tls=False) is False


def test_an_alarm_may_go_off_once_h2_has_made_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def to_bytes(frames: Any) -> None:
        raise TimeoutError("an alarm")

    connection = h2.connection.H2Connection()
    monkeypatch.setattr(connection, "_prepare_for_sending", to_bytes)
    url = [(":scheme", "https"), (":authority", "test"), (":path", "/")]
    with pytest.raises(TimeoutError) as caught:
        connection.send_headers(1, [(":method", "POST"), *url])

    assert not never_left(caught.value, 1, over_tls=True)


def test_in_threads_a_connection_may_close_between_the_headers_and_their_window() -> None:
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    connection.close_connection()
    with pytest.raises(h2.exceptions.ProtocolError) as caught:
        connection.increment_flow_control_window(1)

    assert not never_left(caught.value, 1, over_tls=True)

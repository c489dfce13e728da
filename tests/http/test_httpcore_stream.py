"""An HTTP/2 stream that is thrown away: both ends of one connection, on no network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import pytest
from hyperframe.frame import Frame, RstStreamFrame

from httpx_retry._http.httpcore_stream import cancel_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK = [(":method", "GET"), (":scheme", "https"), (":authority", "test"), (":path", "/")]
WINDOW = 65_535


class Ends:
    """A client that has asked, and the server that answers it."""

    def __init__(self) -> None:
        self.client = h2.connection.H2Connection()
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.client.send_headers(1, ASK, end_stream=True)
        self.tell_server()
        self.server.send_headers(1, [(":status", "503")])

    def tell_server(self) -> list[Frame]:
        """Let it have what the client has to send: these frames."""
        sent = self.client.data_to_send()
        self.server.receive_data(sent)
        return list(frames_in(sent))

    def tell_client(self) -> list[h2.events.Event]:
        return list(self.client.receive_data(self.server.data_to_send()))

    def stream(self, events: list[h2.events.Event]) -> Any:
        """The response's, as httpx and httpcore keep it."""
        connection = SimpleNamespace(_h2_state=self.client, _events={1: events})
        beneath = SimpleNamespace(_connection=connection, _stream_id=1)
        return SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=beneath))


def frames_in(sent: bytes) -> Iterator[Frame]:
    left = memoryview(sent.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    while left:
        frame, length = Frame.parse_frame_header(left[:9])
        frame.parse_body(left[9 : 9 + length])
        yield frame
        left = left[9 + length :]


def resets(frames: list[Frame]) -> list[int]:
    return [each.error_code for each in frames if isinstance(each, RstStreamFrame)]


@pytest.mark.parametrize("has_ended", [True, False])
def test_its_bytes_are_given_back_and_no_more_come(has_ended: bool) -> None:
    ends = Ends()
    for _ in range(3):
        ends.server.send_data(1, bytes(16_000))
    if has_ended:
        ends.server.end_stream(1)
    assert ends.server.outbound_flow_control_window == WINDOW - 48_000

    cancel_stream(ends.stream(ends.tell_client()))

    assert resets(ends.tell_server()) == ([] if has_ended else [8])
    assert ends.server.outbound_flow_control_window == WINDOW


def test_what_is_on_its_way_is_given_back_when_it_comes() -> None:
    ends = Ends()
    cancel_stream(ends.stream(ends.tell_client()))
    for _ in range(3):
        ends.server.send_data(1, bytes(16_000))

    ends.tell_client()
    ends.tell_server()

    assert ends.server.outbound_flow_control_window == WINDOW


def test_on_a_connection_that_has_ended_there_is_nothing_to_do() -> None:
    ends = Ends()
    events = ends.tell_client()
    ends.client.close_connection()
    ends.client.data_to_send()

    cancel_stream(ends.stream(events))

    assert ends.client.data_to_send() == b""


@pytest.mark.parametrize("stream", [object(), SimpleNamespace(_httpcore_stream=[b"sorry"])])
def test_what_is_not_httpcores_is_left_alone(stream: object) -> None:
    before = dict(getattr(stream, "__dict__", {}))

    cancel_stream(stream)

    assert dict(getattr(stream, "__dict__", {})) == before

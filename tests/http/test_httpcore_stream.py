"""HTTP/2 streams that nobody reads: both ends of one connection, on no network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes
from hyperframe.frame import Frame, RstStreamFrame

from httpx_retry._http.httpcore_stream import abandon_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK = [(":method", "GET"), (":scheme", "https"), (":authority", "test"), (":path", "/")]
# What httpcore lets come unread on a connection, and on each of its streams.
OPENED = 1 << 24
WINDOW = OPENED + 65_535
MEGABYTE = 1 << 20


class Ends:
    """A client as httpcore's, and the server that answers it."""

    def __init__(self, most: int = 100) -> None:
        self.client = H2Connection()
        self.server = H2Connection(H2Configuration(client_side=False))
        self.client.initiate_connection()
        self.client.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 100})
        self.client.increment_flow_control_window(OPENED)
        self.server.initiate_connection()
        self.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: most})
        self.talk()
        self._read: dict[int, list[object]] = {}

    def talk(self) -> list[Frame]:
        """Let each have what the other has to send. Return what came from the client."""
        frames: list[Frame] = []
        while True:
            sent, answered = self.client.data_to_send(), self.server.data_to_send()
            if not sent and not answered:
                return frames
            frames += frames_in(sent)
            self.server.receive_data(sent)
            self.client.receive_data(answered)

    def ask(self, length: int | None = None) -> int:
        """Have the headers of one more response. Return the number of its stream."""
        number = self.client.get_next_available_stream_id()
        self._read[number] = []
        self.client.send_headers(number, ASK, end_stream=True)
        self.client.increment_flow_control_window(OPENED, number)
        self.talk()
        told = [] if length is None else [("content-length", str(length))]
        self.server.send_headers(number, [(":status", "503"), *told])
        self.talk()
        return number

    def send(self, number: int, size: int, *, ends: bool = False) -> None:
        """Let so much of a body come."""
        while size:
            part = min(size, 16_384)
            self.server.send_data(number, bytes(part))
            self.talk()
            size -= part
        if ends:
            self.server.end_stream(number)
            self.talk()

    def abandon(self, number: int) -> list[Frame]:
        """Abandon a response, and close it as httpcore does. Return what the server is told."""
        connection = SimpleNamespace(_h2_state=self.client, _events=self._read)
        beneath = SimpleNamespace(_connection=connection, _stream_id=number)
        abandon_stream(SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=beneath)))
        del self._read[number]
        return self.talk()

    @property
    def window(self) -> int:
        """How much the server may send on the connection."""
        return self.server.outbound_flow_control_window


def frames_in(sent: bytes) -> Iterator[Frame]:
    left = memoryview(sent.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    while left:
        frame, length = Frame.parse_frame_header(left[:9])
        frame.parse_body(left[9 : 9 + length])
        yield frame
        left = left[9 + length :]


def resets(frames: list[Frame]) -> list[tuple[int, int]]:
    return [
        (each.stream_id, each.error_code) for each in frames if isinstance(each, RstStreamFrame)
    ]


def test_what_is_still_to_come_is_made_room_for_and_not_cancelled() -> None:
    ends = Ends()
    number = ends.ask(length=5 * MEGABYTE)
    ends.send(number, MEGABYTE)

    told = ends.abandon(number)

    assert resets(told) == []
    assert ends.window == OPENED + 4 * MEGABYTE
    ends.send(number, 4 * MEGABYTE, ends=True)
    assert ends.window == OPENED


def test_without_a_length_it_is_as_much_as_the_stream_may_take() -> None:
    ends = Ends()
    number = ends.ask()
    ends.send(number, MEGABYTE)

    ends.abandon(number)

    assert ends.window == OPENED + WINDOW - MEGABYTE


@pytest.mark.parametrize("length", [MEGABYTE, None])
def test_however_many_are_abandoned_others_have_all_the_room_they_had(length: int | None) -> None:
    ends = Ends()
    numbers = [ends.ask(length) for _ in range(50)]
    for number in numbers:
        assert resets(ends.abandon(number)) == []
    for number in numbers:
        ends.send(number, MEGABYTE, ends=True)

    assert ends.window >= OPENED


def test_room_that_was_made_for_more_than_came_serves_the_next() -> None:
    ends = Ends()
    for _ in range(50):
        number = ends.ask()
        ends.abandon(number)
        ends.send(number, 300, ends=True)

    assert ends.window <= OPENED + WINDOW


def test_of_little_nothing_is_said() -> None:
    """Servers take many small frames for an attack as well."""
    ends = Ends()
    for _ in range(10):
        number = ends.ask(length=300)
        assert ends.abandon(number) == []
        ends.send(number, 300, ends=True)


def test_what_came_unread_is_made_up_for() -> None:
    ends = Ends()
    for _ in range(30):
        number = ends.ask(MEGABYTE)
        ends.send(number, MEGABYTE, ends=True)
        assert resets(ends.abandon(number)) == []

    assert ends.window > OPENED - MEGABYTE


@pytest.mark.parametrize(("most", "kept"), [(100, 50), (30, 15), (1000, 50), (1, 0)])
def test_those_that_never_end_take_half_of_the_streams_at_most(most: int, kept: int) -> None:
    ends = Ends(most)
    cancelled: list[tuple[int, int]] = []
    for _ in range(120):
        cancelled += resets(ends.abandon(ends.ask()))

    # The oldest first: the others may only be slow.
    assert cancelled == [(number, 8) for number in range(1, 2 * (120 - kept), 2)]
    assert ends.client.open_outbound_streams == kept


def test_those_that_are_read_are_nobodys_to_cancel() -> None:
    ends = Ends()
    for _ in range(60):
        ends.ask(length=5 * MEGABYTE)

    assert ends.abandon(ends.ask(length=300)) == []


def test_on_a_connection_that_has_ended_there_is_nothing_to_do() -> None:
    ends = Ends()
    number = ends.ask()
    ends.client.close_connection()
    ends.client.data_to_send()

    assert ends.abandon(number) == []


@pytest.mark.parametrize("stream", [object(), SimpleNamespace(_httpcore_stream=[b"sorry"])])
def test_what_is_not_httpcores_is_left_alone(stream: object) -> None:
    before = dict(getattr(stream, "__dict__", {}))

    abandon_stream(stream)

    assert dict(getattr(stream, "__dict__", {})) == before

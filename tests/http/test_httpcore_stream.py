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
# What httpcore opens the windows by, and what they come to then.
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
        self.reading: dict[int, list[object]] = {}
        self.allow(most)

    def allow(self, most: int) -> None:
        """Let the server allow so many streams at a time."""
        self.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: most})
        self.talk()

    def talk(self) -> list[Frame]:
        """Let each have what the other has to send. Return what came from the client."""
        frames: list[Frame] = []
        while True:
            sent, answered = self.client.data_to_send(), self.server.data_to_send()
            if not sent and not answered:
                return frames
            frames += frames_in(sent)
            self.server.receive_data(sent)
            for event in self.client.receive_data(answered):
                number = getattr(event, "stream_id", 0)
                if number in self.reading:
                    self.reading[number].append(event)

    def ask(self, length: int | None = None) -> int:
        """Have the headers of one more response. Return the number of its stream."""
        number = self.client.get_next_available_stream_id()
        self.reading[number] = []
        self.client.send_headers(number, ASK, end_stream=True)
        self.client.increment_flow_control_window(OPENED, number)
        self.talk()
        told = [] if length is None else [("content-length", str(length))]
        self.server.send_headers(number, [(":status", "503"), *told])
        self.talk()
        return number

    def send(self, number: int, size: int, *, ends: bool = False) -> list[Frame]:
        """Let so much of a body come. Return what the server is told meanwhile."""
        told: list[Frame] = []
        while size:
            part = min(size, 16_384, self.server.local_flow_control_window(number))
            assert part, "the window is shut"
            self.server.send_data(number, bytes(part))
            told += self.talk()
            size -= part
        if ends:
            self.server.end_stream(number)
            told += self.talk()
        return told

    def abandon(self, number: int) -> list[Frame]:
        """Abandon a response, and close it as httpcore does. Return what the server is told."""
        connection = SimpleNamespace(_h2_state=self.client, _events=self.reading)
        beneath = SimpleNamespace(_connection=connection, _stream_id=number)
        abandon_stream(SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=beneath)))
        del self.reading[number]
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


@pytest.mark.parametrize("length", [MEGABYTE, None])
def test_what_comes_of_them_is_given_back_as_it_comes(length: int | None) -> None:
    ends = Ends()
    for _ in range(10):
        numbers = [ends.ask(length) for _ in range(10)]
        for number in numbers:
            assert ends.abandon(number) == []
        for number in numbers:
            assert resets(ends.send(number, MEGABYTE, ends=True)) == []

            # h2 says so once it is worth a frame, and never opens more than there was.
            assert WINDOW // 2 - MEGABYTE < ends.window <= WINDOW


def test_what_came_before_is_given_back_as_well() -> None:
    ends = Ends()
    for _ in range(100):
        number = ends.ask()
        ends.send(number, MEGABYTE, ends=True)
        assert resets(ends.abandon(number)) == []

        assert WINDOW // 2 - MEGABYTE < ends.window <= WINDOW


def test_what_others_have_yet_to_read_is_theirs() -> None:
    ends = Ends()
    ends.send(ends.ask(), 10 * MEGABYTE)
    for _ in range(100):
        number = ends.ask()
        ends.abandon(number)
        ends.send(number, MEGABYTE, ends=True)

        assert ends.window <= WINDOW - 10 * MEGABYTE


def test_one_that_says_that_it_is_very_long_is_cancelled_at_once() -> None:
    ends = Ends()

    assert resets(ends.abandon(ends.ask(64 * MEGABYTE))) == []
    assert resets(ends.abandon(ends.ask(64 * MEGABYTE + 1))) == [(3, 8)]


def test_one_that_goes_on_and_on_is_cancelled_in_the_end() -> None:
    ends = Ends()
    number = ends.ask()
    ends.abandon(number)

    assert resets(ends.send(number, 64 * MEGABYTE)) == []
    assert resets(ends.send(number, 1)) == [(number, 8)]
    assert WINDOW // 2 < ends.window <= WINDOW


def test_unless_that_is_its_end() -> None:
    ends = Ends()
    number = ends.ask()
    ends.abandon(number)
    ends.send(number, 64 * MEGABYTE)

    ends.server.send_data(number, b"x", end_stream=True)

    assert resets(ends.talk()) == []


@pytest.mark.parametrize(("most", "kept"), [(100, 50), (30, 15), (1000, 50), (1, 0)])
def test_those_that_never_end_take_half_of_the_streams_at_most(most: int, kept: int) -> None:
    ends = Ends(most)
    cancelled: list[tuple[int, int]] = []
    for _ in range(120):
        cancelled += resets(ends.abandon(ends.ask()))

    # The oldest first: the others may only be slow.
    assert cancelled == [(number, 8) for number in range(1, 2 * (120 - kept), 2)]
    assert ends.client.open_outbound_streams == kept


def test_those_that_have_ended_take_none() -> None:
    ends = Ends()
    numbers = [ends.ask() for _ in range(51)]
    last = numbers.pop()
    for number in numbers:
        ends.abandon(number)
        ends.send(number, 300, ends=True)

    assert resets(ends.abandon(last)) == []
    ends.send(last, 12 * MEGABYTE)
    assert ends.window > WINDOW // 2


def test_where_fewer_may_be_open_from_now_on_more_are_cancelled() -> None:
    ends = Ends()
    for _ in range(40):
        ends.abandon(ends.ask())
    last = ends.ask()

    ends.allow(10)

    assert resets(ends.abandon(last)) == [(number, 8) for number in range(1, 73, 2)]


def test_those_that_are_read_are_nobodys_to_cancel() -> None:
    ends = Ends()
    for _ in range(60):
        ends.ask()

    assert ends.abandon(ends.ask()) == []


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

"""What a signal's handler raises reaches who has set the alarm, whatever its class: no retry."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy
from httpx_retry._http.alarm import alarm_of
from tests.worlds import Stream, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httpx_retry.testing import FakeClock


class SoftTimeLimitExceeded(Exception):  # noqa: N818 - as Celery names it
    """What a job's runner raises."""


# A timeout of httpx's, wherever one of the network's would have been given its name.
EITHER = (httpx.TimeoutException, TimeoutError)
ALARMS = [SoftTimeLimitExceeded, TimeoutError, OSError, httpx.ReadTimeout]


@contextmanager
def handled_by(handler: Callable[[int, Any], object]) -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextmanager
def raising(alarm: Exception) -> Iterator[None]:
    def handler(_number: int, _frame: object) -> None:
        raise alarm

    with handled_by(handler):
        yield


def ring() -> None:
    """The alarm goes off, here and now."""
    signal.raise_signal(signal.SIGUSR1)


class Ringing(Stream):
    """A body during which the alarm goes off; as httpx's own, it has its own names for errors."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        try:
            ring()
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        yield b"b"


class RingingAsItCloses(Stream):
    """One that is closed just as the alarm goes off."""

    def close(self) -> None:
        super().close()
        if self.closed == 1:
            ring()


def failing(stream: Stream) -> httpx.Response:
    return httpx.Response(503, headers={"Content-Length": "2"}, stream=stream)


@pytest.mark.parametrize("kind", ALARMS)
async def test_while_a_request_is_sent(
    world: World, clock: FakeClock, kind: type[Exception]
) -> None:
    alarm = kind("time is up")
    sends: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sends.append(request)
        ring()
        return httpx.Response(200)

    with raising(alarm):
        async with world.client(handler, clock=clock) as client:
            with pytest.raises(kind) as raised:
                await client.get()

    assert raised.value is alarm
    assert len(sends) == 1
    assert not hasattr(alarm, "__notes__")


@pytest.mark.parametrize("kind", ALARMS)
async def test_while_a_response_is_drained(
    world: World, clock: FakeClock, kind: type[Exception]
) -> None:
    alarm, stream = kind("time is up"), Ringing()
    answers = [failing(stream), httpx.Response(200)]
    with raising(alarm):
        async with world.client(lambda _: answers.pop(0), clock=clock) as client:
            with pytest.raises(kind) as raised:
                await client.get(timeout=5.0)

    # The alarm itself: nobody asked for what was being read.
    assert raised.value is alarm
    assert (len(answers), stream.closed) == (1, 1)


@pytest.mark.parametrize("kind", ALARMS)
def test_while_a_response_is_closed(clock: FakeClock, kind: type[Exception]) -> None:
    alarm, stream = kind("time is up"), RingingAsItCloses(b"ab")
    answers = [failing(stream), httpx.Response(200)]
    transport = World().transport(lambda _: answers.pop(0), clock=clock)
    client = httpx.Client(transport=transport)
    with raising(alarm), client, pytest.raises(kind) as raised:
        client.get("http://test/")

    assert raised.value is alarm
    assert (len(answers), stream.closed) == (1, 1)


@pytest.mark.parametrize("kind", ALARMS)
async def test_while_a_body_is_read(world: World, clock: FakeClock, kind: type[Exception]) -> None:
    alarm = kind("time is up")
    answers = [httpx.Response(200, stream=Ringing()), httpx.Response(200, content=b"other")]
    with raising(alarm):
        async with world.client(lambda _: answers.pop(0), clock=clock) as client:
            with pytest.raises(Exception, match="time is up") as raised:
                await client.get()

    # Bare httpx, too, has a name of its own for what a socket may raise.
    assert alarm in (raised.value, raised.value.__cause__)
    assert len(answers) == 1


def test_an_alarm_bounds_a_call_over_a_socket_as_it_does_bare() -> None:
    # Given a server that takes a request and goes silent,
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(1 << 16))
            os.kill(os.getpid(), signal.SIGUSR1)
            received.append(connection.recv(1 << 16))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        client = httpx.Client(transport=World().transport(), trust_env=False)
        # when an alarm goes off that is of the class of the network's own faults,
        with client, raising(TimeoutError("time is up")), pytest.raises(EITHER):
            client.get(url, timeout=5.0)
        server.join()

    # then that ends the call, and nothing is sent again.
    assert received[0].startswith(b"GET / ")
    assert received[1:] == [b""]


class Handler:
    """Of one's own."""

    def method(self, _number: int, _frame: object) -> None:
        raise TimeoutError

    def __call__(self, _number: int, _frame: object) -> None:
        self.method(0, None)


def with_more(error: type[Exception], _number: int, _frame: object) -> None:
    raise error


@pytest.mark.parametrize("handler", [Handler().method, Handler(), partial(with_more, TimeoutError)])
def test_a_handler_may_be_anything_that_can_be_called(handler: Any) -> None:
    with handled_by(handler), pytest.raises(TimeoutError) as raised:
        ring()
    with handled_by(handler):
        assert alarm_of(raised.value) is raised.value

    assert alarm_of(raised.value) is None  # as it is installed no more


def test_no_handler_runs_in_another_thread() -> None:
    handler, found = Handler(), []

    def fail() -> None:
        try:
            handler(0, None)
        except TimeoutError as error:
            found.append(alarm_of(error))

    with handled_by(handler):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()

    assert found == [None]


async def test_other_faults_are_tried_again_while_a_handler_is_installed(
    world: World, clock: FakeClock
) -> None:
    answers: list[Any] = [TimeoutError(), httpx.Response(200)]

    def handler(_request: httpx.Request) -> httpx.Response:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        response: httpx.Response = answer
        return response

    with raising(TimeoutError()):
        async with world.client(handler, clock=clock, policy=RetryPolicy()) as client:
            assert (await client.get()).status_code == 200


def test_where_the_signals_were_never_loaded_nothing_is_an_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler = Handler()
    with handled_by(handler), pytest.raises(TimeoutError) as raised:
        ring()
    with handled_by(handler), monkeypatch.context() as patch:
        patch.delitem(sys.modules, "signal")
        assert alarm_of(raised.value) is None

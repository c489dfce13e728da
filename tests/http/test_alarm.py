"""What a signal's handler raises reaches who has set the alarm, whatever its class: no retry."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from enum import IntEnum
from functools import partial, wraps
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy
from httpx_retry._http.alarm import alarm_of
from httpx_retry._http.httpcore_stream import abandon_stream
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
async def test_while_a_response_is_closed(
    world: World, clock: FakeClock, kind: type[Exception]
) -> None:
    alarm, stream = kind("time is up"), RingingAsItCloses(b"ab")
    answers = [failing(stream), httpx.Response(200)]
    with raising(alarm):
        async with world.client(lambda _: answers.pop(0), clock=clock) as client:
            with pytest.raises(kind) as raised:
                await client.get()

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


class ThrownIn(Stream):
    """A body during which another thread throws a time limit in, as it is read or closed."""

    def __init__(self, *, while_closed: bool) -> None:
        super().__init__(b"ab")
        self._while_closed = while_closed

    def __iter__(self) -> Iterator[bytes]:
        if not self._while_closed:
            throw_in(JobTimeout)
        yield b"ab"

    def close(self) -> None:
        super().close()
        if self._while_closed and self.closed == 1:
            throw_in(JobTimeout)


class JobTimeout(Exception):  # noqa: N818 - as rq names it
    """What another thread throws in: it is given the class, and that may say something."""

    __module__ = "rq.timeouts"

    def __init__(self) -> None:
        super().__init__("Task exceeded maximum timeout value (1 seconds)")


def _spin(throw_in: Callable[..., object], *thrown: object) -> None:
    throw_in(*thrown)
    while True:
        pass


def throw_in(kind: type[Exception]) -> None:
    """Raise an exception as another thread would, in the midst of httpcore's code."""
    spin = FunctionType(_spin.__code__, {"__name__": "httpcore._sync.http11"})
    here = ctypes.c_ulong(threading.get_ident())
    spin(ctypes.pythonapi.PyThreadState_SetAsyncExc, here, ctypes.py_object(kind))


@pytest.mark.parametrize("while_closed", [False, True])
async def test_what_another_thread_throws_in_is_heard(
    world: World, clock: FakeClock, while_closed: bool
) -> None:
    stream = ThrownIn(while_closed=while_closed)
    answers = [failing(stream), httpx.Response(200)]
    async with world.client(lambda _: answers.pop(0), clock=clock) as client:
        with pytest.raises(JobTimeout):
            await client.get(timeout=5.0)

    assert (len(answers), stream.closed) == (1, 1)


class NamelessError(Exception):
    """Of a transport of one's own, which raises it."""


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadError("reset"),
        ConnectionResetError(),
        RuntimeError(),
        NamelessError(),
        KeyError("x"),
    ],
)
async def test_a_fault_while_a_response_is_drained_is_nobodys_concern(
    world: World, clock: FakeClock, fault: Exception
) -> None:
    answers = [failing(Stream(b"a", fault)), httpx.Response(200)]
    async with world.client(lambda _: answers.pop(0), clock=clock) as client:
        assert (await client.get(timeout=5.0)).status_code == 200


def test_while_a_stream_over_http2_is_let_go_of() -> None:
    class Beneath:
        _stream_id = 1

        @property
        def _connection(self) -> object:
            ring()
            raise AssertionError("the alarm was not heard")

    stream = SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=Beneath()))
    with raising(TimeoutError("time is up")), pytest.raises(TimeoutError, match="time is up"):
        abandon_stream(stream)


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
        raise TimeoutError


def with_more(error: type[Exception], _number: int, _frame: object) -> None:
    raise error


def of_once(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise TimeoutError


def by_another(_number: int, frame: object) -> None:
    Handler()(0, frame)


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """As what logs or measures does it: one function stands around all."""

    @wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@contextmanager
def meanwhile() -> Iterator[None]:
    yield


@meanwhile()
def managed(_number: int, _frame: object) -> None:
    raise TimeoutError


def spread(_number: int, *_more: object, quiet: bool = True) -> None:
    assert quiet
    raise TimeoutError


HANDLERS = [
    spread,
    Handler().method,
    Handler(),
    partial(with_more, TimeoutError),
    of_once,
    by_another,
    decorated(Handler()),
    managed,
]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGXCPU])
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_may_be_anything_that_can_be_called(handler: Any, number: int) -> None:
    before = signal.signal(number, handler)
    try:
        with pytest.raises(TimeoutError) as raised:
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)

    assert alarm_of(raised.value) is raised.value


def test_what_is_called_otherwise_is_none() -> None:
    with handled_by(Handler()), pytest.raises(TimeoutError) as raised:
        Handler()(signal.SIGUSR1, None)

    assert alarm_of(raised.value) is None


async def test_an_alarm_that_is_of_an_error_which_the_policy_names_is_one_all_the_same(
    world: World, clock: FakeClock
) -> None:
    sends: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sends.append(request)
        ring()
        return httpx.Response(200)

    policy = RetryPolicy(exceptions=[Exception])
    with raising(SoftTimeLimitExceeded()):
        async with world.client(handler, clock=clock, policy=policy) as client:
            with pytest.raises(SoftTimeLimitExceeded):
                await client.get()

    assert len(sends) == 1


class Status(IntEnum):
    OK = 200


def of_an_enum() -> None:
    try:
        Status(99)
    except ValueError as error:
        raise httpx.RemoteProtocolError("status 99") from error


def of_a_namesake() -> None:
    decorated(Handler())(signal.SIGUSR1, None)


def of_who_knows_its_caller() -> None:
    caller = sys._getframe(1)
    of_who_is_told_of_it(caller, 1, caller)


def of_who_is_told_of_it(_frame: object, _number: int, *_others: object) -> None:
    raise httpx.ReadError("reset")


def of_who_forgets(*given: object) -> None:
    given = None  # type: ignore[assignment] # as some do
    raise httpx.ReadError(f"reset {given}")


OTHERS = [of_an_enum, of_a_namesake, of_who_knows_its_caller, of_who_forgets]


@pytest.mark.parametrize("fail", OTHERS)
async def test_a_fault_in_code_that_handlers_share_is_no_alarm(
    world: World, clock: FakeClock, fail: Callable[[], None]
) -> None:
    faults = [fail]

    def handler(_request: httpx.Request) -> httpx.Response:
        if faults:
            faults.pop()()
        return httpx.Response(200)

    with handled_by(decorated(Handler())):
        async with world.client(handler, clock=clock) as client:
            assert (await client.get()).status_code == 200


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

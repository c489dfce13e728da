"""A body under guard is to other transports what it is bare: of its worlds, and closed."""

from __future__ import annotations

import io
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy, StopReason, retry_history

from .handlers import options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

WORLDS = {"__iter__": httpx.SyncByteStream, "__aiter__": httpx.AsyncByteStream}
BODY = b"0123456789"
KEEPING = RetryPolicy(replay_buffer=100)


def worlds_of(stream: Any) -> list[tuple[bool, bool]]:
    """Of each world: whether the stream says that it is of it, and whether it can be read in it."""
    return [(isinstance(stream, base), hasattr(stream, name)) for name, base in WORLDS.items()]


class Closing(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Another library's transport: it closes a body after it has read it, or as much at first."""

    def __init__(self, *answers: httpx.Response, at_first: int = 100) -> None:
        self._answers = list(answers)
        self._at_first = at_first
        self.bodies: list[bytes] = []
        self.streams: list[Any] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        stream: Any = request.stream
        self._begin(stream)
        for number, chunk in enumerate(stream, 1):
            self.bodies[-1] += chunk
            if number == self._at_first and len(self.bodies) == 1:
                break
        stream.close()
        return self._answers.pop(0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        stream: Any = request.stream
        self._begin(stream)
        number = 0
        async with aclosing(aiter(stream)) as chunks:
            async for chunk in chunks:
                number += 1
                self.bodies[-1] += chunk
                if number == self._at_first and len(self.bodies) == 1:
                    break
        await stream.aclose()
        return self._answers.pop(0)

    def _begin(self, stream: Any) -> None:
        self.streams.append(stream)
        self.bodies.append(b"")


class Mine:
    """A body of the caller's own, which is of no use any more once it is closed."""

    def __init__(self) -> None:
        self.closed = 0
        self._left = BODY

    def next(self) -> bytes:
        """The next byte; none at the end."""
        assert not self.closed
        chunk, self._left = self._left[:1], self._left[1:]
        return chunk


class MineInThreads(Mine, httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        return iter(self.next, b"")

    def close(self) -> None:
        self.closed += 1


class MineInTasks(Mine, httpx.AsyncByteStream):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if chunk := self.next():
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


def mine(world: World) -> Any:
    return MineInTasks() if world.is_async else MineInThreads()


async def put(world: World, transport: Any, stream: Any) -> httpx.Response:
    request = httpx.Request("PUT", "http://test/", stream=stream)
    response: httpx.Response = await world.handle(transport, request)
    return response


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda world: {"content": world.one_shot(iter([BODY]))}, id="generator"),
        pytest.param(lambda _: {"files": {"file": io.BytesIO(BODY)}}, id="form"),
    ],
)
async def test_it_is_of_the_worlds_of_which_it_is_bare(
    world: World, clock: FakeClock, body: Callable[[World], dict[str, Any]]
) -> None:
    bare, ours = Closing(httpx.Response(200)), Closing(httpx.Response(200))
    transport = world.transport(ours, **options(clock))
    for each in (bare, transport):
        await world.handle(each, httpx.Request("PUT", "http://test/", **body(world)))

    assert worlds_of(ours.streams[0]) == worlds_of(bare.streams[0])


async def test_closing_it_closes_the_callers(world: World, clock: FakeClock) -> None:
    body = mine(world)

    await put(world, world.transport(Closing(httpx.Response(200)), **options(clock)), body)

    assert body.closed == 1


async def test_it_is_sent_again_after_it_was_closed_if_all_of_it_was_kept(
    world: World, clock: FakeClock
) -> None:
    inner = Closing(httpx.Response(503), httpx.Response(200))
    transport = world.transport(inner, **options(clock, policy=KEEPING))

    response = await put(world, transport, mine(world))

    assert response.status_code == 200
    assert inner.bodies == [BODY] * 2


@pytest.mark.parametrize(("at_first", "policy"), [(4, KEEPING), (100, RetryPolicy())])
async def test_it_is_not_sent_again_after_it_was_closed_if_it_was_not(
    world: World, clock: FakeClock, at_first: int, policy: RetryPolicy
) -> None:
    inner = Closing(httpx.Response(503), httpx.Response(200), at_first=at_first)
    transport = world.transport(inner, **options(clock, policy=policy))

    response = await put(world, transport, mine(world))

    assert response.status_code == 503
    assert retry_history(response)[-1].reason is StopReason.BODY_NOT_REPLAYABLE
    assert inner.bodies == [BODY[:at_first]]


async def test_what_has_nothing_to_close_goes_on_where_it_was_left(
    world: World, clock: FakeClock
) -> None:
    inner = Closing(httpx.Response(503), httpx.Response(200), at_first=4)
    transport = world.transport(inner, **options(clock, policy=KEEPING))
    parts = [BODY[number : number + 1] for number in range(len(BODY))]
    request = httpx.Request("PUT", "http://test/", content=world.one_shot(iter(parts)))
    response = await world.handle(transport, request)

    assert response.status_code == 200
    assert inner.bodies == [BODY[:4], BODY]


class Refusing(Closing):
    """It cannot connect at first."""

    def _begin(self, stream: Any) -> None:
        super()._begin(stream)
        if len(self.bodies) == 1:
            raise httpx.ConnectError("refused")


async def test_what_prepare_has_read_is_gone_for_the_next_attempt(
    world: World, clock: FakeClock
) -> None:
    # Given a body that can be read once, which is signed once more as it is sent again
    def sign(request: httpx.Request, number: int) -> None:
        request.headers["Signature"] = str(len(request.read()))

    async def sign_in_a_task(request: httpx.Request, number: int) -> None:
        request.headers["Signature"] = str(len(await request.aread()))

    inner = Refusing(httpx.Response(503), httpx.Response(200))
    more = options(clock, prepare=sign_in_a_task if world.is_async else sign)

    # When that attempt fails, too, then its failure is handed over as it was.
    response = await put(world, world.transport(inner, **more), world.one_shot(iter([BODY])))

    assert response.status_code == 503
    assert retry_history(response)[-1].reason is StopReason.BODY_NOT_REPLAYABLE
    assert inner.bodies == [b"", BODY]


class OfAFile(httpx.ByteStream):
    """Bytes by its class, and read from a file."""

    def __init__(self) -> None:
        super().__init__(b"")
        self._file = io.BytesIO(BODY)

    def __iter__(self) -> Iterator[bytes]:
        yield self._file.read()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._file.read()


async def test_bytes_of_another_class_may_be_gone_once_they_were_read(
    world: World, clock: FakeClock
) -> None:
    inner = Closing(httpx.Response(503), httpx.Response(200))

    response = await put(world, world.transport(inner, **options(clock)), OfAFile())

    assert response.status_code == 503
    assert inner.bodies == [BODY]

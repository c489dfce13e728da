"""With the transport in place, everything that httpx promises still holds."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typing_extensions import Self

from httpx_retry import RetryPolicy
from httpx_retry.testing import FakeClock
from tests.worlds import settled

from .handlers import Server, options

if TYPE_CHECKING:
    from types import TracebackType

    from tests.worlds import World


class Recording(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Says what was done to it."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def __enter__(self) -> Self:
        self.log.append("enter")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.log.append(("exit", exc_type))

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.__exit__(exc_type, exc_value, traceback)

    def close(self) -> None:
        self.log.append("close")

    async def aclose(self) -> None:
        self.close()


async def test_the_wrapped_transport_is_entered_and_left_once(world: World) -> None:
    recording = Recording()

    with pytest.raises(KeyError):  # noqa: PT012 - the block's own error is what is handed on
        async with world.client(recording):
            assert recording.log == ["enter"]
            raise KeyError

    assert recording.log == ["enter", ("exit", KeyError)]


async def test_the_wrapped_transport_is_closed_once(world: World) -> None:
    recording = Recording()

    await world.close(world.transport(recording))

    assert recording.log == ["close"]


async def test_a_with_block_gives_the_retry_transport_itself(world: World) -> None:
    transport = world.transport(Recording())

    if world.is_async:
        async with transport as entered:
            assert entered is transport
    else:
        with transport as entered:
            assert entered is transport


async def test_the_very_request_and_response_pass_through(world: World, clock: FakeClock) -> None:
    made = httpx.Response(200, extensions={"http_version": b"HTTP/2", "mine": 1})
    server = Server(made)
    request = httpx.Request("GET", "http://test/")

    response = await world.handle(world.transport(server, **options(clock)), request)

    assert response is made
    assert server.requests[0] is request


@pytest.mark.parametrize("failures", [0, 1])
async def test_a_body_that_is_held_in_memory_is_left_as_it_is(
    world: World, clock: FakeClock, failures: int
) -> None:
    stream = httpx.ByteStream(b"x")
    server = Server(*[503] * failures, httpx.Response(200, stream=stream))
    transport = world.transport(server, **options(clock))

    response = await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert response.stream is stream


async def test_the_request_of_a_good_response_is_for_the_client_to_set(
    world: World, clock: FakeClock
) -> None:
    made = httpx.Response(200)
    transport = world.transport(Server(503, made), **options(clock))

    assert await world.handle(transport, httpx.Request("GET", "http://test/")) is made

    with pytest.raises(RuntimeError, match="has not been set"):
        _ = made.request


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wrapped_transport_may_fill_in_what_the_caller_gave_it(
    world: World, method: str
) -> None:
    class Counting(Recording):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.extensions["counts"]["sent"] = 1
            return httpx.Response(200)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return self.handle_request(request)

    counts: dict[str, int] = {}
    async with world.client(Counting()) as client:
        await client.request(method, "http://test/", extensions={"counts": counts})

    assert counts == {"sent": 1}


async def test_a_body_of_the_other_world_cannot_be_closed_as_if_it_were_of_this(
    world: World,
) -> None:
    request = httpx.Request("GET", "http://test/")
    response: Any = await world.handle(world.transport(Server(200)), request)

    with pytest.raises(RuntimeError, match="Attempted to call"):
        await settled(response.close() if world.is_async else response.aclose())

    await settled(response.aclose() if world.is_async else response.close())
    assert response.is_closed


async def test_the_wrapped_method_is_looked_up_at_each_request(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def patched(self: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(418)

    async def patched_async(self: object, request: httpx.Request) -> httpx.Response:
        return httpx.Response(418)

    async with world.client(**options(clock)) as client:
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", patched)
        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", patched_async)

        assert (await client.get()).status_code == 418


@pytest.mark.parametrize("answers", [(httpx.ReadError,), (503, httpx.ReadError), (KeyError,)])
async def test_a_final_exception_is_left_in_no_cycle(
    world: World, clock: FakeClock, answers: tuple[Any, ...]
) -> None:
    class Watched:
        pass

    watched = Watched()
    reference = weakref.ref(watched)

    def broken(request: httpx.Request, _: Watched = watched) -> httpx.Response:
        kept_by_the_traceback = Watched()
        nonlocal reference
        reference = weakref.ref(kept_by_the_traceback)
        answer = answers[min(len(sent), len(answers) - 1)]
        sent.append(request)
        if isinstance(answer, int):
            return httpx.Response(answer)
        raise answer("broken")

    sent: list[httpx.Request] = []
    transport = world.transport(broken, **options(clock, policy=RetryPolicy(max_attempts=2)))
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(answers[-1]):
            await world.handle(transport, httpx.Request("GET", "http://test/"))
        assert reference() is None
    finally:
        gc.enable()


async def test_what_the_wrapped_transport_was_interrupted_by_passes_through(
    world: World, clock: FakeClock
) -> None:
    def interrupted(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    transport = world.transport(interrupted, **options(clock))
    with pytest.raises(KeyboardInterrupt):
        await world.handle(transport, httpx.Request("GET", "http://test/"))


async def test_one_clock_read_is_all_that_a_good_response_costs(world: World) -> None:
    class Counting(FakeClock):
        reads = 0

        def monotonic(self) -> float:
            self.reads += 1
            return super().monotonic()

        def time(self) -> float:
            raise AssertionError("the wall clock is for failures")

    clock = Counting()
    transport = world.transport(Server(200), **options(clock))

    await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert clock.reads == 1

"""What is sent again, what is not, and what the caller gets in the end."""

from __future__ import annotations

import gc
import sys
import traceback
import weakref
from typing import TYPE_CHECKING

import httpx
import pytest

from httpx_retry import Evidence, RetryPolicy, StopReason, retry_history
from httpx_retry.testing import FakeClock

from .handlers import Server, options

if TYPE_CHECKING:
    from tests.worlds import World

UNSENT = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
UNKNOWN = [
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.RemoteProtocolError,
]
PERMANENT = [httpx.UnsupportedProtocol, httpx.LocalProtocolError]


async def test_a_get_outlives_a_service_that_is_briefly_unavailable(
    world: World, clock: FakeClock
) -> None:
    server = Server(503, 502, 200)

    async with world.client(server, **options(clock)) as client:
        response = await client.get()

    assert (response.status_code, response.text) == (200, "answer 3")
    assert clock.sleeps == [0.1, 0.2]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_each_transient_status_is_retried(
    world: World, clock: FakeClock, status: int
) -> None:
    server = Server(status, 200)

    async with world.client(server, **options(clock)) as client:
        assert (await client.get()).status_code == 200


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 409, 421, 501, 505, 599])
async def test_any_other_status_is_handed_over_at_once(
    world: World, clock: FakeClock, status: int
) -> None:
    server = Server(status)

    async with world.client(server, **options(clock)) as client:
        response = await client.get()

    assert (response.status_code, server.sends, clock.sleeps) == (status, 1, [])
    assert retry_history(response) == ()


@pytest.mark.parametrize("error", UNSENT + UNKNOWN)
async def test_a_get_outlives_each_transport_fault(
    world: World, clock: FakeClock, error: type[httpx.TransportError]
) -> None:
    server = Server(error("broken"), 200)

    async with world.client(server, **options(clock)) as client:
        assert (await client.get()).status_code == 200


@pytest.mark.parametrize(
    ("first", "sends"),
    [
        *[(error("broken"), 2) for error in UNSENT],
        *[(error("broken"), 1) for error in UNKNOWN + PERMANENT],
        *[(status, 2) for status in (408, 425, 429)],
        *[(status, 1) for status in (500, 502, 503, 504)],
    ],
    ids=str,
)
async def test_a_post_is_sent_again_only_if_it_was_not_processed(
    world: World, clock: FakeClock, first: int | httpx.TransportError, sends: int
) -> None:
    server = Server(first, 200)

    async with world.client(server, **options(clock)) as client:
        try:
            await client.post(json={"amount": 1})
        except httpx.TransportError as error:
            assert error is first  # noqa: PT017 - which of the two outcomes is the parameter's say

    assert server.sends == sends
    assert set(server.bodies) == {b'{"amount":1}'}


async def test_a_408_taken_out_of_the_statuses_proves_nothing(
    world: World, clock: FakeClock
) -> None:
    server = Server((408, {"x-should-retry": "true"}), 200)
    policy = RetryPolicy(statuses={503})

    async with world.client(server, **options(clock, policy=policy)) as client:
        response = await client.post()

    assert (response.status_code, server.sends) == (408, 1)
    assert retry_history(response)[0].evidence is Evidence.UNKNOWN


async def test_a_post_with_an_idempotency_key_may_run_twice(world: World, clock: FakeClock) -> None:
    server = Server(httpx.ReadTimeout("silence"), 200)

    async with world.client(server, **options(clock)) as client:
        response = await client.post(headers={"idempotency-key": "7"})

    assert response.status_code == 200
    assert [request.headers["Idempotency-Key"] for request in server.requests] == ["7", "7"]


@pytest.mark.parametrize("generates", [True, False])
async def test_an_empty_idempotency_key_is_none(
    world: World, clock: FakeClock, generates: bool
) -> None:
    server = Server(503, 200)
    policy = RetryPolicy(generate_idempotency_key=generates)

    async with world.client(server, **options(clock, policy=policy)) as client:
        response = await client.post(headers={"Idempotency-Key": " "})

    assert response.status_code == (200 if generates else 503)
    keys = [request.headers["Idempotency-Key"].strip() for request in server.requests]
    assert keys == [keys[0]] * server.sends
    assert bool(keys[0]) == generates


@pytest.mark.parametrize("header", [None, "X-Request-Key"])
async def test_the_idempotency_header_is_the_policys(
    world: World, clock: FakeClock, header: str | None
) -> None:
    server = Server(503, 200)
    policy = RetryPolicy(idempotency_header=header)

    async with world.client(server, **options(clock, policy=policy)) as client:
        assert (await client.post(headers={"Idempotency-Key": "7"})).status_code == 503


async def test_methods_are_the_policys(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(methods=["POST"])

    async with world.client(Server(503, 200), **options(clock, policy=policy)) as client:
        assert (await client.post()).status_code == 200
    async with world.client(Server(503, 200), **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 503


@pytest.mark.parametrize("error", PERMANENT)
async def test_what_would_happen_again_is_not_tried_again(
    world: World, clock: FakeClock, error: type[httpx.TransportError]
) -> None:
    server = Server(error("broken"))

    async with world.client(server, **options(clock)) as client:
        with pytest.raises(error) as caught:
            await client.get()

    assert server.sends == 1
    assert retry_history(caught.value)[0].reason is StopReason.NOT_TRANSIENT


async def test_an_error_that_is_no_transport_fault_passes_through_untouched(
    world: World, clock: FakeClock
) -> None:
    bug = KeyError("in a body generator")
    server = Server(bug)

    async with world.client(server, **options(clock)) as client:
        with pytest.raises(KeyError) as caught:
            await client.get()

    assert caught.value is bug
    assert server.sends == 1
    assert vars(bug) == {}


async def test_further_exceptions_may_count_as_transient(world: World, clock: FakeClock) -> None:
    server = Server(LookupError("no such shard, yet"), 200)
    policy = RetryPolicy(exceptions=[LookupError])

    async with world.client(server, **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 200


async def test_the_last_response_is_handed_over_unread_and_intact(
    world: World, clock: FakeClock
) -> None:
    server = Server((503, {"X-Why": "overload"}))

    async with world.client(server, **options(clock)) as client:
        request = client.build_request("GET", "http://test/")
        response = await client.send(request, stream=True)

        assert (server.sends, clock.sleeps) == (4, [0.1, 0.2, 0.4])
        assert not response.is_stream_consumed
        assert not response.is_closed
        assert response.headers["x-why"] == "overload"
        assert await world.raw_chunks(response) == [b"answer ", b"4"]

    assert [stream.closed for stream in server.streams] == [1, 1, 1, 1]


async def test_every_discarded_response_is_closed_before_the_wait(
    world: World, clock: FakeClock
) -> None:
    server = Server(503, 503, 200)
    seen: list[list[int]] = []

    class Watch(FakeClock):
        def skip(self, seconds: float) -> None:
            seen.append([stream.closed for stream in server.streams])

    async with world.client(server, **options(Watch())) as client:
        await client.get()

    assert seen == [[1], [1, 1]]


@pytest.mark.parametrize("error", [httpx.ReadError("reset"), OSError("reset")])
async def test_how_a_discarded_response_breaks_is_nobodys_concern(
    world: World, clock: FakeClock, error: Exception
) -> None:
    class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
        def close(self) -> None:
            raise error

        async def aclose(self) -> None:
            self.close()

    server = Server(httpx.Response(503, stream=Broken()), 200)

    async with world.client(server, **options(clock)) as client:
        assert (await client.get()).status_code == 200


async def test_the_last_exception_itself_is_raised(world: World, clock: FakeClock) -> None:
    errors = [httpx.ReadTimeout(f"silence {number}") for number in range(4)]
    server = Server(*errors)

    async with world.client(server, **options(clock)) as client:
        with pytest.raises(httpx.ReadTimeout) as caught:
            await client.get()

    assert caught.value is errors[-1]
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_no_foreign_context_sticks_to_a_later_error(world: World, clock: FakeClock) -> None:
    server = Server(httpx.ConnectTimeout("first"), httpx.ReadError("second"))
    policy = RetryPolicy(max_attempts=2)

    async with world.client(server, **options(clock, policy=policy)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.get()

    assert caught.value.__context__ is None


async def test_a_final_error_says_why_in_one_line(world: World, clock: FakeClock) -> None:
    error = httpx.ConnectTimeout("slow")
    server = Server(503, error, 502, error)

    async with world.client(server, **options(clock)) as client:
        for _ in range(2):  # the same exception object twice: its note is replaced
            server.requests.clear()
            with pytest.raises(httpx.ConnectTimeout):
                await client.get()

    note = (
        "httpx_retry: gave up after 4 attempts in 0.7 s (attempts exhausted):"
        " 503, ConnectTimeout, 502, ConnectTimeout"
    )
    assert error.__notes__ == [note]  # type: ignore[attr-defined] # PEP 678
    if sys.version_info >= (3, 11):
        assert note in "".join(traceback.format_exception(error))


async def test_the_note_leaves_others_alone(world: World, clock: FakeClock) -> None:
    error = httpx.ReadTimeout("silence")
    vars(error)["__notes__"] = ["of the caller", b"odd"]

    async with world.client(Server(error), **options(clock)) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post()

    assert vars(error)["__notes__"] == [
        "of the caller",
        b"odd",
        "httpx_retry: gave up after 1 attempt in 0.0 s (may have been processed): ReadTimeout",
    ]


async def test_the_context_of_an_error_stays_the_wrapped_transports(
    world: World, clock: FakeClock
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        try:
            raise OSError("the real cause")
        except OSError:
            raise httpx.ReadError("broken")  # noqa: B904 - a context and no cause is the point

    transport = world.transport(broken, **options(clock, policy=RetryPolicy(max_attempts=2)))
    try:
        raise LookupError("what the caller is busy with")
    except LookupError:
        with pytest.raises(httpx.ReadError) as caught:
            await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert isinstance(caught.value.__context__, OSError)


async def test_an_error_keeps_the_request_that_it_has(world: World, clock: FakeClock) -> None:
    other = httpx.Request("GET", "http://other/")
    error = httpx.ReadError("broken", request=other)
    fresh = httpx.ReadError("broken")
    request = httpx.Request("POST", "http://test/")

    for each, expected in ((error, other), (fresh, request)):
        with pytest.raises(httpx.ReadError):
            await world.handle(world.transport(Server(each), **options(clock)), request)
        assert each.request is expected


async def test_an_error_that_is_falsy_is_an_error(world: World, clock: FakeClock) -> None:
    class Empty(httpx.ReadError):
        def __bool__(self) -> bool:
            return False

    error = Empty("")
    vars(error)["__notes__"] = None
    async with world.client(Server(error), **options(clock)) as client:
        with pytest.raises(Empty):
            await client.get()

    assert len(retry_history(error)) == 4


async def test_no_wait_holds_the_failed_response(world: World) -> None:
    alive: list[bool] = []

    class Watch(FakeClock):
        def skip(self, seconds: float) -> None:
            alive.append(made[-1]() is not None)

    def answer(request: httpx.Request) -> httpx.Response:
        response = httpx.Response(503)
        made.append(weakref.ref(response))
        return response

    made: list[weakref.ref[httpx.Response]] = []
    gc.disable()
    try:
        async with world.client(answer, **options(Watch())) as client:
            await client.get()
    finally:
        gc.enable()

    assert alive == [False] * 3

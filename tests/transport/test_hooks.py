"""retry_if, read_body, prepare, on_event: what they see, and what happens when they raise."""

from __future__ import annotations

import gzip
import io
from typing import IO, TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import (
    BackoffContext,
    ConstantBackoff,
    Evidence,
    Outcome,
    RetryEvent,
    RetryPolicy,
    RetryTransport,
    StopReason,
    retry_history,
)
from httpx_retry.testing import FakeClock
from tests.worlds import Stream, World, settled

from .handlers import Server, options
from .test_budget import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Mine(Exception):  # noqa: N818 - what a hook of the user's own raises
    pass


def raising(*args: Any) -> Any:
    raise Mine


async def test_retry_if_sees_the_outcome(world: World, clock: FakeClock) -> None:
    seen: list[Outcome] = []

    def retry_if(outcome: Outcome) -> bool | None:
        seen.append(outcome)
        return True if outcome.status == 202 else None

    server = Server(202, httpx.ReadError("reset"), (429, {"Retry-After": "3"}), 200)
    policy = RetryPolicy(retry_if=retry_if)
    async with world.client(server, **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 200

    assert [outcome.status for outcome in seen] == [202, None, 429, 200]
    assert [type(outcome.error) for outcome in seen][1] is httpx.ReadError
    assert [outcome.server_wait for outcome in seen] == [None, None, 3.0, None]
    assert seen[0].response.request is seen[0].request is server.requests[0]
    assert seen[1].error is not None
    assert seen[1].error.request is server.requests[0]  # type: ignore[attr-defined] # httpx's


async def test_retry_if_may_say_that_nothing_failed(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(retry_if=lambda outcome: False)
    error = httpx.ReadTimeout("silence")

    async with world.client(Server(503, error), **options(clock, policy=policy)) as client:
        response = await client.get()
        assert (response.status_code, retry_history(response)) == (503, ())
        with pytest.raises(httpx.ReadTimeout):
            await client.get()

    assert retry_history(error)[0].reason is StopReason.NOT_TRANSIENT


def pending(outcome: Outcome) -> bool | None:
    return bool(outcome.response is not None and outcome.response.json()["state"] == "pending")


def answer(state: str, *, packed: bool = False) -> httpx.Response:
    body = b'{"state": "%s"}' % state.encode()
    headers = {"Content-Encoding": "gzip"} if packed else {}
    return httpx.Response(
        200, headers=headers, stream=Stream(gzip.compress(body) if packed else body)
    )


@pytest.mark.parametrize("packed", [False, True])
async def test_read_body_lets_retry_if_look_inside(
    world: World, clock: FakeClock, packed: bool
) -> None:
    answers = [answer("pending", packed=packed), answer("ready", packed=packed)]
    streams = [each.stream for each in answers]
    policy = RetryPolicy(retry_if=pending, read_body=True)

    async with world.client(Server(*answers), **options(clock, policy=policy)) as client:
        request = client.build_request("GET", "http://test/")
        response = await client.send(request, stream=True)

        # As if untouched: nothing read, nothing counted, the raw bytes still to come.
        assert not response.is_stream_consumed
        assert response.num_bytes_downloaded == 0
        content = await world.read(response)

    assert content == b'{"state": "ready"}'
    assert response.num_bytes_downloaded == (len(gzip.compress(content)) if packed else 18)
    assert [stream.closed for stream in streams] == [1, 1]  # type: ignore[union-attr] # ours
    assert len(retry_history(response)) == 2


class OfErrorsAlone:
    """A rule that good responses are not shown to, as the one that urllib3's policies bring."""

    asked_from = 400

    def __call__(self, outcome: Outcome) -> bool | None:
        return None


async def test_a_good_response_is_not_read_for_a_rule_that_asks_for_errors_alone(
    world: World, clock: FakeClock
) -> None:
    server = Server(503, answer("ready"))
    policy = RetryPolicy(retry_if=OfErrorsAlone(), read_body=True)

    async with world.client(server, **options(clock, policy=policy)) as client:
        response = await client.get()

    assert response.json() == {"state": "ready"}
    assert len(retry_history(response)) == 2


async def test_a_body_that_breaks_while_it_is_read_is_a_failed_attempt(
    world: World, clock: FakeClock
) -> None:
    broken = Stream(b"{", httpx.ReadError("reset"))
    server = Server(httpx.Response(200, stream=broken), answer("ready"))
    policy = RetryPolicy(retry_if=lambda outcome: None, read_body=True)

    async with world.client(server, **options(clock, policy=policy)) as client:
        response = await client.get()

    assert response.json() == {"state": "ready"}
    assert broken.closed == 1
    seen = [(attempt.status, attempt.error) for attempt in retry_history(response)]
    assert seen == [(200, "ReadError"), (200, None)]


@pytest.mark.parametrize("error", [httpx.ConnectError("of its own"), httpx.PoolTimeout("full")])
async def test_a_request_that_was_answered_had_left_whatever_its_body_ends_with(
    world: World, clock: FakeClock, error: Exception
) -> None:
    server = Server(httpx.Response(201, stream=Stream(error)), 201)
    policy = RetryPolicy(retry_if=lambda outcome: None, read_body=True)

    async with world.client(server, **options(clock, policy=policy)) as client:
        with pytest.raises(type(error)):
            await client.post()

    assert server.sends == 1
    assert retry_history(error)[-1].evidence is Evidence.UNKNOWN


@pytest.mark.parametrize(("status", "sends"), [(200, 1), (503, 2)])
async def test_a_body_that_is_not_what_it_says_is_judged_by_its_status_alone(
    world: World, clock: FakeClock, status: int, sends: int
) -> None:
    def answer(status: int) -> httpx.Response:
        stream = Stream(b"not gzip")
        return httpx.Response(status, headers={"Content-Encoding": "gzip"}, stream=stream)

    server = Server(answer(status), answer(200))
    policy = RetryPolicy(retry_if=pending, read_body=True)

    async with world.client(server, **options(clock, policy=policy)) as client:
        request = client.build_request("GET", "http://test/")
        response = await client.send(request, stream=True)
        assert await world.raw_chunks(response) == [b"not gzip"]

    assert server.sends == sends


async def test_read_body_leaves_another_protocol_alone(world: World, clock: FakeClock) -> None:
    streams = [Stream(b"not a body"), Stream(b"nor this")]
    server = Server(*[httpx.Response(101 + 99 * n, stream=s) for n, s in enumerate(streams)])
    policy = RetryPolicy(retry_if=lambda outcome: None, read_body=True)
    transport = world.transport(server, **options(clock, policy=policy))

    for method, stream in zip(["GET", "CONNECT"], streams, strict=True):
        response = await world.handle(transport, httpx.Request(method, "http://test/"))
        assert (response.stream, stream.closed) == (stream, 0)


async def test_a_response_that_was_read_already_is_judged_as_it_is(
    world: World, clock: FakeClock
) -> None:
    stream = Stream(b'{"state": "pending"}')
    read = httpx.Response(200, stream=stream)
    await (read.aread() if world.is_async else settled(read.read()))
    policy = RetryPolicy(retry_if=pending, read_body=True)

    async with world.client(
        Server(read, answer("ready")), **options(clock, policy=policy)
    ) as client:
        response = await client.get()

    assert response.json() == {"state": "ready"}
    assert stream.closed == 1


async def test_without_retry_if_no_body_is_read_for_it(world: World, clock: FakeClock) -> None:
    server = Server(503, 200)
    policy = RetryPolicy(read_body=True)

    async with world.client(server, **options(clock, policy=policy)) as client:
        request = client.build_request("GET", "http://test/")
        response = await client.send(request, stream=True)
        assert await world.raw_chunks(response) == [b"answer ", b"2"]


def test_a_response_that_retry_if_reads_itself_is_closed_once(clock: FakeClock) -> None:
    def retry_if(outcome: Outcome) -> bool:
        return bool(outcome.response.read() == b"answer 1")

    server = Server(200)
    policy = RetryPolicy(retry_if=retry_if)
    transport = RetryTransport(httpx.MockTransport(server), **options(clock, policy=policy))
    with httpx.Client(transport=transport) as client:
        assert client.get("http://test/").text == "answer 2"

    assert [stream.closed for stream in server.streams] == [1, 1]


async def test_prepare_gives_each_retry_a_fresh_signature(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        request.headers["Signature"] = f"{request.content.decode()} at attempt {number}"

    server = Server(503, 503, 200)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        request = client.build_request("PUT", "http://test/", content=b"body")
        extensions = request.extensions
        response = await client.send(request)

    assert [sent.headers.get("Signature") for sent in server.requests] == [
        None,
        "body at attempt 2",
        "body at attempt 3",
    ]
    assert server.bodies == [b"body"] * 3
    assert "Signature" not in request.headers
    assert response.request is server.requests[0] is request
    assert request.extensions is extensions


async def test_prepare_may_change_what_the_extensions_hold(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        request.extensions["timeout"]["read"] = 0.5

    timeout = httpx.Timeout(3.0).as_dict()
    server = Server(503, 200)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        await client.get(extensions={"timeout": timeout})

    assert [sent.extensions["timeout"]["read"] for sent in server.requests] == [3.0, 0.5]
    assert timeout["read"] == 3.0


async def test_prepare_may_return_another_request_for_the_same_origin(
    world: World, clock: FakeClock
) -> None:
    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        return httpx.Request("GET", f"http://TEST:80/{number}")

    server = Server(503, 200)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        assert (await client.get()).status_code == 200

    assert str(server.requests[1].url) == "http://test/2"


def test_prepare_may_return_a_body_that_makes_something_else_of_the_same_file() -> None:
    class Hexed(httpx.SyncByteStream):
        """A stream of the user's own, which keeps what it reads by the name httpx's has for it."""

        def __init__(self, stream: IO[bytes]) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            self._stream.seek(0)
            yield self._stream.read().hex().encode()

    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        return httpx.Request("PUT", request.url, stream=Hexed(file))

    server, file = Server(503, 200), io.BytesIO(b"plain")
    policy = RetryPolicy(backoff=ConstantBackoff(0))
    transport = RetryTransport(httpx.MockTransport(server), policy=policy, prepare=prepare)
    with httpx.Client(transport=transport) as client:
        client.put("http://test/", content=file)

    assert server.bodies == [b"plain", b"706c61696e"]


@pytest.mark.parametrize("is_returned", [True, False], ids=["returned", "in place"])
@pytest.mark.parametrize(
    "url", ["https://test/", "http://other/", "http://test:8080/", "http://test.other/"]
)
async def test_prepare_may_not_leave_the_origin(
    world: World, clock: FakeClock, url: str, is_returned: bool
) -> None:
    server = Server(503)

    def prepare(request: httpx.Request, number: int) -> httpx.Request | None:
        request.url = httpx.URL(url)
        return httpx.Request("GET", url) if is_returned else None

    async with world.client(server, **options(clock, prepare=prepare)) as client:
        with pytest.raises(ValueError, match="prepare must keep the origin http://test, not"):
            await client.get()

    assert (server.sends, server.streams[0].closed) == (1, 1)


async def test_prepare_sees_the_callers_url_where_the_wrapped_transport_rewrites_it(
    world: World, clock: FakeClock
) -> None:
    # Given a transport that sends to another host each time
    def to_a_replica(request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host=f"{server.sends}.test")
        return server(request)

    def prepare(request: httpx.Request, number: int) -> None:
        seen.append(str(request.url))

    seen: list[str] = []
    server = Server(503, 503, 200)
    async with world.client(to_a_replica, **options(clock, prepare=prepare)) as client:
        await client.get()

    assert seen == ["http://test/"] * 2
    assert [str(sent.url) for sent in server.requests[1:]] == ["http://1.test/", "http://2.test/"]


@pytest.mark.parametrize("key", [{"Idempotency-Key": "8"}, {}], ids=["another", "none"])
@pytest.mark.parametrize("is_returned", [True, False], ids=["returned", "in place"])
@pytest.mark.parametrize("headers", [{"Idempotency-Key": "7"}, {}], ids=["POST", "PUT"])
async def test_prepare_may_not_take_away_what_allows_a_request_to_run_twice(
    world: World,
    clock: FakeClock,
    headers: dict[str, str],
    is_returned: bool,
    key: dict[str, str],
) -> None:
    method = "POST" if headers else "PUT"

    def prepare(request: httpx.Request, number: int) -> httpx.Request | None:
        request.method, request.headers = "POST", httpx.Headers(key if headers else None)
        return httpx.Request("POST", request.url, headers=request.headers) if is_returned else None

    server = Server(503)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        with pytest.raises(ValueError, match="prepare must keep") as refused:
            await client.request(method, "http://test/", headers=headers)

    assert str(refused.value) == (
        "prepare must keep what allows the request to run twice: its method, or its Idempotency-Key"
    )
    assert server.sends == 1


@pytest.mark.parametrize("header", ["Idempotency-Key", None])
async def test_prepare_may_change_what_was_proved_not_to_have_run(
    world: World, clock: FakeClock, header: str | None
) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        request.headers["Idempotency-Key"] = str(number)

    server = Server(httpx.ConnectError("refused"), 200)
    policy = RetryPolicy(idempotency_header=header)
    async with world.client(server, **options(clock, policy=policy, prepare=prepare)) as client:
        assert (await client.post()).status_code == 200

    assert server.requests[1].headers["Idempotency-Key"] == "2"


def with_a_key(request: httpx.Request, number: int) -> None:
    request.headers["Idempotency-Key"] = str(number)


def as_put(request: httpx.Request, number: int) -> httpx.Request:
    return httpx.Request("PUT", request.url)


@pytest.mark.parametrize("prepare", [with_a_key, as_put])
async def test_what_prepare_adds_lets_nothing_run_twice(
    world: World, clock: FakeClock, prepare: Any
) -> None:
    server = Server(429, httpx.ReadTimeout("it may have run"), 201)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        with pytest.raises(httpx.ReadTimeout) as caught:
            await client.post()

    assert server.sends == 2
    assert retry_history(caught.value)[-1].reason is StopReason.NOT_IDEMPOTENT


@pytest.mark.parametrize("own", [{}, {"Idempotency-Key": "7"}])
async def test_a_put_may_become_a_post_with_its_own_key_alone(
    world: World, clock: FakeClock, own: dict[str, str]
) -> None:
    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        return httpx.Request("POST", request.url, headers={"Idempotency-Key": "7"})

    server = Server(503, 201)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        if own:
            assert (await client.request("PUT", "http://test/", headers=own)).status_code == 201
        else:
            with pytest.raises(ValueError, match="prepare must keep"):
                await client.request("PUT", "http://test/")

    assert server.sends == (2 if own else 1)


async def test_a_request_that_prepare_makes_keeps_the_extensions_that_it_does_not_name(
    world: World, clock: FakeClock
) -> None:
    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        assert request.extensions.pop("taken away") == 1
        made.append(httpx.Request("GET", request.url, extensions={"target": b"/2"}))
        return made[0]

    made: list[httpx.Request] = []
    server = Server(503, 200)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        extensions = {"sni_hostname": "test", "target": b"/1", "taken away": 1}
        await client.get(timeout=3.0, extensions=extensions)

    assert server.requests[1].extensions == {
        "sni_hostname": "test",
        "target": b"/2",
        "timeout": httpx.Timeout(3.0).as_dict(),
    }
    assert made[0].extensions == {"target": b"/2"}


async def test_prepare_may_return_nothing_but_requests(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> str:
        return "http://test/"

    async with world.client(Server(503), **options(clock, prepare=prepare)) as client:
        with pytest.raises(TypeError, match="prepare must return a Request or None, not 'http"):
            await client.get()


async def test_prepare_may_be_a_coroutine_function_in_tasks(world: World, clock: FakeClock) -> None:
    async def prepare(request: httpx.Request, number: int) -> httpx.Request:
        request.headers["Number"] = str(number)
        return request

    if not world.is_async:
        with pytest.raises(TypeError, match="prepare must be a plain function, not the async"):
            world.transport(Server(200), prepare=prepare)
        return
    server = Server(503, 200)
    async with world.client(server, **options(clock, prepare=prepare)) as client:
        await client.get()
    assert server.requests[1].headers["Number"] == "2"


async def test_events_tell_of_retries_recoveries_and_giving_up(
    world: World, clock: FakeClock
) -> None:
    events: list[RetryEvent] = []
    server = Server(200, 503, 200, httpx.ReadError("reset"))

    async with world.client(server, **options(clock, on_event=events.append)) as client:
        await client.get()
        assert events == []
        await client.get("http://user:secret@test:8000/secret?key=secret")
        with pytest.raises(httpx.ReadError):
            await client.post("http://[::1]/secret")

    assert [(event.kind, event.attempt.number, len(event.attempts)) for event in events] == [
        ("retry-scheduled", 1, 1),
        ("recovered", 2, 2),
        ("gave-up", 1, 1),
    ]
    assert [repr(event) for event in events] == [
        "<RetryEvent retry-scheduled GET http://test:8000 attempt 1: 503>",
        "<RetryEvent recovered GET http://test:8000 attempt 2: 200>",
        "<RetryEvent gave-up POST http://[::1] attempt 1: ReadError>",
    ]
    assert events[0].request is server.requests[1]


@pytest.mark.parametrize(
    "hook",
    [
        {"on_event": raising},
        {"prepare": raising},
        {"policy": RetryPolicy(retry_if=raising)},
        {"policy": RetryPolicy(backoff=raising)},
    ],
    ids=["on_event", "prepare", "retry_if", "backoff"],
)
async def test_what_a_hook_raises_reaches_the_caller_and_leaves_nothing_open(
    world: World, clock: FakeClock, hook: dict[str, Any]
) -> None:
    server = Server(503)

    async with world.client(server, **options(clock, **hook)) as client:
        with pytest.raises(Mine):
            await client.get()

    assert [stream.closed for stream in server.streams] == [1]


@pytest.mark.parametrize("answers", [(503, 200), (503, 503)], ids=["recovered", "gave-up"])
async def test_a_hook_that_raises_at_the_end_leaves_nothing_open(
    world: World, clock: FakeClock, answers: tuple[int, int]
) -> None:
    def on_event(event: RetryEvent) -> None:
        if event.kind != "retry-scheduled":
            raise Mine

    server = Server(*answers)
    policy = RetryPolicy(max_attempts=2)
    async with world.client(server, **options(clock, policy=policy, on_event=on_event)) as client:
        with pytest.raises(Mine):
            await client.get()

    assert [stream.closed for stream in server.streams] == [1, 1]


async def test_an_interrupt_in_a_hook_leaves_nothing_open(world: World, clock: FakeClock) -> None:
    def interrupted(outcome: Outcome) -> bool:
        raise KeyboardInterrupt

    server = Server(200)
    policy = RetryPolicy(retry_if=interrupted)
    transport = world.transport(server, **options(clock, policy=policy))

    with pytest.raises(KeyboardInterrupt):
        await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert server.streams[0].closed == 1


def interrupted_clock() -> dict[str, Any]:
    class Interrupted(FakeClock):
        def time(self) -> float:
            raise KeyboardInterrupt

    return {"clock": Interrupted()}


def interrupted_budget() -> dict[str, Any]:
    class Interrupted(Ledger):
        def deposit(self, origin: str, tokens: float | None) -> None:
            raise KeyboardInterrupt

    return {"budget": Interrupted()}


@pytest.mark.parametrize(
    ("status", "make"), [(503, interrupted_clock), (200, interrupted_budget)], ids=["fails", "good"]
)
async def test_nor_does_one_while_the_first_response_is_looked_at(
    world: World, clock: FakeClock, status: int, make: Callable[[], dict[str, Any]]
) -> None:
    server = Server(status)
    transport = world.transport(server, **options(clock) | make())

    with pytest.raises(KeyboardInterrupt):
        await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert server.streams[0].closed == 1


async def test_an_interrupt_while_a_body_is_read_closes_it_once(
    world: World, clock: FakeClock
) -> None:
    stream = Stream(b"part", KeyboardInterrupt())
    policy = RetryPolicy(retry_if=lambda outcome: None, read_body=True)
    transport = world.transport(
        lambda request: httpx.Response(200, stream=stream), **options(clock, policy=policy)
    )

    with pytest.raises(KeyboardInterrupt):
        await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert stream.closed == 1


async def test_a_backoff_beyond_reason_reaches_the_caller(world: World, clock: FakeClock) -> None:
    def backoff(context: BackoffContext) -> float:
        return float("nan")

    server = Server(503)
    policy = RetryPolicy(backoff=backoff)
    async with world.client(server, **options(clock, policy=policy)) as client:
        with pytest.raises(ValueError, match="nan"):
            await client.get()

    assert server.streams[0].closed == 1


def test_a_clients_own_event_hook_that_raises_leaves_nothing_open(clock: FakeClock) -> None:
    server = Server(503, 200)
    transport = RetryTransport(httpx.MockTransport(server), **options(clock))

    with (
        httpx.Client(transport=transport, event_hooks={"response": [raising]}) as client,
        pytest.raises(Mine),
    ):
        client.get("http://test/")

    assert [stream.closed for stream in server.streams] == [1, 1]

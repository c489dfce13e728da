"""OpenTelemetry, with the real SDK and the official instrumentation, over real sockets."""

from __future__ import annotations

import asyncio
import importlib
import pickle
import sys
import threading
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trio
from opentelemetry.instrumentation.httpx import (
    AsyncOpenTelemetryTransport,
    HTTPXClientInstrumentor,
    SyncOpenTelemetryTransport,
)

from httpx_retry import ConstantBackoff, RetryEvent, RetryPolicy, retry_history
from tests.faults.lab import Cut, HTTP1Server, Received, Reply, Rst

from .telemetry import Telemetry, resend_count

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

POLICY = RetryPolicy(backoff=ConstantBackoff(0.25))
BUSY = Reply(503, headers={"retry-after": "7"})


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Every HTTP transport is instrumented, for as long as the test runs."""
    made = Telemetry()
    with made.instrumented():
        yield made


@pytest.fixture
def bare() -> Telemetry:
    """Nothing is instrumented yet."""
    return Telemetry()


def options(clock: FakeClock, telemetry: Telemetry, **more: Any) -> dict[str, Any]:
    made = {"policy": POLICY, "clock": clock, "trust_env": False}
    return made | telemetry.transport_hooks | more


async def test_one_request_with_two_retries_is_three_spans(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server([Reply(503), Rst(), Reply(200)]) as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            with telemetry.tracer.start_as_current_span("caller") as caller:
                response = await client.get(server.url, headers={"x-id": "it"})

    assert response.status_code == 200
    spans = telemetry.attempts()
    assert telemetry.resend_counts() == [None, 1, 2]
    assert [span.status.is_ok for span in spans] == [False, False, True]
    parents = [span.parent.span_id for span in spans if span.parent]
    assert parents == [caller.get_span_context().span_id] * 3
    # The server is told of each attempt's own span.
    told = [received.headers["traceparent"] for received in server.processed["it"]]
    assert [each.split("-")[2] for each in told] == [f"{s.context.span_id:016x}" for s in spans]


async def test_what_is_good_at_once_leaves_no_trace_of_ours(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server() as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            with telemetry.tracer.start_as_current_span("caller"):
                await client.get(server.url)

    assert telemetry.resend_counts() == [None]
    assert telemetry.events() == []
    assert telemetry.metrics == {}


async def test_each_wait_is_an_event_on_the_callers_span(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server([BUSY, Rst(), Reply(200)]) as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            with telemetry.tracer.start_as_current_span("caller"):
                await client.get(server.url)

    first, second = telemetry.events()
    assert first.name == second.name == "httpx_retry.retry_scheduled"
    where = {"server.address": "127.0.0.1", "server.port": server.port}
    assert dict(first.attributes or {}) == where | {
        "http.request.resend_count": 1,
        "error.type": "503",
        "httpx_retry.reason": "idempotent_method",
        "httpx_retry.wait.duration": 7.0,
    }
    assert dict(second.attributes or {}) == where | {
        "http.request.resend_count": 2,
        "error.type": "ReadError",
        "httpx_retry.reason": "idempotent_method",
        "httpx_retry.wait.duration": 0.25,
    }


async def test_three_metrics_count_retries_attempts_and_waits(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server([BUSY, Reply(503), Reply(200), Reply(429), Reply(200), Reply(500)]) as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            for method in ("GET", "POST", "POST", "GET"):  # the last is good at once
                await client.request(method, server.url)

    where = {"server.address": "127.0.0.1", "server.port": server.port}
    unknown = {"httpx_retry.reason": "idempotent_method", "error.type": "503"}
    refused = {"httpx_retry.reason": "refused", "error.type": "429"}
    recovered = {"httpx_retry.outcome": "recovered", "httpx_retry.reason": "done"}
    gave_up = {"httpx_retry.outcome": "gave_up", "httpx_retry.reason": "not_idempotent"}
    assert telemetry.metrics == {
        "httpx_retry.retries": [(where | unknown, 2, 2), (where | refused, 1, 1)],
        "httpx_retry.request.attempts": [(where | recovered, 2, 5), (where | gave_up, 1, 1)],
        "httpx_retry.wait.duration": [(where, 3, 7.5)],
    }


async def test_metrics_do_without_a_port_where_the_url_has_none(
    world: World, clock: FakeClock, bare: Telemetry
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    hooks = {"clock": clock, **bare.transport_hooks}
    async with world.client(answer, **hooks) as client:
        await client.post("https://test/")

    ((attributes, count, attempts),) = bare.metrics["httpx_retry.request.attempts"]
    assert (attributes["server.address"], count, attempts) == ("test", 1, 1)
    assert "server.port" not in attributes


async def test_a_post_that_never_left_is_still_known_as_such(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server() as server:
        url = server.url
    async with world.client(None, **options(clock, telemetry)) as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.post(url, content=b"order")

    assert len(retry_history(caught.value)) == 4
    assert telemetry.resend_counts() == [None, 1, 2, 3]
    ((retries, count, _),) = telemetry.metrics["httpx_retry.retries"]
    assert (retries["httpx_retry.reason"], count) == ("unsent", 3)


async def test_the_rest_of_a_body_is_asked_for_by_a_resend(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    whole = Reply(200, b"0123456789")
    with HTTP1Server([Reply(503), Cut(whole, at=4), whole]) as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            with telemetry.tracer.start_as_current_span("caller"):
                response = await client.get(server.url)

    assert response.content == b"0123456789"
    assert telemetry.resend_counts() == [None, 1, 2]
    assert [(event.attributes or {})["error.type"] for event in telemetry.events()] == [
        "503",
        "RemoteProtocolError",
    ]
    outcomes = {
        attributes["httpx_retry.outcome"]: attempts
        for attributes, _, attempts in telemetry.metrics["httpx_retry.request.attempts"]
    }
    assert outcomes == {"recovered": 2, "body_resumed": 3}


async def test_a_redirect_begins_anew(world: World, clock: FakeClock, telemetry: Telemetry) -> None:
    away = Reply(302, headers={"location": "/there"})
    with HTTP1Server([Reply(503), away, Reply(503), Reply(200)]) as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            await client.get(server.url, follow_redirects=True)

    assert telemetry.resend_counts() == [None, 1, None, 1]


async def test_what_a_hook_sends_meanwhile_has_numbers_of_its_own(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server([Reply(503)]) as tokens, HTTP1Server([Reply(503), Reply(503)]) as server:
        async with world.client(None, **options(clock, telemetry)) as token_client:

            def prepare(request: httpx.Request, number: int) -> Any:
                telemetry.retry.prepare(request, number)
                return sign(request) if world.is_async else settled_now(sign(request))

            async def sign(request: httpx.Request) -> httpx.Request:
                request.headers["x-token"] = (await token_client.get(tokens.url)).text
                return request

            more = options(clock, telemetry, prepare=prepare)
            async with world.client(None, **more) as client:
                response = await client.get(server.url, headers={"x-id": "signed"})

    assert response.status_code == 200
    assert [sent.headers.get("x-token") for sent in server.processed["signed"]] == [
        None,
        "ok",
        "ok",
    ]
    # The first try, then: a token (with a retry of its own), a retry, a token, a retry.
    assert telemetry.resend_counts() == [None, None, 1, 1, None, 2]


def settled_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine in which nothing suspends."""
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    return stopped.value.value


async def at_once(
    world: World, count: int, work: Callable[[int], Coroutine[Any, Any, None]]
) -> None:
    """Run the coroutine function with 0, 1, … at the same time: in threads, or in tasks."""
    if world.name == "asyncio":
        await asyncio.gather(*map(work, range(count)))
    elif world.name == "trio":
        async with trio.open_nursery() as nursery:
            for number in range(count):
                nursery.start_soon(work, number)
    else:
        runs = [partial(world.run, partial(work, number)) for number in range(count)]
        threads = [threading.Thread(target=run) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


async def test_many_at_once_are_numbered_each_for_itself(
    world: World, telemetry: Telemetry
) -> None:
    policy = RetryPolicy(max_attempts=50, backoff=ConstantBackoff(0.002, jitter="full"))
    sent: dict[str, int] = {}

    async def work(number: int) -> None:
        name = f"caller {number}"
        with telemetry.tracer.start_as_current_span(name):
            response = await client.get(server.url, timeout=30)
        sent[name] = len(retry_history(response)) or 1

    with HTTP1Server(cycle([Reply(503), Reply(200), Rst(), Reply(503), Reply(503)])) as server:
        more = {"policy": policy, "budget": None, "trust_env": False, **telemetry.transport_hooks}
        async with world.client(None, **more) as client:
            await at_once(world, 30, work)

    assert len(sent) == 30
    assert sum(sent.values()) == len(telemetry.attempts())
    assert max(sent.values()) > 2
    for name, attempts in sent.items():
        assert telemetry.resend_counts(name) == [None, *range(1, attempts)]


async def test_one_client_alone_is_instrumented_below_its_retries(
    world: World, clock: FakeClock, bare: Telemetry
) -> None:
    if world.is_async:
        inner: Any = AsyncOpenTelemetryTransport(
            httpx.AsyncHTTPTransport(),
            tracer_provider=bare.tracer_provider,
            request_hook=bare.retry.async_request_hook,
        )
    else:
        inner = SyncOpenTelemetryTransport(
            httpx.HTTPTransport(),
            tracer_provider=bare.tracer_provider,
            request_hook=bare.retry.request_hook,
        )
    more = {"policy": POLICY, "clock": clock, **bare.transport_hooks}
    with HTTP1Server([Reply(503), Reply(503)]) as server:
        async with world.client(inner, **more) as client:
            await client.get(server.url)

    assert bare.resend_counts() == [None, 1, 2]


async def test_instrument_client_makes_one_span_that_has_the_waits(
    world: World, clock: FakeClock, bare: Telemetry
) -> None:
    with HTTP1Server([Reply(503), Reply(503)]) as server:
        async with world.client(None, **options(clock, bare)) as client:
            hook = bare.retry.async_request_hook if world.is_async else bare.retry.request_hook
            HTTPXClientInstrumentor.instrument_client(
                client.bare, tracer_provider=bare.tracer_provider, request_hook=hook
            )
            await client.get(server.url)

    (span,) = bare.finished
    assert resend_count(span) is None
    assert [event.name for event in span.events] == ["httpx_retry.retry_scheduled"] * 2


async def test_the_callers_request_stays_as_it_was(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    with HTTP1Server([Reply(503), Reply(200)]) as server:
        async with world.client(None, **options(clock, telemetry)) as client:
            request = client.build_request("GET", server.url, headers={"x-id": "it"})
            extensions = dict(request.extensions)
            await client.send(request)
            assert request.extensions == extensions
            await client.send(request)

    assert telemetry.resend_counts() == [None, 1, None]
    assert server.processed == {"it": [Received("GET")] * 3}


SECRETS = ("user:secret-user@", "/secret-path", "?key=secret-query")


async def test_no_secret_is_in_any_telemetry_of_ours(
    world: World, clock: FakeClock, telemetry: Telemetry
) -> None:
    events: list[RetryEvent] = []

    def on_event(event: RetryEvent) -> None:
        events.append(event)
        telemetry.retry.on_event(event)

    user, path, query = SECRETS
    secret: dict[str, Any] = {"headers": {"authorization": "secret-header"}}
    answer = Reply(503, b"secret-answer", headers={"set-cookie": "secret-cookie"})
    whole = Reply(200, b"secret-content")
    with HTTP1Server([answer, Cut(whole, at=6), whole, *[Rst()] * 4]) as server:
        url = server.url.replace("//", f"//{user}") + path + query
        more = options(clock, telemetry, on_event=on_event)
        async with world.client(None, **more) as client:
            with telemetry.tracer.start_as_current_span("caller") as caller:
                response = await client.request("GET", url, **secret)
                with pytest.raises(httpx.ReadError) as caught:
                    await client.request("PUT", url, content=b"secret-body", **secret)

    kinds = {event.kind for event in events}
    assert kinds == {"retry-scheduled", "recovered", "body-resumed", "gave-up"}
    assert len(telemetry.events()) == len(events) - 3 == 5
    error: Any = caught.value
    told = [
        *map(repr, events),
        *error.__notes__,
        repr(caller.attributes),  # type: ignore[attr-defined] # a ReadableSpan
        *[event.name + repr(dict(event.attributes or {})) for event in telemetry.events()],
        *[str(resend_count(span)) for span in telemetry.attempts()],
        telemetry.metrics_as_told,
    ]
    for history in (retry_history(response), retry_history(error)):
        told += [repr(history), repr(pickle.dumps(history))]
    assert "127.0.0.1" in telemetry.metrics_as_told
    # The official instrumentation's own attributes are another matter.
    assert "secret-path" in repr(dict(telemetry.attempts()[0].attributes or {}))
    assert [each for each in told if "secret" in each] == []


def test_without_opentelemetry_the_import_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "httpx_retry.opentelemetry")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install 'httpx-retry-transport\[otel\]'"):
        importlib.import_module("httpx_retry.opentelemetry")

"""openai and anthropic, on httpx2, their own retries off: against a server that fails as told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import RetryPolicy, RetryTransport, add_retries, retry_history
from tests.faults.lab import (
    TRUSTED,
    Cut,
    Fin,
    HTTP1Server,
    Reply,
    Rst,
    Stall,
)
from tests.faults.lab.clients import leaves_to_the_collector

from .flaky import FAILS_TWICE, REFUSES_TWICE, client_of, entered, transport_of
from .sdks import SDK, SDKS

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.faults.lab import HTTP1Step, Received
    from tests.worlds import World

httpx2: Any = pytest.importorskip("httpx2")

BUSY = Reply(503)

# It stops reading its stream at "[DONE]", and leaves the rest to the garbage collector.
openai_leaves_generators = leaves_to_the_collector("Async generator 'openai._streaming")


@pytest.fixture(params=SDKS, ids=lambda sdk: sdk.name)
def sdk(request: pytest.FixtureRequest) -> SDK:
    found: SDK = request.param
    assert found.module
    return found


def asked(server: HTTP1Server, sdk: SDK) -> list[Received]:
    """The questions that came, of which nothing else may be processed."""
    assert server.processed.keys() <= {sdk.path}
    return server.processed.get(sdk.path, [])


async def test_a_server_that_fails_twice_is_survived(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([*FAILS_TWICE, sdk.models]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            assert await sdk.list_models(client) == ["a-model"]

    assert [len(requests) for requests in server.processed.values()] == [3]


async def test_a_client_of_our_transport_does_as_well(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([*FAILS_TWICE, sdk.models]) as server:
        http = client_of(httpx2, world, transport=transport_of(httpx2, world, clock=clock))
        async with sdk.client_over(world, server, http) as client:
            assert await sdk.list_models(client) == ["a-model"]


async def test_a_script_of_httpx2_takes_the_place_of_its_server(world: World, sdk: SDK) -> None:
    from httpx_retry.testing.httpx2 import ScriptedTransport  # noqa: PLC0415 - needs httpx2

    script = ScriptedTransport(
        [(429, {"Retry-After": "60"}), (200, sdk.models.headers, sdk.models.body)]
    )
    prefix = "Async" if world.is_async else ""
    http = getattr(sdk.module, f"Default{prefix}HttpxClient")(transport=script)
    add_retries(http, clock=script.clock)
    kind = getattr(sdk.module, prefix + sdk.kind)
    async with entered(world, kind(api_key="a key", max_retries=0, http_client=http)) as client:
        assert await sdk.list_models(client) == ["a-model"]

    assert script.clock.sleeps == [60.0]


def test_a_transport_of_httpx2_is_told_where_it_belongs_though_the_sdk_says_it_is_its_own(
    sdk: SDK,
) -> None:
    """Both write their own name into the base of httpx2's transports."""
    assert httpx2.BaseTransport.__module__ != "httpx2"
    with pytest.raises(TypeError, match=r"those of httpx_retry\.httpx2$"):
        RetryTransport(httpx2.HTTPTransport())


async def test_a_question_that_was_not_taken_is_asked_again(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([*REFUSES_TWICE, sdk.answer]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            assert await sdk.ask(client) == "word word"

    first, *others = asked(server, sdk)
    assert others == [first, first]


async def test_a_question_that_never_left_is_asked_again(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([sdk.answer], tls=TRUSTED, accept=[Rst(), Fin()]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            assert await sdk.ask(client) == "word word"

    assert server.connections == 3
    assert len(asked(server, sdk)) == 1


@pytest.mark.parametrize(
    ("fault", "error"), [(BUSY, "InternalServerError"), (Rst(), "APIConnectionError")]
)
async def test_a_question_that_may_have_been_answered_is_not(
    world: World, sdk: SDK, clock: FakeClock, fault: HTTP1Step, error: str
) -> None:
    with HTTP1Server([fault, sdk.answer]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            with pytest.raises(getattr(sdk.module, error)):
                await sdk.ask(client)

    (question,) = asked(server, sdk)
    assert "idempotency-key" not in question.headers


@pytest.mark.parametrize(
    "policy",
    [
        RetryPolicy(generate_idempotency_key=True),
        RetryPolicy(methods={*RetryPolicy().methods, "POST"}),
    ],
    ids=["key", "methods"],
)
async def test_unless_the_policy_says_that_it_may_be_asked_twice(
    world: World, sdk: SDK, clock: FakeClock, policy: RetryPolicy
) -> None:
    with HTTP1Server([*FAILS_TWICE, Cut(sdk.answer), sdk.answer]) as server:
        async with sdk.client(world, server, policy=policy, clock=clock) as client:
            assert await sdk.ask(client) == "word word"

    questions = asked(server, sdk)
    assert len(questions) == 4
    keys = {question.headers.get("idempotency-key") for question in questions}
    assert len(keys) == 1
    assert keys.isdisjoint({None}) == policy.generate_idempotency_key


async def test_a_policy_can_be_that_of_its_own_retries(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    theirs = RetryPolicy(
        max_attempts=9,
        methods={*RetryPolicy().methods, "POST"},
        statuses={408, 409, 429, *range(500, 600)},
    )
    failures = [Reply(status) for status in (408, 409, 429, 500, 502, 503, 504, 529)]
    with HTTP1Server([*failures, sdk.answer]) as server:
        async with sdk.client(world, server, policy=theirs, clock=clock) as client:
            assert await sdk.ask(client) == "word word"


async def test_or_the_one_call_does(world: World, sdk: SDK, clock: FakeClock) -> None:
    with HTTP1Server([*FAILS_TWICE, sdk.answer]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            key = {"Idempotency-Key": "k-1"}
            assert await sdk.ask(client, extra_headers=key) == "word word"

    assert [each.headers["idempotency-key"] for each in asked(server, sdk)] == ["k-1"] * 3


async def test_the_count_of_its_own_retries_says_nothing_of_ours(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([*REFUSES_TWICE, sdk.answer]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            await sdk.ask(client)

    assert [each.headers["x-stainless-retry-count"] for each in asked(server, sdk)] == ["0"] * 3


async def test_the_servers_word_not_to_retry_counts(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([Reply(429, headers={"x-should-retry": "false"})]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            with pytest.raises(sdk.module.RateLimitError):
                await sdk.ask(client)

    assert len(asked(server, sdk)) == 1


async def test_the_servers_word_to_retry_counts_for_what_may_run_twice(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    conflict = Reply(409, headers={"x-should-retry": "true"})
    with HTTP1Server([conflict, sdk.models, conflict]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            assert await sdk.list_models(client) == ["a-model"]
            with pytest.raises(sdk.module.ConflictError):
                await sdk.ask(client)

    assert len(server.processed[sdk.path]) == 1


async def test_the_wait_is_the_one_that_the_server_names(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    named = {"retry-after-ms": "1500", "retry-after": "2"}
    with HTTP1Server([Reply(429, headers=named), sdk.answer]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            await sdk.ask(client)

    assert clock.sleeps == [1.5]


async def test_its_own_errors_stay_with_the_history_of_all_attempts(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([BUSY] * 4 + [Rst()] * 4) as server:
        async with sdk.client(world, server, clock=clock) as client:
            with pytest.raises(sdk.module.InternalServerError) as answered:
                await sdk.list_models(client)
            with pytest.raises(sdk.module.APIConnectionError) as broken:
                await sdk.list_models(client)

    assert [each.status for each in retry_history(answered.value)] == [503] * 4
    assert [each.error for each in retry_history(broken.value)] == ["ReadError"] * 4


async def test_its_timeouts_stay_and_hold_for_each_attempt(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([Stall(), Stall(), sdk.models, Stall()]) as server:
        async with sdk.client(world, server, options={"timeout": 0.1}, clock=clock) as client:
            assert await sdk.list_models(client) == ["a-model"]
            with pytest.raises(sdk.module.APITimeoutError):
                await sdk.ask(client)

    assert len(server.processed[sdk.path]) == 1


@openai_leaves_generators
async def test_a_stream_that_has_not_begun_is_asked_for_again(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    heard: list[str] = []
    with HTTP1Server([*REFUSES_TWICE, sdk.stream]) as server:
        async with sdk.client(world, server, clock=clock) as client:
            await sdk.words(client, heard.append)

    assert heard == ["word", "word"]
    assert len(asked(server, sdk)) == 3


@openai_leaves_generators
async def test_a_stream_that_ends_before_its_first_event_is_asked_for_again_if_it_may_be(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    policy = RetryPolicy(methods={*RetryPolicy().methods, "POST"})
    heard: list[str] = []
    with HTTP1Server([Cut(sdk.stream, 0, Rst()), Cut(sdk.stream, 0), sdk.stream]) as server:
        async with sdk.client(world, server, policy=policy, clock=clock) as client:
            await sdk.words(client, heard.append)

    assert heard == ["word", "word"]
    assert len(asked(server, sdk)) == 3


async def test_a_stream_is_never_replayed_once_an_event_was_delivered(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    policy = RetryPolicy(methods={*RetryPolicy().methods, "POST"})
    heard: list[str] = []
    with HTTP1Server([Cut(sdk.stream, len(sdk.begun), Fin()), sdk.stream]) as server:
        async with sdk.client(world, server, policy=policy, clock=clock) as client:
            with pytest.raises(Exception) as caught:
                await sdk.words(client, heard.append)

    errors = (caught.value, caught.value.__cause__)
    assert "RemoteProtocolError" in [type(error).__name__ for error in errors]
    assert heard == ["word"]
    assert len(asked(server, sdk)) == 1


async def test_retries_of_its_own_multiply_ours(world: World, sdk: SDK, clock: FakeClock) -> None:
    at_once = Reply(503, headers={"retry-after-ms": "1"})
    with HTTP1Server([at_once] * 12) as server:
        async with sdk.client(world, server, options={"max_retries": 2}, clock=clock) as client:
            with pytest.raises(sdk.module.InternalServerError):
                await sdk.list_models(client)

    assert [len(requests) for requests in server.processed.values()] == [3 * 4]

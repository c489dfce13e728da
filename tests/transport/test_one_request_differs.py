"""`extensions={"retry": …}`: one request with a policy of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryPolicy, retry_history
from tests.http.test_request_body import BODY, one_shot

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World


async def test_false_means_no_retry_and_no_trace(world: World, clock: FakeClock) -> None:
    server = Server(503, 200)

    async with world.client(server, **options(clock)) as client:
        response = await client.get(extensions={"retry": False})

    assert (response.status_code, server.sends) == (503, 1)
    assert retry_history(response) == ()


@pytest.mark.parametrize("answer", [503, httpx.ReadError("reset")])
async def test_false_means_it_for_a_body_that_is_read_once_too(
    world: World, clock: FakeClock, answer: Any
) -> None:
    policy = RetryPolicy(
        generate_idempotency_key=True, max_elapsed=1.0, retry_if=lambda _: told.append("asked")
    )
    told: list[Any] = []
    server = Server(answer)
    more = options(clock, policy=policy, on_event=told.append)
    async with world.client(server, **more) as client:
        body = {"content": one_shot(world), "extensions": {"retry": False}}
        found: Any
        try:
            found = await client.request("POST", "http://test/", **body)
        except httpx.ReadError as error:
            found = error

    (request,) = server.requests
    assert "Idempotency-Key" not in request.headers
    assert request.extensions["timeout"]["read"] == 5.0
    assert server.bodies == [BODY]
    assert (told, retry_history(found)) == ([], ())


async def test_a_policy_takes_the_place_of_the_transports(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(max_attempts=3, backoff=ConstantBackoff(9))

    async with world.client(Server(503), **options(clock)) as client:
        await client.get(extensions={"retry": policy})

    assert clock.sleeps == [9, 9]


async def test_a_mapping_changes_the_transports_own(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(2))

    async with world.client(Server(503), **options(clock, policy=policy)) as client:
        await client.get(extensions={"retry": {"max_attempts": 3}})
        assert clock.sleeps == [2, 2]
        await client.get()
        assert clock.sleeps == [2] * 5


async def test_the_callers_request_and_its_extensions_are_never_changed(
    world: World, clock: FakeClock
) -> None:
    server = Server(503, 200)
    wish = {"max_attempts": 2}

    async with world.client(server, **options(clock)) as client:
        request = client.build_request("GET", "http://test/", extensions={"retry": wish})
        before, headers = request.extensions, request.headers.raw
        copy = dict(before)
        response = await client.send(request)

    assert request.extensions is before
    assert before == copy
    assert request.headers.raw == headers
    assert response.request is request
    assert server.requests == [request, request]


@pytest.mark.parametrize("wish", [True, None, 3, "no", [("max_attempts", 2)]])
async def test_any_other_wish_is_named(world: World, clock: FakeClock, wish: Any) -> None:
    server = Server(200)
    message = (
        'extensions["retry"] must be False, a RetryPolicy, or a mapping of its fields,'
        f" not {wish!r}"
    )

    async with world.client(server, **options(clock)) as client:
        with pytest.raises(TypeError, match=re.escape(message)):
            await client.get(extensions={"retry": wish})

    assert server.sends == 0


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        ({"max_attempts": 0}, ValueError, "max_attempts must be at least 1, not 0"),
        ({"attempts": 3}, TypeError, "RetryPolicy has no field 'attempts'; its fields are"),
        ({3: 3}, TypeError, "RetryPolicy has no field 3; its fields are"),
    ],
)
async def test_a_wrong_mapping_fails_before_anything_is_sent(
    world: World, clock: FakeClock, wish: Any, error: type[Exception], message: str
) -> None:
    server = Server(200)

    async with world.client(server, **options(clock)) as client:
        with pytest.raises(error, match=message):
            await client.get(extensions={"retry": wish})

    assert server.sends == 0

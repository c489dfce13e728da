"""`retry_history`: what a person can learn afterwards."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import Attempt, Evidence, RetryReason, StopReason, retry_history

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import Client, World


def near(value: float) -> Any:
    return pytest.approx(value)


class Slow:
    """A handler that takes a quarter of a second of fake time."""

    def __init__(self, clock: FakeClock, server: Server) -> None:
        self._clock = clock
        self._server = server

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self._clock.advance(0.25)
        return self._server(request)


async def test_a_recovered_response_tells_every_attempt(world: World, clock: FakeClock) -> None:
    server = Slow(clock, Server(503, httpx.ConnectError("refused"), 200))

    async with world.client(server, **options(clock)) as client:
        response = await client.get()

    began = 1.7e9
    assert retry_history(response) == (
        Attempt(1, began, 0.25, 503, None, Evidence.UNKNOWN, 0.1, RetryReason.IDEMPOTENT_METHOD),
        Attempt(
            2,
            near(began + 0.35),
            0.25,
            None,
            "ConnectError",
            Evidence.UNSENT,
            0.2,
            RetryReason.UNSENT,
        ),
        Attempt(3, near(began + 0.8), 0.25, 200, None, None, None, StopReason.DONE),
    )


async def test_a_good_first_attempt_leaves_no_trace(world: World, clock: FakeClock) -> None:
    async with world.client(Server(200, 404), **options(clock)) as client:
        for _ in range(2):
            response = await client.get()
            assert retry_history(response) == ()
            assert not [name for name in vars(response) if "retry" in name]


async def test_an_exception_tells_it_too(world: World, clock: FakeClock) -> None:
    async with world.client(Server(503, httpx.ReadError("reset")), **options(clock)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.get()

    history = retry_history(caught.value)
    assert [attempt.label for attempt in history] == ["503", "ReadError", "ReadError", "ReadError"]
    assert history[-1].reason is StopReason.ATTEMPTS_EXHAUSTED


async def test_raise_for_status_keeps_it_within_reach(world: World, clock: FakeClock) -> None:
    async with world.client(Server(503), **options(clock)) as client:
        response = await client.get()

    with pytest.raises(httpx.HTTPStatusError) as caught:
        response.raise_for_status()
    assert retry_history(caught.value) == retry_history(response)
    assert len(retry_history(response)) == 4


async def test_it_survives_pickling(world: World, clock: FakeClock) -> None:
    async with world.client(Server(503, 200), **options(clock)) as client:
        response = await client.get()

    assert retry_history(pickle.loads(pickle.dumps(response))) == retry_history(response)  # noqa: S301


async def test_a_redirect_is_a_call_of_its_own(world: World, clock: FakeClock) -> None:
    server = Server(503, (302, {"Location": "/new"}), 503, 503, 503, 200)

    async with world.client(server, **options(clock)) as client:
        response = await client.get(follow_redirects=True)

    assert response.status_code == 200
    assert len(retry_history(response)) == 4
    assert len(retry_history(response.history[0])) == 2


@pytest.mark.parametrize("thing", [None, object(), ValueError()])
def test_what_was_never_retried_has_none(thing: BaseException) -> None:
    assert retry_history(thing) == ()


async def test_a_history_is_found_behind_what_was_raised_from_it(
    world: World, clock: FakeClock
) -> None:
    # Given an SDK that raises errors of its own
    async def ask_through_an_sdk(client: Client) -> None:
        try:
            await client.get()
        except httpx.ReadError as error:
            raise LookupError("the SDK's own") from error

    async with world.client(Server(httpx.ReadError("reset")), **options(clock)) as client:
        with pytest.raises(LookupError) as caught:
            await ask_through_an_sdk(client)

    assert [each.error for each in retry_history(caught.value)] == ["ReadError"] * 4


def test_a_ring_of_causes_has_no_history() -> None:
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one

    assert retry_history(one) == ()

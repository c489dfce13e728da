"""When the server says when: it is obeyed to the letter, or the response is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from httpx_retry import RetryPolicy, StopReason, retry_history

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        ((503, {"Retry-After": "7"}), 7.0),
        ((503, {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}), 30.0),
        ((429, {"retry-after-ms": "250"}), 0.25),
        ((429, {"RateLimit": '"default";r=0;t=9'}), 9.0),
        ((429, {"x-ratelimit-reset": "1700000011"}), 11.0),
        ((503, {"Retry-After": "soon"}), 0.1),
    ],
)
async def test_the_server_is_given_the_time_it_asks_for(
    world: World, clock: FakeClock, answer: tuple[int, dict[str, str]], wait: float
) -> None:
    server = Server(answer, 200)

    async with world.client(server, **options(clock)) as client:
        assert (await client.get()).status_code == 200

    assert clock.sleeps == [pytest.approx(wait)]


async def test_a_wait_of_nothing_is_not_slept(world: World, clock: FakeClock) -> None:
    async with world.client(Server((503, {"Retry-After": "0"}), 200), **options(clock)) as client:
        assert (await client.get()).status_code == 200

    assert clock.sleeps == []


@pytest.mark.parametrize(
    "hint",
    [
        {"Retry-After": "0"},
        {"retry-after-ms": "0"},
        {"RateLimit-Reset": "0"},
        {"Retry-After": "Tue, 14 Nov 2023 22:13:20 GMT", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"},
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_always_asks_for_no_wait_is_not_asked_again_and_again_without_one(
    world: World, clock: FakeClock, status: int, hint: dict[str, str]
) -> None:
    # Given a server that rounds its waits down to whole seconds,
    server = Server(*[(status, hint)] * 1000)

    # when it refuses 100 requests,
    async with world.client(server, **options(clock)) as client:
        first = await client.get()
        for _ in range(99):
            await client.get()

    # then each is sent again at once, once; and the budget bounds them all.
    assert [attempt.wait for attempt in retry_history(first)] == [0.0, 0.2, 0.4, None]
    assert server.sends == 100 + 20


async def test_too_long_a_wait_hands_the_response_over_at_once(
    world: World, clock: FakeClock
) -> None:
    server = Server((429, {"Retry-After": "86400"}))

    async with world.client(server, **options(clock)) as client:
        response = await client.get()

    assert (response.status_code, response.headers["Retry-After"]) == (429, "86400")
    assert (server.sends, clock.sleeps) == (1, [])
    assert retry_history(response)[0].reason is StopReason.RETRY_AFTER_TOO_LONG


async def test_the_bound_holds_for_all_of_one_requests_server_waits(
    world: World, clock: FakeClock
) -> None:
    server = Server((429, {"Retry-After": "25"}))

    async with world.client(server, **options(clock)) as client:
        response = await client.get()

    assert clock.sleeps == [25, 25]
    assert retry_history(response)[-1].reason is StopReason.RETRY_AFTER_TOO_LONG


async def test_the_server_may_forbid_a_retry_or_ask_for_one(world: World, clock: FakeClock) -> None:
    forbidding = Server((503, {"x-should-retry": "false"}))
    asking = Server((409, {"x-should-retry": "true"}), 200)

    async with world.client(forbidding, **options(clock)) as client:
        response = await client.get()
        assert (response.status_code, forbidding.sends) == (503, 1)
        assert retry_history(response)[0].reason is StopReason.SERVER_DECLINED
    async with world.client(asking, **options(clock)) as client:
        assert (await client.get()).status_code == 200


async def test_githubs_403_is_waited_out_where_the_policy_counts_it(
    world: World, clock: FakeClock
) -> None:
    limited = (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000042"})
    policy = RetryPolicy(retry_if=lambda outcome: True if outcome.server_wait else None)

    async with world.client(Server(limited, 200), **options(clock, policy=policy)) as client:
        assert (await client.get()).status_code == 200

    assert clock.sleeps == [42.0]


async def test_no_wait_is_begun_that_would_pass_the_deadline(
    world: World, clock: FakeClock
) -> None:
    server = Server((503, {"Retry-After": "4"}))
    policy = RetryPolicy(max_elapsed=10)

    async with world.client(server, **options(clock, policy=policy)) as client:
        response = await client.get()

    assert clock.sleeps == [4, 4]
    assert retry_history(response)[-1].reason is StopReason.DEADLINE

"""Nothing changes when retries are on; and with faults, nothing is to be seen of them."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import RetryPolicy, add_retries
from httpx_retry.testing import FakeClock
from tests.faults.lab import HTTP1Server, Reply, client_context, refused
from tests.worlds import WORLDS

from .exchanges import EXCHANGES, Before, Exchange, failures, nothing, seen_of
from .flaky import FAILS_TWICE

if TYPE_CHECKING:
    from types import ModuleType

    from tests.worlds import Client, World

PAIRS = [(w, e) for w in WORLDS for e in EXCHANGES if not (e.is_sync and w.is_async)]
WITHOUT_FAULTS = [pytest.param(w, e, id=f"{w.name}-{e}") for w, e in PAIRS]
WITH_FAULTS = [
    pytest.param(world, exchange, before, id=f"{world.name}-{exchange}-{before.__name__}")
    for world, exchange in PAIRS
    for before in exchange.faults
]


@pytest.mark.parametrize(("world", "exchange"), WITHOUT_FAULTS)
async def test_without_faults_both_sides_see_what_they_saw(
    world: World, exchange: Exchange, family: ModuleType
) -> None:
    bare = await seen_of(exchange, world, family)

    assert await seen_of(exchange, world, family, before=nothing) == bare
    assert bare.here


@pytest.mark.parametrize(("world", "exchange", "before"), WITH_FAULTS)
async def test_with_faults_the_result_is_that_of_a_server_without(
    world: World, exchange: Exchange, before: Before, family: ModuleType
) -> None:
    bare = await seen_of(exchange, world, family)
    flaky = await seen_of(exchange, world, family, before=before)

    assert flaky.result == bare.result
    assert flaky.here == [each for each in bare.here for _ in range(3)]
    assert flaky.elsewhere == [each for each in bare.elsewhere for _ in range(3)]


@pytest.mark.parametrize("before", [nothing, failures])
async def test_event_hooks_are_called_once_a_call_not_once_an_attempt(
    world: World, family: ModuleType, before: Before
) -> None:
    def hooked(family: ModuleType) -> dict[str, Any]:
        def asked(request: Any) -> None:
            heard.append(("request", request.url.path))

        def answered(response: Any) -> None:
            heard.append(("response", response.url.path, response.status_code))

        return {"event_hooks": {"request": [hook_of(asked)], "response": [hook_of(answered)]}}

    def hook_of(function: Any) -> Any:
        async def hook(argument: Any) -> None:
            function(argument)

        return hook if world.is_async else function

    async def use(client: Client) -> object:
        await client.get("/one", follow_redirects=True)
        return list(heard)

    heard: list[tuple[object, ...]] = []
    answers = (Reply(302, headers={"Location": "/two"}), Reply())
    exchange = Exchange("hooks", use, answers, options=hooked)
    bare = await seen_of(exchange, world, family)
    heard.clear()
    retried = await seen_of(exchange, world, family, before=before)

    assert retried.result == bare.result
    assert [event[0] for event in heard] == ["request", "response"] * 2


async def test_cookies_of_an_answer_that_was_thrown_away_are_not_kept(
    world: World, family: ModuleType
) -> None:
    async def use(client: Client) -> object:
        await client.get("/")
        return dict(client.bare.cookies)

    def busy(answer: Reply) -> tuple[Reply, ...]:
        return (Reply(503, headers={"Set-Cookie": "node=failing"}),)

    seen = await seen_of(Exchange("cookies", use), world, family, before=busy)

    assert seen.result == {}
    assert ["cookie" in headers for *_, headers in seen.here] == [False, False]


def test_a_gather_gives_each_call_its_own_answer_or_error(family: ModuleType) -> None:
    assert gathered(family, retries=False) == gathered(family, retries=True)
    assert gathered(family, retries=False) == gathered(family, retries=True, faults=40)


def gathered(family: ModuleType, *, retries: bool, faults: int = 0) -> list[object]:
    """What 30 concurrent calls got, of which every third goes to a port where nobody listens."""

    async def main() -> list[object]:
        async with family.AsyncClient(trust_env=False, verify=client_context()) as client:
            if retries:
                # As many attempts as there are faults: chance decides who meets them.
                policy = RetryPolicy(max_attempts=faults + 2)
                add_retries(client, policy=policy, budget=None, clock=FakeClock())
            calls = [client.get(nobody if n % 3 == 0 else f"{server.url}/{n}") for n in range(30)]
            results: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
        return [
            type(each) if isinstance(each, Exception) else (each.status_code, each.url.path)
            for each in results
        ]

    with HTTP1Server(islice(cycle(FAILS_TWICE), faults)) as server, refused() as nobody:
        return asyncio.run(main())

"""The SDKs' own clients over aiohttp, whose transport calls what breaks by names of httpx's."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import Evidence, add_retries, retry_history
from tests.faults.lab import Fin, HTTP1Server, Rst
from tests.worlds import WORLDS, World

from .flaky import FAILS_TWICE, REFUSES_TWICE
from .sdks import SDK, SDKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx_retry.testing import FakeClock

pytest.importorskip("aiohttp")


@pytest.fixture
def world() -> World:
    """aiohttp is for asyncio alone."""
    return next(world for world in WORLDS if world.name == "asyncio")


@pytest.fixture(params=SDKS, ids=lambda sdk: sdk.name)
def sdk(request: pytest.FixtureRequest) -> SDK:
    found: SDK = request.param
    assert found.module
    return found


@asynccontextmanager
async def over_aiohttp(sdk: SDK, url: str, clock: FakeClock) -> AsyncIterator[Any]:
    http = add_retries(sdk.module.DefaultAioHttpClient(), clock=clock)
    kind = getattr(sdk.module, f"Async{sdk.kind}")
    async with kind(api_key="k", base_url=url, max_retries=0, http_client=http) as client:
        yield client


@pytest.mark.parametrize("ending", [Fin(), Rst()], ids=repr)
async def test_a_question_that_may_have_been_answered_is_asked_once(
    world: World, sdk: SDK, clock: FakeClock, ending: Fin | Rst
) -> None:
    """Both call a connection that broke after the request was sent one that was never made."""
    with HTTP1Server([ending, sdk.answer]) as server:
        async with over_aiohttp(sdk, server.url, clock) as client:
            with pytest.raises(sdk.module.APIConnectionError) as caught:
                await sdk.ask(client)

    assert [len(requests) for requests in server.processed.values()] == [1]
    (attempt,) = retry_history(caught.value)
    assert attempt.error in {"ConnectTimeout", "ConnectError"}
    assert attempt.evidence is Evidence.UNKNOWN


async def test_what_may_run_twice_and_what_was_not_taken_is_sent_again(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with HTTP1Server([*FAILS_TWICE, sdk.models, *REFUSES_TWICE, sdk.answer]) as server:
        async with over_aiohttp(sdk, server.url, clock) as client:
            assert await sdk.list_models(client) == ["a-model"]
            assert await sdk.ask(client) == "word word"

    assert [len(requests) for requests in server.processed.values()] == [3, 3]


async def test_a_question_that_nobody_heard_is_asked_again(
    world: World, sdk: SDK, clock: FakeClock
) -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        port = nobody.getsockname()[1]
        async with over_aiohttp(sdk, f"http://127.0.0.1:{port}", clock) as client:
            with pytest.raises(sdk.module.APIConnectionError) as caught:
                await sdk.ask(client)

    attempts = retry_history(caught.value)
    assert [attempt.evidence for attempt in attempts] == [Evidence.UNSENT] * 4

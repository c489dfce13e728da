"""A client class of the kind that tutorials teach: base URL, token, `raise_for_status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from httpx_retry import add_retries, retry_history
from tests.faults.lab import HTTP1Server, Reply, client_context
from tests.worlds import settled

from .flaky import FAILS_TWICE, REFUSES_TWICE, client_of, entered, processed, told

if TYPE_CHECKING:
    from types import ModuleType

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

ORDERS = Reply(200, b'["tea"]', {"Content-Type": "application/json"})
PLACED = Reply(201, b'{"number": 7}')


class APIClient:
    """Both worlds' at once; nothing in its methods knows of retries."""

    def __init__(self, http: Any) -> None:
        self._http = http

    async def _json(self, method: str, path: str, **options: Any) -> Any:
        response = await settled(self._http.request(method, path, **options))
        response.raise_for_status()
        return response.json()

    async def orders(self) -> Any:
        return await self._json("GET", "orders", params={"state": "open"})

    async def place(self, item: str) -> Any:
        return await self._json("POST", "orders", json={"item": item})


def http_for(server: HTTP1Server, family: ModuleType, world: World, clock: FakeClock) -> Any:
    http = client_of(
        family,
        world,
        base_url=f"{server.url}/v1",
        headers={"Authorization": "Bearer a-token", "Accept": "application/json"},
        timeout=5.0,
        verify=client_context(),
    )
    return add_retries(http, clock=clock)


async def test_what_it_reads_comes_through_a_server_that_fails_twice(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([*FAILS_TWICE, ORDERS]) as server:
        async with entered(world, http_for(server, family, world, clock)) as http:
            assert await APIClient(http).orders() == ["tea"]

    assert told(processed(server)) == ["GET /v1/orders?state=open"] * 3
    assert {each.headers["authorization"] for each in processed(server)} == {"Bearer a-token"}


async def test_what_it_writes_is_written_again_only_where_it_was_refused(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([*REFUSES_TWICE, PLACED, Reply(503)]) as server:
        async with entered(world, http_for(server, family, world, clock)) as http:
            client = APIClient(http)
            assert await client.place("tea") == {"number": 7}
            with pytest.raises(family.HTTPStatusError):
                await client.place("tea")

    assert [each.body for each in processed(server)] == [b'{"item":"tea"}'] * 4


async def test_its_errors_stay_with_the_history_of_all_attempts(
    world: World, family: ModuleType, clock: FakeClock
) -> None:
    with HTTP1Server([Reply(503)] * 4) as server:
        async with entered(world, http_for(server, family, world, clock)) as http:
            with pytest.raises(family.HTTPStatusError) as caught:
                await APIClient(http).orders()

    assert [attempt.status for attempt in retry_history(caught.value)] == [503] * 4

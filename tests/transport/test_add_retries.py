"""`add_retries`: a client keeps its options, its proxies and its mounts, and gains retries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import (
    AsyncRetryTransport,
    RetryBudget,
    RetryPolicy,
    RetryTransport,
    add_retries,
)

from .handlers import Server

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World


def is_wrapped(transport: object) -> bool:
    return isinstance(transport, RetryTransport | AsyncRetryTransport)


async def test_a_client_gains_retries_and_is_given_back(world: World, clock: FakeClock) -> None:
    server = Server(503, 200)
    client = world.bare_client(transport=httpx.MockTransport(server), base_url="http://test")

    assert add_retries(client, clock=clock) is client

    async with world.entered(client) as entered:
        assert (await entered.get("/")).status_code == 200
    assert len(server.requests) == 2


async def test_the_options_of_its_transport_stay(world: World) -> None:
    client = world.bare_client(http2=True, http1=False, limits=httpx.Limits(max_connections=7))
    pool = client._transport._pool

    add_retries(client)

    assert client._transport._transport._pool is pool
    assert (pool._http2, pool._http1, pool._max_connections) == (True, False, 7)
    await world.close(client)


async def test_every_mount_is_wrapped_and_one_of_none_stays_none(world: World) -> None:
    # Given two patterns with one transport, and one that says "no proxy here"
    shared = httpx.MockTransport(Server(503, 200))
    mounts = {"http://a": shared, "http://b": shared, "all://c": None}
    client = world.bare_client(mounts=mounts)
    patterns = list(client._mounts)

    add_retries(client)

    assert list(client._mounts) == patterns
    wrapped = list(client._mounts.values())
    assert [None if each is None else is_wrapped(each) for each in wrapped].count(True) == 2
    assert wrapped.count(None) == 1
    assert len({id(each) for each in wrapped if each is not None}) == 1
    await world.close(client)


async def test_proxies_of_the_argument_and_of_the_environment_are_wrapped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_argument = add_retries(world.bare_client(proxy="http://127.0.0.1:9"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "internal.test")
    by_environment = add_retries(world.bare_client())

    for client in (by_argument, by_environment):
        found = client._transport_for_url(httpx.URL("https://elsewhere.test/"))
        assert is_wrapped(found)
        assert found._settings.wire.has_proxy
        await world.close(client)
    direct = by_environment._transport_for_url(httpx.URL("https://internal.test/"))
    assert direct is by_environment._transport
    assert is_wrapped(direct)


async def test_one_budget_holds_for_all_of_them(world: World, clock: FakeClock) -> None:
    # Given two transports to one host
    server = Server(500)
    client = world.bare_client(
        transport=httpx.MockTransport(server),
        mounts={"all://test:81": httpx.MockTransport(server)},
    )
    add_retries(client, clock=clock)
    transports = [client._transport, *client._mounts.values()]

    # When a request fails through either
    async with world.entered(client) as entered:
        await entered.get("http://test:80/")
        await entered.get("http://test:81/")

    # Then one budget was asked for both
    budgets = [each._settings.budget for each in transports]
    assert server.sends == 8
    assert budgets[0] is budgets[1]
    assert set(budgets[0].missing) == {"http://test", "http://test:81"}


@pytest.mark.parametrize("budget", [None, RetryBudget(capacity=1)])
async def test_a_budget_may_be_given_or_left_out(world: World, budget: RetryBudget | None) -> None:
    client = add_retries(world.bare_client(), budget=budget)

    assert client._transport._settings.budget is budget
    await world.close(client)


async def test_a_second_time_is_refused_and_changes_nothing(world: World) -> None:
    client = world.bare_client(mounts={"https://": world.transport(Server(503, 200))})
    transport = client._transport

    with pytest.raises(ValueError, match="client has retries already: it sends through <"):
        add_retries(client)

    assert client._transport is transport
    twice = add_retries(world.bare_client())
    with pytest.raises(ValueError, match="client has retries already"):
        add_retries(twice)
    await world.close(client)
    await world.close(twice)


async def test_retries_within_another_transport_are_found(world: World) -> None:
    class Cache(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def __init__(self, inner: object) -> None:
            self.inner = inner

    client = world.bare_client(transport=Cache(world.transport(Server(503, 200))))

    with pytest.raises(ValueError, match="client has retries already: it sends through <"):
        add_retries(client)


async def test_a_wrong_option_changes_nothing(world: World) -> None:
    client = world.bare_client()
    transport = client._transport

    with pytest.raises(TypeError, match="policy must be a RetryPolicy, not 3"):
        add_retries(client, policy=3)  # type: ignore[arg-type]  # a mistake of the caller's

    assert client._transport is transport
    await world.close(client)


@pytest.mark.parametrize("thing", [None, httpx, httpx.Client, RetryPolicy()])
def test_what_is_no_client_is_refused(thing: Any) -> None:
    message = "client must be a Client or an AsyncClient of httpx or httpx2, not "
    hint = ": a transport goes to RetryTransport, and an SDK takes such a client, often as http_"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}.*{re.escape(hint)}"):
        add_retries(thing)


async def test_a_subclass_stays_what_it_is(world: World, clock: FakeClock) -> None:
    base: Any = httpx.AsyncClient if world.is_async else httpx.Client

    class APIClient(base):  # type: ignore[misc]  # a base that depends on the world
        """A client with something of its own."""

    client = APIClient(transport=httpx.MockTransport(Server(503, 200)), base_url="http://test")

    assert type(add_retries(client, clock=clock)) is APIClient
    async with world.entered(client) as entered:
        assert (await entered.get("/")).status_code == 200


async def test_a_client_that_is_in_use_goes_on_with_retries(world: World, clock: FakeClock) -> None:
    server = Server(503, 200)
    client = world.bare_client(transport=httpx.MockTransport(server))
    async with world.entered(client) as entered:
        add_retries(client, clock=clock)
        assert (await entered.get("http://test/")).status_code == 200


async def test_what_it_relies_on_in_a_client_is_there(world: World) -> None:
    # These two are private to httpx: where a version of it changes them, this fails first.
    client = world.bare_client(mounts={"https://": httpx.MockTransport(Server(503, 200))})

    assert isinstance(client._transport, httpx.AsyncHTTPTransport | httpx.HTTPTransport)
    assert isinstance(client._mounts, dict)
    assert [type(each) for each in client._mounts.values()] == [httpx.MockTransport]
    # And both are looked up for each request, not kept elsewhere.
    client._transport = replaced = httpx.MockTransport(Server(503, 200))
    client._mounts = {}
    assert client._transport_for_url(httpx.URL("https://test/")) is replaced
    await world.close(client)

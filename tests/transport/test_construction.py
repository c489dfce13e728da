"""What a transport is made of: wrong arguments fail at once and say what to pass instead."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import AsyncRetryTransport, RetryPolicy, RetryTransport
from httpx_retry._http.family import HTTPTransportOptions
from httpx_retry.testing import FakeClock

if TYPE_CHECKING:
    from tests.worlds import World


NAME = httpx.__name__  # or httpx2's, where `tests.over_httpx2` runs these tests


def ok(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


async def test_without_a_transport_it_makes_httpxs_own(world: World) -> None:
    transport = world.transport()
    async_prefix = "Async" if world.is_async else ""

    assert repr(transport).startswith(
        f"<{async_prefix}RetryTransport of <{NAME}.{async_prefix}HTTPTransport object"
    )
    await world.close(transport)


async def test_options_go_to_httpxs_own_transport(world: World) -> None:
    transport = world.transport(None, http2=True, http1=False, verify=False)

    pool = transport._transport._pool
    assert (pool._http1, pool._http2) == (False, True)
    await world.close(transport)


async def test_an_unknown_option_is_refused(world: World) -> None:
    with pytest.raises(TypeError, match="http3"):
        world.transport(None, http3=True)


@pytest.mark.parametrize("wrapped", [None, ok], ids=["a new transport", "a given one"])
async def test_a_field_of_the_policy_is_told_where_it_belongs(world: World, wrapped: Any) -> None:
    message = "max_attempts is a field of RetryPolicy: pass policy=RetryPolicy(max_attempts=...)"
    with pytest.raises(TypeError, match=re.escape(message)):
        world.transport(wrapped, max_attempts=3)


@pytest.mark.parametrize("wrapped", [None, ok], ids=["a new transport", "a given one"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("retry", "pass policy=RetryPolicy(...)"),
        ("total", "pass policy=RetryPolicy(max_attempts=...)"),
        ("status_forcelist", "pass policy=RetryPolicy(statuses=...)"),
        ("timeout", "timeouts are the client's"),
    ],
)
async def test_what_others_call_an_option_is_told_by_what_it_is_called_here(
    world: World, wrapped: Any, name: str, hint: str
) -> None:
    message = f"{name} is no option of a transport: {hint}"
    with pytest.raises(TypeError, match=re.escape(message)):
        world.transport(wrapped, **{name: 3})


async def test_a_transport_and_options_exclude_each_other(world: World) -> None:
    message = (
        "transport and http2=, verify= exclude each other: pass http2=, verify= to the"
        " MockTransport that you wrap, or leave transport out"
    )
    with pytest.raises(TypeError, match=message):
        world.transport(ok, http2=True, verify=False)


@pytest.mark.parametrize(
    ("kind", "wrapped", "message"),
    [
        (
            RetryTransport,
            httpx.AsyncHTTPTransport(),
            (
                f"transport must be an instance of {NAME}.BaseTransport, not"
                f" <{NAME}.AsyncHTTPTransport object at 0x...>: pass it to AsyncRetryTransport"
            ),
        ),
        (
            AsyncRetryTransport,
            httpx.HTTPTransport(),
            (
                f"transport must be an instance of {NAME}.AsyncBaseTransport, not"
                f" <{NAME}.HTTPTransport object at 0x...>: pass it to RetryTransport"
            ),
        ),
        (
            RetryTransport,
            httpx.HTTPTransport,
            f"transport must be an instance of {NAME}.BaseTransport: call HTTPTransport()",
        ),
        (
            RetryTransport,
            3,
            f"transport must be an instance of {NAME}.BaseTransport, not 3: see the {NAME}",
        ),
        (
            RetryTransport,
            RetryPolicy(),
            f"transport must be an instance of {NAME}.BaseTransport: pass a policy as policy=",
        ),
        (
            AsyncRetryTransport,
            httpx.AsyncClient(),
            f"not <{NAME}.AsyncClient object at 0x...>: add_retries(client) gives it retries",
        ),
    ],
)
def test_a_wrong_transport_is_named(kind: Any, wrapped: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message).replace(r"0x\.\.\.", "0x[0-9a-f]+")):
        kind(wrapped)


async def wait_for(event: object) -> None: ...


async def ask_for_the_time() -> None: ...


def takes_none() -> None: ...


def takes_one(thing: object) -> None: ...


OF_ONE = SimpleNamespace(
    **dict.fromkeys(("withdraw", "deposit", "impose", "remaining", "monotonic", "time"), takes_one)
)
ASYNC_CLOCK = SimpleNamespace(monotonic=ask_for_the_time, time=ask_for_the_time)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": None}, "policy must be a RetryPolicy, not None"),
        ({"policy": {"max_attempts": 3}}, "policy must be a RetryPolicy, not {'max_attempts': 3}"),
        ({"clock": 3}, "clock must have monotonic() and time(), not be 3"),
        ({"clock": FakeClock}, "clock must have monotonic() and time(), not be <class"),
        ({"clock": ASYNC_CLOCK}, "monotonic() must be a plain function, not the"),
        ({"random": 0.5}, "random must be callable, not 0.5"),
        ({"on_event": 3}, "on_event must be callable, not 3"),
        ({"on_event": wait_for}, "on_event must be a plain function, not the async function"),
        ({"prepare": 3}, "prepare must be callable, not 3"),
        ({"prepare": takes_one}, "prepare must take (request, number), which <function takes_one"),
        ({"on_event": takes_none}, "on_event must take (event), which <function takes_none"),
        ({"random": takes_one}, "random must take (), which <function takes_one"),
        ({"budget": OF_ONE}, "withdraw() must take (origin, load, now), which <function"),
        ({"cooldown": OF_ONE}, "impose() must take (origin, seconds, now), which <function"),
        ({"clock": OF_ONE}, "monotonic() must take (), which <function"),
    ],
)
async def test_a_wrong_argument_is_named(
    world: World, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        world.transport(ok, **arguments)


def test_it_is_a_transport_of_its_world() -> None:
    assert isinstance(RetryTransport(httpx.MockTransport(ok)), httpx.BaseTransport)
    assert isinstance(AsyncRetryTransport(httpx.MockTransport(ok)), httpx.AsyncBaseTransport)


@pytest.mark.parametrize("kind", [httpx.HTTPTransport, httpx.AsyncHTTPTransport])
def test_every_option_of_httpxs_own_transport_is_known_to_type_checkers(kind: type) -> None:
    taken = set(inspect.signature(kind).parameters)

    assert set(HTTPTransportOptions.__annotations__) == taken


class OfATestClient:
    """A transport of no class of httpx's, as Litestar's test client has."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return ok(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return ok(request)


async def test_what_answers_requests_is_a_transport_whatever_its_class(world: World) -> None:
    transport = world.transport(OfATestClient())

    response = await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert response.status_code == 200


def test_one_of_the_other_world_that_answers_in_this_one_as_well_is_one() -> None:
    class OfBoth(httpx.AsyncBaseTransport):
        handle_request = OfATestClient.handle_request

    transport = RetryTransport(OfBoth())  # type: ignore[arg-type] # bare httpx takes it
    assert transport.handle_request(httpx.Request("GET", "http://test/")).status_code == 200


def test_what_answers_them_in_the_other_world_alone_is_none() -> None:
    class Sync:
        handle_request = OfATestClient.handle_request

    with pytest.raises(TypeError, match=r"must be an instance of .*AsyncBaseTransport, not .*Sync"):
        AsyncRetryTransport(Sync())  # type: ignore[arg-type] # what a checker says, too

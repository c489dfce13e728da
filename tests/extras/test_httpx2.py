"""httpx2 beside httpx, in its place, and without it: each request is its own family's business."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given

from httpx_retry import RetryBudget, RetryPolicy, StopReason, add_retries, retry_history
from httpx_retry.testing import BreaksOff, ScriptedTransport, strategies
from tests.faults.lab import (
    TRUSTED,
    Cut,
    Fin,
    GoAway,
    HTTP1Server,
    HTTP1Step,
    HTTP2Server,
    Last,
    Reply,
    Rst,
    client_context,
    refused,
)
from tests.worlds import OVER_HTTPX2, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx_retry.testing import FakeClock

httpx2 = pytest.importorskip("httpx2")
extra = pytest.importorskip("httpx_retry.httpx2")
scripted = pytest.importorskip("httpx_retry.testing.httpx2")

pytestmark = pytest.mark.skipif(OVER_HTTPX2, reason="httpx2 stands in the place of httpx here")


def client2(world: World, transport: Any = None, **options: Any) -> Any:
    """A client of httpx2 over a retry transport."""
    kind = httpx2.AsyncClient if world.is_async else httpx2.Client
    return kind(transport=transport2(world, transport, **options))


def transport2(world: World, transport: Any = None, **options: Any) -> Any:
    kind = extra.AsyncRetryTransport if world.is_async else extra.RetryTransport
    return kind(transport, **options)


async def test_what_a_client_of_httpx2_gets_is_httpx2s(world: World, clock: FakeClock) -> None:
    with HTTP1Server([Rst(), Reply(503), Reply(200, b"good")]) as server:
        async with world.entered(client2(world, clock=clock)) as client:
            response: Any = await client.get(server.url)

    assert type(response) is httpx2.Response
    assert response.text == "good"
    assert [each.label for each in retry_history(response)] == ["ReadError", "503", "200"]


async def test_what_it_raises_is_httpx2s(world: World, clock: FakeClock) -> None:
    with refused() as url:
        async with world.entered(client2(world, clock=clock)) as client:
            with pytest.raises(httpx2.ConnectError) as caught:
                await client.post(url)

    assert len(retry_history(caught.value)) == 4
    assert caught.value.request.method == "POST"


async def test_a_body_that_breaks_off_is_mended(world: World, clock: FakeClock) -> None:
    body = bytes(range(256)) * 1_000
    etag = {"ETag": '"1"'}
    rest = {**etag, "Content-Range": "bytes 100000-255999/256000"}
    steps: list[HTTP1Step] = [
        Cut(Reply(200, body, etag), 100_000),
        Reply(206, body[100_000:], rest),
    ]
    with HTTP1Server(steps) as server:
        async with world.entered(client2(world, clock=clock)) as client:
            response: Any = await client.get(server.url)

    assert response.content == body


async def test_http2s_own_signals_count(world: World, clock: FakeClock) -> None:
    # Given a server that goes away without having processed the request
    with HTTP2Server([GoAway(Last.ZERO), Reply(200, b"once")], tls=TRUSTED) as server:
        options = {"http2": True, "verify": client_context()}
        async with world.entered(client2(world, clock=clock, **options)) as client:
            response: Any = await client.post(server.url, content=b"order")

    assert (response.text, response.http_version) == ("once", "HTTP/2")
    assert len([each for calls in server.processed.values() for each in calls]) == 1


async def test_a_generator_is_guarded(world: World, clock: FakeClock) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"or"
        yield b"der"

    async def async_chunks() -> Any:
        for chunk in chunks():
            yield chunk

    content: Any = async_chunks() if world.is_async else chunks()
    with HTTP1Server([Reply(503), Reply(200)]) as server:
        async with world.entered(client2(world, clock=clock)) as client:
            response: Any = await client.request("PUT", server.url, content=content)

    assert response.status_code == 503


async def test_add_retries_takes_clients_of_both(world: World, clock: FakeClock) -> None:
    kinds = (
        (httpx2.AsyncClient, httpx.AsyncClient) if world.is_async else (httpx2.Client, httpx.Client)
    )
    for kind in kinds:
        with HTTP1Server([Fin(), Reply(200)]) as server:
            client = add_retries(kind(), clock=clock)
            async with world.entered(client) as entered:
                assert (await entered.get(server.url)).status_code == 200


async def test_one_budget_serves_both_families(world: World, clock: FakeClock) -> None:
    budget = RetryBudget(capacity=1)
    policy = RetryPolicy(max_attempts=2)
    with HTTP1Server(iter(lambda: Reply(500), None)) as server:
        async with world.entered(
            client2(world, clock=clock, budget=budget, policy=policy)
        ) as client:
            await client.get(server.url)
        async with world.client(None, clock=clock, budget=budget, policy=policy) as other:
            response = await other.get(server.url)

    assert len(server.processed["/"]) == 3
    assert [each.reason for each in retry_history(response)] == [StopReason.BUDGET_EXHAUSTED]


async def test_a_scripted_server_serves_httpx2(world: World) -> None:
    server = scripted.ScriptedTransport([503, httpx2.ReadError, (200, {}, "good")])
    async with world.entered(client2(world, server, clock=server.clock)) as client:
        response: Any = await client.get("http://test/")

    assert (type(response), response.text) == (httpx2.Response, "good")
    server.assert_used_up()


def given_back(entry: Any, request: Any) -> Any:
    return entry


async def test_a_class_of_the_other_family_stands_for_the_scripts_own(world: World) -> None:
    for own, other, kind in (
        (httpx2, httpx, scripted.ScriptedTransport),
        (httpx, httpx2, ScriptedTransport),
    ):
        error = other.ReadTimeout
        server = kind([error, partial(given_back, error), BreaksOff(b"", after=0, error=error)])
        request = own.Request("GET", "http://test/")
        for _ in range(2):
            with pytest.raises(own.ReadTimeout) as caught:
                await world.handle(server, request)
            assert caught.value.request is request
        broken = await world.handle(server, request)
        with pytest.raises(own.ReadTimeout):
            await world.read(broken)


@given(strategies.outages(3))
def test_outages_are_survived_over_httpx2(script: list[Any]) -> None:
    server = scripted.ScriptedTransport(script)
    with httpx2.Client(transport=extra.RetryTransport(server, clock=server.clock)) as client:
        assert client.get("http://test/").status_code == 200

    server.assert_used_up()


class OfAUser(httpx.ConnectError):
    """An exception of httpx's, and of no name there."""


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        (httpx.ConnectError("refused"), "ConnectError('refused')"),
        (OfAUser("refused"), "OfAUser('refused')"),
        (BreaksOff(b"some", after=1, error=httpx.ReadError("reset")), "ReadError('reset')"),
        (httpx.Response(200), "<Response [200 OK]>"),
    ],
)
def test_what_was_made_of_the_other_family_is_no_entry(entry: Any, named: str) -> None:
    told = re.escape(f"entry 2 of the script must be of httpx2, not {named} of httpx")

    with pytest.raises(TypeError, match=f"^{told}$"):
        scripted.ScriptedTransport([503, entry])


def test_nor_is_it_in_the_other_direction() -> None:
    with pytest.raises(TypeError, match=r"must be of httpx, not ReadError\('reset'\) of httpx2$"):
        ScriptedTransport([httpx2.ReadError("reset")])


async def test_a_transport_of_the_other_family_is_told_where_it_belongs(world: World) -> None:
    for kind, family, other, room in (
        (world.transport, httpx, httpx2, "httpx_retry.httpx2"),
        (lambda given: transport2(world, given), httpx2, httpx, "httpx_retry"),
    ):
        name = "AsyncHTTPTransport" if world.is_async else "HTTPTransport"
        base = "AsyncBaseTransport" if world.is_async else "BaseTransport"
        message = (
            f"transport must be an instance of {family.__name__}.{base}, not <{other.__name__}."
        )
        with pytest.raises(TypeError, match=re.escape(message)) as caught:
            kind(getattr(other, name)())
        assert str(caught.value).endswith(
            f"the transports for {other.__name__} are those of {room}"
        )


async def test_a_client_of_the_other_family_is_told_which_it_needs(world: World) -> None:
    kind = httpx2.AsyncClient if world.is_async else httpx2.Client
    async with world.entered(kind(transport=world.transport())) as client:
        with pytest.raises(TypeError) as caught:
            await client.get("http://127.0.0.1:9/")

    assert str(caught.value) == (
        "this transport is for httpx, and the request is of httpx2:"
        " the transports for httpx2 are those of httpx_retry.httpx2"
    )


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, where nothing was imported."""
    return subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-W", "error", "-c", dedent(program)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


FLAKY = """
    from tests.faults.lab import Fin, HTTP1Server, Reply
    import {family}, {retry}
    with HTTP1Server([Fin(), Reply(200, b"good")]) as server:
        with {family}.Client(transport={retry}.RetryTransport()) as client:
            print(client.get(server.url).text)
"""


def test_where_there_is_httpx_alone_the_extra_says_what_it_needs() -> None:
    # Given an environment without httpx2
    without = "import sys; sys.modules['httpx2'] = None"

    works = run(without + dedent(FLAKY.format(family="httpx", retry="httpx_retry")))
    fails = run(without + "\nimport httpx_retry.httpx2")
    also = run(without + "\nimport httpx, httpx_retry; httpx_retry.add_retries(httpx.Client())")

    assert (works.stdout, works.returncode) == ("good\n", 0)
    assert fails.stderr.endswith(
        "httpx_retry.httpx2 needs httpx2: pip install 'httpx-retry-transport[httpx2]'\n"
    )
    assert also.returncode == 0


@pytest.mark.parametrize("module", ["httpx_retry.httpx2", "httpx_retry.testing.httpx2"])
def test_the_extra_says_what_it_needs(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    message = f"{module} needs httpx2: pip install 'httpx-retry-transport[httpx2]'"

    with pytest.raises(ModuleNotFoundError, match=f"^{re.escape(message)}$") as missed:
        importlib.import_module(module)
    assert missed.value.name == "httpx2"


def test_a_program_of_httpx2_alone() -> None:
    done = run(FLAKY.format(family="httpx2", retry="httpx_retry.httpx2"))

    assert (done.stdout, done.returncode) == ("good\n", 0)


def test_httpx2_is_loaded_by_nobody_who_does_not_ask() -> None:
    done = run("import sys, httpx_retry, httpx_retry.testing; print('httpx2' in sys.modules)")

    assert done.stdout == "False\n"


def test_where_httpx_is_an_alias_of_httpx2() -> None:
    done = run(
        "import httpx2; httpx2.alias_httpx()"
        + dedent(FLAKY.format(family="httpx", retry="httpx_retry"))
        + dedent(
            """
            import httpx_retry.httpx2
            assert issubclass(httpx_retry.RetryTransport, httpx2.BaseTransport)
            for transport in (httpx_retry.RetryTransport(), httpx_retry.httpx2.RetryTransport()):
                httpx2.Client(transport=transport).close()
            httpx_retry.add_retries(httpx2.Client())
            """
        )
    )

    assert (done.stdout, done.returncode) == ("good\n", 0)


def test_the_stub_knows_every_option_of_httpx2s_own_transport() -> None:
    stub = ast.parse(Path(extra.__file__).with_suffix(".pyi").read_text())
    options = [each for each in stub.body if getattr(each, "name", "") == "_HTTPTransportOptions"]
    known = {
        ast.unparse(each.target) for each in ast.walk(options[0]) if isinstance(each, ast.AnnAssign)
    }

    for kind in (httpx2.HTTPTransport, httpx2.AsyncHTTPTransport):
        assert known == set(inspect.signature(kind).parameters)

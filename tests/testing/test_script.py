"""A scripted transport answers in order, keeps what it was sent, and says what did not fit."""

from __future__ import annotations

import re
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryTransport, StopReason, retry_history
from httpx_retry.testing import BreaksOff, Entry, FakeClock, ScriptedTransport
from tests.worlds import Stream, World, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = bytes(range(256)) * 300


async def test_it_answers_in_order(world: World) -> None:
    refused = httpx.ConnectError("refused")
    server = ScriptedTransport([503, refused, (429, {"Retry-After": "60"}), 200])
    async with world.client(server, clock=server.clock, random=lambda: 0.5) as client:
        assert (await client.get()).status_code == 200

    assert server.clock.sleeps == [0.1, 0.2, 60.0]
    server.assert_used_up()


async def test_it_answers_a_bare_client(world: World) -> None:
    script: list[Entry] = [
        503,
        HTTPStatus.NOT_FOUND,
        httpx.ReadError("reset"),
        httpx.ConnectTimeout,
    ]
    server = ScriptedTransport(script)
    async with world.client_of(server) as client:
        assert (await client.get()).status_code == 503
        assert (await client.get()).status_code == 404
        with pytest.raises(httpx.ReadError, match="reset"):
            await client.get()
        with pytest.raises(httpx.ConnectTimeout, match="as scripted"):
            await client.get()

    server.assert_used_up()


@pytest.mark.parametrize(
    ("entry", "content", "media_type"),
    [
        ((200, {}, b"\x00done"), b"\x00done", None),
        ((200, {}, "été"), "été".encode(), "text/plain; charset=utf-8"),
        ((200, {}, {"id": 7}), b'{"id": 7}', "application/json"),
        ((200, {"content-type": "text/csv"}, "a,b"), b"a,b", "text/csv"),
        ((200, [("X-One", "1"), ("X-One", "2")], b""), b"", None),
        (httpx.Response(200, json=[1]), b"[1]", "application/json"),
        (200, b"", None),
    ],
)
async def test_a_response_has_its_body_and_the_headers_that_go_with_it(
    world: World, entry: Any, content: bytes, media_type: str | None
) -> None:
    async with world.client_of(ScriptedTransport([entry])) as client:
        response = await client.get()

    assert response.content == content
    assert response.headers.get("Content-Type") == media_type
    assert response.headers.get("Content-Length", "0") == str(len(content))


async def test_headers_of_the_scripts_own_stay(world: World) -> None:
    chunked = ScriptedTransport([(200, {"Transfer-Encoding": "chunked"}, b"done")])
    async with world.client_of(chunked) as client:
        response = await client.get()

    assert "Content-Length" not in response.headers


async def test_a_response_comes_unread_as_from_the_network(world: World) -> None:
    scripted = httpx.Response(
        200, text="done", extensions={"http_version": b"HTTP/2"}, default_encoding="latin-1"
    )
    server = ScriptedTransport([scripted, scripted])
    request = httpx.Request("GET", "http://test/")
    first, second = [await world.handle(server, request) for _ in range(2)]

    assert first is not second
    assert not first.is_closed
    assert await world.read(first) == await world.read(second) == b"done"
    assert first.http_version == "HTTP/2"
    assert first.default_encoding == "latin-1"


async def test_a_response_with_a_stream_of_its_own_is_given_itself(world: World) -> None:
    scripted = httpx.Response(200, stream=Stream(b"do", b"ne"))
    response = await world.handle(
        ScriptedTransport([scripted]), httpx.Request("GET", "http://test/")
    )

    assert response is scripted
    assert await world.read(response) == b"done"


@pytest.mark.parametrize("entry", [(200, {}, b"done"), BreaksOff(b"done", after=2)])
async def test_a_head_has_the_headers_alone(world: World, entry: Any) -> None:
    async with world.client_of(ScriptedTransport([entry])) as client:
        response = await client.request("HEAD", "http://test/")

    assert response.headers["Content-Length"] == "4"
    assert response.content == b""


async def test_exceptions_have_their_request(world: World) -> None:
    request = httpx.Request("GET", "http://test/")
    error = httpx.ReadError("reset", request=httpx.Request("GET", "http://other/"))
    undecoded = httpx.DecodingError("incorrect header check")
    script: list[Entry] = [error, httpx.PoolTimeout, error, undecoded, httpx.TooManyRedirects]
    server = ScriptedTransport([*script, BreaksOff(b"some", after=1)])
    for _ in script:
        with pytest.raises(httpx.RequestError) as caught:
            await world.handle(server, request)
        assert caught.value.request is request
    broken = await world.handle(server, request)
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        await world.read(broken)

    assert caught.value.request is request


class OwnError(httpx.ReadError):
    """One that knows its words."""

    def __init__(self) -> None:
        super().__init__("my own")


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, ConnectionResetError("reset"), OSError, OwnError]
)
async def test_any_exception_may_be_scripted(world: World, error: Any) -> None:
    kind = error if isinstance(error, type) else type(error)
    with pytest.raises(kind):
        await world.handle(ScriptedTransport([error]), httpx.Request("GET", "http://test/"))


async def test_an_error_that_is_raised_again_begins_anew(world: World) -> None:
    def frames() -> int:
        traceback, count = error.__traceback__, 0
        while traceback is not None:
            traceback, count = traceback.tb_next, count + 1
        return count

    error = httpx.ReadError("reset")
    server = ScriptedTransport([error] * 3)
    counts = set()
    for _ in range(3):
        with pytest.raises(httpx.ReadError):
            await world.handle(server, httpx.Request("GET", "http://test/"))
        counts.add(frames())

    assert len(counts) == 1


async def test_functions_are_asked_for_the_entry(world: World) -> None:
    def echo(request: httpx.Request) -> Any:
        return 200, {"X-Path": request.url.path}, request.content

    def twice(request: httpx.Request) -> Any:
        return echo

    def fails(request: httpx.Request) -> Any:
        return httpx.ReadError

    async with world.client_of(ScriptedTransport([echo, twice, fails])) as client:
        response = await client.post("http://test/a", content=b"some")
        assert (response.headers["X-Path"], response.content) == ("/a", b"some")
        assert (await client.get("http://test/b")).headers["X-Path"] == "/b"
        with pytest.raises(httpx.ReadError):
            await client.get()


async def test_async_functions_are_awaited(async_world: World) -> None:
    async def answer(request: httpx.Request) -> Any:
        return 200, {}, request.content

    async with async_world.client_of(ScriptedTransport([answer])) as client:
        assert (await client.post(content=b"some")).content == b"some"


def test_in_threads_they_are_refused() -> None:
    async def answer(request: httpx.Request) -> int:
        return 200

    server = ScriptedTransport([answer])
    with pytest.raises(TypeError, match="an async function in a script needs an async client"):
        server.handle_request(httpx.Request("GET", "http://test/"))


async def test_what_a_function_returns_is_checked(world: World) -> None:
    server = ScriptedTransport([lambda request: None])
    with pytest.raises(TypeError, match="what a function in a script returns must be a status"):
        await world.handle(server, httpx.Request("GET", "http://test/"))


async def until_it_breaks(world: World, response: httpx.Response) -> tuple[bytes, Exception]:
    received = b""
    try:
        if world.is_async:
            async for chunk in response.aiter_raw():
                received += chunk
        else:
            for chunk in response.iter_raw():
                received += chunk
    except httpx.RemoteProtocolError as error:
        return received, error
    raise AssertionError("it came whole")


async def test_a_body_breaks_off(world: World) -> None:
    entries: list[Entry] = [
        BreaksOff(BODY, after=70_000),
        BreaksOff("text", after=0, status=206, headers={"ETag": '"1"'}, error=httpx.ReadTimeout),
        BreaksOff(b"", after=0, headers={"Transfer-Encoding": "chunked"}),
    ]
    server = ScriptedTransport(entries)
    responses = [await world.handle(server, httpx.Request("GET", "http://test/")) for _ in entries]
    assert [each.headers.get("Content-Length") for each in responses] == ["76800", "4", None]
    assert (responses[1].status_code, responses[1].headers["ETag"]) == (206, '"1"')
    received, error = await until_it_breaks(world, responses[0])
    assert "received 70000 bytes, expected 76800" in str(error)
    assert received == BODY[:70_000]
    with pytest.raises(httpx.ReadTimeout):
        await world.read(responses[1])
    with pytest.raises(httpx.RemoteProtocolError):
        await world.read(responses[2])


async def test_a_body_that_breaks_off_is_mended(world: World) -> None:
    headers = {"ETag": '"1"'}
    rest = {**headers, "Content-Range": f"bytes 70000-{len(BODY) - 1}/{len(BODY)}"}
    script: list[Entry] = [
        BreaksOff(BODY, after=70_000, headers=headers),
        (206, rest, BODY[70_000:]),
    ]
    server = ScriptedTransport(script)
    async with world.client(server, clock=server.clock) as client:
        assert (await client.get()).content == BODY

    assert server.requests[1].headers["Range"] == "bytes=70000-"


async def test_it_keeps_what_it_was_sent(world: World) -> None:
    clock = FakeClock()
    server = ScriptedTransport([(503, {"Retry-After": "7"}), 200], clock=clock)
    clock.advance(2.0)
    async with world.client(server, clock=clock) as client:
        request = client.build_request(
            "PUT", "http://test/a?b=1", headers={"X-One": "1"}, content=b"body"
        )
        await client.send(request)
    request.headers["X-One"] = "changed since"

    assert server.clock is clock
    assert [each.method for each in server.requests] == ["PUT", "PUT"]
    assert [each.url for each in server.requests] == [httpx.URL("http://test/a?b=1")] * 2
    assert [each.headers["x-one"] for each in server.requests] == ["1", "1"]
    assert [each.body for each in server.requests] == [b"body", b"body"]
    assert [each.time for each in server.requests] == [2.0, 9.0]
    assert repr(server) == "<ScriptedTransport, 2 of 2 used>"


async def test_bodies_are_read_as_the_network_reads_them(world: World) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"on"
        yield b"ce"

    async def async_chunks() -> Any:
        for chunk in chunks():
            yield chunk

    server = ScriptedTransport([503, 200])
    async with world.client(server, clock=server.clock) as client:
        body = async_chunks() if world.is_async else chunks()
        response = await client.request("PUT", "http://test/", content=body)

    # A generator was read by the first send, and there is no second.
    assert response.status_code == 503
    assert retry_history(response)[-1].reason is StopReason.BODY_NOT_REPLAYABLE
    assert [each.body for each in server.requests] == [b"once"]


async def test_a_request_too_many_is_an_assertion_that_is_not_retried(world: World) -> None:
    server = ScriptedTransport([503, httpx.ReadError])
    async with world.client(server, clock=server.clock, random=lambda: 0.5) as client:
        with pytest.raises(AssertionError) as caught:
            await client.get("http://test/a")

    said = """\
the script is for 2 requests, and 3 came:
  1. GET http://test/a at 0 s: 503
  2. GET http://test/a at 0.1 s: ReadError
  3. GET http://test/a at 0.3 s: nothing in the script"""
    assert str(caught.value) == said
    with pytest.raises(AssertionError, match=re.escape(said)):
        server.assert_used_up()


async def test_a_request_too_few_is_an_assertion_where_asked(world: World) -> None:
    def answers(request: httpx.Request) -> int:
        return 200

    breaks = BreaksOff(b"some", after=3)
    error = httpx.ReadError("reset")
    server = ScriptedTransport([200, (200, {}, b"done"), answers, breaks, error])
    async with world.client_of(server) as client:
        await client.get()
    with pytest.raises(AssertionError) as caught:
        server.assert_used_up()

    assert (
        str(caught.value)
        == """\
the script is for 5 requests, and 1 came:
  1. GET http://test/ at 0 s: 200
  2. no request: 200
  3. no request: answers
  4. no request: <BreaksOff 200 after 3 of 4 bytes>
  5. no request: ReadError('reset')"""
    )


def test_a_script_of_one_is_for_one_request() -> None:
    with pytest.raises(AssertionError, match="the script is for 1 request, and 0 came:"):
        ScriptedTransport([200]).assert_used_up()


def test_threads_may_share_it() -> None:
    server = ScriptedTransport([200] * 200)

    def ask() -> None:
        for _ in range(50):
            server.handle_request(httpx.Request("GET", "http://test/"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    server.assert_used_up()


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (503, TypeError, "script must be a list of entries, not 503"),
        (["503"], TypeError, "entry 1 of the script must be a status, .* not '503'"),
        ([200, True], TypeError, "entry 2 of the script must be a status, .* not True"),
        ([int], TypeError, "must be a status, .* not <class 'int'>"),
        ([(200, {}, b"", 1)], TypeError, "must be a status"),
        ([(200, "text")], TypeError, "must have a status and headers, not 200 and 'text'"),
        ([("200", {})], TypeError, "must have a status and headers, not '200'"),
        ([99], ValueError, "entry 1 of the script must have a status from 100 to 999, not 99"),
        ([(1000, {})], ValueError, "not 1000"),
        (
            [(429, {"Retry-After": 60})],
            TypeError,
            r"entry 1 of the script must have headers of ASCII .*, not {'Retry-After': 60}: .*",
        ),
        (
            [(429, [("X-One", "1", "2")])],
            TypeError,
            "headers of ASCII text or bytes, not .*'X-One', '1'",
        ),
        ([(200, {}, {1, 2})], TypeError, "have a body of bytes, text, or anything .* not {1, 2}:"),
        ([(200, {}, "\ud800")], TypeError, r"anything that JSON can say, not '\\ud800': "),
        (
            [httpx.InvalidURL],
            TypeError,
            r"must be an instance of InvalidURL, not the class: .*'message'",
        ),
    ],
)
def test_what_a_script_may_not_say(script: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ScriptedTransport(script)


@pytest.mark.parametrize("clock", [5, FakeClock])
def test_a_clock_tells_the_time(clock: Any) -> None:
    message = f"clock must have monotonic() and time(), not be {clock!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        ScriptedTransport([200], clock=clock)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"after": 5}, ValueError, "after must be at most the body's 4, not 5"),
        ({"after": -1}, ValueError, "after must be at least 0, not -1"),
        ({"after": 1, "body": 4}, TypeError, "body must be bytes or str, not 4"),
        ({"after": 1, "status": 99}, ValueError, "must have a status from 100 to 999, not 99"),
        ({"after": 1, "error": "reset"}, TypeError, "error must be an exception"),
        (
            {"after": 1, "headers": {"Age": 60}},
            TypeError,
            "headers of ASCII text or bytes, not {'Age': 60}",
        ),
    ],
)
def test_what_may_not_break_off(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        BreaksOff(**{"body": b"some", **options})


async def test_a_retry_transport_closes_it_as_any_other(world: World) -> None:
    server = ScriptedTransport([200])
    transport = world.transport(server)
    async with world.client_of(transport) as client:
        await client.get()
    await settled(transport.aclose() if world.is_async else transport.close())

    assert isinstance(RetryTransport(server), httpx.BaseTransport)

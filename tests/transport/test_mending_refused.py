"""What a response body is never mended with, and what closing it in the middle of all that does."""

from __future__ import annotations

import gc
import gzip
import weakref
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy, StopReason, retry_history
from tests.faults.lab import Cut, Fin, HTTP1Server, HTTP1Step, Reply
from tests.worlds import Stream, World

from .handlers import options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock

Headers = dict[str, str] | list[tuple[str, str]]

WHOLE = bytes(range(256)) * 1000
ETAG = {"ETag": '"v1"'}
BREAK = httpx.ReadError("reset")


class Script:
    """Answers in order, each a status, headers and what the stream gives."""

    def __init__(self, *answers: tuple[int, Headers, tuple[bytes | BaseException, ...]]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.streams: list[Stream] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        status, headers, parts = self._answers[len(self.requests)]
        self.requests.append(request)
        self.streams.append(Stream(*parts))
        return httpx.Response(status, headers=headers, stream=self.streams[-1])


async def failed(
    world: World, clock: FakeClock, script: Any, headers: Headers | None = None, **more: Any
) -> str:
    """The note on the error that a download ends with: the original one."""
    with pytest.raises(httpx.ReadError) as caught:
        async with world.client(script, **options(clock, **more)) as client:
            await client.get(headers=headers)
    assert caught.value is BREAK
    if isinstance(script, Script):
        assert {stream.closed for stream in script.streams} == {1}
    note: str = caught.value.__notes__[0]  # type: ignore[attr-defined] # PEP 678
    return note


SPAN = {"Content-Range": "bytes 1000-255999/256000"}


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (
            (404, ETAG, (WHOLE[:1000], BREAK)),
            (200, ETAG, (WHOLE,)),
            "another status",
        ),
        (
            (200, ETAG, (WHOLE[:1000], BREAK)),
            (200, ETAG | SPAN, (WHOLE[1000:],)),
            "Content-Range without a 206",
        ),
        (
            (200, {"Content-Length": "9", "Content-Type": "a/b"}, (BREAK,)),
            (200, [("Content-Type", "a/b"), ("Content-Type", "a/b")], (b"x",)),
            "another status, Content-Type",
        ),
        (
            (206, ETAG | SPAN, (BREAK,)),
            (206, {"ETag": '"v2"'} | SPAN, (WHOLE[1000:],)),
            "another part, or a part of another version",
        ),
        (
            (206, ETAG | SPAN, (BREAK,)),
            (206, ETAG | {"Content-Range": "bytes 0-999/256000"}, (WHOLE[:1000],)),
            "another part, or a part of another version",
        ),
    ],
    ids=["status", "200 with a span", "said twice", "a part of another", "another span"],
)
async def test_what_is_not_the_rest_is_refused(
    world: World, clock: FakeClock, first: Any, second: Any, why: str
) -> None:
    assert why in await failed(world, clock, Script(first, second))


WEAK = {"ETag": 'W/"v1"'}
DATED = {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
LATER = {"Last-Modified": "Sun, 06 Nov 1994 08:49:38 GMT"}
# Too young to be strong.
FRESH = DATED | {"Date": "Sun, 06 Nov 1994 08:49:40 GMT"}


@pytest.mark.parametrize("method", ["GET", "QUERY"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ETAG, {"ETag": '"v2"'}),
        (WEAK, {"ETag": 'W/"v2"'}),
        (ETAG, {}),
        (DATED, LATER),
        (DATED, {}),
        (WEAK | DATED, WEAK | LATER),
    ],
)
async def test_no_other_version_takes_the_place_of_one_that_whoever_reads_it_knows(
    world: World, clock: FakeClock, first: Headers, second: Headers, method: str
) -> None:
    # Given a cache above, which takes note of the headers before it reads the body,
    script = Script((200, first, (BREAK,)), (200, second, (b"version 2",)))

    # when the body of one version breaks off, and another one is there by then,
    with pytest.raises(httpx.ReadError) as caught:
        async with world.client(script, **options(clock)) as client:
            await client.request(method, "http://test/")

    # then it gets the error, and not the one under the name of the other.
    (note,) = caught.value.__notes__  # type: ignore[attr-defined] # PEP 678
    assert "(body cannot be resumed: another ETag or Last-Modified)" in note


@pytest.mark.parametrize(
    ("first", "second"),
    [(WEAK, {"ETag": 'W/"v2"'}), (WEAK, {}), (FRESH, FRESH | {"Age": "0"} | LATER)],
)
async def test_nor_once_a_part_of_it_was_delivered_that_both_have(
    world: World, clock: FakeClock, first: dict[str, str], second: dict[str, str]
) -> None:
    script = Script((200, first, (WHOLE[:1000], BREAK)), (200, second, (WHOLE,)))

    why = "(body cannot be resumed: another ETag or Last-Modified)"
    assert why in await failed(world, clock, script)


SAME: list[tuple[dict[str, str], dict[str, str]]] = [
    # A strong ETag has the say.
    (ETAG | DATED, ETAG | LATER),
    # These name nothing.
    ({"ETag": '""'}, {"ETag": '"v2"'}),
    ({"ETag": 'W/""', "Last-Modified": ""}, LATER),
]


@pytest.mark.parametrize(("first", "second"), SAME)
@pytest.mark.parametrize("came", [(), (WHOLE[:1000],)])
async def test_what_may_be_the_same_version_is_taken(
    world: World,
    clock: FakeClock,
    came: tuple[bytes, ...],
    first: dict[str, str],
    second: dict[str, str],
) -> None:
    script = Script((200, first, (*came, BREAK)), (200, second, (WHOLE,)))
    async with world.client(script, **options(clock)) as client:
        assert (await client.get()).content == WHOLE


@pytest.mark.parametrize("status", [204, 304])
async def test_what_has_no_body_is_refused_for_its_status(
    world: World, clock: FakeClock, status: int
) -> None:
    def old(response: httpx.Response) -> httpx.Response:
        response.extensions["http_version"] = b"HTTP/1.1"
        return response

    script = Script((200, {"Content-Length": "9"}, (BREAK,)), (status, {}, ()))

    assert "another status" in await failed(world, clock, lambda request: old(script(request)))


LEFT_ALONE: list[tuple[Headers, StopReason]] = [
    ({"x-should-retry": "false"}, StopReason.SERVER_DECLINED),
    ({"Retry-After": "3600"}, StopReason.RETRY_AFTER_TOO_LONG),
]


@pytest.mark.parametrize(("headers", "reason"), LEFT_ALONE)
@pytest.mark.parametrize(
    "policy",
    [
        RetryPolicy(),  # it is handed over, and breaks off as the caller reads it
        RetryPolicy(statuses=()),  # it does not count as failed
        RetryPolicy(read_body=True, retry_if=lambda _: None),  # it is read to be judged
    ],
    ids=["handed over", "no failure", "read"],
)
async def test_a_server_that_asks_to_be_left_alone_is_though_its_body_breaks_off(
    world: World, clock: FakeClock, policy: RetryPolicy, headers: Headers, reason: StopReason
) -> None:
    script = Script((503, headers, (b"sor", BREAK)))

    assert reason.value in await failed(world, clock, script, policy=policy)
    assert len(script.requests) == 1
    assert [attempt.reason for attempt in retry_history(BREAK)] == [reason]
    assert script.streams[0].closed == 1


@pytest.mark.parametrize(
    "policy",
    [RetryPolicy(statuses=()), RetryPolicy(read_body=True, retry_if=lambda _: None)],
    ids=["no failure", "read"],
)
async def test_nor_is_it_asked_earlier_than_it_said(
    world: World, clock: FakeClock, policy: RetryPolicy
) -> None:
    script = Script((503, {"Retry-After": "5"}, (BREAK,)), (503, {}, (b"sorry",)), (200, {}, ()))
    async with world.client(script, **options(clock, policy=policy)) as client:
        await client.get()

    assert clock.sleeps[:1] == [5.0]


async def test_what_was_given_up_is_not_asked_for_again_for_its_body(
    world: World, clock: FakeClock
) -> None:
    """None that came could take its place: it would have failed as well."""
    script = Script(*[(503, {"Content-Length": "256000"}, (WHOLE[:70_000], BREAK))] * 4)

    assert "attempts exhausted" in await failed(world, clock, script)
    assert len(script.requests) == 4


@pytest.mark.parametrize(
    ("first", "part", "why"),
    [
        ((206, ETAG | {"Content-Range": "bytes 0-99/256000"}), 150, "all had come"),
        ((206, ETAG | {"Content-Range": "bytes 0-99/256000"}), 100, "all had come"),
        ((200, ETAG | SPAN), 1000, "Content-Range without a 206"),
        ((200, [("Content-Type", "text/event-stream")] * 2), 10, "events were delivered"),
    ],
)
async def test_no_rest_is_asked_for_where_none_can_fit(
    world: World, clock: FakeClock, first: tuple[int, Headers], part: int, why: str
) -> None:
    script = Script((*first, (WHOLE[:part], BREAK)))

    assert why in await failed(world, clock, script)
    assert len(script.requests) == 1


async def test_two_codings_are_not_one_coding_said_twice(world: World, clock: FakeClock) -> None:
    twice = [("Content-Encoding", "identity"), ("Content-Length", "9")]
    script = Script(
        (200, [*twice, ("Content-Encoding", "identity")], (BREAK,)),
        (200, [*twice, ("Content-Encoding", "gzip")], (gzip.compress(b"x"),)),
    )

    assert "another status, Content-Type, Content-Encoding" in await failed(world, clock, script)


async def test_what_nobody_can_tell_the_end_of_is_refused(world: World, clock: FakeClock) -> None:
    body = WHOLE[:14_000]
    # As of a server of HTTP/1.0: its body ends where the connection does, were it short or not.
    bare = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body[:9000]
    script: list[HTTP1Step] = [
        Cut(Reply(200, body, chunked=True), 5000),
        Fin(after=bare),
    ]
    with HTTP1Server(script) as server:
        transport = world.transport(trust_env=False, **options(clock))
        async with world.client_of(transport) as client:
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                await client.get(server.url)

    assert "nobody could tell" in caught.value.__notes__[0]  # type: ignore[attr-defined]


async def test_a_validator_that_cannot_be_sent_is_none(world: World, clock: FakeClock) -> None:
    odd = [("ETag", '"é"'.encode("latin-1"))]
    response_headers: Any = httpx.Headers(odd)  # type: ignore[arg-type] # bytes beside str
    script = Script(
        (200, response_headers, (WHOLE[:1000], BREAK)), (200, response_headers, (WHOLE,))
    )
    async with world.client(script, **options(clock)) as client:
        assert (await client.get()).content == WHOLE

    assert "If-Range" not in script.requests[1].headers


async def test_a_rest_that_was_read_on_its_way_is_not_read_again(
    world: World, clock: FakeClock
) -> None:
    # By a wrapped transport, or a hook: its connection may be somebody else's by then.
    def answer(request: httpx.Request) -> httpx.Response:
        response = script(request)
        response.is_closed = response.status_code == 206
        return response

    script = Script((200, ETAG, (WHOLE[:1000], BREAK)), (206, ETAG | SPAN, (WHOLE[1000:],)))

    assert "its body was read already" in await failed(world, clock, answer)


async def test_a_refused_rest_is_closed_once(world: World, clock: FakeClock) -> None:
    script = Script((200, ETAG, (WHOLE[:1000], BREAK)), (206, ETAG | SPAN, (WHOLE[1000:2000],)))

    assert "shorter" in await failed(world, clock, script)
    assert [stream.closed for stream in script.streams] == [1, 1]


async def test_the_last_attempt_is_counted_once(world: World, clock: FakeClock) -> None:
    script = Script((503, {}, ()), (503, {"Content-Length": "9"}, (b"abc", BREAK)))

    note = await failed(world, clock, script, policy=RetryPolicy(max_attempts=2))

    assert "after 2 attempts" in note
    assert "(attempts exhausted): 503, ReadError" in note


async def test_its_note_says_how_long_all_of_it_took(world: World, clock: FakeClock) -> None:
    another = (200, {"ETag": '"v2"'}, (WHOLE,))
    script = Script((503, {"Retry-After": "30"}, ()), (200, ETAG, (WHOLE[:1000], BREAK)), another)

    note = await failed(world, clock, script)

    assert sum(clock.sleeps) == pytest.approx(30.2)
    assert "after 3 attempts in 30.2 s" in note


async def test_nothing_of_a_mended_body_is_left_in_a_cycle(world: World, clock: FakeClock) -> None:
    class Fresh(Stream):
        def __iter__(self) -> Any:
            yield WHOLE[:1000]
            raise httpx.ReadError("reset")

    def answer(request: httpx.Request) -> httpx.Response:
        if "Range" in request.headers:
            return httpx.Response(206, headers=ETAG | SPAN, stream=Stream(WHOLE[1000:]))
        return httpx.Response(200, headers=ETAG, stream=Fresh())

    async def read() -> weakref.ref[httpx.Response]:
        response = await world.handle(transport, httpx.Request("GET", "http://test/"))
        assert await world.read_stream(response) == WHOLE
        await world.close(response.stream)
        return weakref.ref(response)

    transport = world.transport(answer, **options(clock))
    gc.collect()
    gc.disable()
    try:
        assert (await read())() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("length", [{}, {"Content-Length": "1003"}], ids=["large", "small"])
async def test_a_response_that_is_closed_while_it_is_read_sends_no_more(
    world: World, clock: FakeClock, length: dict[str, str]
) -> None:
    class Closing(Stream):
        def __iter__(self) -> Any:
            yield b"abc"
            raise BREAK

        async def __aiter__(self) -> Any:
            yield b"abc"
            await response.stream.aclose()  # type: ignore[union-attr] # an async one
            raise BREAK

    class ClosingInThreads(Closing):
        def __iter__(self) -> Any:
            yield b"abc"
            response.stream.close()  # type: ignore[union-attr] # a sync one
            raise BREAK

    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        kind = Closing if world.is_async else ClosingInThreads
        return httpx.Response(200, headers=ETAG | length, stream=kind())

    transport = world.transport(answer, **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    with pytest.raises(httpx.ReadError) as caught:
        await world.read_stream(response)

    assert caught.value is BREAK
    assert len(requests) == 1


@pytest.mark.parametrize("when", ["waiting", "sending"])
async def test_a_response_that_is_closed_while_it_is_mended_gets_its_error(
    world: World, clock: FakeClock, when: str
) -> None:
    rest = Stream(WHOLE[1000:])

    def close() -> None:
        stream: Any = response.stream
        # Nothing that it awaits suspends.
        closing = stream.aclose() if world.is_async else stream.close()
        if closing is not None:
            with pytest.raises(StopIteration):
                closing.send(None)

    def wait(context: Any) -> float:
        if when == "waiting":
            close()
        return 1.0

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) == 1:
            return httpx.Response(200, headers=ETAG, stream=Stream(WHOLE[:1000], BREAK))
        close()
        return httpx.Response(206, headers=ETAG | SPAN, stream=rest)

    requests: list[httpx.Request] = []
    transport = world.transport(answer, **options(clock, policy=RetryPolicy(backoff=wait)))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    with pytest.raises(httpx.ReadError) as caught:
        await world.read_stream(response)

    assert caught.value is BREAK
    assert len(requests) == (1 if when == "waiting" else 2)
    assert rest.closed == (0 if when == "waiting" else 1)


async def test_a_stream_that_was_closed_is_what_the_wrapped_one_is(
    world: World, clock: FakeClock
) -> None:
    transport = world.transport(
        lambda request: httpx.Response(200, stream=Stream(b"abc")), **options(clock)
    )
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    for _ in range(2):
        assert await world.read_stream(response) == b"abc"
        await world.close(response.stream)


async def test_the_callers_response_keeps_its_request(world: World, clock: FakeClock) -> None:
    answer = httpx.Response(200, headers=ETAG, stream=Stream(WHOLE[:1000], BREAK))
    request = httpx.Request("GET", "http://test/")
    async with world.client(lambda request: answer, **options(clock)) as client:
        with pytest.raises(httpx.ReadError):
            await client.send(request)

    assert answer.request is request
    assert retry_history(answer)[-1].reason is StopReason.BODY_NOT_RESUMABLE


def changing() -> Script:
    """A body that breaks off, its rest that breaks off at once, and another version."""
    return Script(
        (200, ETAG, (WHOLE[:1000], BREAK)),
        (200, ETAG, (BREAK,)),
        (200, {"ETag": '"v2"'}, (bytes(len(WHOLE)),)),
    )


async def test_a_retry_transport_within_puts_no_other_version_in_the_place_of_a_rest(
    world: World, clock: FakeClock
) -> None:
    script = changing()
    within = world.transport(script, **options(clock))

    assert "another validator" in await failed(world, clock, within)
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("wish", "within_reads"),
    [
        ({"max_attempts": 3}, {"max_attempts": 3, "recover_body": False}),
        (RetryPolicy(max_attempts=3), RetryPolicy(max_attempts=3, recover_body=False)),
    ],
    ids=["fields", "policy"],
)
async def test_nor_does_one_whose_policy_the_request_names(
    world: World, clock: FakeClock, wish: Any, within_reads: Any
) -> None:
    script = changing()
    within = world.transport(script, **options(clock))
    extensions = {"retry": wish}

    with pytest.raises(httpx.ReadError) as caught:
        async with world.client(within, **options(clock)) as client:
            await client.get(extensions=extensions)

    assert caught.value is BREAK
    assert len(script.requests) == 3
    assert extensions == {"retry": wish}
    assert script.requests[-1].extensions["retry"] == within_reads


@pytest.mark.parametrize(
    "validator",
    [
        ETAG,
        {
            "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
            "Date": "Mon, 07 Nov 1994 08:49:37 GMT",
        },
    ],
    ids=["ETag", "Last-Modified"],
)
@pytest.mark.parametrize("level", [9, 1], ids=["the same bytes", "other bytes"])
async def test_a_text_that_is_compressed_anew_is_exact_or_the_original_error(
    world: World, clock: FakeClock, validator: dict[str, str], level: int
) -> None:
    # Given a server that compresses on the fly, and ends its stream properly where its source dies
    text = b"".join(b"line %d\n" % number for number in range(30_000))
    headers = {**validator, "Content-Encoding": "gzip"}
    half = gzip.compress(text[: len(text) // 2], 9, mtime=0)
    begun, whole = half[:-8], gzip.compress(text, level, mtime=0)
    cut = next(place for place in range(len(begun)) if begun[place] != whole[place])
    first = begun if level == 1 else whole[:cut]
    script = Script((200, headers, (first, BREAK)), (200, headers, (whole,)))

    if level == 1:
        note = await failed(world, clock, script)
        assert "its first bytes differ from those delivered" in note
    else:
        async with world.client(script, **options(clock)) as client:
            assert (await client.get()).content == text
    assert "Range" not in script.requests[1].headers


async def test_a_part_that_is_compressed_on_the_fly_is_not_spliced(
    world: World, clock: FakeClock
) -> None:
    # Given a server that takes a part of a file, and compresses it after that
    text = bytes(range(256)) * 2000
    packed = gzip.compress(text, mtime=0)
    headers = ETAG | {"Content-Encoding": "gzip", "Content-Range": "bytes 512-511999/512000"}
    rest = ETAG | {"Content-Encoding": "gzip", "Content-Range": "bytes 1012-511999/512000"}
    script = Script((206, headers, (packed[:500], BREAK)), (206, rest, (packed,)))

    note = await failed(world, clock, script, {"Range": "bytes=512-"})

    assert "a part that was not asked for" in note

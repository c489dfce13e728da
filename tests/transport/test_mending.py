"""A response body that breaks off is mended from its exact continuation, or not at all."""

from __future__ import annotations

import gc
import gzip
import io
import random
import weakref
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import anyio
import brotli
import httpx
import pytest
import urllib3
import zstandard

from httpx_retry import (
    BackoffContext,
    Outcome,
    RetryBudget,
    RetryEvent,
    RetryPolicy,
    StopReason,
    retry_history,
)
from tests.faults.lab import (
    Cut,
    Fin,
    GoAway,
    HTTP1Server,
    HTTP2Server,
    Last,
    Reply,
    ResetStream,
    Rst,
    Stall,
    client_context,
)
from tests.faults.lab.clients import leaves_upload_unfinished
from tests.worlds import OVER_HTTPX2, Stream, World

from .handlers import options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from httpx_retry.testing import FakeClock

BODY = random.Random(1).randbytes(300_000)
SMALL = b'{"answer": 42}'
ETAG = {"ETag": '"v1"'}
BREAK = httpx.ReadError("reset")


def parts(body: bytes, size: int = 10_000) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@dataclass
class Origin:
    """A server of one resource, whose responses break off where they are told to.

    Attributes:
        cuts: after how many bytes each response breaks, in order; then none does.
        change: called before each response but the first, to make the origin misbehave.
    """

    body: bytes = BODY
    headers: dict[str, str] = field(default_factory=lambda: dict(ETAG))
    cuts: list[int] = field(default_factory=lambda: [100_000])
    has_length: bool = True
    knows_ranges: bool = True
    change: Callable[[Origin, httpx.Request, httpx.Response], httpx.Response] | None = None
    requests: list[httpx.Request] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self.respond(request)
        if self.change is not None and len(self.requests) > 1:
            response = self.change(self, request, response)
        return response

    def respond(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("Range")
        fits = request.headers.get("If-Range") in (None, *self.headers.values())
        if asked is None or not self.knows_ranges or not fits:
            return self.answer(200, self.body, {})
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), int(last or len(self.body) - 1)
        if start >= len(self.body):
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(self.body)}"})
        span = {"Content-Range": f"bytes {start}-{end}/{len(self.body)}"}
        return self.answer(206, self.body[start : end + 1], span)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> httpx.Response:
        length = {"Content-Length": str(len(body))} if self.has_length else {}
        cut = self.cuts.pop(0) if self.cuts else None
        chunks: list[bytes | BaseException] = list(parts(body[:cut]))
        if cut is not None:
            chunks.append(httpx.ReadError(f"reset after {cut}"))
        stream = Stream(*chunks)
        self.streams.append(stream)
        return httpx.Response(status, headers=self.headers | headers | length, stream=stream)

    @property
    def ranges(self) -> list[str | None]:
        return [request.headers.get("Range") for request in self.requests]


class Fresh(Stream):
    """Breaks off with an error that nobody else holds."""

    def __iter__(self) -> Iterator[bytes]:
        yield bytes(1000)
        raise httpx.ReadError("reset")


async def download(world: World, clock: FakeClock, origin: Any, **more: Any) -> httpx.Response:
    request = {"method": "GET", "url": "http://test/"} | more.pop("request", {})
    async with world.client(origin, **options(clock, **more)) as client:
        return await client.request(**request)


async def test_the_rest_is_asked_for_by_range(world: World, clock: FakeClock) -> None:
    origin = Origin()
    response = await download(world, clock, origin)

    assert response.content == BODY
    assert response.status_code == 200
    assert origin.ranges == [None, "bytes=100000-"]
    assert origin.requests[1].headers["If-Range"] == '"v1"'
    assert clock.sleeps == [0.1]
    assert [stream.closed for stream in origin.streams] == [1, 1]
    assert response.num_bytes_downloaded == len(BODY)


async def test_the_history_grows_while_the_body_is_read(world: World, clock: FakeClock) -> None:
    origin = Origin(cuts=[100_000, 100_000])
    async with world.client(origin, **options(clock)) as client:
        response = await client.send(client.build_request("GET", "http://test/"), stream=True)
        assert retry_history(response) == ()
        await world.read(response)

    seen = [
        (a.number, a.status, a.error, a.wait is None, a.reason) for a in retry_history(response)
    ]
    assert seen[0][:4] == (1, 200, "ReadError", False)
    assert seen[1][:4] == (2, 206, "ReadError", False)
    assert seen[2] == (3, 206, None, True, StopReason.DONE)


async def test_it_goes_on_after_retries_that_came_before_the_body(
    world: World, clock: FakeClock
) -> None:
    failures: list[Any] = [httpx.Response(503), httpx.ConnectError("refused")]
    origin = Origin()

    def flaky(request: httpx.Request) -> httpx.Response:
        answer: Any = failures.pop(0) if failures else origin(request)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer

    response = await download(world, clock, flaky)

    assert response.content == BODY
    labels = [(a.number, a.status, a.error) for a in retry_history(response)]
    assert labels == [
        (1, 503, None),
        (2, None, "ConnectError"),
        (3, 200, "ReadError"),
        (4, 206, None),
    ]


async def test_the_attempt_that_breaks_off_began_when_it_was_sent(
    world: World, clock: FakeClock
) -> None:
    failures = [httpx.Response(503, headers={"Retry-After": "10"})]
    origin = Origin()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(1)
        return failures.pop() if failures else origin(request)

    response = await download(world, clock, slow)

    start = retry_history(response)[0].started
    times = [(attempt.started - start, attempt.elapsed) for attempt in retry_history(response)]
    assert times == [(0, 1), (11, 1), (pytest.approx(times[2][0]), 1)]
    assert times[2][0] >= 12


async def test_attempts_without_progress_are_counted(world: World, clock: FakeClock) -> None:
    origin = Origin(cuts=[1000] * 9)
    with pytest.raises(httpx.ReadError, match="reset after 1000") as caught:
        await download(world, clock, origin)

    assert len(origin.requests) == 4
    assert retry_history(caught.value)[-1].reason is StopReason.ATTEMPTS_EXHAUSTED
    assert [stream.closed for stream in origin.streams] == [1] * 4


async def test_progress_starts_the_count_anew(world: World, clock: FakeClock) -> None:
    body = random.Random(2).randbytes(2_000_000)
    origin = Origin(body=body, cuts=[70_000] * 20)

    assert (await download(world, clock, origin)).content == body
    assert len(origin.requests) == 21


async def test_a_hundred_sends_are_the_most(world: World, clock: FakeClock) -> None:
    body = bytes(70_000 * 120)
    origin = Origin(body=body, cuts=[70_000] * 200)
    with pytest.raises(httpx.ReadError):
        await download(world, clock, origin)

    assert len(origin.requests) == 100


async def test_a_small_body_is_whole_or_not_at_all(world: World, clock: FakeClock) -> None:
    origin = Origin(body=SMALL, headers={}, cuts=[5])
    async with world.client(origin, **options(clock)) as client:
        response = await client.send(client.build_request("GET", "http://test/"), stream=True)
        chunks = await world.raw_chunks(response)

    assert chunks == [SMALL]
    assert origin.ranges == [None, None]


async def first_chunks(world: World, stream: Any, count: int) -> list[bytes]:
    """Read so many, and leave it there, as when the last reference to it goes: nobody closes it."""
    if world.is_async:
        async with aclosing(aiter(stream)) as chunks:
            return [await anext(chunks) for _ in range(count)]
    with closing(iter(stream)) as chunks:
        return [next(chunks) for _ in range(count)]


async def test_a_small_body_that_is_left_midway_is_closed(world: World, clock: FakeClock) -> None:
    inner = Stream(b"first", b"rest")
    answer = httpx.Response(200, headers={"Content-Length": "9"}, stream=inner)
    transport = world.transport(lambda _: answer, **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))

    assert await first_chunks(world, response.stream, 1) == [b"first"]
    assert inner.closed == 1
    # What it was read from may be another request's by now.
    with pytest.raises(httpx.StreamConsumed):
        await world.read_stream(response)


# trio warns of each async generator that is left, this test's own beneath included.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_mended_body_that_is_left_midway_gives_its_tokens_back(
    world: World, clock: FakeClock
) -> None:
    origin, budget = Origin(cuts=[30_000]), RetryBudget()
    transport = world.transport(origin, **options(clock, budget=budget))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))

    # As one does that is closed, before so much of the rest has come that they were not in vain.
    await first_chunks(world, response.stream, 4)

    assert origin.ranges == [None, "bytes=30000-"]
    assert [stream.closed for stream in origin.streams] == [1, 1]
    assert budget.missing == {}


async def test_a_response_of_which_nothing_was_delivered_gives_way_to_another(
    world: World, clock: FakeClock
) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        fresh = {"ETag": '"v2"', "X-Other": "new", "Content-Length": "9"}
        return httpx.Response(
            200, headers=fresh, stream=Stream(b"version 2"), extensions={"mine": 2}
        )

    def note(response: httpx.Response) -> None:
        response.extensions.update(noted=True, mine=1)

    async def note_in_tasks(response: httpx.Response) -> None:
        note(response)

    # Given a server that does not say of which version a response is, and a hook,
    origin = Origin(cuts=[0], headers={"X-Other": "old", "Age": "7"}, change=change)
    transport = world.transport(origin, **options(clock))
    hooks = {"response": [note_in_tasks if world.is_async else note]}
    async with world.client_of(transport, event_hooks=hooks) as client:
        response = await client.get()

    assert response.content == b"version 2"
    assert response.headers["ETag"] == '"v2"'
    assert response.headers["Content-Length"] == "9"
    assert response.headers["X-Other"] == "new"
    assert "Age" not in response.headers
    assert response.extensions["mine"] == 2
    assert response.extensions["noted"]  # the hook's own


async def test_of_a_put_the_second_response_tells_which_version_is_there(
    world: World, clock: FakeClock
) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        response.headers["ETag"] = '"v2"'
        return response

    origin = Origin(cuts=[0], change=change)
    response = await download(world, clock, origin, request={"method": "PUT"})

    assert (response.content, response.headers["ETag"]) == (BODY, '"v2"')


def turned(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """A page in whose place another has come."""
    response.headers["Link"] = '</2>; rel="next"'
    response.headers["Set-Cookie"] = "sid=2"
    return response


PAGE = {"Link": '</1>; rel="next"', "Set-Cookie": "sid=1"}
WAYS = [
    (SMALL, 5, True, ETAG),
    (BODY, 0, True, {}),
    (BODY, 100_000, True, {}),
    (BODY, 100_000, False, {}),
]


@pytest.mark.parametrize(("body", "cut", "has_length", "etag"), WAYS)
async def test_the_headers_are_those_of_the_body_and_the_cookies_those_that_were_stored(  # noqa: PLR0917 - a table
    world: World, clock: FakeClock, body: bytes, cut: int, has_length: bool, etag: dict[str, str]
) -> None:
    origin = Origin(body, etag | PAGE, [cut], has_length=has_length, change=turned)
    async with world.client(origin, **options(clock)) as client:
        response = await client.get()

        assert response.content == body
        assert response.links["next"]["url"] == "/2"
        assert response.headers["Set-Cookie"] == "sid=1"
        assert dict(client.bare.cookies) == {"sid": "1"}


async def test_they_are_the_first_ones_where_a_rest_of_the_same_version_came(
    world: World, clock: FakeClock
) -> None:
    response = await download(world, clock, Origin(headers=ETAG | PAGE, change=turned))

    assert response.content == BODY
    assert response.links["next"]["url"] == "/1"
    assert response.headers["Content-Length"] == str(len(BODY))


async def test_and_where_what_came_was_not_the_same_after_all(
    world: World, clock: FakeClock
) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        headers = {"Content-Length": str(len(BODY)), "ETag": '"v2"'}
        return httpx.Response(200, headers=headers, stream=Stream(bytes(len(BODY))))

    async with world.client(Origin(headers=PAGE, change=change), **options(clock)) as client:
        response = await client.send(client.build_request("GET", "http://test/"), stream=True)
        with pytest.raises(httpx.ReadError):
            await world.read(response)

    assert "ETag" not in response.headers
    assert "Link" in response.headers


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (404, {}),
        (200, {"Content-Type": "text/html"}),
        (200, {"Content-Encoding": "gzip"}),
        (200, {"Location": "/x"}),
    ],
)
async def test_unless_the_client_has_acted_on_what_is_different(
    world: World, clock: FakeClock, status: int, headers: dict[str, str]
) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(status, headers=headers, stream=Stream(b"other"))

    origin = Origin(cuts=[0], change=change)
    with pytest.raises(httpx.ReadError, match="reset after 0") as caught:
        await download(world, clock, origin)

    assert retry_history(caught.value)[-1].reason is StopReason.BODY_NOT_RESUMABLE
    (note,) = caught.value.__notes__  # type: ignore[attr-defined] # PEP 678
    assert "body cannot be resumed: another status, Content-Type" in note


async def test_a_server_without_ranges_is_read_again_from_the_beginning(
    world: World, clock: FakeClock
) -> None:
    origin = Origin(knows_ranges=False)

    assert (await download(world, clock, origin)).content == BODY
    assert origin.ranges == [None, "bytes=100000-"]


@pytest.mark.parametrize("has_length", [True, False])
async def test_without_a_validator_the_first_bytes_have_to_be_the_same(
    world: World, clock: FakeClock, has_length: bool
) -> None:
    origin = Origin(headers={"ETag": 'W/"weak"'}, has_length=has_length)

    assert (await download(world, clock, origin)).content == BODY
    assert origin.ranges == [None, None]


async def test_a_date_that_has_settled_is_a_validator(world: World, clock: FakeClock) -> None:
    now = 1_700_000_000
    settled = {"Date": formatdate(now, usegmt=True), "Last-Modified": formatdate(now - 60)}
    fresh = settled | {"Last-Modified": formatdate(now - 59)}

    for headers, asked in ((settled, "bytes=100000-"), (fresh, None)):
        origin = Origin(headers=headers)
        assert (await download(world, clock, origin)).content == BODY
        assert origin.ranges == [None, asked]


@pytest.mark.parametrize("asked", ["bytes=5000-", "bytes=5000-250000"])
async def test_the_callers_own_range_is_gone_on_with(
    world: World, clock: FakeClock, asked: str
) -> None:
    origin = Origin()
    response = await download(world, clock, origin, request={"headers": {"Range": asked}})

    last = 250_000 if asked.endswith("250000") else len(BODY) - 1
    assert response.status_code == 206
    assert response.content == BODY[5000 : last + 1]
    assert origin.ranges == [asked, f"bytes=105000-{last}"]


async def test_a_server_that_forgets_ranges_halfway_is_skipped_through(
    world: World, clock: FakeClock
) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        origin.knows_ranges = False
        return origin.respond(request)

    origin = Origin(change=change)
    asked = {"headers": {"Range": "bytes=5000-250000"}}

    assert (await download(world, clock, origin, request=asked)).content == BODY[5000:250_001]


@pytest.mark.parametrize(
    ("coding", "compress"),
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.compress)],
)
async def test_compressed_bodies_are_gone_on_with_in_their_encoded_bytes(
    world: World, clock: FakeClock, coding: str, compress: Callable[[bytes], bytes]
) -> None:
    origin = Origin(body=compress(BODY), headers=ETAG | {"Content-Encoding": coding})

    response = await download(world, clock, origin)

    assert response.content == BODY
    assert origin.ranges == [None, "bytes=100000-"]


async def test_failures_on_the_way_are_retried_too(world: World, clock: FakeClock) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if len(origin.requests) == 2:
            return httpx.Response(503, headers={"Retry-After": "7"})
        if len(origin.requests) == 3:
            raise httpx.ConnectTimeout("slow")
        return origin.respond(request)

    origin = Origin(change=change)

    assert (await download(world, clock, origin)).content == BODY
    assert clock.sleeps == [0.1, 7.0, 0.4]


async def test_a_query_is_asked_again_as_a_whole(world: World, clock: FakeClock) -> None:
    origin = Origin()
    async with world.client(origin, **options(clock)) as client:
        response = await client.request("QUERY", "http://test/", content=b"select")

    assert response.content == BODY
    assert origin.ranges == [None, None]


class Query:
    """A body that can be read again."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"select"


class AsyncQuery:
    """The same in tasks."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"select"


async def test_a_query_is_asked_again_with_its_whole_body(world: World, clock: FakeClock) -> None:
    origin = Origin()
    async with world.client(origin, **options(clock)) as client:
        content = AsyncQuery() if world.is_async else Query()
        response = await client.request("QUERY", "http://test/", content=content)

    assert response.content == BODY
    assert [request.content for request in origin.requests] == [b"select"] * 2


KEY = {"Idempotency-Key": "k"}
MAY_RUN_TWICE: list[tuple[str, dict[str, str], RetryPolicy]] = [
    ("PUT", {}, RetryPolicy()),
    ("DELETE", {}, RetryPolicy()),
    ("POST", KEY, RetryPolicy()),
    ("POST", {}, RetryPolicy(methods=["POST"])),
    ("PATCH", {}, RetryPolicy(generate_idempotency_key=True)),
]


@pytest.mark.parametrize(("method", "headers", "policy"), MAY_RUN_TWICE)
@pytest.mark.parametrize(("body", "cut"), [(BODY, 0), (SMALL, 5)], ids=["none came", "held back"])
async def test_what_may_run_twice_is_sent_again_while_nothing_was_delivered(  # noqa: PLR0917 - a table
    world: World,
    clock: FakeClock,
    method: str,
    headers: dict[str, str],
    policy: RetryPolicy,
    body: bytes,
    cut: int,
) -> None:
    origin = Origin(body=body, cuts=[cut])
    async with world.client(origin, **options(clock, policy=policy)) as client:
        response = await client.request(method, "http://test/", headers=headers, content=b"ask")

    assert response.content == body
    assert [request.content for request in origin.requests] == [b"ask", b"ask"]
    assert origin.ranges == [None, None]
    first, second = (request.headers.get("Idempotency-Key") for request in origin.requests)
    assert first == second
    assert [each.error for each in retry_history(response)] == ["ReadError", None]


@pytest.mark.parametrize(("method", "headers", "policy"), MAY_RUN_TWICE)
async def test_unless_it_began_a_session_which_may_have_begun_twice(
    world: World, clock: FakeClock, method: str, headers: dict[str, str], policy: RetryPolicy
) -> None:
    origin = Origin(headers=PAGE, cuts=[0], change=turned)
    async with world.client(origin, **options(clock, policy=policy)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.request(method, "http://test/", headers=headers)

    (note,) = caught.value.__notes__  # type: ignore[attr-defined] # PEP 678
    assert "another Set-Cookie" in note


@pytest.mark.parametrize(("method", "headers", "policy"), MAY_RUN_TWICE)
async def test_but_not_once_a_part_was_delivered(
    world: World, clock: FakeClock, method: str, headers: dict[str, str], policy: RetryPolicy
) -> None:
    origin = Origin()
    async with world.client(origin, **options(clock, policy=policy)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.request(method, "http://test/", headers=headers)

    assert len(origin.requests) == 1
    (note,) = caught.value.__notes__  # type: ignore[attr-defined] # PEP 678
    assert f"delivered, and another {method} may be answered differently" in note


@pytest.mark.parametrize(
    ("headers", "policy"),
    [({}, RetryPolicy()), (KEY, RetryPolicy(recover_body=False))],
    ids=["may not run twice", "recover_body"],
)
async def test_other_posts_are_not_sent_again(
    world: World, clock: FakeClock, headers: dict[str, str], policy: RetryPolicy
) -> None:
    origin = Origin(cuts=[0])
    async with world.client(origin, **options(clock, policy=policy)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.request("POST", "http://test/", headers=headers)
    assert len(origin.requests) == 1
    assert retry_history(caught.value) == ()


@pytest.mark.parametrize("method", ["PUT", "QUERY"])
@pytest.mark.parametrize("is_form", [True, False])
async def test_a_file_that_was_closed_meanwhile_is_not_sent_again(
    world: World, clock: FakeClock, method: str, is_form: bool
) -> None:
    file = io.BytesIO(b"a file")
    origin = Origin(cuts=[0])
    async with world.client(origin, **options(clock)) as client:
        # Tasks send a file in a form alone.
        is_form = is_form or world.is_async
        body: dict[str, Any] = {"files": {"f": file}} if is_form else {"content": file}
        request = client.build_request(method, "http://test/", **body)
        response = await client.send(request, stream=True)
        file.close()
        with pytest.raises(httpx.ReadError, match="reset after 0") as caught:
            await world.read(response)

    assert len(origin.requests) == 1
    assert retry_history(caught.value)[-1].reason is StopReason.BODY_NOT_REPLAYABLE


@pytest.mark.parametrize(
    "policy",
    [
        RetryPolicy(recover_body=False),
        RetryPolicy(methods=["PUT"]),
        RetryPolicy(max_attempts=1),
        RetryPolicy(max_elapsed=0.05),
        RetryPolicy(retry_if=lambda outcome: False if outcome.error else None),
    ],
    ids=["recover_body", "methods", "max_attempts", "max_elapsed", "retry_if"],
)
async def test_the_policy_has_its_say(world: World, clock: FakeClock, policy: RetryPolicy) -> None:
    origin = Origin()
    with pytest.raises(httpx.ReadError):
        await download(world, clock, origin, policy=policy)
    assert len(origin.requests) == 1


async def test_retry_if_is_not_asked_about_a_part_of_what_it_has_judged(
    world: World, clock: FakeClock
) -> None:
    judged: list[int | None] = []

    def is_bad(outcome: Outcome) -> bool | None:
        judged.append(outcome.status)
        return None if outcome.error else outcome.status != 200

    origin = Origin()
    response = await download(world, clock, origin, policy=RetryPolicy(retry_if=is_bad))

    assert response.content == BODY
    assert origin.ranges == [None, "bytes=100000-"]
    assert judged == [200, None]


async def test_a_part_is_not_read_before_it_is_judged(world: World, clock: FakeClock) -> None:
    theirs = RetryPolicy.from_urllib3(urllib3.Retry(3, status_forcelist=[206, 503]))
    origin = Origin()
    response = await download(world, clock, origin, policy=theirs.replace(read_body=True))

    assert response.content == BODY
    assert origin.ranges == [None, "bytes=100000-"]


async def test_one_request_may_differ(world: World, clock: FakeClock) -> None:
    for wish in (False, {"recover_body": False}):
        origin = Origin()
        with pytest.raises(httpx.ReadError):
            await download(world, clock, origin, request={"extensions": {"retry": wish}})
        assert len(origin.requests) == 1


async def test_events_are_never_replayed(world: World, clock: FakeClock) -> None:
    origin = Origin(headers=ETAG | {"Content-Type": "text/event-stream; charset=utf-8"})
    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, origin)
    assert len(origin.requests) == 1
    assert "events were delivered" in caught.value.__notes__[0]  # type: ignore[attr-defined]


async def test_a_body_without_validator_is_remembered_up_to_16_mib(
    world: World, clock: FakeClock
) -> None:
    origin = Origin(body=bytes((1 << 24) + 20_000), headers={}, cuts=[(1 << 24) + 10_000])
    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, origin)
    assert len(origin.requests) == 1
    assert "more than 16 MiB" in caught.value.__notes__[0]  # type: ignore[attr-defined]


async def test_a_bug_in_a_stream_passes_through_untouched(world: World, clock: FakeClock) -> None:
    bug = KeyError("checksum")
    with pytest.raises(KeyError) as caught:
        await download(world, clock, lambda request: httpx.Response(200, stream=Stream(b"x", bug)))
    assert caught.value is bug
    assert retry_history(bug) == ()


@leaves_upload_unfinished  # the generators of httpx's own between the caller and the stream
async def test_closing_early_releases_what_is_in_use_once(world: World, clock: FakeClock) -> None:
    origin = Origin(cuts=[100_000])
    async with world.client(origin, **options(clock)) as client:
        response = await client.send(client.build_request("GET", "http://test/"), stream=True)
        seen = 0
        if world.is_async:
            chunks: Any = response.aiter_raw()
            async with aclosing(chunks):
                while seen < 150_000:
                    seen += len(await anext(chunks))
        else:
            sync_chunks = response.iter_raw()
            while seen < 150_000:
                seen += len(next(sync_chunks))
        # httpx2 closes an async iteration that is left early, all the way down.
        left = 1 if OVER_HTTPX2 and world.is_async else 0
        assert [stream.closed for stream in origin.streams] == [1, left]
        await world.close(response)
        await world.close(response)

    assert [stream.closed for stream in origin.streams] == [1, 1]


async def test_a_mock_that_gives_the_very_same_response_again_is_not_believed(
    world: World, clock: FakeClock
) -> None:
    answer = httpx.Response(200, headers=ETAG, stream=Fresh())
    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, lambda request: answer)
    assert "the very same response" in caught.value.__notes__[0]  # type: ignore[attr-defined]


async def test_closing_unread_releases_it_once(world: World, clock: FakeClock) -> None:
    origin = Origin(cuts=[])
    async with world.client(origin, **options(clock)) as client:
        response = await client.send(client.build_request("GET", "http://test/"), stream=True)
        await world.close(response)
    assert [stream.closed for stream in origin.streams] == [1]


@pytest.mark.parametrize("kind", ["retry-scheduled", "body-resumed", "gave-up"])
async def test_a_hook_that_raises_leaves_nothing_open(
    world: World, clock: FakeClock, kind: str
) -> None:
    class Mine(Exception):  # noqa: N818 - a hook's own
        pass

    def on_event(event: RetryEvent) -> None:
        if event.kind == kind:
            raise Mine

    origin = Origin(cuts=[1000, 1000, 1000, 1000] if kind == "gave-up" else [1000])
    with pytest.raises(Mine):
        await download(world, clock, origin, on_event=on_event)

    assert {stream.closed for stream in origin.streams} == {1}


async def test_events_tell_of_the_recovery(world: World, clock: FakeClock) -> None:
    kinds: list[str] = []
    await download(world, clock, Origin(), on_event=lambda event: kinds.append(event.kind))

    assert kinds == ["retry-scheduled", "body-resumed"]


async def test_prepare_sees_the_range(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        request.headers["Signature"] = f"{request.headers['Range']} {number}"

    origin = Origin()
    await download(world, clock, origin, prepare=prepare)

    assert origin.requests[1].headers["Signature"] == "bytes=100000- 2"
    assert "Range" not in origin.requests[0].headers


async def test_no_error_is_left_in_a_cycle(world: World, clock: FakeClock) -> None:
    async def fail() -> weakref.ref[httpx.ReadError]:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, headers=ETAG, stream=Fresh())

        try:
            await download(world, clock, answer)
        except httpx.ReadError as error:
            return weakref.ref(error)
        raise AssertionError("the body was mended")

    gc.collect()
    gc.disable()
    try:
        assert (await fail())() is None
    finally:
        gc.enable()


@dataclass
class Server:
    """A protocol of the lab, and what breaks its bodies off."""

    kind: Any
    ending: Any


ENDINGS = [
    Server(HTTP1Server, Fin()),
    Server(HTTP1Server, Rst()),
    Server(HTTP2Server, Fin()),
    Server(HTTP2Server, ResetStream()),
    Server(HTTP2Server, GoAway(Last.AT)),
    Server(HTTP2Server, GoAway(Last.MAX, then=Stall())),
]


@pytest.mark.parametrize(
    "server", ENDINGS, ids=lambda server: f"{server.kind.__name__} {server.ending!r}"
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_on_real_sockets(
    world: World, clock: FakeClock, server: Server, chunked: bool
) -> None:
    body = BODY[:30_000]
    whole = Reply(200, body, chunked=chunked)
    with server.kind([Cut(whole, 12_345, server.ending), whole]) as running:
        async with world.client(
            None, http2=True, verify=client_context(), trust_env=False, **options(clock)
        ) as client:
            response = await client.get(running.url)

    assert response.content == body
    assert [a.status for a in retry_history(response)] == [200, 200]


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (203, ETAG, "status 203"),
        (200, ETAG | {"Content-Length": "7"}, "another length"),
        (200, {"ETag": '"v2"'}, "another validator"),
        (
            206,
            ETAG | {"Content-Range": "bytes 100000-299999/300000", "Content-Length": "7"},
            "contradicts",
        ),
        (206, ETAG | {"Content-Range": "bytes 0-299999/300000"}, "0-299999 where 100000-299999"),
        (206, ETAG | {"Content-Type": "multipart/byteranges; boundary=x"}, "no single"),
    ],
)
async def test_the_note_says_which_check_failed(
    world: World, clock: FakeClock, status: int, headers: dict[str, str], why: str
) -> None:
    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(status, headers=headers, stream=Stream(b"not this"))

    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, Origin(change=change))

    assert why in caught.value.__notes__[0]  # type: ignore[attr-defined] # PEP 678


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "multipart/byteranges; boundary=x"} | ETAG]
)
async def test_parts_that_are_several_or_not_told_are_not_gone_on_with(
    world: World, clock: FakeClock, headers: dict[str, str]
) -> None:
    requests: list[httpx.Request] = []

    def parts(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(206, headers=headers, stream=Stream(b"part", httpx.ReadError("")))

    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, parts)

    assert len(requests) == 1
    assert "several, or not told" in caught.value.__notes__[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("cuts", [(100_000,), (1000,) * 9])
async def test_a_stream_whose_response_is_gone_is_mended_too(
    world: World, clock: FakeClock, cuts: tuple[int, ...]
) -> None:
    transport = world.transport(Origin(cuts=list(cuts)), **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    stream: Any = response.stream
    del response
    received = []
    try:
        received = [chunk async for chunk in stream] if world.is_async else list(stream)
    except httpx.ReadError:
        assert len(cuts) > 1
    else:
        assert b"".join(received) == BODY


async def test_a_stream_that_is_no_generator_can_be_left(world: World, clock: FakeClock) -> None:
    class Plain:
        """Has nothing to close."""

        def __init__(self) -> None:
            self._chunks = iter([b"other bytes", b"more"])

        def __iter__(self) -> Plain:
            return self

        def __next__(self) -> bytes:
            return next(self._chunks)

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> bytes:
            return next(self._chunks)

    class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Any:
            return Plain()

        def __aiter__(self) -> Any:
            return Plain()

    def change(origin: Origin, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Length": "300000"}, stream=Chunks())

    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, Origin(headers={}, cuts=[5], change=change))

    assert "first bytes differ" in caught.value.__notes__[0]  # type: ignore[attr-defined]


async def test_a_stream_that_broke_off_cannot_be_read_again(world: World, clock: FakeClock) -> None:
    transport = world.transport(Origin(cuts=[100_000] * 9, knows_ranges=False), **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    with pytest.raises(httpx.ReadError):
        await world.read_stream(response)
    for _ in range(2):
        with pytest.raises(httpx.StreamConsumed):
            await world.read_stream(response)


async def test_ranges_are_for_a_caller_who_gets(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        request.method = "GET"

    origin = Origin()
    failing = iter([httpx.Response(503)])

    def serve(request: httpx.Request) -> httpx.Response:
        return next(failing, None) or origin(request)

    query = {"method": "QUERY", "url": "http://test/"}
    async with world.client(serve, **options(clock, prepare=prepare)) as client:
        response = await client.send(client.build_request(**query))

    assert response.content == BODY
    assert origin.ranges == [None, None]


async def test_lines_are_mended_like_bytes(world: World, clock: FakeClock) -> None:
    lines = [f"line {number}" for number in range(20_000)]
    origin = Origin(body="\n".join(lines).encode())
    async with world.client(origin, **options(clock)) as client:
        response = await client.send(client.build_request("GET", "http://test/"), stream=True)
        if world.is_async:
            received = [line async for line in response.aiter_lines()]
        else:
            received = list(response.iter_lines())

    assert received == lines


async def test_a_redirect_is_followed_to_a_body_that_is_mended(
    world: World, clock: FakeClock
) -> None:
    origin = Origin()

    def moved(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/old":
            return httpx.Response(302, headers={"Location": "/new"})
        return origin(request)

    asked = {"url": "http://test/old", "follow_redirects": True}
    response = await download(world, clock, moved, request=asked)

    assert response.content == BODY
    assert [str(request.url) for request in origin.requests] == ["http://test/new"] * 2


async def test_time_counts_while_it_is_spent_on_the_recovery(
    world: World, clock: FakeClock
) -> None:
    # Reading takes long, and each recovery 0.1 s of waiting: three of them fit, the fourth not.
    class Slow(Origin):
        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> httpx.Response:
            clock.advance(0.05)
            return super().answer(status, body, headers)

    body = bytes(1_000_000)
    origin = Slow(body=body, cuts=[70_000] * 9)
    with pytest.raises(httpx.ReadError) as caught:
        await download(world, clock, origin, policy=RetryPolicy(max_elapsed=0.5))

    assert retry_history(caught.value)[-1].reason is StopReason.DEADLINE
    assert len(origin.requests) == 4


@leaves_upload_unfinished  # the generators of httpx's own between the caller and the stream
@pytest.mark.parametrize("when", ["reading", "waiting"])
async def test_a_cancellation_releases_what_is_in_use_once_and_is_not_swallowed(
    async_world: World, when: str
) -> None:
    class Hanging(Stream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"some"
            if when == "waiting":
                raise httpx.ReadError("reset")
            scope.cancel()
            await anyio.sleep_forever()

    def wait_for_ever(context: BackoffContext) -> float:
        scope.cancel()
        return 3600.0

    hanging = Hanging()
    policy = RetryPolicy(backoff=wait_for_ever)
    transport = async_world.transport(
        lambda request: httpx.Response(200, headers=ETAG, stream=hanging), policy=policy
    )
    async with httpx.AsyncClient(transport=transport) as client:
        with anyio.CancelScope() as scope:
            await client.get("http://test/")
            raise AssertionError("the cancellation was swallowed")

    assert scope.cancelled_caught
    assert hanging.closed == 1


async def test_a_response_that_is_given_again_is_wrapped_once(
    world: World, clock: FakeClock
) -> None:
    stream = Stream(b"x")
    answer = httpx.Response(200, stream=stream)
    transport = world.transport(lambda request: answer, **options(clock))

    for _ in range(3):
        await world.handle(transport, httpx.Request("GET", "http://test/"))

    layer: Any = answer.stream
    assert layer.inner is stream


async def test_one_that_is_closed_while_it_breaks_off_is_not_asked_for_again(
    world: World, clock: FakeClock
) -> None:
    class Closing(httpx.Headers):
        """Stands for another thread, which may come at any time: after the first look, say."""

        @property
        def raw(self) -> list[tuple[bytes, bytes]]:
            with suppress(StopIteration):
                stream.aclose().send(None) if world.is_async else stream.close()
            return super().raw

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer

    requests: list[httpx.Request] = []
    answer = httpx.Response(200, stream=Stream(b"a", BREAK))
    answer.headers = Closing({"Content-Length": "2"})
    transport = world.transport(handler, **options(clock))
    stream: Any = (await world.handle(transport, httpx.Request("GET", "http://test/"))).stream

    with pytest.raises(httpx.ReadError):
        [chunk async for chunk in stream] if world.is_async else list(stream)
    assert len(requests) == 1

"""Request bodies: sent again whole, from where they stood, or not at all."""

from __future__ import annotations

import gc
import io
import os
import random
import re
import tempfile
import weakref
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from httpx_retry import RetryPolicy, StopReason, retry_history
from tests.faults.lab import (
    Early,
    GoAway,
    HTTP1Server,
    HTTP2Server,
    Last,
    Reply,
    Rst,
    client_context,
)
from tests.faults.lab.clients import leaves_upload_unfinished
from tests.worlds import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from httpx_retry.testing import FakeClock

BODY = bytes(range(256)) * 600  # more than one chunk of httpx's
THREADS = World()
KEEP = RetryPolicy(replay_buffer=len(BODY))


def generator() -> Iterator[bytes]:
    yield BODY[:1000]
    yield BODY[1000:]


async def async_generator() -> AsyncIterator[bytes]:
    for part in generator():
        yield part


class Again:
    """Gives the body each time that it is read."""

    def __iter__(self) -> Iterator[bytes]:
        return generator()


class AsyncAgain:
    """The same in tasks."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return async_generator()


class Disguised:
    """Looks as if it could be read again, and hides one iterator."""

    def __init__(self) -> None:
        self._parts = generator()

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


class AsyncDisguised:
    """The same in tasks."""

    def __init__(self) -> None:
        self._parts = async_generator()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts


class Shrinking:
    """Gives less each time that it is read."""

    def __init__(self) -> None:
        self._left = 3

    def __iter__(self) -> Iterator[bytes]:
        self._left -= 1
        yield b"x" * self._left


class AsyncShrinking:
    """The same in tasks."""

    def __init__(self) -> None:
        self._parts = Shrinking()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


class Growing:
    """A log that is written to: it gives a line more each time that it is read."""

    def __init__(self) -> None:
        self._lines = 0

    def __iter__(self) -> Iterator[bytes]:
        self._lines += 1
        for _ in range(self._lines):
            yield b"line\n"


class AsyncGrowing:
    """The same in tasks."""

    def __init__(self) -> None:
        self._parts = Growing()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


class Breaking:
    """Raises when it is read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield b"x"
        raise self._error


class AsyncBreaking:
    """The same in tasks."""

    def __init__(self, error: Exception) -> None:
        self._parts = Breaking(error)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


def one_shot(world: World) -> Any:
    return async_generator() if world.is_async else generator()


class ReadOnce:
    """A file-like object that cannot be sought."""

    def __init__(self) -> None:
        self._file = io.BytesIO(BODY)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def __iter__(self) -> Iterator[bytes]:
        return self._file


class AsyncFile:
    """A file-like object of the async world."""

    def __init__(self) -> None:
        self._file = io.BytesIO(BODY)

    async def aread(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("httpx reads it")


def file_at_offset() -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the test closes it
    file.write(b"not this" + BODY)
    file.seek(8)
    return file


def aiter_or_iter(source: Any) -> Any:
    return source.__aiter__() if hasattr(source, "__aiter__") else iter(source)


def length(size: int) -> dict[str, str]:
    return {"Content-Length": str(size)}


async def put(
    world: World,
    clock: FakeClock,
    *,
    policy: RetryPolicy | None = None,
    script: tuple[Any, ...] = (Reply(503), Reply(503)),
    **request: Any,
) -> tuple[httpx.Response, list[bytes]]:
    """PUT to a server that fails twice; the bodies that it read in full."""
    options: dict[str, Any] = {"clock": clock, "policy": policy or RetryPolicy()}
    with HTTP1Server(script) as server:
        async with world.client(None, trust_env=False, **options) as client:
            request["headers"] = {"x-id": "put", **request.get("headers", {})}
            response = await client.request("PUT", server.url, **request)
    return response, [received.body for received in server.processed["put"]]


@pytest.mark.parametrize("request_body", [{"json": {"a": 1}}, {"data": {"a": "1"}}], ids=str)
async def test_what_httpx_keeps_in_memory_is_replayed(
    world: World, clock: FakeClock, request_body: dict[str, Any]
) -> None:
    response, bodies = await put(world, clock, **request_body)

    assert response.status_code == 200
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


async def test_what_can_be_iterated_again_is_replayed(world: World, clock: FakeClock) -> None:
    response, bodies = await put(world, clock, content=AsyncAgain() if world.is_async else Again())

    assert response.status_code == 200
    assert bodies == [BODY] * 3


def test_a_file_is_replayed_from_where_it_stood(clock: FakeClock) -> None:
    """In threads alone: an httpx.AsyncClient takes no such file."""
    file = file_at_offset()

    async def body() -> None:
        response, bodies = await put(THREADS, clock, content=file, headers=length(len(BODY)))
        assert response.status_code == 200
        assert bodies == [BODY] * 3

    THREADS.run(body)
    assert not file.closed
    file.close()


async def test_a_form_of_several_files_is_replayed(
    world: World, clock: FakeClock, tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(BODY)
    with path.open("rb") as on_disk:
        on_disk.seek(5)
        files = {"disk": on_disk, "memory": io.BytesIO(b"in memory"), "bytes": b"bytes"}
        response, bodies = await put(world, clock, files=files, data={"field": "value"})
        assert not on_disk.closed

    assert response.status_code == 200
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert BODY in bodies[0]
    assert b"in memory" in bodies[0]


def one_shots(world: World) -> list[Callable[[], Any]]:
    if world.is_async:
        return [async_generator, AsyncDisguised, AsyncFile]
    return [generator, lambda: map(bytes, [BODY]), lambda: iter([BODY]), Disguised, ReadOnce]


async def test_what_can_be_read_once_is_sent_once(world: World, clock: FakeClock) -> None:
    for make in one_shots(world):
        response, bodies = await put(world, clock, content=make())

        assert response.status_code == 503
        assert bodies == [BODY]
        assert retry_history(response)[0].reason is StopReason.BODY_NOT_REPLAYABLE


async def test_another_hop_is_not_sent_what_is_left_of_it(world: World, clock: FakeClock) -> None:
    for make in one_shots(world):
        with HTTP1Server([Reply(307, headers={"location": "/next"})]) as server:
            async with world.client(None, clock=clock, trust_env=False) as client:
                request = client.build_request("PUT", f"{server.url}/first", content=make())
                with pytest.raises(httpx.StreamConsumed) as caught:
                    await client.send(request, follow_redirects=True)

        assert [received.body for received in server.processed.pop("/first")] == [BODY]
        assert server.processed == {}
        assert retry_history(caught.value) == ()


class Refilled:
    """An iterator that gives more once it has ended."""

    def __init__(self) -> None:
        self._parts = [b"first", b"", b"second", b""]

    def __iter__(self) -> Refilled:
        return self

    def __next__(self) -> bytes:
        part = self._parts.pop(0)
        if not part:
            raise StopIteration
        return part


class AsyncRefilled:
    """The same in tasks."""

    def __init__(self) -> None:
        self._parts = Refilled()

    def __aiter__(self) -> AsyncRefilled:
        return self

    async def __anext__(self) -> bytes:
        for part in self._parts:
            return part
        raise StopAsyncIteration


async def test_what_gives_more_is_sent_as_it_is(world: World, clock: FakeClock) -> None:
    with HTTP1Server([Reply(307, headers={"location": "/next"})]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            body = AsyncRefilled() if world.is_async else Refilled()
            request = client.build_request("PUT", server.url, content=body)
            assert (await client.send(request, follow_redirects=True)).status_code == 200

    bodies = [received.body for each in server.processed.values() for received in each]
    assert bodies == [b"first", b"second"]


async def test_another_hop_has_what_was_read_and_not_what_was_put_in_its_place(
    world: World, clock: FakeClock
) -> None:
    class Packing(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return self._pack(request, request.read())

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return self._pack(request, await request.aread())

        def _pack(self, request: httpx.Request, body: bytes) -> httpx.Response:
            received.append(body)
            request.stream = httpx.ByteStream(b"packed")
            status = 200 if request.url.path == "/there" else 307
            return httpx.Response(status, headers={"location": "/there"})

    received: list[bytes] = []
    async with world.client_of(world.transport(Packing(), clock=clock)) as client:
        request = client.build_request("PUT", "http://test/", content=one_shot(world))
        response = await client.send(request, follow_redirects=True)

    assert response.status_code == 200
    assert received == [BODY, BODY]


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_another_hop_has_what_an_app_or_a_mock_has_read(
    world: World, clock: FakeClock, method: str, layers: int
) -> None:
    received: list[bytes] = []

    def read(request: httpx.Request) -> httpx.Response:
        received.append(request.content)
        is_there = request.url.path == "/there"
        return httpx.Response(200 if is_there else 307, headers={"location": "/there"})

    again = AsyncAgain if world.is_async else Again
    bodies: list[dict[str, Any]] = [{"content": make()} for make in (again, *one_shots(world))]
    for body in (*bodies, {"files": {"file": ReadOnce()}}):
        transport: Any = httpx.MockTransport(read)
        for _ in range(layers):
            transport = world.transport(transport, clock=clock)
        async with world.client_of(transport) as client:
            response = await client.request(method, "http://test/", follow_redirects=True, **body)

        assert received.pop().count(BODY) == 1
        assert received.pop() == response.request.content == response.history[0].request.content


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_what_nobody_has_read_stays_unread(
    world: World, clock: FakeClock, method: str
) -> None:
    with HTTP1Server([Reply(307, headers={"location": "/next"})]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            response = await client.request(method, server.url, content=BODY, follow_redirects=True)

    assert [received.body for received in server.processed["/next"]] == [BODY]
    with pytest.raises(httpx.RequestNotRead):
        _ = response.request.content


async def test_nor_does_another_hop_have_what_prepare_put_in_its_place(
    world: World, clock: FakeClock
) -> None:
    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        return httpx.Request(request.method, request.url, content=another())

    def read(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(503)

    again, another = (AsyncAgain, AsyncGrowing) if world.is_async else (Again, Growing)
    async with world.client(read, clock=clock, prepare=prepare) as client:
        request = client.build_request("PUT", "http://test/", content=again())
        stream = request.stream
        await client.send(request)

    assert request.stream is stream


async def test_what_was_sent_is_not_kept_while_the_next_send_is_waited_for(
    world: World, clock: FakeClock
) -> None:
    sent: list[weakref.ref[httpx.Request]] = []
    kept: list[httpx.Request | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(weakref.ref(request))
        return httpx.Response(429 if len(sent) == 1 else 200)

    def prepare(request: httpx.Request, number: int) -> None:
        gc.collect()
        kept.append(sent[0]())

    # A deadline makes a copy of each.
    policy = RetryPolicy(max_elapsed=60)
    async with world.client(answer, clock=clock, policy=policy, prepare=prepare) as client:
        await client.post()

    assert kept == [None]


def test_a_pipe_is_sent_once(clock: FakeClock) -> None:
    readable, writable = os.pipe()
    os.write(writable, b"through a pipe")
    os.close(writable)

    async def body() -> None:
        response, bodies = await put(THREADS, clock, content=pipe, headers=chunked)
        assert (response.status_code, bodies) == (503, [b"through a pipe"])

    chunked = {"Transfer-Encoding": "chunked"}
    with os.fdopen(readable, "rb") as pipe:
        THREADS.run(body)


async def test_a_form_with_a_pipe_is_sent_once(world: World, clock: FakeClock) -> None:
    response, bodies = await put(world, clock, files={"file": ReadOnce()})

    assert response.status_code == 503
    assert len(bodies) == 1
    assert BODY in bodies[0]


class Own(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream of the user's own: nothing tells whether it could be read again."""

    def __iter__(self) -> Iterator[bytes]:
        return generator()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


class Empty(Own):
    """One that gives nothing."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


@pytest.mark.parametrize(("stream", "sent"), [(Own, [BODY]), (Empty, [b""] * 4)])
async def test_a_stream_of_the_users_own_is_sent_once_unless_it_gave_nothing(
    world: World, clock: FakeClock, stream: type[Own], sent: list[bytes]
) -> None:
    bodies: list[bytes] = []

    def read(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(503)

    async with world.client(read, clock=clock) as client:
        await client.send(httpx.Request("PUT", "http://test/", stream=stream()))

    assert bodies == sent


async def test_a_replay_buffer_makes_what_can_be_read_once_replayable(
    world: World, clock: FakeClock
) -> None:
    for make in one_shots(world):
        response, bodies = await put(world, clock, content=make(), policy=KEEP)

        assert response.status_code == 200
        assert bodies == [BODY] * 3


async def test_a_body_beyond_the_buffer_is_sent_once(world: World, clock: FakeClock) -> None:
    policy = RetryPolicy(replay_buffer=len(BODY) - 1)
    content = one_shot(world)

    response, bodies = await put(world, clock, content=content, policy=policy)

    assert (response.status_code, bodies) == (503, [BODY])


async def test_a_large_buffer_is_a_file_that_is_closed(world: World, clock: FakeClock) -> None:
    part = b"x" * 700_000

    def parts() -> Iterator[bytes]:
        yield from (part, part, part)

    async def async_parts() -> AsyncIterator[bytes]:
        for each in parts():
            yield each

    content = async_parts() if world.is_async else parts()
    policy = RetryPolicy(replay_buffer=4_000_000)
    response, bodies = await put(world, clock, content=content, policy=policy)

    assert response.status_code == 200
    assert bodies == [part * 3] * 3


async def test_a_body_that_shrinks_is_not_called_complete(world: World, clock: FakeClock) -> None:
    content = AsyncShrinking() if world.is_async else Shrinking()
    with HTTP1Server([Reply(503)]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            with pytest.raises(httpx.RemoteProtocolError, match="2 bytes, and 1 when read again"):
                await client.request("PUT", server.url, content=content)

    assert [received.body for received in server.processed["/"]] == [b"xx"]


async def test_what_a_body_has_grown_by_is_not_sent(world: World, clock: FakeClock) -> None:
    content = AsyncGrowing() if world.is_async else Growing()
    with HTTP1Server([Reply(503), Reply(503), Reply()]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            assert (await client.request("PUT", server.url, content=content)).status_code == 200

    assert [received.body for received in server.processed["/"]] == [b"line\n"] * 3


@pytest.mark.parametrize("keeps", [False, True])
async def test_httpcores_own_resend_is_whole_or_refused(
    world: World, clock: FakeClock, keeps: bool
) -> None:
    options: dict[str, Any] = {"clock": clock, "policy": KEEP if keeps else RetryPolicy()}
    content = one_shot(world)
    with HTTP2Server([Reply(), GoAway(Last.BELOW)]) as server:
        context = client_context()
        async with world.client(
            None, verify=context, http2=True, trust_env=False, **options
        ) as client:
            await client.get(server.url)
            request = client.build_request(
                "POST", server.url, content=content, headers={"x-id": "post"}
            )
            if keeps:
                assert (await client.send(request)).status_code == 200
            else:
                with pytest.raises(httpx.RemoteProtocolError, match="was read already") as caught:
                    await client.send(request)
                history = retry_history(caught.value)
                assert [a.reason for a in history] == [StopReason.BODY_NOT_REPLAYABLE]

    processed = [received.body for received in server.processed.get("post", [])]
    assert processed == ([BODY] if keeps else [])


@pytest.mark.parametrize("error", [OSError("disk"), httpx.ReadError("another server's")], ids=repr)
async def test_what_a_body_raises_is_the_callers_own(
    world: World, clock: FakeClock, error: Exception
) -> None:
    kind: Any = AsyncBreaking if world.is_async else Breaking
    for content in (kind(error), aiter_or_iter(kind(error))):
        with HTTP1Server() as server:
            async with world.client(None, clock=clock, trust_env=False) as client:
                with pytest.raises(type(error)) as caught:
                    await client.request("PUT", server.url, content=content)
        assert caught.value is error
        assert server.processed == {}
        assert retry_history(error) == ()


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_mock_that_reads_the_body_changes_nothing(
    world: World, clock: FakeClock, keeps: bool
) -> None:
    bodies: list[bytes] = []

    def read(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(503)

    policy = KEEP if keeps else RetryPolicy()
    async with world.client(read, clock=clock, policy=policy) as client:
        response = await client.request("PUT", "http://test/", content=one_shot(world))

    assert bodies == [BODY] * (4 if keeps else 1)
    reason = StopReason.ATTEMPTS_EXHAUSTED if keeps else StopReason.BODY_NOT_REPLAYABLE
    assert retry_history(response)[-1].reason is reason


class Editing(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A wrapped transport that changes the request which it is given, in place."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(path="/v1" + request.url.path)
        self.urls.append(str(request.url))
        if "x-pack" in request.headers:
            request.stream = httpx.ByteStream(b"packed " + request.read())
        self.bodies.append(b"".join(request.stream))  # type: ignore[arg-type] # a ByteStream
        return httpx.Response(503)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_what_a_wrapped_transport_changes_in_place_is_not_changed_twice(
    world: World, clock: FakeClock, method: str
) -> None:
    policy = RetryPolicy(methods=["PUT", "POST"])
    plain, packing = Editing(), Editing()
    for transport, headers in ((plain, {}), (packing, {"x-pack": "yes"})):
        async with world.client(transport, clock=clock, policy=policy) as client:
            await client.request(method, "http://test/a", content=b"body", headers=headers)

    assert plain.urls == ["http://test/v1/a"] * 4
    assert plain.bodies == [b"body"] * 4
    # Another body has taken the place of ours: it is not handed in to be packed once more.
    assert packing.bodies == [b"packed body"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_the_same_bytes_in_another_stream_are_the_same_body(
    world: World, clock: FakeClock, method: str
) -> None:
    # Given a wrapped transport that reads the body and puts it back, as vcrpy does
    def record(request: httpx.Request) -> httpx.Response:
        request.stream = httpx.ByteStream(b"".join(request.stream))  # type: ignore[arg-type] # read
        bodies.append(request.content)
        return httpx.Response(503)

    bodies: list[bytes] = []
    content = b"body" if method == "PUT" else None
    async with world.client(record, clock=clock) as client:
        response = await client.request(method, "http://test/", content=content)

    assert bodies == [content or b""] * 4
    assert retry_history(response)[-1].reason is StopReason.ATTEMPTS_EXHAUSTED


@pytest.mark.parametrize("parts", [[], [b"", b""]], ids=repr)
async def test_a_one_shot_body_that_gave_nothing_is_the_same_again(
    world: World, clock: FakeClock, parts: list[bytes]
) -> None:
    """As caches hand down a GET that has no body."""
    with HTTP1Server([Reply(503), Rst()]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            content = world.one_shot(iter(parts))
            response = await client.request("GET", server.url, content=content)

    assert response.status_code == 200
    assert len(retry_history(response)) == 3


async def test_prepare_may_replace_the_body(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        if number == 2:
            content: Any = one_shot(world)
        else:
            content = b"bytes"
        return httpx.Request("PUT", request.url, content=content, headers={"x-id": "put"})

    options: dict[str, Any] = {"clock": clock, "prepare": prepare, "policy": KEEP}
    content = one_shot(world)
    with HTTP1Server([Reply(503), Reply(503)]) as server:
        async with world.client(None, trust_env=False, **options) as client:
            headers = {"x-id": "put"}
            response = await client.request("PUT", server.url, content=content, headers=headers)

    assert response.status_code == 200
    assert [received.body for received in server.processed["put"]] == [BODY, BODY, b"bytes"]


async def test_prepare_may_read_the_body_to_sign_it(world: World, clock: FakeClock) -> None:
    async def sign_in_a_task(request: httpx.Request, number: int) -> None:
        request.headers["Signature"] = str(len(await request.aread()))

    def sign(request: httpx.Request, number: int) -> None:
        request.headers["Signature"] = str(len(request.read()))

    prepare = sign_in_a_task if world.is_async else sign
    options: dict[str, Any] = {"clock": clock, "prepare": prepare, "policy": KEEP}
    content = one_shot(world)
    with HTTP1Server([Reply(503), Reply(503)]) as server:
        async with world.client(None, trust_env=False, **options) as client:
            headers = {"x-id": "put"}
            await client.request("PUT", server.url, content=content, headers=headers)

    received = server.processed["put"]
    assert [each.body for each in received] == [BODY] * 3
    assert [each.headers.get("signature") for each in received] == [None, "153600", "153600"]


class SharesAFile:
    """A progress wrapper that looks as if it could be read again, and reads on."""

    def __init__(self, size: int) -> None:
        self._file = io.BytesIO(random.Random(1).randbytes(size))

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(50_000):
            yield chunk


class AsyncSharesAFile:
    """The same in tasks."""

    def __init__(self, size: int) -> None:
        self._parts = SharesAFile(size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


@leaves_upload_unfinished
async def test_a_body_that_reads_on_is_refused_before_its_end(
    world: World, clock: FakeClock
) -> None:
    size = 20_000_000
    content = AsyncSharesAFile(size) if world.is_async else SharesAFile(size)
    with HTTP1Server([Early(Rst(), read=100_000)]) as server:
        async with world.client(None, clock=clock, trust_env=False) as client:
            with pytest.raises(httpx.RemoteProtocolError) as caught:
                await client.request("PUT", server.url, content=content)

    assert server.processed == {}
    if world.is_async:
        # Nothing of it can be awaited where it is judged: it shows as it is sent.
        assert re.search(r"other bytes|when read again", str(caught.value))
    else:
        assert "disconnected" in str(caught.value)
        assert retry_history(caught.value)[-1].reason is StopReason.BODY_NOT_REPLAYABLE


class SaysSo:
    """Can be read once, and says so when it is asked a second time, as a response's body does."""

    def __init__(self) -> None:
        self.asked = 0

    def _ask(self) -> None:
        self.asked += 1
        if self.asked > 1:
            raise RuntimeError("consumed already")

    def __iter__(self) -> Iterator[bytes]:
        self._ask()
        return generator()


class AsyncSaysSo(SaysSo):
    """The same in tasks."""

    __iter__ = None  # type: ignore[assignment] # which keeps httpx from reading it in threads

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._ask()
        return async_generator()


async def test_what_says_that_it_was_read_is_sent_once(world: World, clock: FakeClock) -> None:
    content = AsyncSaysSo() if world.is_async else SaysSo()
    response, bodies = await put(world, clock, content=content)

    assert response.status_code == 503
    assert retry_history(response)[0].reason is StopReason.BODY_NOT_REPLAYABLE
    assert bodies == [BODY]


@pytest.mark.parametrize("status", [200, 500])
async def test_what_is_not_to_be_sent_again_is_asked_once(world: World, status: int) -> None:
    content = AsyncSaysSo() if world.is_async else SaysSo()
    with HTTP1Server([Reply(status)]) as server:
        async with world.client(None, trust_env=False) as client:
            await client.request("POST", server.url, content=content)

    assert content.asked == 1


async def test_what_is_passed_on_from_another_response_is_not_waited_for_anew(
    world: World, clock: FakeClock
) -> None:
    """To read a stream of httpx's once more would wait for a server that has said all."""
    with HTTP1Server([Reply(200, BODY)]) as source, HTTP1Server([Reply(503)]) as target:
        async with (
            world.entered(world.bare_client(trust_env=False, timeout=None)) as bare,
            world.client(None, trust_env=False, clock=clock) as client,
        ):
            request = bare.build_request("GET", source.url)
            passed_on = await bare.send(request, stream=True)
            response = await client.request("PUT", target.url, content=passed_on.stream)
            await world.close(passed_on)

    assert response.status_code == 503
    assert retry_history(response)[0].reason is StopReason.BODY_NOT_REPLAYABLE
    assert [each.body for each in target.processed["/"]] == [BODY]


async def test_a_generator_that_dies_halfway_is_dead(world: World, clock: FakeClock) -> None:
    def dying() -> Iterator[bytes]:
        yield b"first half"
        raise LookupError("no second half")

    async def async_dying() -> AsyncIterator[bytes]:
        for part in dying():
            yield part

    policy = RetryPolicy(replay_buffer=1000, exceptions=[LookupError])
    with HTTP1Server() as server:
        async with world.client(None, clock=clock, policy=policy, trust_env=False) as client:
            content = async_dying() if world.is_async else dying()
            with pytest.raises(LookupError):
                await client.request("PUT", server.url, content=content)

    assert server.processed == {}


@leaves_upload_unfinished
async def test_a_file_of_the_async_world_is_read_once(
    async_world: World, clock: FakeClock, tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(BODY)
    with HTTP1Server([Reply(503)]) as server:
        async with (
            async_world.client(None, clock=clock, trust_env=False) as client,
            await anyio.open_file(path, "rb") as file,
        ):
            response = await client.request("PUT", server.url, content=file)

    assert response.status_code == 503
    assert [received.body for received in server.processed["/"]] == [BODY]


async def test_prepare_may_give_back_the_callers_own_request(
    world: World, clock: FakeClock
) -> None:
    original: list[httpx.Request] = []

    def prepare(request: httpx.Request, number: int) -> httpx.Request:
        return original[0]

    options: dict[str, Any] = {"clock": clock, "policy": KEEP, "prepare": prepare}
    with HTTP1Server([Reply(503)]) as server:
        async with world.client(None, trust_env=False, **options) as client:
            content = world.one_shot(iter([b"part 1 ", b"part 2"]))
            original.append(client.build_request("PUT", server.url, content=content))
            response = await client.send(original[0])

    assert response.status_code == 200
    assert [received.body for received in server.processed["/"]] == [b"part 1 part 2"] * 2


async def test_without_retries_httpcores_own_resend_is_guarded_all_the_same(
    world: World, clock: FakeClock
) -> None:
    with HTTP2Server([Reply(), GoAway(Last.BELOW)]) as server:
        context = client_context()
        async with world.client(None, verify=context, http2=True, clock=clock) as client:
            await client.get(server.url)
            with pytest.raises(httpx.RemoteProtocolError, match="was read already"):
                await client.request(
                    "PUT",
                    server.url,
                    content=one_shot(world),
                    headers={"x-id": "put"},
                    extensions={"retry": False},
                )

    assert "put" not in server.processed


async def test_what_was_kept_is_closed_when_the_first_send_is_interrupted(
    world: World, clock: FakeClock
) -> None:
    class Interrupted(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            b"".join(request.stream)  # type: ignore[arg-type] # a sync one here
            raise KeyboardInterrupt

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            async for _ in request.stream:  # type: ignore[union-attr] # an async one here
                pass
            raise KeyboardInterrupt

    policy = RetryPolicy(replay_buffer=4_000_000)
    transport = world.transport(Interrupted(), clock=clock, policy=policy)
    request = httpx.Request("PUT", "http://test/", content=one_shot(world))
    with pytest.raises(KeyboardInterrupt):
        await world.handle(transport, request)
    del transport, request
    gc.collect()  # an open temporary file would be warned of


def test_what_a_body_raised_is_left_in_no_cycle(clock: FakeClock) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x"
        raise Mine

    class Mine(Exception):  # noqa: N818 - the body's own
        pass

    class Reading(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            b"".join(request.stream)  # type: ignore[arg-type] # a sync one here
            raise AssertionError("it was read to its end")

    def fail() -> weakref.ref[Exception]:
        transport = THREADS.transport(Reading(), clock=clock)
        try:
            transport.handle_request(httpx.Request("PUT", "http://test/", content=breaking()))
        except Mine as error:
            return weakref.ref(error)
        raise AssertionError("nothing was raised")

    gc.collect()
    gc.disable()
    try:
        assert fail()() is None
    finally:
        gc.enable()


async def test_a_body_that_is_interrupted_is_not_at_fault(world: World, clock: FakeClock) -> None:
    def interrupted() -> Iterator[bytes]:
        yield b"x"
        raise KeyboardInterrupt

    async def async_interrupted() -> AsyncIterator[bytes]:
        for part in interrupted():
            yield part

    class Reading(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=b"".join(request.stream))  # type: ignore[arg-type]

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            parts = [part async for part in request.stream]  # type: ignore[union-attr]
            return httpx.Response(200, content=b"".join(parts))

    content = async_interrupted() if world.is_async else interrupted()
    transport = world.transport(Reading(), clock=clock, policy=KEEP)
    with pytest.raises(KeyboardInterrupt):
        await world.handle(transport, httpx.Request("PUT", "http://test/", content=content))


class SeeksBlindly(ReadOnce):
    """Can be sought in, and cannot tell where it stands."""

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)


async def test_a_file_that_cannot_tell_where_it_stands_is_read_once(
    world: World, clock: FakeClock
) -> None:
    response, bodies = await put(world, clock, files={"file": SeeksBlindly()})

    assert response.status_code == 503
    assert len(bodies) == 1

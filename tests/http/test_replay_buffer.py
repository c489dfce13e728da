"""What a replay buffer keeps on a disk that is full: it is sent again whole, or not at all."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy, StopReason, retry_history
from httpx_retry._http.family import Family
from httpx_retry._http.one_shot_guard import OneShotGuard
from httpx_retry._http.request_body import guarding
from tests.faults.lab import HTTP1Server, Reply
from tests.faults.lab.clients import leaves_upload_unfinished
from tests.worlds import settled

from .test_alarm import raising, ring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httpx_retry.testing import FakeClock
    from tests.worlds import World

MIB = 1 << 20
# Up to a mebibyte stands in memory; what is more turns all of it to a file.
CHUNKS = [bytes([number]) * 100_000 for number in range(40)]
BODY = b"".join(CHUNKS)
FAMILY = Family(httpx)
ROOMY = RetryPolicy(replay_buffer=2 * len(BODY))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes: what is written to a full disk fails just so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def keeping(stream: Any) -> Any:
    """A guard with room for all of a body."""
    return guarding(OneShotGuard, stream, FAMILY)(stream, FAMILY, 2 * len(BODY))


def guard_of(*chunks: bytes) -> Any:
    return keeping(iter(chunks))


@pytest.mark.parametrize(
    "room",
    [
        MIB // 2,  # fails as the memory turns to a file
        2 * MIB,  # fails later on
    ],
)
async def test_without_room_for_a_copy_a_body_is_sent_once_and_whole(
    world: World, clock: FakeClock, room: int
) -> None:
    with HTTP1Server([Reply(503)]) as server:
        async with world.client(None, clock=clock, policy=ROOMY, trust_env=False) as client:
            with files_of_at_most(room):
                content = world.one_shot(iter(CHUNKS))
                response = await client.request("PUT", server.url, content=content)

    assert response.status_code == 503
    assert [attempt.reason for attempt in retry_history(response)] == [
        StopReason.BODY_NOT_REPLAYABLE
    ]
    assert [received.body for received in server.processed["/"]] == [BODY]


def test_bytes_are_kept_whatever_the_items_that_they_are_counted_by() -> None:
    wide: Any = memoryview(BODY[:-4]).cast("I")
    mine = guard_of(wide, BODY[-4:])

    first, again = b"".join(mine), b"".join(mine)
    mine.forget()

    assert first == again == BODY


def test_what_a_full_disk_does_not_take_is_known_before_it_is_to_be_sent_again() -> None:
    # Given a copy whose last few bytes find no room,
    mine = guard_of(bytes(MIB + 1), b"the last few")
    with files_of_at_most(MIB + 5):
        assert len(b"".join(mine)) == MIB + 13

        # then there is none, and nothing is promised.
        assert not mine.is_replayable


def test_a_copy_that_comes_to_lack_something_is_refused_and_never_sent_short() -> None:
    mine = guard_of(bytes(MIB + 1), b"the last few")
    assert len(b"".join(mine)) == MIB + 13
    os.ftruncate(mine._kept.fileno(), MIB)

    # When it is to be sent again,
    with pytest.raises(httpx.RemoteProtocolError) as refused:
        b"".join(mine)

    # then that send breaks off, and there is no other.
    assert str(refused.value).endswith("what was kept of it could not be read back")
    assert mine.refusal is refused.value
    assert not mine.is_replayable


class Failing:
    """A file on a disk that fails, or that is used as an alarm goes off."""

    def __init__(self, fail: Callable[[], object], *, as_it_closes: bool = False) -> None:
        self.seek = lambda *_: fail()
        self.close = fail if as_it_closes else lambda: None


def fail() -> None:
    raise OSError("the disk's")


def replace_copy(mine: Any, file: Failing) -> None:
    if mine._kept is not None:
        mine._kept.close()
    mine._kept = file


def keep(file: Failing) -> bytes:
    mine = guard_of(b"1", b"2")
    sending = iter(mine)
    next(sending)
    replace_copy(mine, file)
    chunk: bytes = next(sending)
    assert not mine.is_replayable
    return chunk


def read_back(file: Failing) -> bytes:
    mine = guard_of(b"1")
    assert list(mine) == [b"1"]
    replace_copy(mine, file)
    return b"".join(mine)


def drop(file: Failing) -> bytes:
    mine = guard_of(b"1")
    file.close = file.seek
    replace_copy(mine, file)
    mine.forget()
    return b""


@pytest.mark.parametrize(("use", "given"), [(keep, b"2"), (drop, b"")])
def test_a_disk_that_fails_is_no_fault_of_the_request(
    use: Callable[[Failing], bytes], given: bytes
) -> None:
    assert use(Failing(fail)) == given


def test_a_copy_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="could not be read back"):
        read_back(Failing(fail, as_it_closes=True))


@pytest.mark.parametrize("use", [keep, read_back, drop])
def test_an_alarm_that_goes_off_meanwhile_is_heard(use: Callable[[Failing], bytes]) -> None:
    # Of the disk's own class.
    with raising(TimeoutError("time is up")), pytest.raises(TimeoutError, match="time is up"):
        use(Failing(ring))


async def test_what_a_send_has_left_of_a_body_follows_what_was_kept(world: World) -> None:
    mine = keeping(world.one_shot(iter(CHUNKS)))
    # Given a send that breaks off after two chunks,
    sending: Any = aiter(mine) if world.is_async else iter(mine)
    for _ in range(2):
        await settled(anext(sending) if world.is_async else next(sending))
    await settled(sending.aclose() if world.is_async else sending.close())

    # then another one may follow, and sends all.
    assert mine.is_replayable
    sent = [chunk async for chunk in mine] if world.is_async else list(mine)
    assert b"".join(sent) == BODY
    mine.forget()


class Alarm(bytes):
    """A chunk during whose keeping a signal's handler raises, as one may at any line."""

    def __len__(self) -> int:
        raise TimeoutError


@leaves_upload_unfinished
async def test_a_chunk_that_was_taken_and_not_kept_is_missed(world: World) -> None:
    # Given a body of which a chunk was taken when an alarm went off,
    sent: list[bytes] = []

    class Reading(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.extend(request.stream)  # type: ignore[arg-type] # a sync one here
            return httpx.Response(200)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            async for chunk in request.stream:  # type: ignore[union-attr] # an async one here
                sent.append(chunk)  # noqa: PERF401 - what came before the alarm counts
            return httpx.Response(200)

    transport = world.transport(Reading(), policy=ROOMY)
    content = world.one_shot(iter([b"first ", Alarm(b"second "), b"third"]))

    # when its error is one that may be the network's,
    with pytest.raises(TimeoutError):
        await world.handle(transport, httpx.Request("PUT", "http://test/", content=content))

    # then nothing is sent that lacks it.
    assert b"third" not in sent

"""What may be sent again of a request's body: guards as values, and what a file must offer."""

from __future__ import annotations

import io
import weakref
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry._http.body_guard import BodyGuard, RewindingGuard, by_reading
from httpx_retry._http.family import Family
from httpx_retry._http.iterable_guard import IterableGuard
from httpx_retry._http.one_shot_guard import OneShotGuard
from httpx_retry._http.request_body import guard_for, guarding
from tests.faults.lab.clients import leaves_upload_unfinished
from tests.worlds import Stream, settled

from .test_alarm import raising, ring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.worlds import World

FAMILY = Family(httpx)
# What httpx reads of a file at a time, and a buffer gives.
PART = 1 << 16
BODY = bytes(range(256)) * 1024
PARTS = [BODY[:PART], BODY[PART:]]


def made(kind: Any, stream: Any, *arguments: Any) -> Any:
    """A guard of this kind, of the stream's worlds."""
    return guarding(kind, stream, FAMILY)(stream, *arguments)


def guard(content: Any, capacity: int = 0) -> BodyGuard:
    found: Any = guard_for(httpx.Request("POST", "http://test/", content=content), FAMILY, capacity)
    return found  # type: ignore[no-any-return] # as it is made by `Family.stream_class`


class File:
    """What httpx takes for a file: something with `read`, and whatever else is given."""

    def __init__(self, content: bytes = b"0123456789", **more: Any) -> None:
        self._file = io.BytesIO(content)
        self.read = self._file.read
        self.__dict__.update(more)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)


SEEK: dict[str, Any] = {"seek": lambda position, _whence=0: position}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (io.BytesIO(b"0123"), RewindingGuard),
        (File(**SEEK, tell=lambda: 3), RewindingGuard),
        (File(**SEEK, tell=lambda: 3, seekable=lambda: True), RewindingGuard),
        (File(**SEEK, tell=lambda: 3, seekable=lambda: False), OneShotGuard),
        (File(**SEEK, tell=lambda: 3.5), OneShotGuard),
        (File(**SEEK), OneShotGuard),
        (File(tell=lambda: 3), OneShotGuard),
    ],
)
def test_a_file_is_rewound_if_it_says_where_it_stands_and_can_go_back(
    file: Any, expected: type
) -> None:
    assert isinstance(guard(file), expected)


class Again:
    """Two parts, each time that it is read in tasks."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in PARTS:
            yield part


class AsyncFile:
    """A file of the async world that can be iterated, and is read by a name of its own."""

    async def aread(self) -> bytes:
        return b""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return Again().__aiter__()


@pytest.mark.parametrize(
    "content",
    [iter([b"0123"]), Again().__aiter__(), AsyncFile()],
    ids=["iterator", "async", "async file"],
)
def test_what_goes_on_where_it_was_left_is_read_once(content: Any) -> None:
    assert isinstance(guard(content), OneShotGuard)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (httpx.ByteStream(b"0123"), IterableGuard),
        (httpx.Request("POST", "http://test/", files={"f": b"0123"}).stream, IterableGuard),
        (Stream(b"0123"), OneShotGuard),
    ],
    ids=["bytes", "form", "own"],
)
def test_a_stream_that_is_given_as_content_is_read_once_unless_it_is_of_bytes_or_a_form(
    stream: Any, expected: type
) -> None:
    assert isinstance(guard(stream), expected)


def test_a_guard_knows_what_it_reads_from() -> None:
    source = [b"1", b"2"]
    request = httpx.Request("POST", "http://test/", content=iter(source))
    stream: Any = request.stream
    mine = made(OneShotGuard, stream, FAMILY, 0)

    assert mine.holds(stream)
    # Another stream of httpx's over the same source, and the source itself.
    assert mine.holds(httpx.Request("POST", "http://test/", content=stream._stream).stream)
    assert mine.holds(stream._stream)
    assert not mine.holds(httpx.Request("POST", "http://test/", content=iter(source)).stream)
    assert not mine.holds(object())
    # A stream of the user's own has no source.
    own = Stream()
    assert made(OneShotGuard, own, FAMILY, 0).holds(own)
    assert not made(OneShotGuard, own, FAMILY, 0).holds(Stream())


class Changing:
    """An iterable that gives something else each time."""

    def __init__(self, *bodies: list[bytes]) -> None:
        self._bodies = iter(bodies)

    def __iter__(self) -> Iterator[bytes]:
        return iter(next(self._bodies))


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        (([b"0123"], [b"0124"]), "it gave other bytes when it was read again"),
        (([b"0"], [b"1"]), "it gave other bytes when it was read again"),
        (([b"01", b"23"], [b"01", b"2"]), "it gave 4 bytes, and 3 when read again"),
    ],
)
def test_a_body_that_changes_is_refused(bodies: tuple[list[bytes], ...], why: str) -> None:
    mine: Any = made(RewindingGuard, Changing(*bodies), FAMILY, by_reading)
    assert b"".join(mine) == b"".join(bodies[0])
    assert [mine.is_replayable] == [True]

    with pytest.raises(httpx.RemoteProtocolError, match=why) as refused:
        b"".join(mine)

    assert str(refused.value).endswith(f"cannot be: {why}")
    assert [mine.is_replayable] == [False]
    assert (mine.refusal, mine.error) == (refused.value, None)
    mine.forget()
    assert (mine.refusal, mine.error) == (None, None)


def test_what_a_body_has_grown_by_is_not_sent() -> None:
    mine: Any = made(
        RewindingGuard,
        Changing([b"01", b"2"], [b"01", b"2", b"3", b"4"], [b"0123"]),
        FAMILY,
        by_reading,
    )

    assert [b"".join(mine) for _ in range(3)] == [b"012"] * 3
    assert mine.is_replayable


def test_a_body_that_goes_on_where_it_was_left_before_is_the_same() -> None:
    mine: Any = made(
        RewindingGuard, Changing([b"01", b"2"], [b"0", b"123"], [b"0123"]), FAMILY, by_reading
    )
    left = iter(mine)
    assert next(left) == b"01"
    left.close()

    assert [b"".join(mine) for _ in range(2)] == [b"0123", b"0123"]
    assert mine.is_replayable is True


def test_what_was_read_and_not_kept_is_refused() -> None:
    mine: Any = made(OneShotGuard, iter([b"x"]), FAMILY, 0)
    assert b"".join(mine) == b"x"

    with pytest.raises(httpx.RemoteProtocolError) as refused:
        b"".join(mine)

    assert str(refused.value).endswith("cannot be: it is a stream that was read already")


def test_what_broke_before_it_gave_anything_is_refused() -> None:
    def broken() -> Iterator[bytes]:
        yield b""
        raise KeyError

    mine: Any = made(OneShotGuard, broken(), FAMILY, 0)
    with pytest.raises(KeyError):
        b"".join(mine)

    assert not mine.is_replayable


def test_what_was_kept_is_given_in_pieces() -> None:
    body = bytes(200_000)
    mine: Any = made(OneShotGuard, iter([body]), FAMILY, 1 << 20)
    assert list(mine) == [body]

    again = list(mine)

    assert b"".join(again) == body
    assert max(map(len, again)) == 1 << 16
    mine.forget()


@pytest.mark.parametrize(("size", "is_a_file"), [(1 << 20, False), ((1 << 20) + 1, True)])
def test_what_is_kept_beyond_a_mebibyte_is_in_a_file(size: int, is_a_file: bool) -> None:
    mine: Any = made(OneShotGuard, iter([bytes(size)]), FAMILY, 1 << 22)

    assert sum(map(len, mine)) == size

    assert mine._kept._rolled is is_a_file
    mine.forget()


class Counted:
    """An iterable that counts how often it is asked for an iterator.

    Args:
        *bodies: what each iterator gives, in order; or an error that asking for it raises.
    """

    def __init__(self, *bodies: list[bytes] | Exception) -> None:
        self._bodies = list(bodies)
        self.asked = 0

    def __iter__(self) -> Iterator[bytes]:
        self.asked += 1
        body = self._bodies.pop(0)
        if isinstance(body, Exception):
            raise body
        return iter(body)


def iterable(source: Any, capacity: int = 0) -> Any:
    return guard(source, capacity)


def test_an_iterable_is_asked_once_for_a_send() -> None:
    source = Counted([b"01", b"23"])
    mine = iterable(source)

    assert b"".join(mine) == b"0123"
    assert isinstance(mine, IterableGuard)
    assert source.asked == 1


def test_it_is_asked_again_once_another_send_is_wanted() -> None:
    source = Counted([b"01", b"23"], [b"01", b"23"], [])
    mine = iterable(source)
    assert b"".join(mine) == b"0123"
    assert [mine.is_replayable, mine.is_replayable] == [True, True]

    assert b"".join(mine) == b"0123"
    assert source.asked == 3


def test_a_send_that_nobody_judged_asks_for_itself() -> None:
    # As httpcore sends a request again by itself, after a GOAWAY.
    mine = iterable(Counted([b"01", b"23"], [b"01", b"23"], []))

    assert [b"".join(mine) for _ in range(2)] == [b"0123"] * 2


def test_what_was_not_read_is_not_asked_again() -> None:
    source = Counted()

    assert iterable(source).is_replayable
    assert source.asked == 0


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([[], []], id="ended"),
        pytest.param([[b"23"], []], id="goes on"),
        pytest.param([RuntimeError("consumed already")], id="says so"),
    ],
)
def test_an_iterable_that_has_no_more_of_it_is_not_sent_again(later: list[Any]) -> None:
    mine = iterable(Counted([b"01", b"23"], *later))
    chunks = iter(mine)
    assert next(chunks) == b"01"
    chunks.close()

    assert not mine.is_replayable
    assert mine.error is None


def test_nor_is_it_where_nobody_judged() -> None:
    mine = iterable(Counted([b"01"], RuntimeError("consumed already")))
    assert b"".join(mine) == b"01"

    with pytest.raises(httpx.RemoteProtocolError, match="a stream that was read already"):
        b"".join(mine)


def test_an_empty_one_is_empty_again() -> None:
    mine = iterable(Counted([], [], []))

    assert list(mine) == []
    assert mine.is_replayable
    assert list(mine) == []


def test_what_is_kept_of_it_is_sent_without_asking() -> None:
    source = Counted([b"01", b"23"])
    mine = iterable(source, capacity=100)

    assert [b"".join(mine) for _ in range(2)] == [b"0123"] * 2
    assert mine.is_replayable
    assert source.asked == 1
    mine.forget()


class Derived(list[bytes]):
    """A list by another name."""


def test_a_proxy_is_no_collection_even_if_it_is_iterated_in_c() -> None:
    counted = Counted([b"01"])

    assert isinstance(guard(weakref.proxy(counted)), IterableGuard)


def test_what_is_derived_from_a_list_begins_anew_as_a_list_does() -> None:
    mine = guard(Derived([b"01"]))

    assert isinstance(mine, RewindingGuard)
    assert not isinstance(mine, IterableGuard)


class AsyncCounted(Counted):
    """The same in tasks."""

    __iter__ = None  # type: ignore[assignment] # which keeps httpx from reading it in threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in Counted.__iter__(self):
            yield part


async def left_midway(world: World, *bodies: list[bytes] | Exception) -> tuple[Counted, Any]:
    """An iterable of which a first send took one part, and its guard."""
    source = (AsyncCounted if world.is_async else Counted)(*bodies)
    mine: Any = guard(source)
    chunks = aiter(mine) if world.is_async else iter(mine)
    await next_of(world, chunks)
    await settled(chunks.aclose() if world.is_async else chunks.close())
    return source, mine


@leaves_upload_unfinished
@pytest.mark.parametrize("more", [[], RuntimeError("consumed already")], ids=["ended", "says so"])
async def test_what_begins_anew_by_its_looks_alone_is_never_called_complete(
    world: World, more: list[bytes] | Exception
) -> None:
    # Given one that goes on where it was left, with what looks like its beginning,
    zeros: list[list[bytes] | Exception] = [[b"00"] * 3, [b"00"] * 2]
    _, mine = await left_midway(world, *zeros, *([] if world.is_async else [[]]), more)
    assert mine.is_replayable

    # when it is sent again, then its end is none.
    with pytest.raises(httpx.RemoteProtocolError, match="it does not begin anew"):
        await rest_of(world, aiter(mine) if world.is_async else iter(mine))
    assert not mine.is_replayable
    assert mine.error is None


class Thrice:
    """It gives three iterators, and says so when it is asked for a fourth."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> AsyncIterator[bytes]:
        if not self.left:
            raise RuntimeError("consumed already")
        self.left -= 1
        return Again().__aiter__()


@leaves_upload_unfinished
async def test_what_says_at_its_end_that_it_is_consumed_is_not_called_complete(
    async_world: World,
) -> None:
    mine: Any = guard(Thrice())
    chunks = aiter(mine)
    await next_of(async_world, chunks)
    await settled(chunks.aclose())
    assert mine.is_replayable

    with pytest.raises(httpx.RemoteProtocolError, match="it does not begin anew"):
        await rest_of(async_world, aiter(mine))


@leaves_upload_unfinished
async def test_what_begins_anew_does_so_once_more_at_its_end(world: World) -> None:
    parts = [b"", b"01", b"23"]
    asked = [parts] * (3 if world.is_async else 4)
    source, mine = await left_midway(world, *asked)

    assert mine.is_replayable
    assert await rest_of(world, aiter(mine) if world.is_async else iter(mine)) == b"0123"
    assert source.asked == len(asked)


def test_an_alarm_as_it_is_asked_is_heard() -> None:
    class Ringing(Counted):
        def __iter__(self) -> Iterator[bytes]:
            if self.asked:
                ring()
            return super().__iter__()

    mine = iterable(Ringing([b"01"]))
    assert b"".join(mine) == b"01"

    with raising(ValueError("time is up")), pytest.raises(ValueError, match="time is up"):
        _ = mine.is_replayable


def bodies(world: World) -> dict[str, Any]:
    """Guards of a body of two parts."""
    again = Again() if world.is_async else PARTS
    found = {
        "again": guard(again),
        "kept": guard(world.one_shot(iter(PARTS)), 1 << 20),
    }
    if not world.is_async:
        found["file"] = guard(io.BytesIO(BODY))
    return found


async def next_of(world: World, chunks: Any) -> bytes:
    return bytes(await settled(anext(chunks) if world.is_async else next(chunks)))


async def rest_of(world: World, chunks: Any) -> bytes:
    if world.is_async:
        return b"".join([chunk async for chunk in chunks])
    return b"".join(chunks)


# trio warns of each async generator that is left, as it does over bare httpx.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_send_that_goes_on_takes_nothing_from_a_later_one(world: World) -> None:
    begin: Any = aiter if world.is_async else iter
    for name, mine in bodies(world).items():
        # Given two sends, the first of which goes on in a thread or task of its own,
        first = begin(mine)
        assert await next_of(world, first) == BODY[:PART], name
        assert mine.is_replayable
        second = begin(mine)
        begun = await next_of(world, second)

        # then it is that one which ends, and the other has it all.
        with pytest.raises(httpx.RemoteProtocolError, match="another send of it has begun"):
            await next_of(world, first)
        assert begun + await rest_of(world, second) == BODY
        mine.forget()


def test_a_send_that_repeats_what_was_kept_takes_nothing_from_a_later_one() -> None:
    mine: Any = guard(iter([BODY]), 1 << 20)
    assert b"".join(mine) == BODY
    first, second = iter(mine), iter(mine)
    assert len(next(first)) == PART
    begun = next(second)

    with pytest.raises(httpx.RemoteProtocolError, match="another send of it has begun"):
        next(first)
    assert begun + b"".join(second) == BODY
    mine.forget()


def test_what_is_being_read_just_now_cannot_be_sent_again() -> None:
    seen = []

    class Asking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.append(mine.is_replayable)
            return super().read(size)

    mine: Any = guard(Asking(b"01"))
    assert b"".join(mine) == b"01"
    assert seen == [False, False]
    assert mine.is_replayable


class Own(httpx.SyncByteStream):
    """A stream of the caller's own, which notes when it was let go of."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts or (b"0", b"1")
        self.ended = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        finally:
            self.ended += 1


@pytest.mark.parametrize(("capacity", "ended"), [(0, 1), (1, 0), (100, 0)])
def test_what_nobody_will_go_on_with_is_let_go_of_with_its_send(capacity: int, ended: int) -> None:
    own = Own()
    mine = made(OneShotGuard, own, FAMILY, capacity)
    chunks = iter(mine)
    next(chunks)
    chunks.close()
    assert own.ended == ended

    mine.forget()
    assert own.ended == 1


def test_what_did_not_fit_is_let_go_of_too() -> None:
    own = Own()
    mine = made(OneShotGuard, own, FAMILY, 1)
    chunks = iter(mine)
    assert [next(chunks), next(chunks)] == [b"0", b"1"]
    chunks.close()

    assert own.ended == 1


@pytest.mark.parametrize("size", [1, PART + 1])
def test_a_send_that_goes_on_after_the_call_is_over_begins_nothing_anew(size: int) -> None:
    own = Own(b"0" * size, b"1")
    mine = made(OneShotGuard, own, FAMILY, 1 << 20)
    # Given one that repeats what an earlier one has read, in a thread of its own,
    first = iter(mine)
    next(first)
    second = iter(mine)
    next(second)
    mine.forget()

    # then it ends before its end.
    with pytest.raises(httpx.RemoteProtocolError, match="its body cannot be"):
        next(second)

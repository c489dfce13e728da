"""What guards a request body that httpx does not hold in memory, while it is sent.

Each send begins where the first one began, or ends with an error: never empty, short or shifted.
"""

from __future__ import annotations

from abc import abstractmethod
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from .family import Family

# Bytes by which the beginning of a body is known again.
_HEAD = 256


class BodyGuard:
    """A request body that is sent whole each time, or not at all.

    It becomes a stream by `InThreads`, `InTasks` or both, as is the one that it guards.

    Attributes:
        error: what the body itself raised while it was read: no fault of the transport.
        refusal: the error that ended a send which could not be given the body again.
    """

    error: Exception | None = None
    refusal: Exception | None = None

    def __init__(self, stream: Any, family: Family) -> None:
        self._stream = stream
        self._family = family
        self._was_closed = False
        self._reading: object = None  # of the latest send: one before may not be over yet
        self._is_between = False  # what is taken of it just now may be nobody's

    @property
    @abstractmethod
    def is_replayable(self) -> bool:
        """Whether another send would carry the same body as the first."""

    @abstractmethod
    def _chunks(self) -> Iterator[bytes]:
        """The body, for one send."""

    @abstractmethod
    def _async_chunks(self) -> AsyncIterator[bytes]:
        """The body, for one send."""

    def holds(self, stream: Any) -> bool:
        """Whether a stream reads from what this guard reads from."""
        return stream is self or self._source(stream) is self._source(self._stream)

    def _source(self, stream: Any) -> Any:
        if isinstance(stream, self._family.iterator_streams):
            return stream._stream  # noqa: SLF001 - nothing else tells it
        return stream  # one of the caller's may make something else of what it reads

    def _note_close(self) -> Any:
        """It is closed for good, if there is anything to it."""
        if not self._family.closes_nothing(self._stream):
            self._was_closed = True
        return self._stream

    def forget(self) -> None:
        """Forget the body's errors, and what was kept of it. The body itself is the caller's."""
        # Each leads to the guard by its traceback.
        self.error = self.refusal = None

    def _check_latest(self, reading: object) -> None:
        """End a send that goes on, in a thread or task of its own, after another has begun."""
        if self._reading is not reading:
            raise self._refuse("another send of it has begun")

    def _refuse(self, why: str) -> Exception:
        self.refusal = self._family.RemoteProtocolError(
            f"the request was to be sent again, but its body cannot be: {why}"
        )
        return self.refusal


class InThreads(BodyGuard):
    """The side of a guard from which its body is read in threads."""

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()

    def close(self) -> None:
        """Close the body, as some transports do after a send; httpx's own do not."""
        self._note_close().close()


class InTasks(BodyGuard):
    """The side of a guard from which its body is read in tasks."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._async_chunks()

    async def aclose(self) -> None:
        """Close the body, as some transports do after a send; httpx's own do not."""
        await self._note_close().aclose()


def by_reading() -> None:
    """Nothing need be done: to read it anew begins where the first send began."""


class RewindingGuard(BodyGuard):
    """A body that can be read again: a seekable file, a list, a multipart form of such.

    Args:
        stream: httpx's stream of it.
        family: the httpx that made it.
        rewind: goes back to where the first send began.
        files: those that it is read from.
    """

    def __init__(
        self, stream: Any, family: Family, rewind: Callable[[], object], files: Sequence[Any] = ()
    ) -> None:
        super().__init__(stream, family)
        self._rewind = rewind
        self._files = files
        self._most = 0
        self._digest = self._head = b""
        self._is_same = True
        self._is_whole = False  # whether it was read to its end

    @property
    def is_replayable(self) -> bool:
        """Whether it was the same each time that it was read, and can be read once more."""
        if self._is_between or not self._is_same:
            return False
        # A caller may close a file while the response's body is on its way.
        return not any(getattr(file, "closed", False) for file in self._files)

    def _begin(self, make: Callable[[Any], Any]) -> Any:
        """What one send reads from; `make` is `iter` or `aiter`."""
        self._rewind()
        return make(self._stream)

    def _begin_reading(self) -> _Reading:
        if isinstance(self._reading, _Reading):
            self._remember(self._reading)
        self._reading = reading = _Reading()
        return reading

    def _chunks(self) -> Iterator[bytes]:
        reading = self._begin_reading()
        try:
            chunks = self._begin(iter)
            # By hand: between two chunks, another send may have begun.
            while True:
                self._check_latest(reading)
                self._is_between = True
                try:
                    chunk = next(chunks)
                except StopIteration:
                    break
                finally:
                    self._is_between = False
                part = self._checked(reading, chunk)
                if part:
                    yield part
            self._check_end(reading)
        except Exception as error:
            self._note(error)
            raise
        finally:
            self._remember(reading)

    async def _async_chunks(self) -> AsyncIterator[bytes]:
        reading = self._begin_reading()
        try:
            chunks = self._begin(aiter)
            while True:
                self._check_latest(reading)
                self._is_between = True
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                finally:
                    self._is_between = False
                part = self._checked(reading, chunk)
                if part:
                    yield part
            self._check_end(reading)
        except Exception as error:
            self._note(error)
            raise
        finally:
            self._remember(reading)

    def _note(self, error: Exception) -> None:
        if error is not self.refusal:
            self.error = error

    def _checked(self, reading: _Reading, chunk: bytes) -> bytes:
        """Return what of a chunk is to be sent, and refuse what differs from an earlier send.

        An iterable may begin anew only in name, where it shares what it reads from. What a file has
        grown by is left out.
        """
        if self._is_whole:
            chunk = chunk[: self._most - reading.size]
        missing = self._most - reading.size
        if 0 < missing <= len(chunk):
            reading.take(chunk[:missing])
            if reading.digest() != self._digest:
                self._is_same = False
                raise self._refuse("it gave other bytes when it was read again")
            reading.take(chunk[missing:])
        else:
            reading.take(chunk)
        return chunk

    def _check_end(self, reading: _Reading) -> None:
        """End the send before the body is called complete, if it is less than an earlier one."""
        if reading.size < self._most:
            self._is_same = False
            raise self._refuse(f"it gave {self._most} bytes, and {reading.size} when read again")
        self._is_whole = True

    def _remember(self, reading: _Reading) -> None:
        if reading.size > self._most:
            self._most, self._digest, self._head = reading.size, reading.digest(), reading.head


class _Reading:
    """How far one reading of a body has come, and what it read."""

    def __init__(self) -> None:
        self.size = 0
        self.head = b""
        self._hash = sha256()

    def take(self, chunk: bytes) -> None:
        if len(self.head) < _HEAD:
            self.head += chunk[: _HEAD - len(self.head)]
        self.size += len(chunk)
        self._hash.update(chunk)

    def digest(self) -> bytes:
        return self._hash.digest()

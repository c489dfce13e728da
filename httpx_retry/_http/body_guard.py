"""The guards inside which request bodies travel that httpx does not hold in memory.

Each send begins where the first one began, or ends with an error: never empty, short or shifted.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .family import Family

# What a replay buffer keeps in memory before it turns to a file, and reads back at a time.
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 16


class BodyGuard:
    """A request body that is sent whole each time, or not at all. A stream for both worlds.

    Attributes:
        error: what the body itself raised while it was read: no fault of the transport.
        refusal: the error that ended a send which could not be given the body again.
    """

    error: Exception | None = None
    refusal: Exception | None = None

    def __init__(self, stream: Any, family: Family) -> None:
        self._stream = stream
        self._family = family

    @property
    @abstractmethod
    def is_replayable(self) -> bool:
        """Whether another send would carry the same body as the first."""

    def holds(self, stream: Any) -> bool:
        """Whether a stream reads from what this guard reads from."""
        return stream is self._stream or self._source(stream) is self._source(self._stream)

    def _source(self, stream: Any) -> Any:
        if isinstance(stream, self._family.iterator_streams):
            return stream._stream  # noqa: SLF001 - nothing else tells it
        return stream  # one of the caller's may make something else of what it reads

    def close(self) -> None:
        """Forget the body's errors, and what was kept of it. The body itself is the caller's."""
        # Each leads to the guard by its traceback.
        self.error = self.refusal = None

    def _refuse(self, why: str) -> Exception:
        self.refusal = self._family.RemoteProtocolError(
            f"the request was to be sent again, but its body cannot be: {why}"
        )
        return self.refusal


class RewindingGuard(BodyGuard):
    """A body that can be read again: a seekable file, an iterable, a multipart form of such.

    Args:
        stream: httpx's stream of it.
        family: the httpx that made it.
        rewind: goes back to where the first send began.
    """

    def __init__(self, stream: Any, family: Family, rewind: Callable[[], object]) -> None:
        super().__init__(stream, family)
        self._rewind = rewind
        self._most = 0
        self._digest = b""
        self._is_same = True

    @property
    def is_replayable(self) -> bool:
        """Whether it was found to be the same each time that it was read."""
        return self._is_same

    def __iter__(self) -> Iterator[bytes]:
        reading = _Reading()
        try:
            self._rewind()
            for chunk in self._stream:
                self._check(reading, chunk)
                yield chunk
            self._check_end(reading)
        except Exception as error:
            self._note(error)
            raise
        finally:
            self._remember(reading)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reading = _Reading()
        try:
            self._rewind()
            async for chunk in self._stream:
                self._check(reading, chunk)
                yield chunk
            self._check_end(reading)
        except Exception as error:
            self._note(error)
            raise
        finally:
            self._remember(reading)

    def _note(self, error: Exception) -> None:
        if error is not self.refusal:
            self.error = error

    def _check(self, reading: _Reading, chunk: bytes) -> None:
        """Refuse what differs from an earlier send, before it is sent.

        An iterable may begin anew only in name, where it shares what it reads from.
        """
        missing = self._most - reading.size
        if 0 < missing <= len(chunk):
            reading.take(chunk[:missing])
            if reading.digest() != self._digest:
                self._is_same = False
                raise self._refuse("it gave other bytes when it was read again")
            chunk = chunk[missing:]
        reading.take(chunk)

    def _check_end(self, reading: _Reading) -> None:
        """End the send before the body is called complete, if it is less than an earlier one."""
        if reading.size < self._most:
            self._is_same = False
            raise self._refuse(f"it gave {self._most} bytes, and {reading.size} when read again")

    def _remember(self, reading: _Reading) -> None:
        if reading.size > self._most:
            self._most, self._digest = reading.size, reading.digest()


class _Reading:
    """How far one reading of a body has come, and what it read."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = sha256()

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._hash.update(chunk)

    def digest(self) -> bytes:
        return self._hash.digest()


class OneShotGuard(BodyGuard):
    """A body that can be read once: a generator, an iterator, a pipe.

    Args:
        stream: httpx's stream of it.
        family: the httpx that made it.
        capacity: bytes of it to keep, so that it can be sent again; 0: none.
    """

    def __init__(self, stream: Any, family: Family, capacity: int) -> None:
        super().__init__(stream, family)
        self._iterator: Any = None
        self._capacity = capacity
        self._kept: SpooledTemporaryFile[bytes] | None = None
        self._size = 0
        self._is_untouched = True

    @property
    def is_replayable(self) -> bool:
        """Whether no byte was taken of it, or all that was read of it was kept."""
        return self._is_untouched or self._kept is not None

    def __iter__(self) -> Iterator[bytes]:
        yield from self._begin()
        if self._iterator is None:
            self._start(iter(self._stream))
        # Read by hand: only so is an end by an error told from the end, and from being left.
        while True:
            try:
                chunk = next(self._iterator)
            except StopIteration:
                return
            except BaseException as error:
                self._break(error)
                raise
            self._keep(chunk)
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._begin():
            yield chunk
        if self._iterator is None:
            self._start(self._stream.__aiter__())
        while True:
            try:
                chunk = await anext(self._iterator)
            except StopAsyncIteration:
                return
            except BaseException as error:
                self._break(error)
                raise
            self._keep(chunk)
            yield chunk

    def _begin(self) -> Iterator[bytes]:
        """What earlier sends have read already."""
        if not self.is_replayable:
            raise self._refuse("it is a stream that was read already")
        if self._kept is not None:
            self._kept.seek(0)
            while chunk := self._kept.read(_CHUNK):
                yield chunk

    def _start(self, iterator: Any) -> None:
        self._iterator = iterator
        if self._capacity:
            # Held open for as long as the call lasts; `close` ends it.
            self._kept = SpooledTemporaryFile(max_size=min(self._capacity, _IN_MEMORY))  # noqa: SIM115 - as said

    def _break(self, error: BaseException) -> None:
        """A generator that has raised, or was cancelled, ends at once when it is asked again."""
        self._is_untouched = False
        self._forget()
        if isinstance(error, Exception):
            self.error = error

    def _keep(self, chunk: bytes) -> None:
        if chunk:
            self._is_untouched = False
        if self._kept is None:
            return
        self._size += len(chunk)
        if self._size > self._capacity:
            self._forget()
            return
        self._kept.seek(0, os.SEEK_END)
        self._kept.write(chunk)

    def _forget(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def close(self) -> None:
        """Forget the body's errors, and what was kept of it. The body itself is the caller's."""
        super().close()
        self._forget()

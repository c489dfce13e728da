"""Which request bodies can be sent again, and the guard that refuses the rest.

httpx keeps bytes, text, JSON and forms in memory: they need nothing. Everything else is read where
it stands, so a second send, httpcore's own after a GOAWAY included, could be empty, short or
shifted without anyone noticing. Such a body travels inside a guard: each send begins where the
first one began, or ends with an error.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx

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

    def close(self) -> None:
        """Forget what was kept of the body. The body itself is the caller's."""

    def _refuse(self, why: str) -> Exception:
        self.refusal = self._family.RemoteProtocolError(
            f"the server did not process the request, and its body cannot be sent again: {why}"
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

    @property
    def is_replayable(self) -> bool:
        """Whether it was found to be the same each time that it was read."""
        return self.refusal is None

    def __iter__(self) -> Iterator[bytes]:
        given = 0
        try:
            self._rewind()
            for chunk in self._stream:
                given += len(chunk)
                yield chunk
        except Exception as error:
            self.error = error
            raise
        else:
            self._check(given)
        finally:
            self._most = max(self._most, given)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        given = 0
        try:
            self._rewind()
            async for chunk in self._stream:
                given += len(chunk)
                yield chunk
        except Exception as error:
            self.error = error
            raise
        else:
            self._check(given)
        finally:
            self._most = max(self._most, given)

    def _check(self, given: int) -> None:
        """End the send before the body is called complete, if it is less than an earlier one."""
        if given < self._most:
            raise self._refuse(f"it gave {self._most} bytes, and {given} when read again")


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

    @property
    def is_replayable(self) -> bool:
        """Whether it is untouched, or all that was read of it was kept."""
        return self._iterator is None or self._kept is not None

    def __iter__(self) -> Iterator[bytes]:
        yield from self._begin()
        try:
            if self._iterator is None:
                self._start(iter(self._stream))
            # Its own iterator, so that the next send goes on where this one was broken off.
            for chunk in self._iterator:
                self._keep(chunk)
                yield chunk
        except Exception as error:
            self.error = error
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._begin():
            yield chunk
        try:
            if self._iterator is None:
                self._start(self._stream.__aiter__())
            async for chunk in self._iterator:
                self._keep(chunk)
                yield chunk
        except Exception as error:
            self.error = error
            raise

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
            self._kept = SpooledTemporaryFile(max_size=min(self._capacity, _IN_MEMORY))  # noqa: SIM115

    def _keep(self, chunk: bytes) -> None:
        if self._kept is None:
            return
        self._size += len(chunk)
        if self._size > self._capacity:
            self.close()
            return
        self._kept.seek(0, os.SEEK_END)
        self._kept.write(chunk)

    def close(self) -> None:
        """Forget what was kept of the body. The body itself is the caller's."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def guard_for(request: httpx.Request, family: Family, capacity: int) -> BodyGuard | None:
    """Return the guard that the request's body needs; None where it is in memory.

    Args:
        request: not yet sent: a file stands where its first send begins.
        family: the httpx that made it.
        capacity: bytes of a one-shot body to keep.
    """
    stream: Any = request.stream
    if isinstance(stream, family.ByteStream):
        return None
    if isinstance(stream, BodyGuard):
        return stream
    rewind = _rewind_of(stream, family)
    if rewind is None:
        return family.stream_class(OneShotGuard)(stream, family, capacity)
    return family.stream_class(RewindingGuard)(stream, family, rewind)


def _rewind_of(stream: Any, family: Family) -> Callable[[], object] | None:
    """What takes a body back to where it stands now; None: nothing does."""
    if isinstance(stream, family.MultipartStream):
        # httpx itself goes back to the start of each file that it can seek in.
        files = [field.file for field in stream.fields if hasattr(field, "file")]
        read_once = [
            file for file in files if not isinstance(file, str | bytes) and _start_of(file) is None
        ]
        return None if read_once else _stay
    if not isinstance(stream, family.iterator_streams):
        return None
    source = stream._stream  # noqa: SLF001 - httpx has no other way to tell a file from an iterator
    if hasattr(source, "read"):
        start = _start_of(source)
        return None if start is None else lambda: source.seek(start)
    if hasattr(source, "aread"):
        return None
    return _stay if _gives_a_new_iterator_each_time(source) else None


def _stay() -> None:
    """What is read from its beginning each time need not be moved."""


def _start_of(file: Any) -> int | None:
    """Where a file stands; None where it cannot be taken back there."""
    try:
        position: int = file.tell()
        seekable = getattr(file, "seekable", None)
        return position if hasattr(file, "seek") and (seekable is None or seekable()) else None
    except (AttributeError, OSError, ValueError):
        return None


def _gives_a_new_iterator_each_time(source: Any) -> bool:
    make = getattr(type(source), "__aiter__", None) or type(source).__iter__
    # An iterator gives itself, and a disguised one the iterator that it hides.
    return make(source) is not make(source)

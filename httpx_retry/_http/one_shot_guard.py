"""The guard inside which a request body travels that can be read only once."""

from __future__ import annotations

import os
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from .alarm import hear
from .body_guard import BodyGuard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .family import Family

# What a replay buffer keeps in memory before it turns to a file, and reads back at a time.
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 16


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
        self._is_whole = False  # whether it was read to its end
        # By an earlier hop, say.
        self._was_read = getattr(stream, "_is_stream_consumed", False)

    @property
    def is_replayable(self) -> bool:
        """Whether no byte was taken of it, or all that was read of it was kept."""
        if self._is_between or (self._was_closed and not self._is_whole):
            return False
        return self._is_untouched or self._kept is not None

    def _chunks(self) -> Iterator[bytes]:
        reading = self._reading = object()
        yield from self._begin(reading)
        if self._is_whole:
            return
        iterator = self._go_on(iter)
        # Read by hand: only so is an end by an error told from the end, and from being left.
        while True:
            self._check_latest(reading)
            self._is_between = True
            try:
                chunk = next(iterator)
            except StopIteration:
                self._is_between = False
                self._check_end()
                return
            except BaseException as error:
                self._break(error)
                raise
            self._keep(chunk)
            self._is_between = False
            yield chunk

    async def _async_chunks(self) -> AsyncIterator[bytes]:
        reading = self._reading = object()
        for chunk in self._begin(reading):
            yield chunk
        if self._is_whole:
            return
        iterator = self._go_on(aiter)
        while True:
            self._check_latest(reading)
            self._is_between = True
            try:
                chunk = await anext(iterator)
            except StopAsyncIteration:
                self._is_between = False
                self._check_end()
                return
            except BaseException as error:
                self._break(error)
                raise
            self._keep(chunk)
            self._is_between = False
            yield chunk

    def chunks_by(self, make: Callable[[Any], Any]) -> Any:
        """The body, for one send; `make` is `iter` or `aiter`."""
        return self._chunks() if make is iter else self._async_chunks()

    def _begin(self, reading: object) -> Iterator[bytes]:
        """What earlier sends have read already."""
        if not self.is_replayable:
            raise self._refuse("it is a stream that was read already")
        read = 0
        while read < self._size:
            self._check_latest(reading)
            chunk = b""
            if self._kept is not None:  # else the call is over
                try:
                    self._kept.seek(read)
                    chunk = self._kept.read(_CHUNK)
                except OSError as error:
                    hear(error)
            if not chunk:
                self._drop()
                raise self._refuse("what was kept of it could not be read back")
            read += len(chunk)
            yield chunk

    def _go_on(self, make: Callable[[Any], Any]) -> Any:
        """What the rest is read from."""
        if self._iterator is not None:
            return self._iterator
        if not self._is_untouched:  # the call is over
            raise self._refuse("it is a stream that was read already")
        self._iterator = iterator = make(self._stream)
        if self._capacity:
            # Held open for as long as the call lasts; `forget` ends it.
            self._kept = SpooledTemporaryFile(max_size=min(self._capacity, _IN_MEMORY))  # noqa: SIM115 - as said
        return iterator

    def _check_end(self) -> None:
        """End the send before an upload is called complete of which an earlier one took all.

        httpx itself does so of generators, and sends nothing of others.
        """
        if self._was_read and self._is_untouched:
            raise self._family.StreamConsumed from None
        self._is_whole = True
        self._iterator = None

    def _break(self, error: BaseException) -> None:
        """A generator that has raised, or was cancelled, ends at once when it is asked again."""
        self._drop()
        if isinstance(error, Exception):
            self.error = error

    def _keep(self, chunk: bytes) -> None:
        if chunk:
            self._is_untouched = False
        if self._kept is None:
            if not self._is_untouched:
                # Nobody will go on with it, and who gave it may wait for the end of its send.
                self._iterator = None
            return
        # A memoryview may count items of several bytes.
        self._size += getattr(chunk, "nbytes", len(chunk))
        if self._size > self._capacity:
            self._drop()
            return
        try:
            self._kept.seek(0, os.SEEK_END)
            self._kept.write(chunk)
            self._kept.flush()  # what there is no room for is to be known now
        except OSError as error:
            self._drop()  # it is sent once, as without a buffer
            hear(error)

    def _drop(self) -> None:
        self._iterator = None
        kept, self._kept = self._kept, None
        if kept is not None:
            try:
                kept.close()  # it writes what is left to be written
            except OSError as error:
                hear(error)

    def forget(self) -> None:
        """Forget the body's errors, and what was kept of it. The body itself is the caller's."""
        super().forget()
        self._drop()

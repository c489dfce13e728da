"""The guard inside which a request body travels that says that it can be iterated again."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from .alarm import hear
from .body_guard import RewindingGuard, by_reading
from .one_shot_guard import OneShotGuard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .family import Family


class IterableGuard(RewindingGuard):
    """An iterable of the caller's own, which may begin anew each time, or in name only.

    Nothing but asking tells, and to ask may start its work, or end it: so it is asked for a second
    send only when the first has failed.

    Args:
        stream: httpx's stream of it.
        family: the httpx that made it.
        capacity: bytes of it to keep, so that it can be sent again if it does not begin anew.
    """

    def __init__(self, stream: Any, family: Family, capacity: int) -> None:
        super().__init__(stream, family, by_reading)
        self._once = OneShotGuard(stream, family, capacity)
        self._next: Any = None  # what the next send reads from

    @property
    def is_replayable(self) -> bool:
        """Whether it can be sent again, by what was kept of it or by asking it anew."""
        if not super().is_replayable:
            return False
        return self._once.is_replayable or self._begins_anew()

    def _begins_anew(self) -> bool:
        if self._next is None:
            source = self._source(self._stream)
            try:
                self._next = _asked_anew(source, hasattr(self._stream, "__iter__"), self._head)
            except Exception as error:  # noqa: BLE001 - it says that it cannot, in its own words
                hear(error)
        return self._next is not None

    def _begin(self, make: Callable[[Any], Any]) -> Any:
        if self._once.is_replayable:
            return self._once.chunks_by(make)
        if not self._begins_anew():
            raise self._refuse("it is a stream that was read already")
        found, self._next = self._next, None
        if self._is_whole:
            return found  # its size tells
        return self._proved(found) if make is iter else self._proved_in_task(found)

    def _proved(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The body, and at its end the proof that it began anew: it does so once more.

        Iterators that share what they read from find nothing there by then. What they gave proves
        nothing: what stands further on may look like a beginning, as of zeros.
        """
        yield from chunks
        first = b""
        try:
            first = next(filter(None, self._source(self._stream)), b"")
        except Exception as error:  # noqa: BLE001 - likewise
            hear(error)
        self._check_beginning(first)

    async def _proved_in_task(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same in tasks."""
        async for chunk in chunks:
            yield chunk
        again: Any = ()
        first = b""
        try:
            again = aiter(self._source(self._stream))
            while not first:
                first = await anext(again)
        except StopAsyncIteration:
            pass
        except Exception as error:  # noqa: BLE001 - likewise
            hear(error)
        close = getattr(again, "aclose", None)
        if close is not None:
            await close()
        self._check_beginning(first)

    def _check_beginning(self, first: bytes) -> None:
        if not _is_beginning(first, self._head):
            self._is_same = False
            raise self._refuse("it does not begin anew")

    def forget(self) -> None:
        """Forget the body's errors, and what was kept of it. The body itself is the caller's."""
        super().forget()
        self._once.forget()
        self._next = None


def _asked_anew(source: Any, is_sync: bool, head: bytes) -> Any:
    """Return a new iterator of a source; None where it has none to give, as far as that shows.

    Args:
        source: the caller's.
        is_sync: whether it is iterated in threads.
        head: what it began with.
    """
    make = iter if is_sync else aiter
    one, other = make(source), make(source)
    if one is other:
        return None  # it hides one iterator
    if not is_sync:
        return one
    # Many are at their end by now, or go on where they were left.
    first = next(filter(None, one), b"")
    return chain((first,), one) if _is_beginning(first, head) else None


def _is_beginning(first: bytes, head: bytes) -> bool:
    """Whether a first chunk is what a body began with, as far as either goes."""
    seen = min(len(first), len(head))
    return first[:seen] == head[:seen] and bool(first or not head)

"""The guard inside which a request body travels that says that it can be iterated again."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from .alarm import alarm_of
from .body_guard import RewindingGuard, by_reading
from .one_shot_guard import OneShotGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from .family import Family


class IterableGuard(RewindingGuard):
    """An iterable of the caller's own, which may begin anew each time, or in name only.

    Nothing but asking tells, and to ask may start its work, or end it: so each send asks once, and
    for a second one it is asked only when the first has failed.

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
            except Exception as error:
                # It says that it cannot, in its own words.
                if alarm_of(error) is not None:
                    raise
        return self._next is not None

    def _begin(self, make: Callable[[Any], Any]) -> Any:
        if self._once.is_replayable:
            return self._once.chunks_by(make)
        if not self._begins_anew():
            raise self._refuse("it is a stream that was read already")
        found, self._next = self._next, None
        return found

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
    first = next(one, b"")
    seen = min(len(first), len(head))
    if first[:seen] != head[:seen] or (head and not first):
        return None
    return chain((first,), one)

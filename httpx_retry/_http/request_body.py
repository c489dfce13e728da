"""Which request bodies can be sent again, and how.

httpx keeps bytes, text, JSON and forms in memory: they need nothing. Everything else is read where
it stands, so a second send, httpcore's own after a GOAWAY included, could be empty, short or
shifted without anyone noticing: such a body travels inside a guard.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from .body_guard import BodyGuard, InTasks, InThreads, RewindingGuard, by_reading
from .iterable_guard import IterableGuard
from .one_shot_guard import OneShotGuard

if TYPE_CHECKING:
    import httpx

    from .family import Family

_Guard = TypeVar("_Guard", bound=BodyGuard)

# How collections are iterated that always begin anew, those derived from them included.
_COLLECTIONS: tuple[type, ...] = (
    list,
    tuple,
    set,
    frozenset,
    deque,
    dict,
    type({}.keys()),
    type({}.values()),
)
_BEGIN_ANEW: frozenset[Any] = frozenset(vars(kind)["__iter__"] for kind in _COLLECTIONS)
# By what a stream of that world has.
_SIDES: dict[str, type[Any]] = {"__iter__": InThreads, "__aiter__": InTasks}


def guard_for(request: httpx.Request, family: Family, capacity: int) -> BodyGuard:
    """Return the guard of a request's body that is not in memory.

    Args:
        request: not yet sent: a file stands where its first send begins.
        family: the httpx that made it.
        capacity: bytes of a one-shot body to keep.
    """
    stream: Any = request.stream
    if isinstance(stream, BodyGuard):
        return stream
    kind, given = _kind_for(stream, family, capacity)
    return guarding(kind, stream, family)(stream, family, *given)


def _kind_for(
    stream: Any, family: Family, capacity: int
) -> tuple[type[BodyGuard], tuple[Any, ...]]:
    """Which guard a body needs, and what that one is given beside the body and its family."""
    once = OneShotGuard, (capacity,)
    if isinstance(stream, family.MultipartStream):
        files = [field.file for field in stream.fields if hasattr(field, "file")]
        files = [file for file in files if not isinstance(file, str | bytes)]
        # httpx itself goes back to the start of each file that it can seek in.
        is_seekable = all(_start_of(file) is not None for file in files)
        return (RewindingGuard, (by_reading, files)) if is_seekable else once
    if not isinstance(stream, family.iterator_streams):
        return once
    source = stream._stream  # noqa: SLF001 - httpx has no other way to tell what is iterated
    if hasattr(source, "read") or hasattr(source, "aread"):
        # A file of the async world tells its position to those who await it: not here.
        start = _start_of(source) if hasattr(stream, "__iter__") else None
        return once if start is None else (RewindingGuard, (lambda: source.seek(start), [source]))
    if hasattr(source, "__next__") or hasattr(source, "__anext__"):
        return once
    if isinstance(source, family.streams) and not isinstance(source, family.replayable):
        return once  # a response's, say: whoever asks that one anew waits for its server
    # Whatever else is written in C may be a proxy, or read on.
    if getattr(type(source), "__iter__", None) in _BEGIN_ANEW:
        return RewindingGuard, (by_reading,)
    return IterableGuard, (capacity,)


def guarding(kind: type[_Guard], stream: Any, family: Family) -> type[_Guard]:
    """Return the class of guards that are of the same worlds as the stream."""
    sides = [side for method, side in _SIDES.items() if hasattr(stream, method)]
    return family.stream_class(kind, *sides)


def is_same_body(now: Any, before: Any, family: Family) -> bool:
    """Whether a wrapped transport left a request's body as it was.

    One that put another in its place would do so to that one again, and has changed the headers
    with it. Recorders put the same bytes there.
    """
    if now is before:
        return True
    in_memory = family.ByteStream
    return type(now) is type(before) is in_memory and b"".join(now) == b"".join(before)


def _start_of(file: Any) -> int | None:
    """Where a file stands; None where it cannot be taken back there."""
    try:
        seekable = getattr(file, "seekable", None)
        if not hasattr(file, "seek") or not (seekable is None or seekable()):
            return None
        position = file.tell()
    except (AttributeError, OSError, ValueError):
        return None
    return position if isinstance(position, int) else None

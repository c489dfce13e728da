"""Whether an exception came from outside: who has set a time limit wants it to be heard.

`signal.alarm` and a handler that raises `TimeoutError` bound a call over bare httpx, and so does
what another thread throws into this one. That is no fault of the network, whatever its class, and
comes once: it is neither tried again nor swallowed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .causes import chain_of, frames_of

if TYPE_CHECKING:
    from types import FrameType

# Whose code a request runs through: most frames are theirs, and what is thrown in comes up there.
# None of them has a signal handler that raises an `Exception`.
_LIBRARIES = frozenset(
    {"anyio", "asyncio", "eventlet", "gevent", "h11", "h2", "httpcore", "httpcore2"}
    | {"httpx", "httpx2", "httpx_retry", "socket", "ssl", "trio"}
)
# inspect.CO_VARARGS, which takes long to load.
_VARARGS = 0x04


def alarm_of(error: Exception) -> Exception | None:
    """Return what a signal's handler raised, if that is the exception, or what it was made of."""
    for link in chain_of(error):
        if any(_is_handler(frame) for frame in frames_of(link)):
            alarm: Exception = link
            return alarm
    return None


def hear(error: Exception) -> None:
    """Raise it again if a signal's handler raised it; else it is nobody's concern."""
    if alarm_of(error) is not None:
        raise error


def interrupt_of(error: Exception) -> Exception | None:
    """Return what came from outside, as `alarm_of` does, or what another thread threw in here.

    So stopit and rq keep their limits (by `PyThreadState_SetAsyncExc`), and gevent its own: in the
    midst of a library's code, out of a class that is none of the libraries' own. Where a request is
    sent, that needs no telling: it is none of the network's names. This is for where errors are
    nobody's concern.
    """
    kind = type(error)
    if _package_of(kind.__module__) in (*_LIBRARIES, "builtins") or isinstance(error, OSError):
        return alarm_of(error)
    *_, innermost = frames_of(error)
    is_thrown_in = _package_of(innermost.f_globals.get("__name__")) in _LIBRARIES
    return error if is_thrown_in else alarm_of(error)


def _package_of(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _is_handler(frame: FrameType) -> bool:
    """Whether it was called as handlers are: with a number, and the frame that it interrupts."""
    interrupted = frame.f_back
    package = _package_of(frame.f_globals.get("__name__"))
    if interrupted is None or package in _LIBRARIES:
        return False
    given = _arguments_of(frame)
    return any(isinstance(a, int) and b is interrupted for a, b in pairwise(given))


def _arguments_of(frame: FrameType) -> list[Any]:
    """What a function was called with by place: one that is decorated may take all as `*args`."""
    code, given = frame.f_code, frame.f_locals
    names, count = code.co_varnames, code.co_argcount
    arguments = [given.get(name) for name in names[:count]]
    if code.co_flags & _VARARGS:
        more = given.get(names[count + code.co_kwonlyargcount])
        arguments += more if isinstance(more, tuple) else ()
    return arguments

"""Whether a signal's handler raised an exception: who has set an alarm wants it to be heard.

`signal.alarm` and a handler that raises `TimeoutError` bound a call over bare httpx. That is no
fault of the network, whatever its class, and comes once: it is neither tried again nor swallowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .causes import chain_of, frames_of

if TYPE_CHECKING:
    from types import FrameType

# None of these has a handler that raises an `Exception`, and most frames are theirs.
_LIBRARIES = frozenset(
    {"anyio", "asyncio", "contextlib", "h11", "h2", "httpcore", "httpcore2", "httpx", "httpx2"}
    | {"httpx_retry", "socket", "ssl", "trio"}
)


def alarm_of(error: Exception) -> Exception | None:
    """Return what a signal's handler raised, if that is the exception, or what it was made of."""
    for link in chain_of(error):
        if any(_is_handler(frame) for frame in frames_of(link)):
            alarm: Exception = link
            return alarm
    return None


def _is_handler(frame: FrameType) -> bool:
    """Whether it was called as handlers are: with the very frame that it has interrupted."""
    interrupted = frame.f_back
    name = frame.f_globals.get("__name__") or ""
    if interrupted is None or name.partition(".")[0] in _LIBRARIES:
        return False
    for value in frame.f_locals.values():
        # One that is decorated has it among others.
        given = value if type(value) is tuple else (value,)
        if any(each is interrupted for each in given):
            return True
    return False

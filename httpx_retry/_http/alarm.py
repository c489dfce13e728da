"""Whether a signal's handler raised an exception: who has set an alarm wants it to be heard.

`signal.alarm` and a handler that raises `TimeoutError` bound a call over bare httpx. That is no
fault of the network, whatever its class, and comes once: it is neither tried again nor swallowed.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from .causes import chain_of, frames_of

if TYPE_CHECKING:
    from types import CodeType

# To ask for all of them takes 100 µs. Some platforms have fewer.
_NAMES = ("ALRM", "VTALRM", "PROF", "USR1", "USR2", "TERM", "INT", "HUP", "BREAK")


def alarm_of(error: Exception) -> Exception | None:
    """Return what a signal's handler raised, if that is the exception, or what it was made of.

    Args:
        error: raised here and now: the handler is still the one that is installed.
    """
    # Where it was never loaded, nobody has installed any. And they run in one thread alone.
    signal: Any = sys.modules.get("signal")
    if signal is None or threading.get_ident() != threading.main_thread().ident:
        return None
    numbers = (getattr(signal, f"SIG{name}", None) for name in _NAMES)
    handlers = {_code_of(signal.getsignal(number)) for number in numbers if number is not None}
    for link in chain_of(error):
        if any(frame.f_code in handlers for frame in frames_of(link)):
            alarm: Exception = link
            return alarm
    return None


def _code_of(handler: Any) -> CodeType | None:
    """The code of a function, of a method, of what `partial` has made of one, or of an object."""
    function = getattr(handler, "func", handler)
    code: CodeType | None = getattr(function, "__code__", None)
    return code or getattr(type(function).__call__, "__code__", None)

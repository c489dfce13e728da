"""What a failed attempt has put on its server: what a retry budget asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.outcome import Load
from .._core.policy import FIRST_ERROR_STATUS
from .causes import chain_of, first
from .faults import REFUSED_STREAM

if TYPE_CHECKING:
    from .._core.outcome import Outcome
    from .family import Family

# Looked up once: on Python 3.10 and 3.11 a member of an Enum costs 30 ns.
_NONE, _SOME, _TIMEOUT = Load.NONE, Load.SOME, Load.TIMEOUT
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503
# A 503 that asks for less has not thought about when it will be back.
_NAMED = 1.0


def load_of(outcome: Outcome, family: Family) -> Load:
    """Return what the attempt of an outcome has put on its server.

    Args:
        outcome: of an attempt that failed.
        family: the httpx that its error may be of.
    """
    error, status, wait = outcome.error, outcome.status, outcome.server_wait
    if error is None:
        assert status is not None
        # A good answer that `retry_if` wants again, as a poll does, is not one of a server in need.
        named = wait or 0.0
        is_free = (
            status < FIRST_ERROR_STATUS
            or (status == _TOO_MANY_REQUESTS and named > 0.0)
            or (status == _UNAVAILABLE and named >= _NAMED)
        )
        return _NONE if is_free else _SOME
    if isinstance(error, family.TimeoutException | TimeoutError):
        return _TIMEOUT
    chain = chain_of(error)
    reset = first(chain, "h2.events", "StreamReset")
    is_free = (
        outcome.connection_refused
        or (reset is not None and reset.error_code == REFUSED_STREAM)
        or first(chain, "h2.events", "ConnectionTerminated") is not None
        or first(chain, "h2.exceptions", "TooManyStreamsError") is not None
        or first(chain, "socket", "gaierror") is not None
    )
    return _NONE if is_free else _SOME

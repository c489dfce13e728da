"""An exception → what it proves about whether the server processed the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.outcome import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection

    from .family import Family


def evidence_of_error(error: Exception, family: Family) -> Evidence:
    """Return what an exception raised by the wrapped transport proves."""
    if not isinstance(error, family.TransportError):
        return Evidence.BUG
    if isinstance(error, family.unsent):
        return Evidence.UNSENT
    if isinstance(error, family.permanent):
        return Evidence.PERMANENT
    return Evidence.UNKNOWN


# By convention: 408 (RFC 9110 §15.5.9), 425 (RFC 8470 §5.2), 429 (RFC 6585 §4).
_REFUSING_STATUSES = frozenset({408, 425, 429})


def evidence_of_status(status: int, failing: Collection[int]) -> Evidence:
    """Return what a response's status proves.

    Args:
        status: the status code.
        failing: statuses that the policy counts as failed. One taken out of them means something
            else to its server, so the convention does not hold.
    """
    refused = status in _REFUSING_STATUSES and status in failing
    return Evidence.REFUSED if refused else Evidence.UNKNOWN

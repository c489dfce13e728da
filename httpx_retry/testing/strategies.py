"""Hypothesis strategies: failures and outages, as entries and scripts of a `ScriptedTransport`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from .._core.policy import DEFAULT_POLICY, TRANSIENT_STATUSES
from .._http.faults import REFUSING_STATUSES

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from ._responses import Headers

    # Entries for scripts of either family: a class of httpx stands for httpx2's of that name.
    Failure = int | tuple[int, Headers] | type[Exception]

__all__ = ["failures", "outages", "refusals"]

_NAMING_THE_TIME = (429, 503)
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BREAKS = (
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.RemoteProtocolError,
    httpx.WriteError,
    httpx.WriteTimeout,
)
_MOST_WAIT = int(DEFAULT_POLICY.max_retry_after)


def refusals(longest_wait: int = 10) -> SearchStrategy[Failure]:
    """Failures that any request survives, a POST included: the server has not processed it.

    Args:
        longest_wait: the most seconds that a `Retry-After` asks for.
    """
    return st.one_of(
        st.sampled_from(sorted(REFUSING_STATUSES)),
        st.sampled_from(_UNSENT),
        _with_a_wait((429,), longest_wait),
    )


def failures(longest_wait: int = 10) -> SearchStrategy[Failure]:
    """Failures that a request survives which may run twice, such as a GET or a PUT.

    Args:
        longest_wait: the most seconds that a `Retry-After` asks for.
    """
    return st.one_of(
        st.sampled_from(sorted(TRANSIENT_STATUSES)),
        st.sampled_from(_UNSENT + _BREAKS),
        _with_a_wait(_NAMING_THE_TIME, longest_wait),
    )


def outages(
    most: int = 2, *, failing: SearchStrategy[Any] | None = None, then: Any = 200
) -> SearchStrategy[list[Any]]:
    """Scripts of an outage: up to `most` failures in a row, and then an answer.

    Args:
        most: the most failures. The default policy survives 3.
        failing: what draws each failure; None: `failures()`, whose waits come to no more together
            than the default policy lets servers ask for.
        then: the entry that ends the outage.
    """
    if failing is None:
        failing = failures(_MOST_WAIT // max(most, 1))
    return st.lists(failing, max_size=most).map(lambda script: [*script, then])


def _with_a_wait(statuses: tuple[int, ...], longest: int) -> SearchStrategy[Failure]:
    headers = st.integers(0, longest).map(lambda seconds: {"Retry-After": str(seconds)})
    return st.tuples(st.sampled_from(statuses), headers)

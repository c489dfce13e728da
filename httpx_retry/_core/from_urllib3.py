"""What an urllib3 `Retry` says, as the fields of a policy.

It is read, never imported: urllib3 need not be there, and pip's own copy will do.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ._checks import check_number
from .backoff import BackoffContext, ExponentialBackoff
from .outcome import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .outcome import Outcome

_READ = (
    "total",
    "connect",
    "read",
    "status",
    "other",
    "redirect",
    "raise_on_redirect",
    "remove_headers_on_redirect",
    "allowed_methods",
    "status_forcelist",
    "respect_retry_after_header",
    "backoff_factor",
    "DEFAULT_REMOVE_HEADERS_ON_REDIRECT",
    "RETRY_AFTER_STATUS_CODES",
)
# One of these is there: from urllib3 2, from 1.26.8, or before.
_LONGEST_WAITS = ("backoff_max", "DEFAULT_BACKOFF_MAX", "BACKOFF_MAX")
_KNOWN = (*_READ, *_LONGEST_WAITS)
_KINDS = ("connect", "read", "status")

# The default of `retry_after_max`, which younger versions have: 6 hours.
_RETRY_AFTER_MAX = 21_600

# What "any method" comes to: all of RFC 9110 §9.3 but CONNECT; PATCH (RFC 5789); QUERY.
_ANY_METHOD = (
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "QUERY",
    "TRACE",
)


@dataclass(frozen=True)
class Urllib3Backoff:
    """urllib3's curve: nothing after the first failure, then `factor` times 2, 4, 8 and so on.

    Args:
        factor: seconds, its `backoff_factor`.
        maximum: seconds that no wait exceeds, its `backoff_max`.
        jitter: seconds, its `backoff_jitter`: a draw from [0, jitter) is added before the cap.

    Raises:
        ValueError: for a value out of range.
        TypeError: for a value that is no number.
    """

    factor: float
    maximum: float = 120.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        check_number("factor", self.factor)
        check_number("maximum", self.maximum)
        check_number("jitter", self.jitter)

    def __call__(self, context: BackoffContext) -> float:
        """Return the seconds to wait after failure number `context.attempt`."""
        if context.attempt == 1:
            return 0.0
        curve = ExponentialBackoff(self.factor, 2.0, self.maximum, "none")
        drawn = self.jitter * context.random() if self.jitter else 0.0
        return min(curve(context) + drawn, self.maximum)


@dataclass(frozen=True)
class Urllib3Rule:
    """Which outcomes an urllib3 `Retry` leaves alone, and which statuses it retries when told to.

    Args:
        never: kinds of failure whose count is 0: of `"connect"`, which is whatever provably was not
            processed, `"read"` and `"status"`.
        when_asked: statuses that count as failed only where the server names a wait.
    """

    asked_from: ClassVar[int] = 400
    """The lowest status that it has anything to say about: good responses cost nothing."""

    never: frozenset[str]
    when_asked: frozenset[int]

    def __call__(self, outcome: Outcome) -> bool | None:
        """Return a verdict, as `retry_if` does."""
        if outcome.error is None:
            kind = "status"
        else:
            kind = "read" if outcome.evidence is Evidence.UNKNOWN else "connect"
        if kind in self.never:
            return False
        asks = outcome.status in self.when_asked and outcome.server_wait is not None
        return True if asks else None


def fields_from(retry: Any) -> dict[str, Any]:
    """Return the fields of the policy that does what an urllib3 `Retry` does.

    Raises:
        ValueError: where it sets no bound, may mean two things, or names a method in vain.
        TypeError: for what is no `Retry`, and for a value of the wrong type.
    """
    if isinstance(retry, int):  # what requests takes as `max_retries`
        raise TypeError(
            f"retry must be an urllib3.util.Retry, not {retry!r}: pass Retry({retry!r})"
        )
    names = (name for name in _LONGEST_WAITS if hasattr(retry, name))
    longest_wait = next(names, _LONGEST_WAITS[0])
    missing = [name for name in (*_READ, longest_wait) if not hasattr(retry, name)]
    if missing:
        raise TypeError(
            f"retry must be an urllib3.util.Retry, not {retry!r}: it has no {', '.join(missing)}"
        )
    never = frozenset(name for name in _KINDS if _is_none_at_all(getattr(retry, name)))
    retries = _retries(retry, never)
    fields = {
        "max_attempts": 1 + retries,
        "backoff": Urllib3Backoff(
            retry.backoff_factor,
            getattr(retry, longest_wait),
            getattr(retry, "backoff_jitter", 0.0),
        ),
        "statuses": () if "status" in never else retry.status_forcelist,
        "methods": _methods(retry.allowed_methods),
        "recover_body": "read" not in never,
    }
    if retry.respect_retry_after_header:
        fields["max_retry_after"] = getattr(retry, "retry_after_max", _RETRY_AFTER_MAX)
    when_asked = _when_asked(retry)
    if never or when_asked:
        fields["retry_if"] = Urllib3Rule(never, when_asked)
    lost = [*_lost(retry, retries, never), *_lost_with_subclass(retry)]
    if lost:
        said = f"no counterpart in a RetryPolicy: {'; '.join(lost)}"
        warnings.warn(said, stacklevel=3)  # whoever called RetryPolicy.from_urllib3
    return fields


def _is_none_at_all(count: int | None) -> bool:
    return count is not None and count <= 0


def _retries(retry: Any, never: Collection[str]) -> int:
    """The fewest that any count allows, so that no kind of failure is retried more than before."""
    counts = [getattr(retry, name) for name in _KINDS if name not in never]
    bounds = [count for count in (retry.total, *counts) if count is not None]
    if not bounds and len(never) < len(_KINDS):
        raise ValueError(f"total must be a number: {retry!r} has no bound, and a policy has one")
    return max(0, min(bounds, default=0))


def _methods(allowed: Any) -> Collection[str]:
    if allowed is None or allowed is False:
        return _ANY_METHOD
    if not allowed:
        raise ValueError(
            f"allowed_methods={allowed!r} is any method to urllib3 2 and none to urllib3 3:"
            " say None, or name them"
        )
    if isinstance(allowed, str) or not isinstance(allowed, Collection):
        raise TypeError(f"allowed_methods must be a collection of methods, not {allowed!r}")
    for each in allowed:
        if isinstance(each, str) and each != each.upper():
            raise ValueError(
                f"allowed_methods={allowed!r} has {each!r}, which urllib3 takes for no request's"
                " method: write it in capitals, or leave it out"
            )
    methods: Collection[str] = allowed
    return methods


def _when_asked(retry: Any) -> frozenset[int]:
    # Without a `total`, urllib3 does not take Retry-After alone for a reason to retry.
    if not (retry.total and retry.respect_retry_after_header):
        return frozenset()
    return frozenset(retry.RETRY_AFTER_STATUS_CODES) - frozenset(retry.status_forcelist)


def _lost(retry: Any, retries: int, never: Collection[str]) -> Iterator[str]:
    """What there is no field for, and what happens instead."""
    counts = {name: getattr(retry, name) for name in _KINDS if name not in never}
    named = ", ".join(f"{name}={count}" for name, count in counts.items() if count is not None)
    if named and (retry.total is None or retries < retry.total):
        yield f"{named} (failures are counted together: {1 + retries} attempts in all)"
    if retry.other is not None and (retry.total is None or retry.other < retry.total):
        yield f"other={retry.other} (TLS failures count as connect, the rest as read)"
    if retry.total is not False and not (retry.redirect is None and retry.raise_on_redirect):
        named = f"redirect={retry.redirect}, raise_on_redirect={retry.raise_on_redirect}"
        yield f"{named} (redirects are the client's: its max_redirects)"
    removed = {name.lower() for name in retry.remove_headers_on_redirect}
    if removed != {name.lower() for name in retry.DEFAULT_REMOVE_HEADERS_ON_REDIRECT}:
        yield (
            f"remove_headers_on_redirect={sorted(removed)} (httpx removes Authorization and Cookie"
            " where another origin follows, and no other)"
        )
    if not retry.respect_retry_after_header:
        yield "respect_retry_after_header=False (servers that name a wait are obeyed)"
    if retry.allowed_methods is None or retry.allowed_methods is False:
        yield (
            f"allowed_methods={retry.allowed_methods} (a policy names its methods:"
            f" {', '.join(_ANY_METHOD)})"
        )


def _lost_with_subclass(retry: Any) -> Iterator[str]:
    for each in type(retry).__mro__:
        if each.__module__.endswith("urllib3.util.retry"):
            return
        own = [name for name in vars(each) if not name.startswith("__") and name not in _KNOWN]
        if own:
            yield f"{each.__name__}.{', '.join(own)} (no code of a subclass is run)"

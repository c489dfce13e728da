"""What a policy will do, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .._core.backoff import ConstantBackoff, DecorrelatedJitterBackoff, ExponentialBackoff
from .._core.budget import RetryBudget
from .._core.from_urllib3 import Urllib3Backoff
from .._core.outcome import Load
from .._core.policy import DEFAULT_POLICY, FIELDS
from .._http.faults import REFUSING_STATUSES
from .._http.response_body import CONTINUED_METHODS
from .figures import duration
from .forecast import SAMPLED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .._core.policy import RetryPolicy
    from .forecast import Forecast

_BUILT_IN = (ExponentialBackoff, ConstantBackoff, DecorrelatedJitterBackoff, Urllib3Backoff)
_KNOWN = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY", "POST", "PATCH")
# httpx's own default, for each of pool, connect, write and read.
_TIMEOUT = 5.0


class Fact(NamedTuple):
    """A sentence or two, and what they are about."""

    about: str
    says: str


def title(policy: RetryPolicy) -> str:
    """Return the policy as one would write it: only what differs from the defaults."""
    changed = (name for name in FIELDS if getattr(policy, name) != getattr(DEFAULT_POLICY, name))
    written = (f"{name}={_written(getattr(policy, name))}" for name in changed)
    return f"RetryPolicy({', '.join(written)})"


def summary(policy: RetryPolicy, forecast: Forecast) -> str:
    """Return what matters most, in one sentence or two."""
    if policy.max_attempts == 1:
        return "One attempt: nothing is sent again."
    if len(forecast.attempts) == 1:
        return f"One attempt: the backoff's waits would pass {_deadline(policy)}."
    first = f"Up to {policy.max_attempts} attempts."
    typical = duration(forecast.typical, digits=2)
    if _is_open(policy, forecast):
        return f"{first} Waits between the first {len(forecast.attempts)} come to about {typical}."
    if forecast.typical == forecast.longest:
        return f"{first} Waits come to {duration(forecast.longest)} in all."
    return f"{first} Waits come to about {typical} in all, {duration(forecast.longest)} at most."


def facts(policy: RetryPolicy, forecast: Forecast) -> list[Fact]:
    """Return what else there is to know, what is asked most often first."""
    if policy.max_attempts == 1:
        return [Fact("worst case", f"What one attempt takes: {_EACH_PHASE}.")]
    told = [Fact("worst case", _worst_case(policy, forecast)), *_what_a_budget_grants(policy)]
    if policy.max_elapsed is not None:
        told.append(Fact("deadline", _what_deadline_does(policy, forecast)))
    told.append(Fact("servers", _what_servers_may_do(policy, forecast)))
    told += _what_is_sent_again(policy)
    if policy.retry_if is not None:
        told.append(Fact("retry_if", _what_retry_if_does(policy)))
    told += _what_becomes_of_bodies(policy)
    told.append(
        Fact("no wait", "The first retry, if HTTP/2 refused it or its connection was stale.")
    )
    told += _what_is_sampled(policy, forecast)
    return told


_EACH_PHASE = (
    f"httpx's default timeouts allow {duration(_TIMEOUT)} a phase (pool, connect, write, read)"
)


def _worst_case(policy: RetryPolicy, forecast: Forecast) -> str:
    if _is_open(policy, forecast):
        return (
            f"More than {duration(forecast.longest)} of waits, and what each attempt takes: only"
            f" the first {len(forecast.attempts)} attempts are foreseen, and there is no"
            " max_elapsed."
        )
    attempts = policy.max_attempts
    silent = attempts * _TIMEOUT + forecast.longest
    reckoned = f"{attempts} × {duration(_TIMEOUT)} + {duration(forecast.longest)}"  # noqa: RUF001 - as drawn
    deadline = policy.max_elapsed
    if deadline is not None and deadline < silent:
        silent = deadline
        reckoned = "its max_elapsed"
    # Where nothing may run twice, silence ends it; what never left is sent again all the same.
    which = "never answers" if _what_may_run_twice(policy) else "cannot be reached"
    return (
        f"{duration(forecast.longest)} of waits, and what each attempt takes: {_EACH_PHASE}."
        f" Against a server that {which}: {duration(silent)} ({reckoned})."
    )


def _what_a_budget_grants(policy: RetryPolicy) -> Iterator[Fact]:
    timeouts, others = _granted(Load.TIMEOUT), _granted(Load.SOME)
    if policy.max_attempts - 1 > timeouts:
        yield Fact(
            "budget",
            f"A transport's default one grants a request {timeouts} retries after timeouts,"
            f" {others} after other failures, and fewer while others fail: give it a RetryBudget of"
            " more capacity, or budget=None.",
        )


def _granted(load: Load) -> int:
    """The retries that an idle client's budget grants."""
    budget = RetryBudget()
    return sum(1 for _ in iter(lambda: budget.withdraw("", load, 0.0), None))


def _what_deadline_does(policy: RetryPolicy, forecast: Forecast) -> str:
    says = (
        f"No wait is begun that would pass {_deadline(policy)}, and no phase of an attempt goes on"
        " beyond it."
    )
    made = len(forecast.attempts)
    if forecast.cut_at is None:
        alone = "The waits alone do not come so far; slow attempts may."
        return says if forecast.unforeseen else f"{says} {alone}"
    if made + forecast.unforeseen == policy.max_attempts:
        return f"{says} Not every request gets all its attempts."
    return f"{says} More than {_counted(made)} only if waits are shorter than the backoff's."


def _what_servers_may_do(policy: RetryPolicy, forecast: Forecast) -> str:
    if not policy.max_retry_after:
        return (
            "One that names a wait (Retry-After and the like) ends it: its response is handed over"
            " (max_retry_after=0)."
        )
    says = (
        "One that names a wait (Retry-After and the like) gets it in place of the policy's own, up"
        f" to {duration(policy.max_retry_after)} for one request"
    )
    if policy.max_elapsed is not None:
        says += " and within the deadline"
    if not _is_open(policy, forecast):
        says += f": {duration(forecast.longest_with_servers)} of waits at most, then"
    return f"{says}. If it asks for more, its response is handed over at once."


def _what_is_sent_again(policy: RetryPolicy) -> Iterator[Fact]:
    refusing = [str(each) for each in sorted(policy.statuses) if each in REFUSING_STATUSES]
    failing = [str(each) for each in sorted(policy.statuses) if each not in REFUSING_STATUSES]
    signs = ["it never left", "HTTP/2 refused it", *refusing]
    yield Fact("any method", f"Again where it was provably not processed: {_listed(signs, 'or')}.")
    who = _what_may_run_twice(policy)
    if not who:
        yield Fact("no method", "Handed over where it may have been processed.")
        return
    signs = [*failing, "timeouts", "broken connections"]
    signs += [each.__qualname__ for each in policy.exceptions]
    says = f"{_listed(who)}: again after {_listed(signs, 'or')} too."
    yield Fact("repeatable", says[0].upper() + says[1:])
    if policy.generate_idempotency_key:
        yield Fact("keys", f"A POST or PATCH without {policy.idempotency_header} is given one.")


def _what_may_run_twice(policy: RetryPolicy) -> list[str]:
    who = _in_order(policy.methods)
    if policy.idempotency_header is not None:
        who.append(f"what carries {policy.idempotency_header}")
    return who


def _in_order(methods: Collection[str]) -> list[str]:
    """The best known first."""
    return [each for each in _KNOWN if each in methods] + sorted(set(methods) - set(_KNOWN))


def _what_retry_if_does(policy: RetryPolicy) -> str:
    read = ", the body read," if policy.read_body else ""
    asked = f"{_written(policy.retry_if)} is asked first{read}"
    return f"{asked} and may count any outcome as failed, or as good."


def _what_becomes_of_bodies(policy: RetryPolicy) -> Iterator[Fact]:
    if policy.replay_buffer:
        kept = f"{policy.replay_buffer:,} bytes"
        yield Fact("requests", f"Up to {kept} of a body that can be read only once are kept.")
    if policy.mended_methods or (policy.recover_body and policy.idempotency_header is not None):
        continued = _in_order(CONTINUED_METHODS & policy.mended_methods)
        anywhere = f"of {_listed(continued, 'or')} anywhere, else " if continued else ""
        yield Fact(
            "responses",
            "Of what may run twice, a body that breaks off is mended within the same limits:"
            f" {anywhere}while nothing of it was delivered. 64 KiB more of it start the count of"
            " attempts anew, up to 100 sends.",
        )


def _what_is_sampled(policy: RetryPolicy, forecast: Forecast) -> Iterator[Fact]:
    sampled = f"From {SAMPLED:,} samples"
    if not isinstance(policy.backoff, _BUILT_IN):
        asked = f"{sampled} of this backoff, asked as if every answer were a 503"
        yield Fact("figures", f"{asked}: others may wait longer.")
    elif forecast.cut_at is not None and _varies(forecast):
        yield Fact("figures", f"{sampled}: rarer requests wait a little longer, or shorter.")


def _is_open(policy: RetryPolicy, forecast: Forecast) -> bool:
    """Whether more may come than was looked at."""
    return bool(forecast.unforeseen) and policy.max_elapsed is None


def _varies(forecast: Forecast) -> bool:
    waits = (each.wait for each in forecast.attempts if each.wait is not None)
    return any(wait.smallest < wait.largest for wait in waits)


def _counted(attempts: int) -> str:
    return "1 attempt" if attempts == 1 else f"{attempts} attempts"


def _deadline(policy: RetryPolicy) -> str:
    assert policy.max_elapsed is not None
    return f"max_elapsed={duration(policy.max_elapsed)}"


def _listed(items: Collection[str], conjunction: str = "and") -> str:
    *others, last = items
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def _written(value: object) -> str:
    if isinstance(value, frozenset):
        return f"{{{', '.join(map(repr, sorted(value)))}}}" if value else "()"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    name = getattr(value, "__qualname__", None)
    written = repr(value) if name is None else name
    # Nothing that a terminal obeys, and nothing that XML has no character for.
    return "".join(each if each.isprintable() else "?" for each in written)

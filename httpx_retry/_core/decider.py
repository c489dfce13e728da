"""Where a retry is granted or refused.

Whether one that was granted can still be made, once the wait is over, is asked where time passes:
in `_call`. The checks stand in the order of what they cost and of what a refusal should say: a
request that may not run twice is not told that its attempts are exhausted, and a backoff is asked
once nothing but time, closing or the budget can forbid the retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._checks import LARGEST, check_number
from .backoff import BackoffContext
from .outcome import Decision, Evidence, Outcome, Retry, RetryReason, Stop, StopReason
from .policy import FIRST_ERROR_STATUS, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds: with less than this left until the deadline, none is begun.
SHORTEST_ATTEMPT = 0.001

# A wait may end late by so much of its length: in an event loop, many end together.
LATENESS = 1 / 500

# Where nobody listens, most often a server is about to restart: retries cost it nothing, but those
# that come too early are lost. So each draw is from this part of its range upwards, and what was in
# flight rides out a second of absence with the default policy.
_LATE = 0.9

_NUMBERS = (float, int)
_new_tuple = tuple.__new__

# Looked up once: on Python 3.10 and 3.11 a member of an Enum costs 30 ns.
_UNSENT, _UNKNOWN = Evidence.UNSENT, Evidence.UNKNOWN
_PERMANENT, _BUG = Evidence.PERMANENT, Evidence.BUG
_NEVER_SENT, _UNPROCESSED = RetryReason.UNSENT, RetryReason.REFUSED
_METHOD, _KEY = RetryReason.IDEMPOTENT_METHOD, RetryReason.IDEMPOTENCY_KEY

DONE = Stop(StopReason.DONE)
DEADLINE = Stop(StopReason.DEADLINE)
_NOT_TRANSIENT = Stop(StopReason.NOT_TRANSIENT)
_SERVER_DECLINED = Stop(StopReason.SERVER_DECLINED)
_NOT_IDEMPOTENT = Stop(StopReason.NOT_IDEMPOTENT)
_BODY_NOT_REPLAYABLE = Stop(StopReason.BODY_NOT_REPLAYABLE)
_ATTEMPTS_EXHAUSTED = Stop(StopReason.ATTEMPTS_EXHAUSTED)
_RETRY_AFTER_TOO_LONG = Stop(StopReason.RETRY_AFTER_TOO_LONG)
_CLOSED = Stop(StopReason.CLOSED)
BUDGET_EXHAUSTED = Stop(StopReason.BUDGET_EXHAUSTED)


class Progress:
    """Where one call stands when its latest attempt has ended.

    Attributes:
        method: the request's method.
        is_keyed: whether it carries the idempotency header.
        is_replayable: whether its body can be sent again as it was.
        attempts: sends so far.
        elapsed: seconds since the first send.
        server_waits: seconds waited so far because servers asked for it.
        previous_delay: seconds of the latest wait; None before the first.
        went_at_once: whether the latest retry was granted after a failure that needs no wait.
        is_closed: whether the transport was closed since the call began.
    """

    __slots__ = (
        "attempts",
        "elapsed",
        "is_closed",
        "is_keyed",
        "is_replayable",
        "method",
        "previous_delay",
        "server_waits",
        "went_at_once",
    )

    method: str
    is_keyed: bool
    is_replayable: bool
    attempts: int
    elapsed: float
    server_waits: float
    previous_delay: float | None
    went_at_once: bool
    is_closed: bool


def decide(
    policy: RetryPolicy,
    progress: Progress,
    outcome: Outcome,
    random: Callable[[], float],
    withdraw: Callable[[Outcome], bool],
) -> Decision:
    """Return what follows the outcome: `Retry(delay, reason)` or `Stop(reason)`.

    Args:
        policy: the limits and rules of this call.
        progress: where the call stands, this outcome's attempt included.
        outcome: what the latest attempt came to.
        random: a draw from [0, 1).
        withdraw: takes the tokens of a retry from the budget, where there are enough.

    Raises:
        ValueError: where the backoff returns a negative number, NaN or infinity.
        TypeError: where it returns no number, or `retry_if` no verdict.
    """
    evidence = outcome.evidence
    ground: RetryReason | None = _NEVER_SENT if evidence is _UNSENT else _UNPROCESSED
    if evidence is _UNKNOWN:
        is_idempotent = progress.method in policy.methods
        ground = _METHOD if is_idempotent else _KEY if progress.is_keyed else None
    refusal = _refusal(policy, progress, outcome, ground)
    if refusal is not None:
        return refusal
    asked = outcome.server_wait
    # A wait of 0 names no time: such an outcome is `at_once`, which holds once.
    delay = asked or _own_delay(policy, progress, outcome, random)
    longest = policy.max_elapsed
    if longest is not None and is_too_late(longest, progress.elapsed, delay):
        return DEADLINE
    if progress.is_closed:
        return _CLOSED
    if not withdraw(outcome):
        return BUDGET_EXHAUSTED
    assert ground is not None
    # A NamedTuple's own constructor costs twice as much, here and below.
    return _new_tuple(Retry, (delay, ground))


def _refusal(
    policy: RetryPolicy, progress: Progress, outcome: Outcome, ground: RetryReason | None
) -> Stop | None:
    """What forbids another attempt, whenever that might be."""
    evidence, status, asked = outcome.evidence, outcome.status, outcome.server_wait
    has_failed = None if policy.retry_if is None else _verdict(policy.retry_if, outcome)
    if has_failed is None:
        has_failed = (
            status is None
            or status in policy.statuses
            or (outcome.should_retry is True and status >= FIRST_ERROR_STATUS)
        )
    if not has_failed:
        return DONE if outcome.error is None else _NOT_TRANSIENT
    if evidence is _PERMANENT or evidence is _BUG:
        return _NOT_TRANSIENT
    if outcome.should_retry is False:
        return _SERVER_DECLINED
    if ground is None:
        return _NOT_IDEMPOTENT
    if not progress.is_replayable:
        return _BODY_NOT_REPLAYABLE
    if progress.attempts >= policy.max_attempts:
        return _ATTEMPTS_EXHAUSTED
    if asked is not None and progress.server_waits + asked > policy.max_retry_after:
        return _RETRY_AFTER_TOO_LONG
    return None


def is_too_late(longest: float | None, elapsed: float, delay: float = 0.0) -> bool:
    """Whether an attempt that begins after `elapsed` seconds and a wait may begin too late."""
    return longest is not None and longest - elapsed - delay * (1 + LATENESS) < SHORTEST_ATTEMPT


def longest_wait(longest: float, elapsed: float) -> float:
    """Return the longest wait, begun after `elapsed` seconds, that is not too late."""
    return (longest - SHORTEST_ATTEMPT - elapsed) / (1 + LATENESS)


def _verdict(ask: Callable[[Outcome], bool | None], outcome: Outcome) -> bool | None:
    """What `retry_if` says; None: nothing."""
    if not outcome.is_readable or outcome.evidence is _BUG:
        return None
    verdict = ask(outcome)
    if verdict is None or verdict is True or verdict is False:
        return verdict
    raise TypeError(f"retry_if must return True, False or None, not {verdict!r}")


def _own_delay(
    policy: RetryPolicy, progress: Progress, outcome: Outcome, random: Callable[[], float]
) -> float:
    # Once: a server that refuses each attempt is not asked again and again without a pause.
    if outcome.at_once and not progress.went_at_once:
        return 0.0
    draw = (lambda: _LATE + (1.0 - _LATE) * random()) if outcome.connection_refused else random
    context = (progress.attempts, progress.previous_delay, outcome, draw)
    delay = policy.backoff(_new_tuple(BackoffContext, context))
    # The check's own words are for what fails this one, which costs a tenth.
    if type(delay) not in _NUMBERS or not 0.0 <= delay <= LARGEST:
        check_number("what backoff returns", delay)
        return float(delay)  # not each kind of number can be waited for, or printed
    return delay

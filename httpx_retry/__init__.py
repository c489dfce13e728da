"""Retries for httpx at the transport layer.

Wrap any httpx transport, and every request through it survives what a network does, without ever
doing twice what must happen once.
"""

from ._async import AsyncRetryTransport
from ._client import add_retries
from ._core.backoff import (
    Backoff,
    BackoffContext,
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    ExponentialBackoff,
)
from ._core.budget import Budget, RetryBudget
from ._core.clock import Clock, SystemClock, VirtualClock
from ._core.cooldown import Cooldown, LocalCooldown
from ._core.outcome import (
    Attempt,
    Decision,
    Evidence,
    Load,
    Outcome,
    Retry,
    RetryReason,
    Stop,
    StopReason,
)
from ._core.policy import RetryPolicy
from ._explain import Explanation, explain
from ._history import retry_history
from ._observe import RetryEvent
from ._sync import RetryTransport

__version__ = "0.1.0"

__all__ = [
    "AsyncRetryTransport",
    "Attempt",
    "Backoff",
    "BackoffContext",
    "Budget",
    "Clock",
    "ConstantBackoff",
    "Cooldown",
    "Decision",
    "DecorrelatedJitterBackoff",
    "Evidence",
    "Explanation",
    "ExponentialBackoff",
    "Load",
    "LocalCooldown",
    "Outcome",
    "Retry",
    "RetryBudget",
    "RetryEvent",
    "RetryPolicy",
    "RetryReason",
    "RetryTransport",
    "Stop",
    "StopReason",
    "SystemClock",
    "VirtualClock",
    "__version__",
    "add_retries",
    "explain",
    "retry_history",
]

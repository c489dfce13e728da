"""What happened, what is left of it, and what follows: the values that flow through the house."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple


class Evidence(Enum):
    """What a failed attempt proves about whether the server processed the request."""

    UNSENT = "unsent"
    """The request never left: it may be sent again whatever its method."""

    REFUSED = "refused"
    """The server says that it did not process it: it may be sent again whatever its method."""

    UNKNOWN = "unknown"
    """It may have been processed: only what may run twice is sent again."""

    PERMANENT = "permanent"
    """The same would happen again: nothing is sent."""

    BUG = "bug"
    """Not a fault of the transport: it passes through untouched."""


class Load(Enum):
    """What a failed attempt has put on the server, and a retry may put on it again."""

    TIMEOUT = "timeout"
    """It worked, or waited, for as long as the client had patience."""

    SOME = "some"
    """It, or something before it, answered or broke."""

    NONE = "none"
    """Nothing: it was not reached, refused by protocol, named the time to come back, or is well."""


class RetryReason(Enum):
    """On what ground a retry was granted."""

    UNSENT = "never sent"
    """The request never left."""

    REFUSED = "refused unprocessed"
    """The server says that it did not process it."""

    IDEMPOTENT_METHOD = "idempotent method"
    """Its method is among `RetryPolicy.methods`."""

    IDEMPOTENCY_KEY = "idempotency key"
    """It carries `RetryPolicy.idempotency_header`."""


class StopReason(Enum):
    """Why no further attempt is made."""

    DONE = "done"
    """It did not fail."""

    NOT_TRANSIENT = "not transient"
    """The same would happen again, or `retry_if` said so."""

    SERVER_DECLINED = "server said not to retry"
    """The response had `x-should-retry: false`."""

    NOT_IDEMPOTENT = "may have been processed"
    """It may have been processed, and may not run twice."""

    BODY_NOT_REPLAYABLE = "body cannot be sent again"
    """The request's body can be read only once."""

    ATTEMPTS_EXHAUSTED = "attempts exhausted"
    """It was sent `max_attempts` times."""

    RETRY_AFTER_TOO_LONG = "server asked for too long a wait"
    """What servers asked for comes to more than `max_retry_after`."""

    DEADLINE = "deadline"
    """The next attempt would begin after `max_elapsed`."""

    CLOSED = "transport closed"
    """The transport was closed since the call began."""

    BUDGET_EXHAUSTED = "retry budget exhausted"
    """The budget had too few tokens for its origin."""

    BODY_NOT_RESUMABLE = "body cannot be resumed"
    """What came is not the rest of the response's body."""


class Retry(NamedTuple):
    """Send the request again after `delay` seconds."""

    delay: float
    reason: RetryReason


class Stop(NamedTuple):
    """Hand over what there is."""

    reason: StopReason


Decision = Retry | Stop


class Outcome:
    """What one attempt came to: a response or an error, and what it proves.

    Attributes:
        request: the request as it was sent.
        response: the response, its `request` set; None after an exception.
        error: the exception; None after a response.
        status: the response's status code; None after an exception.
        evidence: what a failure of this kind proves about processing.
        server_wait: seconds that the server asked to wait; None where it did not say.
        should_retry: the server's own word (`x-should-retry`); None where it did not say.
        at_once: whether another attempt may well succeed without any wait, or its server asks for
            none.
        connection_refused: whether nobody listened where the server was looked for.
        is_readable: whether `response` is fit to be shown to `retry_if`: its body could be decoded.
    """

    __slots__ = (
        "at_once",
        "connection_refused",
        "error",
        "evidence",
        "is_readable",
        "request",
        "response",
        "server_wait",
        "should_retry",
        "status",
    )

    request: Any
    response: Any
    error: Exception | None
    status: int | None
    evidence: Evidence
    server_wait: float | None
    should_retry: bool | None
    at_once: bool
    connection_refused: bool
    is_readable: bool

    def __init__(  # noqa: PLR0913, PLR0917 - a record; by place, as keywords cost twice the call
        self,
        request: Any,
        evidence: Evidence,
        response: Any = None,
        error: Exception | None = None,
        status: int | None = None,
        server_wait: float | None = None,
        should_retry: bool | None = None,
        at_once: bool = False,  # noqa: FBT002 - as said, and the next one
        connection_refused: bool = False,  # noqa: FBT002 - as said
    ) -> None:
        self.request = request
        self.response = response
        self.error = error
        self.status = status
        self.evidence = evidence
        self.server_wait = server_wait
        self.should_retry = should_retry
        self.at_once = at_once
        self.connection_refused = connection_refused
        self.is_readable = True

    def __repr__(self) -> str:
        return f"<Outcome {self.label} {self.evidence.value}>"

    @property
    def label(self) -> str:
        """The status code or the exception's class name: what a log line calls it."""
        return str(self.status) if self.error is None else type(self.error).__name__


class Attempt(NamedTuple):
    """What is left of one attempt once it is over: small, immutable, picklable.

    Attributes:
        number: 1 for the first send.
        started: POSIX seconds at which it was sent.
        elapsed: seconds from sending to its response headers or its error.
        status: the status code; None where no response's headers came.
        error: the exception's class name; None where none was raised. One whose body broke off has
            both.
        evidence: what its failure proves; None where it did not fail.
        wait: seconds before the next attempt, to which a cool-down may add; None where none
            followed.
        reason: why another attempt was granted, or why none was.
    """

    number: int
    started: float
    elapsed: float
    status: int | None
    error: str | None
    evidence: Evidence | None
    wait: float | None
    reason: RetryReason | StopReason

    @property
    def label(self) -> str:
        """The status code or the exception's class name: what a log line calls it."""
        return self.error or str(self.status)

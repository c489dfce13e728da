"""One request as it goes out, attempt by attempt: with a guarded body, a deadline, a witness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .._core.outcome import Evidence
from .body_guard import BodyGuard
from .deadline import Deadline
from .faults import BUG, REFUSED, UNKNOWN, fault_of
from .next_request import NextRequest
from .request_body import guard_for, is_same_body
from .requests import copied, has_request, put_back
from .witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from .._core.policy import RetryPolicy
    from .faults import Fault
    from .representation import Fields
    from .wire import Wire

_PROVEN = (Evidence.UNSENT, Evidence.REFUSED)


class Outgoing(NextRequest):
    """The request of one call as it goes out, attempt by attempt.

    Args:
        request: the caller's; never changed.
        url: its URL before anything was sent: the wrapped transport may have changed it.
        body: its stream, then: the same holds.
        policy: says which methods may run twice, and what makes others do so.
        wire: what the request goes out through.

    Attributes:
        deadline: the timeouts that the latest was sent with, where it has one.
        may_run_twice: whether it may be sent again though it may have run; told once it was sent.
    """

    __slots__ = (
        "_body",
        "_given",
        "_guard",
        "_guards",
        "_sent",
        "_witness",
        "deadline",
        "may_run_twice",
    )

    def __init__(
        self, request: httpx.Request, url: httpx.URL, body: Any, policy: RetryPolicy, wire: Wire
    ) -> None:
        super().__init__(request, url, policy, wire)
        self._given = self._sent = request
        self._body = body
        self.deadline: Deadline | None = None
        self._guard: BodyGuard | None = None
        self._guards: tuple[BodyGuard, ...] = ()
        self._witness: Witness | None = None
        self.may_run_twice = False

    @property
    def is_replayable(self) -> bool:
        """Whether its body can be sent again as it was."""
        # What `prepare` has read, to sign it, is in memory, and yet gone for the next one.
        guard = self._guard or self.base.stream
        if isinstance(guard, BodyGuard) and not guard.is_replayable:
            return False
        guarded = self._guard is not None
        return guarded or is_same_body(self.request.stream, self._body, self._wire.family)

    @property
    def still_has_key(self) -> bool:
        """Whether it was sent with its idempotency key, and would be again.

        A wrapped transport may have taken the header out, to send it under another name.
        """
        return self.may_run_twice and self.is_keyed and self._key_of(self._sent) is not None

    def restore(self, method: str, fields: Fields, extensions: Mapping[str, Any]) -> None:
        """Begin from what was sent: whoever has the caller's request may have changed it since.

        Args:
            method: of the caller's request, as it was sent.
            fields: its headers, then.
            extensions: those of which some may be missing now.
        """
        if self.base is self._given:
            self._put_back(method, fields, extensions)
            self._sent = self.base
        else:
            put_back(self.base, extensions)

    def depart(self, ends: float | None, monotonic: Callable[[], float]) -> httpx.Request:
        """Return the request to hand to the wrapped transport.

        The body goes under guard if it is not held in memory. Evidence is gathered only for what
        may not simply run twice: a trace costs up to a twentieth of a request.

        Args:
            ends: the monotonic second at which the deadline falls; None: there is none.
            monotonic: the clock.
        """
        request = self._take_next()
        self._body = request.stream
        self._guard = None
        # One of a class of its own may read from wherever it likes.
        if type(self._body) is not self._wire.family.ByteStream:
            request = self._guarded(request)
        self.request = request
        self._witness = self.deadline = None
        self.may_run_twice = self.base.method in self._policy.methods or self.is_keyed
        as_trace = None if self.may_run_twice else self._wire.as_trace
        self._sent = request
        if ends is None and as_trace is None:
            return request
        self._sent = sent = copied(request)
        if ends is not None:
            timeouts = sent.extensions.get("timeout")
            timeouts = timeouts if isinstance(timeouts, Mapping) else {}
            sent.extensions["timeout"] = self.deadline = Deadline(timeouts, ends, monotonic)
        if as_trace is not None:
            self._witness = Witness()
            sent.extensions["trace"] = as_trace(self._witness, sent.extensions.get("trace"))
        return sent

    def lift_deadline(self) -> None:
        """Let the deadline of what was sent not fall any more."""
        if self.deadline is not None:
            self.deadline.move(None)

    def _guarded(self, request: httpx.Request) -> httpx.Request:
        held = (guard for guard in self._guards if guard.holds(self._body))
        guard = next(held, None) or guard_for(
            request, self._wire.family, self._policy.replay_buffer
        )
        self._guard = guard
        guarded = copied(request)
        if guard is not self._body:
            guarded.stream = cast("httpx.SyncByteStream", guard)  # by `Family.stream_class`
            if guard not in self._guards:
                self._guards = (*self._guards, guard)
            if request is self.base:
                self.base = guarded
        # A mock may read it and leave bytes in its place: the next attempt begins from the guard.
        return copied(guarded)

    def fault_of(self, error: Exception) -> Fault:
        """Return what an error of the latest attempt proves."""
        guard = self._guard
        if guard is not None and error is guard.error:
            return BUG
        if guard is not None and error is guard.refusal:
            # Of the sends, the last is the one that was refused its body here.
            seen = self._witness
            was_disowned = seen is not None and seen.disowned > 0 and seen.left <= 1
            return REFUSED if was_disowned else UNKNOWN
        fault = fault_of(error, self.request, self._wire, self._witness)
        if fault.evidence in _PROVEN and (self._wire.runs_app or self._is_of_another(error)):
            # The app has had the request, wherever its error comes from.
            return UNKNOWN
        return fault

    def _is_of_another(self, error: Exception) -> bool:
        """Whether an error is that of another request, by which this one was being answered.

        Clients set the request of an error, and httpx's own transports do not.
        """
        return (
            isinstance(error, self._wire.family.TransportError)
            and has_request(error)
            and error.request.url != self.request.url
        )

    def let_go(self) -> None:
        """Forget what was handed to the wrapped transport: another will be."""
        self._sent = self._given

    def close(self) -> None:
        """Forget what was kept of bodies."""
        self._hand_back()
        for guard in self._guards:
            guard.forget()

    def _hand_back(self) -> None:
        """Let the caller's request have what an app or a mock read of its body, as over a bare one.

        Else the client's next hop with it, after a redirect or a challenge, would have none.
        """
        given, sent, guard = self._given, self._sent, self._guard
        was_read = "_content" in vars(sent) and "_content" not in vars(given)
        if was_read and (
            sent.stream is given.stream or (guard is not None and guard.holds(given.stream))
        ):
            # And not what it has put in its place.
            given.stream = self._wire.family.ByteStream(sent.content)
            given.read()

"""One request as it goes out, attempt by attempt: with its key, its guarded body, its witness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .._core.outcome import Evidence
from .._core.policy import RetryPolicy
from .deadline import Deadline
from .faults import BUG, REFUSED, UNKNOWN, fault_of
from .request_body import guard_for
from .requests import copied, has_request, is_same_origin, origin_of
from .witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from .body_guard import BodyGuard
    from .faults import Fault
    from .wire import Wire

_PROVEN = (Evidence.UNSENT, Evidence.REFUSED)


class Outgoing:
    """The request of one call.

    Args:
        request: the caller's; never changed.
        url: its URL and
        body: its stream before anything was sent: the wrapped transport may have changed them.
        policy: says which methods may run twice, and what makes others do so.
        wire: what the request goes out through.

    Attributes:
        request: what is sent, or was last, without the trace.
        url: as given.
    """

    __slots__ = (
        "_asked",
        "_body",
        "_chosen",
        "_deadline",
        "_guard",
        "_guards",
        "_policy",
        "_wire",
        "_witness",
        "base",
        "request",
        "url",
    )

    def __init__(
        self, request: httpx.Request, url: httpx.URL, body: Any, policy: RetryPolicy, wire: Wire
    ) -> None:
        self.base = self.request = request
        self.url = url
        self._body = body
        self._policy = policy
        self._wire = wire
        self._asked: Callable[[httpx.Request], None] | None = None
        self._chosen: httpx.Request | None = None
        self._deadline: Deadline | None = None
        self._guard: BodyGuard | None = None
        self._guards: tuple[BodyGuard, ...] = ()
        self._witness: Witness | None = None

    def add_key(self) -> None:
        """Give the request a key if the policy makes one, the same on all attempts."""
        policy = self._policy
        if policy.generates_key_for(self.request.method) and not self.is_keyed:
            from uuid import uuid4  # noqa: PLC0415 - a fortieth of what importing this costs

            assert policy.idempotency_header is not None
            self.base = self.request = copied(self.request)
            self.request.headers[policy.idempotency_header] = str(uuid4())

    @property
    def is_keyed(self) -> bool:
        """Whether it carries the idempotency header."""
        return self._has_key(self.request)

    def _has_key(self, request: httpx.Request) -> bool:
        header = self._policy.idempotency_header
        return header is not None and header in request.headers

    def _may_run_twice(self, request: httpx.Request) -> bool:
        return request.method in self._policy.methods or self._has_key(request)

    @property
    def is_replayable(self) -> bool:
        """Whether its body can be sent again as it was."""
        if self._guard is not None:
            return self._guard.is_replayable
        # A wrapped transport that put another body in its place would do so to that one again,
        # and has changed the headers with it.
        return self.request.stream is self._body

    def depart(
        self, ends: float | None, monotonic: Callable[[], float], *, moves_timeouts: bool
    ) -> httpx.Request:
        """Return the request to hand to the wrapped transport.

        The body goes under guard if it is not held in memory. Evidence is gathered only for what
        may not simply run twice: a trace costs up to a twentieth of a request.

        Args:
            ends: the monotonic second at which the deadline falls; None: there is none.
            monotonic: the clock.
            moves_timeouts: whether the timeouts may have to be moved, deadline or not.
        """
        request = self._take_next()
        self._body = request.stream
        self._guard = None
        if not isinstance(self._body, self._wire.family.ByteStream):
            request = self._guarded(request)
        self.request = request
        self._witness = self._deadline = None
        as_trace = self._wire.as_trace
        is_traced = as_trace is not None and not self._may_run_twice(request)
        moves_timeouts = moves_timeouts or ends is not None
        if not moves_timeouts and not is_traced:
            return request
        sent = copied(request)
        if moves_timeouts:
            timeouts = sent.extensions.get("timeout")
            timeouts = timeouts if isinstance(timeouts, Mapping) else {}
            sent.extensions["timeout"] = self._deadline = Deadline(timeouts, ends, monotonic)
        if as_trace is not None and is_traced:
            self._witness = Witness()
            sent.extensions["trace"] = as_trace(self._witness, sent.extensions.get("trace"))
        return sent

    @property
    def can_end_drain(self) -> bool:
        """Whether the timeouts of what was sent can be moved."""
        return self._deadline is not None

    def end_drain(self, ends: float, *, is_shared: bool) -> None:
        """Let reading what is thrown away end at another second.

        Args:
            ends: a monotonic second.
            is_shared: whether others use the same connection.
        """
        if self._deadline is None:
            return
        if is_shared:
            self._deadline.stop_reading(ends)
        else:
            self._deadline.move(ends)

    def lift_deadline(self) -> None:
        """Let the deadline of what was sent not fall any more."""
        if self._deadline is not None:
            self._deadline.move(None)

    def _take_next(self) -> httpx.Request:
        """What `prepare` chose, for one attempt; else the caller's, to the URL that it had."""
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            return chosen
        if self.base.url is not self.url:
            self.base = copied(self.base)
            self.base.url = self.url
        return self.base if self._asked is None else self._copy()

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

    def ask(self, change: Callable[[httpx.Request], None]) -> None:
        """Let the attempts to come ask for something else than the caller: for a range, say."""
        self._asked = change

    def next_request(self) -> httpx.Request:
        """Return a copy of the request, for `prepare` to change; it will be sent next."""
        self._chosen = request = self._copy()
        request.extensions = {
            name: dict(value) if type(value) is dict else value
            for name, value in request.extensions.items()
        }
        return request

    def _copy(self) -> httpx.Request:
        request = copied(self.base)
        if self._asked is not None:
            self._asked(request)
            _leave_body_alone(request)
        return request

    def use(self, returned: object) -> None:
        """Send what `prepare` returned; None stands for the request that it was given.

        Raises:
            TypeError: for what is no request of this family.
            ValueError: for another origin: cookies, credentials and redirects belong to the first;
                and for one that may not run where the first may have run.
        """
        given = self._chosen
        assert given is not None
        request = given if returned is None else returned
        if not isinstance(request, self._wire.family.Request):
            raise TypeError(f"prepare must return a Request or None, not {request!r}")
        if not self._may_follow(request):
            raise ValueError(
                "prepare must keep what allows the request to run twice: its method, or its"
                f" {self._policy.idempotency_header}"
            )
        if not is_same_origin(request.url, self.url):
            raise ValueError(
                f"prepare must keep the origin {origin_of(self.url)},"
                f" not change it to {origin_of(request.url)}"
            )
        if request is not given:
            # A new one knows nothing of the client's timeouts, nor of a server's name for TLS.
            request = copied(request)
            request.extensions = {**given.extensions, **request.extensions}
        self._chosen = request

    def _may_follow(self, request: httpx.Request) -> bool:
        """Whether a request may run where the caller's may have run, if that one may run twice."""
        if self.base.method in self._policy.methods:
            return self._may_run_twice(request)
        # With another key it would be another request to the server.
        return self._key_of(self.base) in (None, self._key_of(request))

    def _key_of(self, request: httpx.Request) -> str | None:
        header = self._policy.idempotency_header
        return None if header is None else request.headers.get(header)

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
        fault = fault_of(
            error,
            self.request,
            self._wire.family,
            witness=self._witness,
            through_proxy=self._wire.has_proxy,
        )
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

    def close(self) -> None:
        """Forget what was kept of bodies."""
        for guard in self._guards:
            guard.close()


def _leave_body_alone(request: httpx.Request) -> None:
    """Keep a retry transport within this one from mending what comes.

    It would put another version in the place of one that has been found to be the rest.
    """
    wish = request.extensions.get("retry", {})
    request.extensions["retry"] = (
        wish.replace(recover_body=False)
        if isinstance(wish, RetryPolicy)
        else {**wish, "recover_body": False}
    )

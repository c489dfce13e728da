"""One attempt: it lets its origin cool down, departs, fails or is answered, and is let go.

What happened is understood here; what follows is decided by the `Call`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core.cooldown import spread_after
from ._core.decider import longest_wait
from ._core.outcome import Evidence, Outcome
from ._http.alarm import alarm_of
from ._http.causes import was_refused
from ._http.drain import drain_for
from ._http.faults import evidence_of_status
from ._http.hints import hints_of
from ._http.httpcore_stream import abandon_stream
from ._http.outgoing import Outgoing
from ._http.requests import has_request, put_back
from ._http.responses import opens_a_tunnel, read_copy
from ._state import CallState

if TYPE_CHECKING:
    import httpx

    from ._http.drain import Drain

# Looked up once: on Python 3.10 and 3.11 a member of an Enum costs 30 ns.
_BUG = Evidence.BUG
# Over these, reading a response to its end keeps no connection alive.
_UNDRAINED = (b"HTTP/2", b"HTTP/1.0")
# The statuses whose wait is for all.
_COOLING_STATUSES = frozenset({429, 503})


class LatestAttempt(CallState):
    """The latest attempt of one request, from before its departure to where it is let go."""

    __slots__ = ()

    @property
    def outgoing(self) -> Outgoing:
        """The request, as it goes out."""
        if self._outgoing is None:
            made = Outgoing(self.request, self._url, self._body, self._policy, self._settings.wire)
            self._outgoing = made
        return self._outgoing

    def cooldown_wait(self) -> float:
        """Return the seconds to wait before the next attempt; 0.0: it may be sent.

        One that would wait past its deadline, or for longer than servers may make it wait, is sent
        at once, as without a cool-down: what the server answers is for it alone. The spread is cut
        to what these leave: a quota of a minute names just as long as servers may, by default.
        """
        settings, policy = self._settings, self._policy
        spread, self.spread = self.spread, 0.0
        if settings.cooldown is None or not self._may_be_retried:
            return 0.0
        now = self.now
        wait = settings.cooldown.remaining(self.origin, now)
        if wait > 0.0:
            # Even one that has waited may find a wait here, of requests refused a moment later.
            spread = max(spread, spread_after(wait))
        wait = max(0.0, wait)
        room = policy.max_retry_after - self.server_waits - wait
        if policy.max_elapsed is not None:
            elapsed = now - self._skipped - self._began
            room = min(room, longest_wait(policy.max_elapsed, elapsed) - wait)
        if room < 0.0:
            return 0.0
        wait += min(spread, room) * settings.random()
        self.server_waits += wait
        return wait

    def depart(self) -> httpx.Request:
        """Return the request to be sent, now."""
        monotonic = self._settings.clock.monotonic
        request = self.request
        # Most often there is no more to it than to send the same request again.
        if self._outgoing is not None or request.url is not self._url:
            outgoing, longest = self.outgoing, self._policy.max_elapsed
            ends = None if longest is None else self._began + longest
            request = outgoing.depart(ends, monotonic)
            self.request = outgoing.request
        if self._outgoing is None or request is self._outgoing.base:
            self._extensions = dict(request.extensions or ())
        self._sent = monotonic()
        self.is_due = False
        return request

    @property
    def unprepared(self) -> httpx.Request:
        """The request as it is before `prepare` has it: what will be asked for again."""
        return self.request if self._outgoing is None else self._outgoing.base

    def failed(self, error: Exception) -> None:
        """The attempt ended with an error."""
        family, clock = self._settings.wire.family, self._settings.clock
        self._ended, self._ended_at = clock.monotonic(), clock.time() + self._skipped
        # The frame that caught it holds this call: an error that is kept would keep itself.
        error.with_traceback(getattr(error.__traceback__, "tb_next", None))
        evidence, at_once = self.outgoing.fault_of(error)
        if evidence is _BUG and isinstance(error, tuple(self._policy.exceptions)):
            evidence = Evidence.UNKNOWN if alarm_of(error) is None else _BUG
        if isinstance(error, family.TransportError) and not has_request(error):
            error.request = self.request
        self._response = self.stream = self._status = None
        self._error = error
        self.wants_body = False
        self._outcome = Outcome(
            self.request,
            evidence,
            error=error,
            at_once=at_once,
            connection_refused=isinstance(error, family.ConnectError) and was_refused(error),
        )

    def body_failed(self, error: Exception) -> None:
        """The response's body broke off: whatever the error says, the request was answered."""
        answered, status = self._outcome, self._status
        self.failed(error)
        self._status = status  # its headers had come
        outcome = self._outcome
        assert outcome is not None
        if answered is not None:
            # What its headers asked for holds, whatever became of its body.
            outcome.server_wait = answered.server_wait
            outcome.should_retry = answered.should_retry
        if outcome.evidence in (Evidence.UNSENT, Evidence.REFUSED):
            outcome.evidence = Evidence.UNKNOWN
        outcome.at_once = False

    def answered(self, response: httpx.Response) -> None:
        """The attempt ended with a response."""
        # First of all: an interrupt may come at any line, and what is known here is closed.
        self._response, self.stream = response, response.stream
        status, policy, clock = response.status_code, self._policy, self._settings.clock
        self._ended, self._ended_at = clock.monotonic(), clock.time() + self._skipped
        if self._outgoing is not None:
            self._outgoing.lift_deadline()  # the body keeps the caller's own timeouts
        self._status = status
        self._error = self._outcome = None
        self.wants_body = False
        if status < policy.judged_from:
            return
        response.request = request = self.request
        wait, should_retry = hints_of(status, response.headers, self._ended_at)
        evidence = evidence_of_status(status, policy.statuses)
        self._outcome = Outcome(
            request, evidence, response, None, status, wait, should_retry, wait == 0.0
        )
        if policy.read_body and policy.retry_if is not None:
            self.wants_body = not (response.is_stream_consumed or opens_a_tunnel(response))

    def take_stream(self) -> Any:
        """Return the stream that is yet to be closed, once; None where there is none.

        Over HTTP/2 what may still come on it holds up no other from now on.
        """
        stream, self.stream = self.stream, None
        # One that was read, by the wrapped transport or by `retry_if`, is closed already.
        response = self._response
        if stream is None or (response is not None and response.is_closed):
            return None
        abandon_stream(stream)
        return None if self._settings.wire.family.closes_nothing(stream) else stream

    def body_read(self, body: bytes) -> None:
        """The response's body was read and its stream closed, before it is judged.

        What is judged is a second response that was read: the one handed over is as if untouched.
        """
        assert self._response is not None
        assert self._outcome is not None
        family = self._settings.wire.family
        self._response.stream = family.ByteStream(body)
        judged = read_copy(self._response, body, self.request, family)
        if judged is None:
            # Not what its Content-Encoding says: for the caller to find out, who may not decode it.
            self._outcome.is_readable = False
        else:
            self._outcome.response = judged

    def let_go(self) -> tuple[Any, Drain | None]:
        """Let go of the response, and of what was sent: most of what a waiter would cost in memory.

        Returns:
            Its stream, where that is yet to be closed; and how to drain it before that, if it is.
        """
        # The stream is taken last: what is raised on the way leaves it to be closed.
        drain, stream = self._drain(), self.take_stream()
        self._response = self._outcome = None
        if self._extensions:
            put_back(self.unprepared, self._extensions)
        self._extensions = None
        if self._outgoing is not None:
            self._outgoing.let_go()
        return stream, drain

    def _drain(self) -> Drain | None:
        response, stream = self._response, self.stream
        if (
            stream is None
            or response is None
            or response.is_closed
            or type(stream) is self._settings.wire.family.ByteStream
            or response.extensions.get("http_version") in _UNDRAINED
            # Who refuses a POST may be about to close the connection. Sent again on that one, it
            # would be lost, and nobody could say whether it ran.
            or not (self.is_keyed or self.method in self._policy.methods)
        ):
            return None
        outgoing, left = self._outgoing, None
        deadline = None if outgoing is None else outgoing.deadline
        if self._policy.max_elapsed is not None:
            # The wait that was granted needs its time, too.
            passed = self._ended - self._began + (self.previous_delay or 0.0)
            left = self._policy.max_elapsed - passed
        return drain_for(self.request, response, self._settings.clock.monotonic, left, deadline)

    def _impose(self, outcome: Outcome) -> None:
        """Let others wait, too, where the origin has named the time."""
        cooldown, policy = self._settings.cooldown, self._policy
        status, wait = outcome.status, outcome.server_wait or 0.0
        if cooldown is None or status not in _COOLING_STATUSES or status not in policy.statuses:
            return
        if 0.0 < wait <= policy.max_retry_after and self._may_be_retried:
            cooldown.impose(self.origin, wait, self._ended)
            self.spread = spread_after(wait)

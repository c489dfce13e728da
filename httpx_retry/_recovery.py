"""The journey of a response body that broke off.

It goes the way of any call: an attempt has ended, the decider says what follows. What is new is
that a good response is not enough: it has to be the rest of the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._call import Beginning, Call
from ._core.decider import DONE
from ._core.outcome import Evidence, Outcome, StopReason
from ._core.policy import FIRST_ERROR_STATUS
from ._history import attach_history, latest_of, without_latest
from ._http.deadline import is_patient, timeouts_of
from ._http.hints import hints_of
from ._http.httpcore_stream import bound_reads
from ._http.representation import PARTIAL, facts_of
from ._http.requests import has_request
from ._http.response_body import Body
from ._http.responses import stand_for

if TYPE_CHECKING:
    import httpx

    from ._core.outcome import Stop
    from ._http.representation import Facts, Fields
    from ._settings import Settings

# Bytes that a send has to bring for the count of attempts to start anew, and sends in all.
_PROGRESS = 1 << 16
_MOST_SENDS = 100
_NO_EPOCH = -1
_NOT_RESUMABLE = StopReason.BODY_NOT_RESUMABLE


# Where a response came from, all that it takes to ask for it again: a plain tuple where the first
# attempt was good, as each response needs one; else the journey that led to it.
Source = Beginning | Call


class Recovery(Call):
    """The journey of one response body.

    Args:
        settings: the transport's.
        source: where the response came from.
        response: the response that the caller has.
        body: what was delivered of it.
        method: of the caller's request, as it was sent.
        fields: its headers, then.
    """

    # _called: the monotonic reading at the first send of all.
    # _spent: seconds of mending so far, the caller's reading left out.
    # _sends: since the body first broke off, that one included.
    # _reached: bytes that were delivered when the latest send broke off.
    # _broken_by: what the caller gets if no rest is found.
    # _given_up: why the response was handed over as failed, if it was.
    # _refusal: why no rest can be asked for, or what came is none.
    # _successor: a response that is to take the first one's place, once its bytes show that it may.

    __slots__ = (
        "_broken_by",
        "_called",
        "_delivery",
        "_first",
        "_given_up",
        "_reached",
        "_refusal",
        "_sends",
        "_spent",
        "_successor",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - what the body's stream knows, and nothing in a bundle
        self,
        settings: Settings,
        source: Source,
        response: httpx.Response,
        body: Body,
        method: str,
        fields: Fields,
    ) -> None:
        if isinstance(source, Call):
            super().__init__(settings, *source.beginning)
            self.follow(source)
        else:
            super().__init__(settings, *source)
            self.attempts = 1
        self.outgoing.restore(method, fields, self._extensions or {})
        self._extensions = None
        self._first = response
        self._delivery = body
        self._broken_by: Exception | None = None
        self._refusal: str | None = None
        self._given_up: StopReason | None = None
        self._reached = 0
        self._spent = 0.0
        self._sends = 1
        self._called = self._began
        self._successor: httpx.Response | None = None
        self._status = response.status_code

    def depart(self) -> httpx.Request:
        """Return the request for the rest, to be sent now."""
        self._sends += 1
        return super().depart()

    def broke(self, error: Exception) -> None:
        """The body broke off: to be judged as any attempt that failed."""
        self.body_failed(error)
        first = self._first
        if first.status_code >= FIRST_ERROR_STATUS and self._sends == 1:
            assert self._outcome is not None
            hints = hints_of(first.status_code, first.headers, self._ended_at)
            self._outcome.server_wait, self._outcome.should_retry = hints
        if not self._delivery.is_skipping:
            self._broken_by = error  # and not by what brought nothing to the caller
        # Time counts while it is spent on the recovery, not while the caller reads.
        self._began = self._ended - self._spent
        if self._records:
            reason = latest_of(self._records).reason
            if isinstance(reason, StopReason) and reason is not StopReason.DONE:
                self._given_up = reason  # it was handed over as failed, and is not mended
            self._records = without_latest(self._records)  # the same attempt, which ends only now
        self.attempts -= 1
        if self._has_progressed:
            self.attempts = 0
        if self._sends >= _MOST_SENDS:
            self.attempts = self._policy.max_attempts
        self._reached = self._delivery.delivered
        self._refusal = self._delivery.cannot_go_on()
        self.outgoing.ask(self._delivery.ask_for_rest)

    def skip(self, seconds: float) -> None:
        """Count seconds of a wait that was skipped as waited: the body is so much older, too."""
        super().skip(seconds)
        self._called -= seconds
        self._delivery.grow_older(seconds)

    @property
    def _took(self) -> float:
        return self._ended - self._called

    def abandon(self) -> None:
        """The caller has closed the response: nothing more is sent for it."""
        self.epoch = _NO_EPOCH
        if self.tokens:
            self._give_back()

    def brought(self) -> None:
        """More of the rest came: with enough of it, the retry has ended well."""
        self._let_successor_in()
        if self.tokens:
            delivery = self._delivery
            is_feed = delivery.facts.length is None and delivery.delivered > self._reached
            if is_feed or self._has_progressed:
                self._give_back()

    @property
    def _has_progressed(self) -> bool:
        return self._delivery.delivered - self._reached >= _PROGRESS

    @property
    def _has_ended(self) -> bool:
        # Not with good headers: a server whose bodies all break off would be asked for ever.
        return self.epoch == _NO_EPOCH

    def answered(self, response: httpx.Response) -> None:
        """The attempt ended with a response: another one than the caller has, it is hoped."""
        is_given_again = response is self._first and has_request(response)
        request = self._first.request if is_given_again else None
        super().answered(response)
        if request is not None:
            response.request = request
        if response.status_code == PARTIAL:
            # For `retry_if`, there was the response that it has judged, and no part of it.
            self._outcome, self.wants_body = None, False

    def was_not_the_rest(self) -> None:
        """What came turned out not to be the rest: its body's `refusal` says why."""
        self._refusal = self._delivery.refusal
        self._status = latest_of(self._records).status
        self._records = without_latest(self._records)
        self._outcome = Outcome(self.request, Evidence.UNKNOWN, status=self._status)

    def judge(self, epoch: int) -> float | None:
        """Decide what follows: where there is no next attempt, the rest was found or has not."""
        outcome = self._outcome
        is_bug = outcome is not None and outcome.evidence is Evidence.BUG
        reason = self._given_up or (None if self._refusal is None else _NOT_RESUMABLE)
        if reason is not None and not is_bug:
            self._give_up(reason)
            return None
        return super().judge(epoch)

    def _stopped(self, decision: Stop) -> None:
        if decision is not DONE:
            self._give_up(decision.reason)
            return
        response = self._response
        assert response is not None
        self._refusal = self._why_not_this(response)
        if self._refusal is None:
            self._go_on(response)
        else:
            self._give_up(_NOT_RESUMABLE)

    def _why_not_this(self, response: httpx.Response) -> str | None:
        if response is self._first:
            return "the very same response again"
        # By a hook, say. Its connection may serve another request by now: it is not read again.
        if response.is_closed and not isinstance(
            response.stream, self._settings.wire.family.ByteStream
        ):
            return "its body was read already"
        delivery = self._delivery
        if not delivery.accept(_facts_of(response)):
            return delivery.refusal
        # A feed that goes silent before it has caught up is given up; later, it may be silent.
        if delivery.skips_until is None or not is_patient(timeouts_of(self.request)):
            return None
        monotonic = self._settings.clock.monotonic
        if bound_reads(response.stream, lambda: delivery.skips_until, monotonic):
            return None
        return "no validator and no length, and a read timeout of more than 5 s"

    def _go_on(self, response: httpx.Response) -> None:
        self._spent = self._ended - self._began
        self._record(None, None, StopReason.DONE)
        attach_history(self._first, self._records)
        self._successor = response
        self._let_successor_in()
        self._emit("body-resumed")
        self.stream = None  # it is the body stream's to close, from now on

    def _let_successor_in(self) -> None:
        """Let the response that goes on take the first one's place, if it is another version."""
        if self._successor is not None and self._delivery.is_all_of_the_latest:
            stand_for(self._first, self._successor)
            self._successor = None

    def _give_up(self, reason: StopReason) -> None:
        self.discards_response = True
        outcome = self._outcome
        self._record(outcome.evidence if outcome else Evidence.UNKNOWN, None, reason)
        self._gave_up(reason, self._refusal)

    def _gave_up(self, reason: StopReason, detail: str | None = None) -> None:
        self._error = self._broken_by  # whatever the latest attempt came to
        super()._gave_up(reason, detail)
        attach_history(self._first, self._records)

    def conclude(self) -> httpx.Response:
        """Hand over the response whose body is the rest, or raise what the body broke off with."""
        if self._error is not None:
            self._broken_by = None
        return super().conclude()

    def raise_error(self) -> None:
        """The response was closed while its rest was asked for.

        Raises:
            Exception: what its body broke off with.
        """
        assert self._broken_by is not None
        raise self._broken_by


def body_of(settings: Settings, method: str, response: httpx.Response) -> Body:
    """Return the body of a response, of which nothing was delivered yet."""
    return Body(_facts_of(response), settings.clock.monotonic, method)


def _facts_of(response: httpx.Response) -> Facts:
    version = response.extensions.get("http_version", b"")
    return facts_of(response.status_code, response.headers.raw, version)

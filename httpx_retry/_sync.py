"""Act, in threads: the only sync code that sends, closes or waits. `_async.py` is its mirror."""

from __future__ import annotations

from random import random as system_random
from typing import TYPE_CHECKING, Any, ClassVar

import httpx

from ._body_sync import BodyStream
from ._call import Call
from ._core.budget import FRESH
from ._core.clock import SYSTEM_CLOCK
from ._core.policy import DEFAULT_POLICY
from ._hooks import Prepare, as_method, as_prepare
from ._http.alarm import interrupt_of
from ._http.family import Family
from ._http.representation import OK, WITHOUT_BODY
from ._http.requests import origin_of
from ._http.wire import wire_of
from ._http.witness import as_trace
from ._settings import Settings, policy_for
from ._streams import close_stream, end_iteration, whole
from ._wait import ThreadWait

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._core.budget import Budget, Fresh
    from ._core.clock import Clock
    from ._core.cooldown import Cooldown
    from ._core.policy import RetryPolicy
    from ._http.drain import Drain
    from ._http.family import HTTPTransportOptions
    from ._observe import EventHook


class RetryDriver:
    """What retries, for any family of httpx: a public class adds the family and its base class."""

    family: ClassVar[Family]

    def __init__(  # noqa: PLR0913 - the public signature: each is a choice of its own
        self,
        transport: httpx.BaseTransport | None = None,
        *,
        policy: RetryPolicy = DEFAULT_POLICY,
        budget: Budget | Fresh | None = FRESH,
        cooldown: Cooldown | bool = False,
        on_event: EventHook | None = None,
        prepare: Prepare | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = system_random,
        **http_transport_options: Unpack[HTTPTransportOptions],
    ) -> None:
        family = self.family
        self._transport = family.transport(transport, http_transport_options)
        wire = wire_of(self._transport, family, as_trace)
        self._settings = settings = Settings(
            wire, policy, budget, cooldown, on_event, clock, random
        )
        self._traffic, self._missing = settings.traffic, settings.missing
        self._cooling = settings.cooling
        self._lease = as_method("budget", settings.budget, "lease")
        self._refresh = as_method("cooldown", settings.cooldown, "refresh")
        self._policy = policy
        self._monotonic = clock.monotonic
        self._waiter = ThreadWait(clock)
        self._prepare = as_prepare(prepare)
        self._bytes = family.ByteStream
        self._body_stream = family.stream_class(BodyStream)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport!r}>"

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: C901, PLR0912, PLR0915 - calls saved on every request
        """Send a request, and again where that helps and harms nothing.

        Args:
            request: sent as it is; never changed.

        Returns:
            The wrapped transport's response: the first good one, or the last.

        Raises:
            Exception: the wrapped transport's own error, where the last attempt raised one; a
                `TransportError` of this one's where a failed response was let go, and then it was
                closed or the deadline passed; and what a hook or the backoff raises.
            ValueError: for an `extensions["retry"]` with a value out of range, and for a request of
                `prepare` that may not be sent.
            TypeError: for an `extensions["retry"]` that is none, and where `prepare` makes no
                request.
        """
        policy = self._policy
        if "retry" in request.extensions:
            wished = policy_for(request, policy, self._bytes)
            if wished is None:
                return self._transport.handle_request(request)
            policy = wished
        method, url, body = request.method, request.url, request.stream
        epoch = self._waiter.epoch
        began = self._monotonic()
        traffic = self._traffic
        if began < traffic.ends:
            traffic.count += 1
        else:
            traffic.roll(began)
        call: Call | None = None
        extensions: Any = None
        if method not in policy.plain_methods or type(body) is not self._bytes or self._cooling:
            call = Call(self._settings, policy, request, url, body, began, epoch)
            call.begin()
        else:
            # The wrapped transport may take something out.
            extensions = request.extensions and dict(request.extensions)
            # Nothing is sent inside an except block: a later error would have this one as context.
            # The wrapped method is looked up each time: test tools patch it after construction.
            try:
                response = self._transport.handle_request(request)
            except Exception as error:  # noqa: BLE001 - judged, and raised again unless retried
                call = Call(self._settings, policy, request, url, body, began, epoch, extensions)
                call.failed(error)
            else:
                try:
                    if response.status_code >= policy.judged_from:
                        call = Call(
                            self._settings, policy, request, url, body, began, epoch, extensions
                        )
                        call.answered(response)
                    elif self._missing:
                        self._settings.deposit(origin_of(url), None)
                except BaseException:
                    close_stream(response.stream)
                    raise
                if call is not None:
                    del response  # this frame would hold it through every wait
        if call is not None:
            extensions = None  # and this
            # As `_pursue`, whose frame would be a tenth of what a call that waits costs.
            try:
                while (delay := self._advance(call)) is not None:
                    self._waiter.wait(delay, call)
                response = call.conclude()
            finally:
                call.close()
        inner: Any
        if (
            (method in policy.mended_methods or (call is not None and call.is_mended))
            and not response.is_closed
            # Most are 200: to look for one in a set costs twice as much.
            and (response.status_code == OK or response.status_code not in WITHOUT_BODY)
            and type(inner := response.stream) is not self._bytes
        ):
            # Made for each response: its attributes are set here, as a call of __init__ costs more.
            kind = self._body_stream
            stream: Any = kind()
            stream.driver = self
            stream.source = call or (policy, request, url, body, began, epoch, extensions)
            # Whoever has the request may change it before the body is read, as authentication does.
            stream.method = method
            stream.fields = tuple(getattr(request.headers, "_list", ()))
            stream.response = response
            # One that is given again, as mocks do, is not wrapped in one layer after another.
            stream.inner = inner.inner if type(inner) is kind else inner
            response.stream = stream
        return response

    def _pursue(self, call: Call) -> httpx.Response:
        """Retry until the decider says stop, and return what the caller gets."""
        try:
            while (delay := self._advance(call)) is not None:
                self._waiter.wait(delay, call)
            return call.conclude()
        finally:
            call.close()

    def _advance(self, call: Call) -> float | None:
        """Go on until the next wait.

        Returns:
            Its seconds; None: the call has ended.
        """
        try:
            while not call.is_due or self._attempt(call):
                if call.wants_body:
                    self._read_body(call)
                delay = call.judge(self._waiter.epoch)
                if call.owes or call.spread:
                    delay = self._ask_others(call, delay)
                if delay is None:
                    break
                stream, drain = call.let_go()
                if drain is not None:
                    self._drain(drain, stream)
                elif stream is not None:
                    close_stream(stream)
                # A sleep of 0 s is a system call all the same: 75 µs on Linux.
                if delay > 0:
                    return delay
            if call.discards_response:
                close_stream(call.take_stream())
        except BaseException:
            close_stream(call.take_stream())
            raise
        return None

    def _ask_others(self, call: Call, delay: float | None) -> float | None:
        """Tell those of a wait who share a cool-down, and ask those who share a budget."""
        if call.spread and self._refresh is not None:
            self._refresh(call.origin, call.now)
        if call.owes is not None and self._lease is not None:
            self._lease(*call.owes)
            delay = call.settle()
        return delay

    def _attempt(self, call: Call) -> bool:
        """Make the attempt that is due.

        Returns:
            Whether it was made: it may come too late, and the call has ended then.
        """
        waiter = self._waiter
        if self._cooling or call.spread:
            self._wait_for_cooldown(call)
        if self._prepare is not None and waiter.epoch == call.epoch and call.next_number > 1:
            outgoing = call.outgoing
            outgoing.use(self._prepare(outgoing.next_request(), call.next_number))
        if call.comes_too_late(waiter.epoch):
            return False
        request = call.depart()
        try:
            response = self._transport.handle_request(request)
        except Exception as error:  # noqa: BLE001 - judged, and raised again unless retried
            call.failed(error)
        else:
            call.answered(response)
        return True

    def _wait_for_cooldown(self, call: Call) -> None:
        """Wait while the origin cools down."""
        waiter = self._waiter
        while waiter.epoch == call.epoch:
            if self._refresh is not None:
                self._refresh(call.origin, call.now)
            delay = call.cooldown_wait()
            if not delay:
                return
            waiter.wait(delay, call)

    def _read_body(self, call: Call) -> None:
        try:
            body = b"".join(whole(call.stream))
        except Exception as error:  # noqa: BLE001 - judged, and raised again unless retried
            close_stream(call.take_stream())
            call.body_failed(error)
        else:
            close_stream(call.take_stream())
            call.body_read(body)

    def _drain(self, drain: Drain, stream: Any) -> None:
        """Read what is thrown away, before the wait: then its connection is not lost."""
        interrupt: Exception | None = None
        try:
            chunks = iter(drain.stream)
            for chunk in chunks:
                if drain.is_over(len(chunk)):
                    end_iteration(chunks)
                    break
        except Exception as error:  # noqa: BLE001 - how it breaks meanwhile is nobody's concern
            interrupt = interrupt_of(error)
        finally:
            close_stream(stream)
        if interrupt is not None:
            raise interrupt

    def close(self) -> None:
        """Close the wrapped transport, and end the retrying of every call begun before.

        Those that wait for their next attempt, or in a cool-down for their first, wake at once, and
        end with their last exception; where there is none, with a `TransportError` that says so.
        """
        self._waiter.wake()
        self._transport.close()

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._waiter.wake()
        self._transport.__exit__(exc_type, exc_value, traceback)


class RetryTransport(RetryDriver, httpx.BaseTransport):
    """An `httpx.BaseTransport` that wraps another and retries what it may.

    Limits are per request that passes: a redirect, or a leg of an authentication, is a new one. One
    request differs by its `extensions={"retry": ...}`: False, a `RetryPolicy`, or a mapping of the
    fields that differ.

    Args:
        transport: the transport to wrap; None: a new `httpx.HTTPTransport`.
        policy: what is retried, how often and for how long.
        budget: what bounds the retries to each origin: a fresh `RetryBudget` unless one is given,
            which several transports may share; None: nothing does.
        cooldown: True: while an origin has asked one request to wait, by a 429 or a 503, the others
            wait, too; or a `Cooldown`, which several transports may share.
        on_event: called with a `RetryEvent` for each retry, giving up and recovery. A plain
            function; what it raises reaches the caller.
        prepare: `prepare(request, number)` is called last before attempt `number`, 2 or more, with
            a copy of the caller's request to change or replace, within the same origin and by one
            that may run twice if the caller's may: for a fresh signature. It returns the request to
            send, whose missing extensions are the caller's; None stands for the one it was given.
        clock: where the time comes from.
        random: draws from [0, 1) for the jitter.
        **http_transport_options: those of `httpx.HTTPTransport`, where `transport` is None.

    Raises:
        TypeError: for what is no transport of `httpx.BaseTransport`, for a transport
            together with options, and for any other argument of the wrong type.
    """

    family: ClassVar[Family] = Family(httpx)

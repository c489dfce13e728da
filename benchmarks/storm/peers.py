"""The peers' own policies, asked as their own loops ask them, without sleeping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx_retries
import stamina
import tenacity
import urllib3
from botocore import exceptions as botocore_errors
from botocore.awsrequest import AWSResponse
from botocore.retries import quota, standard

from .httpx_ends import error_of, result_of
from .model import End

if TYPE_CHECKING:
    from .model import Clock, Journey

URL = "https://service.test/"


class HttpxRetries:
    """As `httpx_retries.transport._retry_operation` asks it."""

    def __init__(self, clock: Clock) -> None:
        self.retry = httpx_retries.Retry()

    def begin(self) -> Journey:
        return HttpxRetriesJourney(self.retry)


class HttpxRetriesJourney:
    """One request; each retry makes a new policy object."""

    __slots__ = ("retry",)

    def __init__(self, retry: httpx_retries.Retry) -> None:
        self.retry = retry

    def ended(self, end: End) -> float | None:
        retry, result = self.retry, result_of(end)
        if retry.is_exhausted():
            return None
        if isinstance(result, httpx.Response):
            if not retry.is_retryable_status_code(result.status_code):
                return None
            headers = result.headers
        else:
            if not retry.is_retryable_exception(result):
                return None
            headers = httpx.Headers()
        self.retry = retry.increment()
        wait = self.retry._calculate_sleep(headers)  # noqa: SLF001 - `sleep`, which sleeps, asks it
        self.retry.elapsed_sleep += wait
        return wait


class Tenacity:
    """As `tenacity.Retrying.__call__` asks it; the full jitter that its documentation praises."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(4),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=30),
            retry=tenacity.retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )

    def begin(self) -> Journey:
        return TenacityJourney(self)


class Stamina(Tenacity):
    """The tenacity policy that `stamina.retry` makes by default."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        context: Any = stamina.retry_context(on=httpx.HTTPError)
        self.retrying = tenacity.Retrying(**context._t_kw)  # noqa: SLF001 - else it would sleep


class TenacityJourney:
    """One request, at the virtual time."""

    __slots__ = ("client", "state")

    def __init__(self, client: Tenacity) -> None:
        self.client = client
        self.state = tenacity.RetryCallState(client.retrying, None, (), {})
        client.retrying.begin()
        self.state.start_time = client.clock.now

    def ended(self, end: End) -> float | None:
        error, state = error_of(end), self.state
        if error is None:
            return None
        state.set_exception((type(error), error, None))
        state.outcome_timestamp = self.client.clock.now
        try:
            wait = self.client.retrying.iter(state)
        except httpx.HTTPError:
            return None
        state.prepare_for_next_attempt()
        assert isinstance(wait, tenacity.DoSleep)
        return float(wait)


class Urllib3:
    """As `urllib3.HTTPConnectionPool.urlopen` asks it."""

    def __init__(self, clock: Clock) -> None:
        self.retry = urllib3.Retry(3)
        self.pool = urllib3.HTTPSConnectionPool("service.test")

    def begin(self) -> Journey:
        return Urllib3Journey(self)


class Urllib3Journey:
    """One request; each retry makes a new policy object."""

    __slots__ = ("client", "retry")

    def __init__(self, client: Urllib3) -> None:
        self.client = client
        self.retry = client.retry

    def ended(self, end: End) -> float | None:
        if end is End.ANSWERED:
            return None
        response = _urllib3_response(end)
        if response is not None:
            has_retry_after = bool(response.headers.get("Retry-After"))
            if not self.retry.is_retry("GET", response.status, has_retry_after):
                return None
        try:
            self.retry = self.retry.increment(
                "GET", URL, response=response, error=self._error(end), _pool=self.client.pool
            )
        except urllib3.exceptions.MaxRetryError:
            return None
        asked = None if response is None else self.retry.get_retry_after(response)
        return asked or self.retry.get_backoff_time()

    def _error(self, end: End) -> Exception | None:
        if end is End.TIMED_OUT:
            return urllib3.exceptions.ReadTimeoutError(self.client.pool, URL, "timed out")
        if end is End.REFUSED:
            connection = urllib3.connection.HTTPConnection("service.test")
            return urllib3.exceptions.NewConnectionError(connection, "refused")
        if end is End.RESET:
            return urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104, "reset"))
        return None


def _urllib3_response(end: End) -> urllib3.HTTPResponse | None:
    if end is End.UNAVAILABLE:
        return urllib3.HTTPResponse(status=503)
    if end is End.LIMITED:
        return urllib3.HTTPResponse(status=429, headers={"Retry-After": "1"})
    return None


class Botocore:
    """As `botocore.endpoint` asks what `register_retry_handler` makes for each client."""

    def __init__(self, clock: Clock) -> None:
        adapter = standard.RetryEventAdapter()
        throttling = standard.ThrottlingErrorDetector(adapter)
        self.quota = standard.RetryQuotaChecker(quota.RetryQuota(), throttling)
        self.handler = standard.RetryHandler(
            retry_policy=standard.RetryPolicy(
                retry_checker=standard.StandardRetryConditions(),
                retry_backoff=standard.ExponentialBackoff(throttling_detector=throttling),
            ),
            retry_event_adapter=adapter,
            retry_quota=self.quota,
        )

    def begin(self) -> Journey:
        return BotocoreJourney(self)


class BotocoreJourney:
    """One request, and what it took from the quota."""

    __slots__ = ("attempts", "client", "context")

    def __init__(self, client: Botocore) -> None:
        self.client = client
        self.attempts = 0
        self.context: dict[str, Any] = {}

    def ended(self, end: End) -> float | None:
        self.attempts += 1
        status = {End.ANSWERED: 200, End.UNAVAILABLE: 503, End.LIMITED: 429}.get(end)
        response = None if status is None else AWSResponse(URL, status, {}, None)
        wait: float | None = None
        if end is not End.ANSWERED:
            wait = self.client.handler.needs_retry(
                response=None if response is None else (response, {}),
                attempts=self.attempts,
                operation=None,
                caught_exception=_botocore_error(end),
                request_dict={"context": self.context},
            )
        if wait is None:
            self.client.quota.release_retry_quota(self.context, response)
        return wait


def _botocore_error(end: End) -> Any:
    if end is End.TIMED_OUT:
        return botocore_errors.ReadTimeoutError(endpoint_url=URL, error="timed out")
    if end is End.REFUSED:
        return botocore_errors.EndpointConnectionError(endpoint_url=URL, error="refused")
    if end is End.RESET:
        return botocore_errors.ConnectionClosedError(endpoint_url=URL)
    return None

"""OpenTelemetry: which resend each span is, each wait as a span event, and three metrics.

The spans are the official instrumentation's (`opentelemetry-instrumentation-httpx`): one for each
attempt. Of a request's URL nothing is told but host and port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import __version__

try:
    from opentelemetry import metrics, trace
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "httpx_retry.opentelemetry needs opentelemetry-api:"
        " pip install 'httpx-retry-transport[otel]'",
        name=_missing.name,
    ) from _missing

if TYPE_CHECKING:
    import httpx
    from opentelemetry.instrumentation.httpx import RequestInfo

    from ._http.family import AnyRequest
    from ._observe import RetryEvent

__all__ = ["RetryTelemetry"]

# It travels with the request, from `prepare` to the request hook: there is no state to mix up,
# however many requests are under way, and whatever else a hook or a wrapped transport sends.
_RESEND_COUNT = "httpx_retry.resend_count"

_ATTEMPTS = (1, 2, 3, 4, 5, 6, 8, 10, 20, 50, 100)
_SECONDS = (0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class RetryTelemetry:
    """What to give to retry transports and to the official instrumentation.

    Each method is named for the argument that it is passed as. One object serves any number of
    transports, sync and async, from any number of threads and tasks.

    Args:
        meter_provider: where the metrics go; None: the global one.
    """

    def __init__(self, meter_provider: metrics.MeterProvider | None = None) -> None:
        meter = metrics.get_meter("httpx_retry", __version__, meter_provider)
        self._retries = meter.create_counter(
            "httpx_retry.retries", "{retry}", "Retries that were granted."
        )
        self._attempts = meter.create_histogram(
            "httpx_retry.request.attempts",
            "{attempt}",
            "Attempts of each request that was retried or given up.",
            explicit_bucket_boundaries_advisory=_ATTEMPTS,
        )
        self._waits = meter.create_histogram(
            "httpx_retry.wait.duration",
            "s",
            "Waits between a failed attempt and the next.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )

    def on_event(self, event: RetryEvent) -> None:
        """Measure what happened; a wait becomes an event on the caller's span, too.

        Args:
            event: a retry transport's.
        """
        origin = _origin_of(event.request.url)
        latest = event.attempt
        why = {**origin, "httpx_retry.reason": latest.reason.name.lower()}
        if latest.wait is None:
            why["httpx_retry.outcome"] = event.kind.replace("-", "_")
            self._attempts.record(len(event.attempts), why)
            return
        why["error.type"] = latest.label
        self._retries.add(1, why)
        self._waits.record(latest.wait, origin)
        facts = {
            **why,
            "http.request.resend_count": latest.number,
            "httpx_retry.wait.duration": latest.wait,
        }
        trace.get_current_span().add_event("httpx_retry.retry_scheduled", facts)

    @staticmethod
    def prepare(request: AnyRequest, number: int) -> None:
        """Tell the request hook which resend this is.

        Args:
            request: what is sent next.
            number: the attempt's: 2 for the first resend.
        """
        request.extensions[_RESEND_COUNT] = number - 1

    @staticmethod
    def request_hook(span: trace.Span, request: RequestInfo) -> None:
        """Set `http.request.resend_count` on the span of a resend (semantic conventions, HTTP).

        Args:
            span: the instrumentation's, of one attempt.
            request: what is sent.
        """
        count = (request.extensions or {}).get(_RESEND_COUNT)
        if count is not None:
            span.set_attribute("http.request.resend_count", count)

    @staticmethod
    async def async_request_hook(span: trace.Span, request: RequestInfo) -> None:
        """Do what `request_hook` does, for async clients.

        Args:
            span: the instrumentation's, of one attempt.
            request: what is sent.
        """
        RetryTelemetry.request_hook(span, request)


def _origin_of(url: httpx.URL) -> dict[str, str | int]:
    """Host and port, as the official instrumentation's metrics have them: no default port."""
    if url.port is None:
        return {"server.address": url.host}
    return {"server.address": url.host, "server.port": url.port}

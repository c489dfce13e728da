"""The real SDK and the official instrumentation, whose output stays in memory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from httpx_retry.opentelemetry import RetryTelemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import Event, ReadableSpan


class Telemetry:
    """What one program would set up, and what came of it."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.retry = RetryTelemetry(meter_provider=self.meter_provider)
        self.tracer = self.tracer_provider.get_tracer("caller")

    @property
    def transport_hooks(self) -> dict[str, Any]:
        return {"on_event": self.retry.on_event, "prepare": self.retry.prepare}

    @contextmanager
    def instrumented(self) -> Iterator[None]:
        """Within it, every HTTP transport is instrumented."""
        HTTPXClientInstrumentor().instrument(
            tracer_provider=self.tracer_provider,
            request_hook=self.retry.request_hook,
            async_request_hook=self.retry.async_request_hook,
        )
        try:
            yield
        finally:
            HTTPXClientInstrumentor().uninstrument()

    @property
    def finished(self) -> tuple[ReadableSpan, ...]:
        """All spans that have ended, in that order."""
        return self._spans.get_finished_spans()

    def attempts(self, caller: str | None = None) -> list[ReadableSpan]:
        """The client spans in the order in which they began; of one caller's trace, or all."""
        traces = {span.context.trace_id for span in self.finished if span.name == caller}
        found = [
            span
            for span in self.finished
            if span.kind is SpanKind.CLIENT and (caller is None or span.context.trace_id in traces)
        ]
        return sorted(found, key=lambda span: span.start_time or 0)

    def resend_counts(self, caller: str | None = None) -> list[Any]:
        """What those spans carry; None where they carry nothing."""
        return [resend_count(span) for span in self.attempts(caller)]

    def events(self, caller: str = "caller") -> list[Event]:
        """The events on a caller's own span."""
        return [event for span in self.finished if span.name == caller for event in span.events]

    @property
    def metrics(self) -> dict[str, list[tuple[dict[str, Any], Any, Any]]]:
        """By name: the attributes of each data point, how many it counts, and their sum."""
        data = self._metrics.get_metrics_data()
        found = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        return {metric.name: [_point(each) for each in metric.data.data_points] for metric in found}

    @property
    def metrics_as_told(self) -> str:
        """All that an exporter would get."""
        data = self._metrics.get_metrics_data()
        return "" if data is None else data.to_json()


def resend_count(span: ReadableSpan) -> Any:
    return (span.attributes or {}).get("http.request.resend_count")


def _point(point: Any) -> tuple[dict[str, Any], Any, Any]:
    if hasattr(point, "value"):
        return dict(point.attributes), point.value, point.value
    return dict(point.attributes), point.count, point.sum

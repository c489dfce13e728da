"""What type checkers make of what needs an extra, or Hypothesis. Read by them, and never run."""

from __future__ import annotations

import httpx
import httpx2

from httpx_retry import AsyncRetryTransport, RetryTransport, add_retries
from httpx_retry.httpx2 import AsyncRetryTransport as AsyncRetryTransport2
from httpx_retry.httpx2 import RetryTransport as RetryTransport2
from httpx_retry.opentelemetry import RetryTelemetry
from httpx_retry.testing import ScriptedTransport, strategies
from httpx_retry.testing.httpx2 import ScriptedTransport as ScriptedTransport2

# One object serves both families, in both worlds.
telemetry = RetryTelemetry()
RetryTransport(on_event=telemetry.on_event, prepare=telemetry.prepare)
AsyncRetryTransport(on_event=telemetry.on_event, prepare=telemetry.prepare)
RetryTransport2(on_event=telemetry.on_event, prepare=telemetry.prepare)
AsyncRetryTransport2(on_event=telemetry.on_event, prepare=telemetry.prepare)
add_retries(httpx.Client(), on_event=telemetry.on_event, prepare=telemetry.prepare)
add_retries(httpx2.Client(), on_event=telemetry.on_event, prepare=telemetry.prepare)
telemetry.prepare("https://test/", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# So does what the strategies draw.
ScriptedTransport(strategies.outages(2, then=httpx.Response(200)).example())
ScriptedTransport2(strategies.outages(2, then=httpx2.Response(200)).example())
ScriptedTransport([strategies.refusals().example(), strategies.failures().example()])
ScriptedTransport2([strategies.refusals().example(), strategies.failures().example()])

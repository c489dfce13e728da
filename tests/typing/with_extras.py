"""What type checkers make of what needs an extra, or Hypothesis. Read by them, and never run."""

from __future__ import annotations

import httpx
import httpx2
from hypothesis.strategies import SearchStrategy
from typing_extensions import assert_type

from httpx_retry import AsyncRetryTransport, RetryTransport, add_retries
from httpx_retry.httpx2 import AsyncRetryTransport as AsyncRetryTransport2
from httpx_retry.httpx2 import RetryTransport as RetryTransport2
from httpx_retry.opentelemetry import RetryTelemetry
from httpx_retry.testing import Entry, strategies

# One object serves both families, in both worlds.
telemetry = RetryTelemetry()
RetryTransport(on_event=telemetry.on_event, prepare=telemetry.prepare)
AsyncRetryTransport(on_event=telemetry.on_event, prepare=telemetry.prepare)
RetryTransport2(on_event=telemetry.on_event, prepare=telemetry.prepare)
AsyncRetryTransport2(on_event=telemetry.on_event, prepare=telemetry.prepare)
add_retries(httpx.Client(), on_event=telemetry.on_event, prepare=telemetry.prepare)
add_retries(httpx2.Client(), on_event=telemetry.on_event, prepare=telemetry.prepare)
telemetry.prepare("https://test/", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

assert_type(strategies.outages(2), SearchStrategy[list[Entry]])

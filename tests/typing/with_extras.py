"""What type checkers make of what needs an extra, or Hypothesis. Read by them, and never run."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy
from typing_extensions import assert_type

from httpx_retry import RetryTransport
from httpx_retry.opentelemetry import RetryTelemetry
from httpx_retry.testing import Entry, strategies

telemetry = RetryTelemetry()
RetryTransport(on_event=telemetry.on_event, prepare=telemetry.prepare)
assert_type(strategies.outages(2), SearchStrategy[list[Entry]])

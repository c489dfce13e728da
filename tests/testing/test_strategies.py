"""Outages as generated scripts: what they draw is what they say."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from httpx_retry import RetryTransport
from httpx_retry.testing import ScriptedTransport, strategies


def status_of(entry: Any) -> Any:
    return entry[0] if isinstance(entry, tuple) else entry


def send(method: str, script: list[Any]) -> tuple[int, ScriptedTransport]:
    server = ScriptedTransport(script)
    with httpx.Client(transport=RetryTransport(server, clock=server.clock)) as client:
        return client.request(method, "http://test/").status_code, server


@given(strategies.outages(3), st.sampled_from(["GET", "PUT", "DELETE"]))
def test_the_default_policy_survives_three_failures(script: list[Any], method: str) -> None:
    status, server = send(method, script)

    assert status == 200
    assert sum(server.clock.sleeps) <= 60.0
    server.assert_used_up()


@given(strategies.outages(3, failing=strategies.refusals(20), then=(201, {})))
def test_a_post_survives_refusals(script: list[Any]) -> None:
    status, server = send("POST", script)

    assert status == 201
    server.assert_used_up()


@given(strategies.outages(0, then=httpx.ReadError))
def test_no_failures_leave_the_end_alone(script: list[Any]) -> None:
    assert script == [httpx.ReadError]


@pytest.mark.parametrize(
    "wanted",
    [
        lambda entry: entry == 504,
        lambda entry: entry is httpx.ReadError,
        lambda entry: entry is httpx.PoolTimeout,
        lambda entry: status_of(entry) == 429 and entry != 429,
        lambda entry: isinstance(entry, tuple) and entry[1] == {"Retry-After": "7"},
    ],
)
def test_failures_of_every_kind_are_drawn(wanted: Any) -> None:
    assert wanted(find(strategies.failures(7), wanted))


@given(strategies.refusals(5))
def test_a_refusal_proves_that_nothing_was_processed(entry: Any) -> None:
    assert status_of(entry) in {408, 425, 429, *strategies._UNSENT}
    assert not isinstance(entry, tuple) or int(entry[1]["Retry-After"]) <= 5

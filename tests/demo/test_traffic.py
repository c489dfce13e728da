"""The traffic, on real sockets: bare requests fail where a fault is planned, wrapped ones never."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from httpx_retry import Attempt, Evidence, RetryReason, StopReason
from httpx_retry._demo import traffic
from httpx_retry._demo.plan import Answer, Break, HttpVersion, plan
from httpx_retry._demo.server import FlakyServer, flaky_server
from httpx_retry._demo.traffic import SETTINGS, Traffic

from .samples import planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx_retry._demo.results import Exchange, Setting

SEED, REQUESTS = 7, 40


@pytest.fixture(scope="module")
def server() -> Iterator[FlakyServer]:
    with flaky_server(SEED) as server:
        yield server


def label(setting: Setting) -> str:
    return setting.run


def outcomes_of(exchange: Exchange) -> list[str]:
    return [step.outcome for step in exchange.steps]


def planned_outcomes(exchange: Exchange) -> list[str]:
    faults = exchange.planned.faults
    labels = [fault.value if isinstance(fault, Break) else str(fault.status) for fault in faults]
    return [*labels, "200"] if labels else []


@pytest.mark.parametrize("setting", [each for each in SETTINGS if not each.wrapped], ids=label)
def test_bare_requests_succeed_exactly_where_no_fault_is_planned(
    server: FlakyServer, setting: Setting
) -> None:
    row = Traffic(server, seed=SEED, requests=REQUESTS).row(setting)
    for exchange in row.exchanges:
        assert exchange.succeeded == (not exchange.planned.faults)
        assert not exchange.steps
    assert 0 < row.successes < REQUESTS
    assert row.attempts == REQUESTS


@pytest.mark.parametrize("setting", [each for each in SETTINGS if each.wrapped], ids=label)
def test_wrapped_requests_succeed_after_the_planned_faults_and_no_others(
    server: FlakyServer, setting: Setting
) -> None:
    row = Traffic(server, seed=SEED, requests=REQUESTS).row(setting)
    assert not row.failures
    for exchange in row.exchanges:
        assert outcomes_of(exchange) == planned_outcomes(exchange)
    assert row.attempts == REQUESTS + sum(len(each.planned.faults) for each in row.exchanges)


def test_the_demo_meets_a_goaway() -> None:
    """Or else the tests above say nothing about connections that end under others."""
    numbers = range(1, REQUESTS + 1)
    assert any(plan(SEED, HttpVersion.HTTP2, number).ends_connection for number in numbers)


def test_steps_tell_when_each_attempt_began_and_how_long_was_waited() -> None:
    request = planned(Break.RESET, Answer(503))
    again, enough = RetryReason.IDEMPOTENT_METHOD, StopReason.ATTEMPTS_EXHAUSTED
    history = (
        Attempt(1, 100.0, 0.25, None, "ReadError", Evidence.UNKNOWN, 0.5, again),
        Attempt(2, 100.75, 0.25, 503, None, Evidence.UNKNOWN, 1.0, again),
        Attempt(3, 102.0, 0.25, None, "ConnectError", Evidence.UNSENT, None, enough),
    )
    steps = list(traffic._steps(request, history))
    assert [step.outcome for step in steps] == ["reset", "503", "ConnectError"]
    assert [step.start for step in steps] == [0.0, 0.75, 2.0]
    assert [step.wait for step in steps] == [0.5, 1.0, None]


@pytest.mark.parametrize(
    ("result", "outcome", "succeeded"),
    [
        (httpx.Response(200, content=planned().served.body), "200", True),
        (httpx.Response(200, content=b"something else"), "200", False),
        (httpx.Response(400, content=planned().served.body), "400", False),
        (httpx.ReadError("gone"), "ReadError", False),
    ],
)
def test_only_the_planned_answer_is_a_success(
    result: httpx.Response | httpx.HTTPError, outcome: str, succeeded: bool
) -> None:
    exchange = traffic._exchange(planned(), result, 1.5)
    assert (exchange.outcome, exchange.succeeded, exchange.seconds) == (outcome, succeeded, 1.5)

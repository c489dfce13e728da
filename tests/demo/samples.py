"""Hand-made plans and measurements, so that a test sees at a glance what should follow."""

from __future__ import annotations

from httpx_retry._demo.plan import HttpVersion, PlannedRequest, Reply
from httpx_retry._demo.results import Exchange, Row, Setting, Step

HTTP1_SYNC_WRAPPED = Setting(HttpVersion.HTTP1, "sync", wrapped=True)
HTTP1_SYNC_BARE = Setting(HttpVersion.HTTP1, "sync", wrapped=False)
HTTP2_ASYNC_WRAPPED = Setting(HttpVersion.HTTP2, "async", wrapped=True)


def planned(
    *faults: Reply, number: int = 1, method: str = "GET", body: bytes = b"", service: float = 0.0
) -> PlannedRequest:
    return PlannedRequest(number, method, body, service, faults)


def exchange(
    *outcomes: str, number: int = 1, seconds: float = 0.01, succeeded: bool = True
) -> Exchange:
    """An exchange of these attempts, of 10 ms each, with waits of 40 ms between them."""
    steps = tuple(
        Step(outcome, place * 0.05, 0.01, None if place + 1 == len(outcomes) else 0.04)
        for place, outcome in enumerate(outcomes)
    )
    outcome = outcomes[-1] if outcomes else "200"
    return Exchange(planned(number=number), outcome, succeeded, seconds, steps)


def row(setting: Setting, *exchanges: Exchange) -> Row:
    return Row(setting, exchanges, sum(max(len(each.steps), 1) for each in exchanges))

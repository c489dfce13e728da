"""What is measured, summed up."""

from __future__ import annotations

import pytest

from httpx_retry._demo.plan import HttpVersion
from httpx_retry._demo.results import Setting

from .samples import HTTP1_SYNC_WRAPPED, exchange, row


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 10), (0.95, 19), (1.0, 20)])
def test_a_latency_is_that_of_the_nearest_rank(share: float, seconds: float) -> None:
    twenty = [exchange(seconds=float(each)) for each in range(20, 0, -1)]
    assert row(HTTP1_SYNC_WRAPPED, *twenty).latency(share) == seconds


def test_the_latency_of_one_request_is_its_own() -> None:
    assert row(HTTP1_SYNC_WRAPPED, exchange(seconds=3.0)).latency(0.5) == 3.0


def test_successes_and_failures_are_all_there_is() -> None:
    failure = exchange(number=2, succeeded=False)
    mixed = row(HTTP1_SYNC_WRAPPED, exchange(number=1), failure, exchange(number=3))
    assert mixed.successes == 2
    assert mixed.failures == (failure,)


def test_every_setting_has_a_run_of_its_own() -> None:
    runs = {
        Setting(version, world, wrapped).run
        for version in HttpVersion
        for world in ("sync", "async")
        for wrapped in (False, True)
    }
    assert len(runs) == 8
    assert "http2-async-wrapped" in runs

"""Under mixed traffic and mixed faults nothing piles up; `make soak` shows it for longer."""

from __future__ import annotations

import logging
import sys

import pytest

from tests.faults.soak import WARM_UP, Soak, growth

# Broken uploads are left to the collector by httpcore, and on asyncio now and then a connection
# whose making was cancelled.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

REQUESTS = 8
ROUNDS = WARM_UP + 4
# Bytes per request: a short run still fills caches, with 20 to 130. A set of futures that are not
# forgotten takes 170, a `Call` that is kept 4,800; a response that is not closed holds its slot.
# CPython 3.10 keeps a frame of each function that ever ran besides: 170 to 210 in all.
MOST = 160.0 if sys.version_info >= (3, 11) else 320.0
# Coverage keeps a tracer, and frames, of each thread that ever was: 200 to 450 more.
MOST_WITH_TRACERS = 1500.0


def test_a_short_soak_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    # Lines that pytest keeps would be taken for a leak.
    caplog.set_level(logging.CRITICAL, "httpx_retry")
    with Soak(REQUESTS) as soak:
        for _ in range(ROUNDS):
            soak.round()
        most = MOST if sys.gettrace() is None else MOST_WITH_TRACERS
        counts, found = soak.counts, soak.faults(most)

    assert found == []
    assert soak.after.files == soak.before.files
    assert counts["requests"] == ROUNDS * REQUESTS * 6
    assert counts["answered"] > counts["requests"] * 0.5
    assert counts["retries"] > counts["requests"] * 0.1
    assert counts["cancelled"] > 0
    assert not {"TypeError", "AttributeError", "AssertionError"} & counts.keys()


def test_one_high_reading_is_no_growth_and_a_little_more_each_time_is() -> None:
    assert growth([10, 900, 10, 10]) == 0
    assert growth([10, 20, 30, 40]) == 10

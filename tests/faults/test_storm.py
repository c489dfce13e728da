"""Under a mix of faults nothing is processed twice and nothing arrives changed."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest

from httpx_retry import Evidence, StopReason
from tests.faults.lab import Fin, HTTP1Server, HTTP2Server, Identity, ResetStream, Rst, Stall
from tests.faults.storm import (
    HTTP1_MIX,
    HTTP2_MIX,
    Tally,
    body_of,
    goaway_every,
    run,
    script,
)

# Broken uploads and idle siblings are left to the collector by httpcore.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),
    pytest.mark.usefixtures("_collected_at_once"),
    pytest.mark.parametrize("backend", ["asyncio", "trio"]),
]

PROVED = (Evidence.UNSENT, Evidence.REFUSED)


def mixed(number: int) -> str:
    return "GET" if number % 2 else "POST"


def only_posts(number: int) -> str:
    return "POST"


def storm(backend: str, server: Any, **options: Any) -> Tally:
    with server:
        tally: Tally = anyio.run(partial(run, server.url, **options), backend=backend)
    return tally


def assert_nothing_was_done_twice(server: Any, tally: Tally) -> None:
    posts = {name: all_ for name, all_ in server.processed.items() if name.startswith("POST")}
    assert [name for name, received in posts.items() if len(received) > 1] == []
    assert [name for name, (one,) in posts.items() if one.body != body_of(number_of(name))] == []
    for name, history in tally.histories.items():
        if name in tally.failed and history:
            # What was provably unprocessed was sent again.
            assert history[-1].evidence not in PROVED, (name, history)
            if name.startswith("POST"):
                assert history[-1].reason is StopReason.NOT_IDEMPOTENT
                assert all(attempt.evidence in PROVED for attempt in history[:-1])


def number_of(name: str) -> int:
    return int(name.partition("-")[2])


def test_refusals_at_random_are_ridden_out_by_everything(backend: str) -> None:
    server = HTTP2Server(script([(ResetStream(), 200)], seed=1))
    tally = storm(backend, server, count=300, at_once=100, method=mixed)

    assert_nothing_was_done_twice(server, tally)
    assert tally.failed == {}
    assert len(server.refused) > 20
    assert server.refused.keys() <= server.processed.keys()
    assert server.connections == 1


@pytest.mark.parametrize(
    "ending",
    [
        partial(goaway_every, 10),
        partial(script, [(Fin(), 30), (Rst(), 30)], seed=1),
        partial(script, HTTP2_MIX, seed=3),
    ],
    ids=["goaway", "cut", "mix"],
)
@pytest.mark.parametrize("at_once", [5, 100])
def test_a_connection_that_keeps_ending_under_many_streams(
    backend: str, ending: Any, at_once: int
) -> None:
    server = HTTP2Server(ending())
    tally = storm(backend, server, count=200, at_once=at_once, method=mixed)

    assert_nothing_was_done_twice(server, tally)
    assert len(tally.histories) == 200
    assert [name for name in tally.failed if name.startswith("GET")] == []
    assert server.connections > 3


def test_http1_under_a_mix(backend: str) -> None:
    server = HTTP1Server(script(HTTP1_MIX, seed=5))
    tally = storm(backend, server, count=300, at_once=20, method=only_posts, http2=False)

    assert_nothing_was_done_twice(server, tally)
    assert len(tally.failed) > 10


def test_handshakes_that_fail_cost_no_post(backend: str) -> None:
    accept = [ending for _ in range(20) for ending in (Fin(), Rst(), Fin())]
    server = HTTP1Server(accept=accept, tls=Identity())
    tally = storm(backend, server, count=100, at_once=10, method=only_posts, http2=False)

    assert_nothing_was_done_twice(server, tally)
    assert set(tally.answered.values()) == {200}
    assert len(server.processed) == 100


def test_silent_streams_end_by_their_timeout(backend: str) -> None:
    server = HTTP2Server(script([(Stall(), 50)], seed=2))
    tally = storm(backend, server, count=60, at_once=20, method=only_posts, patience=0.2)

    assert_nothing_was_done_twice(server, tally)
    assert len(tally.histories) == 60

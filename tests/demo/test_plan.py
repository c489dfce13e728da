"""The plan: the same for everybody who asks, and fair to what may not be sent twice."""

from __future__ import annotations

import pytest

from httpx_retry._demo.plan import Answer, Break, HttpVersion, plan

from .samples import planned

NUMBERS = range(500)
ONLY_ON_HTTP1 = {Break.RESET, Break.HANG_UP}


def test_equal_arguments_give_equal_plans() -> None:
    for number in NUMBERS:
        assert plan(7, HttpVersion.HTTP1, number) == plan(7, HttpVersion.HTTP1, number)


def test_another_seed_gives_another_plan() -> None:
    ours, others = ([plan(seed, HttpVersion.HTTP1, each) for each in NUMBERS] for seed in (7, 8))
    assert ours != others


@pytest.mark.parametrize("version", HttpVersion)
def test_most_requests_meet_no_fault_and_some_meet_three(version: HttpVersion) -> None:
    fault_counts = [len(plan(7, version, number).faults) for number in NUMBERS]
    assert fault_counts.count(0) > len(NUMBERS) / 2
    assert set(fault_counts) == {0, 1, 2, 3}


@pytest.mark.parametrize("version", HttpVersion)
def test_a_post_meets_only_faults_that_say_it_was_not_processed(version: HttpVersion) -> None:
    posts = [each for number in NUMBERS if (each := plan(7, version, number)).method == "POST"]
    faults = [fault for post in posts for fault in post.faults]
    assert {fault.status for fault in faults if isinstance(fault, Answer)} == {429}
    assert not any(isinstance(fault, Break) for fault in faults)


@pytest.mark.parametrize("version", HttpVersion)
def test_a_connection_breaks_only_in_ways_that_its_protocol_has(version: HttpVersion) -> None:
    breaks = {
        fault
        for number in NUMBERS
        for fault in plan(7, version, number).faults
        if isinstance(fault, Break)
    }
    expected = ONLY_ON_HTTP1 if version is HttpVersion.HTTP1 else set(Break) - ONLY_ON_HTTP1
    assert breaks == expected


def test_only_a_get_has_no_body() -> None:
    for number in NUMBERS:
        each = plan(7, HttpVersion.HTTP2, number)
        assert (each.body == b"") == (each.method == "GET")


def test_faults_come_in_order_and_then_the_request_is_served() -> None:
    request = planned(Answer(503), Break.RESET)
    assert [request.reply(attempt) for attempt in range(4)] == [
        Answer(503),
        Break.RESET,
        request.served,
        request.served,
    ]
    assert request.served.status == 200


def test_only_a_goaway_ends_a_connection_that_others_share() -> None:
    assert planned(Answer(503), Break.GOAWAY).ends_connection
    assert not planned(Break.STREAM_ERROR, Break.RESET).ends_connection


def test_an_answer_names_its_length_and_when_to_come_back() -> None:
    assert ("content-length", "4") in Answer(200, b"body").headers
    assert ("retry-after", "0.04") in Answer(429, retry_after=0.04).headers
    assert "retry-after" not in dict(Answer(503).headers)

"""docs/moving-here.md: old code and new come to the same, and differ where the page says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.lab import Cut, Fin, Reply, Rst

from .sections import SECTIONS, Seen, run_new, run_old

if TYPE_CHECKING:
    from tests.faults.lab import HTTP1Step

LOOP = SECTIONS["A loop around requests"]
ORDER = SECTIONS["A loop around aiohttp"]
URLLIB3 = SECTIONS["requests with urllib3's Retry"]
BACKOFF = SECTIONS["backoff"]
TENACITY = SECTIONS["tenacity"]
STAMINA = SECTIONS["stamina"]
AIOHTTP_RETRY = SECTIONS["aiohttp-retry"]
HTTPX_RETRIES = SECTIONS["httpx-retries"]
PYDANTIC_AI = SECTIONS["pydantic-ai's TenacityTransport"]
HTTPX = SECTIONS["httpx's own retries"]

pytestmark = [
    # On CPython 3.14 backoff 2.2 asks what asyncio no longer wants to be asked.
    pytest.mark.filterwarnings(
        "ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning:backoff"
    ),
    # Where pydantic-ai has come to prefer httpx2.
    pytest.mark.filterwarnings("ignore:`TenacityTransport` is deprecated"),
]

BUSY = Reply(503)
LIMITED = Reply(429)


SURVIVED: list[tuple[str, list[HTTP1Step], int]] = [
    ("A loop around requests", [BUSY, Rst(), Reply(500)], 0),
    ("A loop around requests", [BUSY], 2),
    ("A loop around aiohttp", [LIMITED, LIMITED, LIMITED], 0),
    ("requests with urllib3's Retry", [BUSY, Rst(), Reply(500)], 0),
    ("requests with urllib3's Retry", [Fin()], 2),
    ("backoff", [BUSY, Rst(), Reply(500)], 0),
    ("backoff", [BUSY], 2),
    ("tenacity", [Reply(502), Rst(), BUSY], 0),
    ("tenacity", [Fin()], 2),
    ("stamina", [BUSY, Rst()], 0),
    ("stamina", [BUSY], 1),
    ("aiohttp-retry", [BUSY, LIMITED, Reply(500)], 0),
    ("httpx-retries", [BUSY, Rst(), LIMITED], 0),
    ("httpx-retries", [BUSY], 2),
    ("pydantic-ai's TenacityTransport", [LIMITED, LIMITED, LIMITED], 0),
    ("httpx's own retries", [], 3),
]


@pytest.mark.parametrize(("title", "script", "refusals"), SURVIVED)
def test_both_survive_the_same(title: str, script: list[HTTP1Step], refusals: int) -> None:
    answered = [*script, Reply(body=b"seven")]
    old = run_old(SECTIONS[title], *answered, refusals=refusals)
    new = run_new(SECTIONS[title], *answered, refusals=refusals)

    assert (old.result, old.requests) == (new.result, new.requests) == ("seven", len(answered))
    assert [each.method for each in old.received] == [each.method for each in new.received]


def test_every_section_is_tested() -> None:
    assert {title for title, *_ in SURVIVED} == SECTIONS.keys()


def test_no_loop_asks_again_for_what_is_not_there() -> None:
    for section, attempts in (LOOP, 4), (TENACITY, 4), (STAMINA, 3):
        old, new = run_old(section, *[Reply(404)] * 4), run_new(section, *[Reply(404)] * 4)

        assert (old.requests, new.requests) == (attempts, 1)
        assert new.result == "HTTPStatusError"


def test_a_server_that_says_when_to_come_back_is_obeyed_in_place_of_the_loops_waits() -> None:
    later = Reply(503, headers={"Retry-After": "7"})

    assert run_old(LOOP, later, BUSY, BUSY).waits == [1, 2, 4]
    assert run_new(LOOP, later).waits == [7]
    assert run_old(TENACITY, later).waits == [1]
    assert run_new(TENACITY, later).waits == [7]
    assert run_old(AIOHTTP_RETRY, later).waits == [0.2]
    assert run_new(AIOHTTP_RETRY, later).waits == [7]


def in_short(seen: Seen) -> tuple[str, int]:
    return seen.result, seen.requests


def test_an_order_whose_answer_was_lost_is_not_placed_twice() -> None:
    assert in_short(run_old(ORDER, Rst())) == ("ok", 2)
    assert in_short(run_new(ORDER, Rst())) == ("ReadError", 1)


def test_an_order_with_a_key_is_sent_again_with_the_same_key() -> None:
    policy = "AsyncRetryTransport(policy=RetryPolicy(generate_idempotency_key=True))"
    new = ORDER.new.replace("AsyncRetryTransport()", policy)
    new = new.replace("import AsyncRetryTransport", "import AsyncRetryTransport, RetryPolicy")
    seen = run_new(ORDER._replace(new=new), Rst())
    keys = {request.headers["idempotency-key"] for request in seen.received}

    assert in_short(seen) == ("ok", 2)
    assert len(keys) == 1


def test_the_curve_of_urllib3_is_kept_to_the_second() -> None:
    script = [BUSY, Reply(500), LIMITED]

    assert run_old(URLLIB3, *script).waits == run_new(URLLIB3, *script).waits == [2, 4]


def test_the_last_response_is_handed_over() -> None:
    assert in_short(run_old(URLLIB3, *[BUSY] * 4)) == ("RetryError", 4)
    assert in_short(run_new(URLLIB3, *[Reply(503, b"busy")] * 4)) == ("busy", 4)
    assert in_short(run_old(PYDANTIC_AI, *[LIMITED] * 4)) == ("HTTPStatusError", 4)
    assert in_short(run_new(PYDANTIC_AI, *[Reply(429, b"busy")] * 4)) == ("busy", 4)


def test_a_body_that_breaks_off_is_mended() -> None:
    cut = Cut(Reply(body=b"seven"), at=3)

    assert in_short(run_old(URLLIB3, cut, cut.reply)) == ("ChunkedEncodingError", 1)
    assert in_short(run_new(URLLIB3, cut, cut.reply)) == ("seven", 2)


def test_a_post_is_sent_again_after_a_429() -> None:
    for section in (URLLIB3.changed(".get(", ".post("), HTTPX_RETRIES.changed(".get(", ".post(")):
        assert in_short(run_old(section, Reply(429, b"busy"))) == ("busy", 1)
        assert in_short(run_new(section, LIMITED)) == ("ok", 2)


def test_backoffs_fatal_codes_are_those_that_are_answers() -> None:
    for status, old, new in (403, 1, 1), (429, 1, 2), (408, 1, 2), (501, 2, 1), (505, 2, 1):
        assert run_old(BACKOFF, Reply(status)).requests == old
        assert run_new(BACKOFF, Reply(status)).requests == new


def test_waits_of_backoff_are_drawn_from_the_same_ranges() -> None:
    for run in (run_old, run_new):
        waits = run(BACKOFF, *[BUSY] * 3).waits
        assert all(wait <= most for wait, most in zip(waits, (1, 2, 4), strict=True))


def test_the_curve_of_tenacity_is_kept() -> None:
    script = [BUSY, Reply(500), LIMITED]

    assert run_old(TENACITY, *script).waits == run_new(TENACITY, *script).waits == [1, 2, 4]


def test_the_attempts_share_a_connection() -> None:
    assert run_old(TENACITY, BUSY, BUSY).connections == 3
    assert run_new(TENACITY, BUSY, BUSY).connections == 1


def test_lost_connections_need_not_be_listed() -> None:
    old = run_old(AIOHTTP_RETRY, Rst(), Rst())
    assert old.requests == 2
    assert old.result in {"ClientOSError", "ServerDisconnectedError"}
    assert in_short(run_new(AIOHTTP_RETRY, Rst(), Rst())) == ("ok", 3)


def test_a_post_is_not_sent_again_after_a_500() -> None:
    section = AIOHTTP_RETRY.changed(".get(", ".post(")

    assert in_short(run_old(section, Reply(500))) == ("ok", 2)
    assert in_short(run_new(section, Reply(500, b"oh"))) == ("oh", 1)


def test_more_statuses_pass_than_httpx_retries_has() -> None:
    for status in (408, 425, 500):
        assert in_short(run_old(HTTPX_RETRIES, Reply(status, b"oh"))) == ("oh", 1)
        assert in_short(run_new(HTTPX_RETRIES, Reply(status, b"oh"))) == ("ok", 2)


def test_a_post_that_never_left_is_sent_again() -> None:
    section = HTTPX_RETRIES.changed(".get(", ".post(")

    assert run_old(section, refusals=1).result == "ConnectError"
    assert in_short(run_new(section, refusals=1)) == ("ok", 1)


def test_a_body_that_can_be_read_only_once_is_never_sent_empty() -> None:
    section = HTTPX_RETRIES.changed('.get("', '.put(content=iter([b"7"]), url="')
    old, new = run_old(section, BUSY), run_new(section, Reply(503, b"busy"))

    assert [request.body for request in old.received] == [b"7", b""]
    assert [request.body for request in new.received] == [b"7"]
    assert (old.result, new.result) == ("ok", "busy")


def test_a_model_call_is_not_paid_twice_unless_it_may_be() -> None:
    assert in_short(run_old(PYDANTIC_AI, Reply(500))) == ("ok", 2)
    assert in_short(run_new(PYDANTIC_AI, Reply(500, b"oh"))) == ("oh", 1)

    new = PYDANTIC_AI.new.replace("max_attempts=4,", 'max_attempts=4, methods={"POST"},')
    assert in_short(run_new(PYDANTIC_AI._replace(new=new), Reply(500))) == ("ok", 2)


def test_a_wrong_key_for_a_model_is_shown_once() -> None:
    assert run_old(PYDANTIC_AI, *[Reply(401)] * 4).requests == 4
    assert run_new(PYDANTIC_AI, *[Reply(401)] * 4).requests == 1


@pytest.mark.parametrize("step", [BUSY, Rst(), Fin(), LIMITED])
def test_what_was_the_end_for_httpx_is_retried(step: HTTP1Step) -> None:
    assert run_old(HTTPX, step).requests == 1
    assert in_short(run_new(HTTPX, step)) == ("ok", 2)

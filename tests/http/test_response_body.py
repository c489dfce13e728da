"""Which bodies are whole before their first byte is delivered, and what is the rest of one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from httpx_retry._http.representation import Facts, Span
from httpx_retry._http.response_body import Body, is_small


class Other:
    """Headers of an httpx that keeps them in another way."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.raw = httpx.Headers(headers).raw


@pytest.mark.parametrize("kind", [httpx.Headers, Other])
@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("0", True),
        ("65536", True),
        ("65537", False),
        ("999999999999999999999999", False),
        ("-1", False),
        ("1 2", False),
        ("", False),
        (None, False),
    ],
)
def test_a_length_of_up_to_64_kib_is_small(kind: Any, length: str | None, expected: bool) -> None:
    headers = {"Server": "x"} | ({} if length is None else {"Content-Length": length})

    assert is_small(kind(headers)) is expected


PLAIN = (b"text/plain", None, None)
WHOLE = Facts(200, PLAIN, 100_000, None, b'"v1"')
REST = Facts(206, PLAIN, 99_990, Span(10, 99_999, 100_000), b'"v1"')
PART = Facts(206, PLAIN, 90_000, Span(10_000, 99_999, 200_000), b'"v1"')
UNVALIDATED = WHOLE._replace(validator=None)
ENDLESS = UNVALIDATED._replace(length=None)
GZIPPED = WHOLE._replace(kind=(b"text/plain", b"gzip", None))
GZIPPED_ON_THE_FLY = GZIPPED._replace(length=None)


def begun(facts: Facts = WHOLE, delivered: int = 10, seconds: list[float] | None = None) -> Body:
    """A body of which some bytes were delivered: zeros."""
    body = Body(facts, lambda: 0.0 if seconds is None else seconds[0], "GET")
    assert body.take(bytes(delivered)) == bytes(delivered)
    assert body.cannot_go_on() is None
    return body


@pytest.mark.parametrize(
    ("began", "new", "refusal"),
    [
        (WHOLE, REST._replace(ends_with_connection=True), "nobody could tell whether it is whole"),
        (WHOLE, REST._replace(kind=(b"text/plain", b"gzip", None)), "another Content-Encoding"),
        (
            UNVALIDATED,
            UNVALIDATED._replace(length=5),
            "another status, Content-Type, Content-Length or Content-Range",
        ),
        (WHOLE, REST._replace(status=416), "status 416"),
        (WHOLE, REST._replace(validator=b'"v2"'), "another validator"),
        (WHOLE, REST._replace(span=None), "no single Content-Range"),
        (
            WHOLE,
            REST._replace(kind=(b"multipart/byteranges; boundary=x", None, None)),
            "no single Content-Range",
        ),
        (
            WHOLE,
            REST._replace(span=Span(11, 99_999, 100_000)),
            "Content-Range 11-99999 where 10-99999 is missing",
        ),
        (
            WHOLE,
            REST._replace(span=Span(10, 99_998, 100_000)),
            "Content-Range 10-99998 where 10-99999 is missing",
        ),
        (WHOLE, REST._replace(span=Span(10, 99_999, 100_001)), "another length in all"),
        (WHOLE, REST._replace(length=5), "a Content-Length that contradicts its Content-Range"),
        (
            GZIPPED_ON_THE_FLY,
            REST._replace(kind=GZIPPED.kind),
            "a part that was not asked for, or a Content-Range without a 206",
        ),
        (
            PART._replace(kind=GZIPPED.kind),
            GZIPPED._replace(length=200_000),
            "it may be encoded to other bytes",
        ),
        (
            PART._replace(kind=GZIPPED.kind, length=None),
            PART._replace(kind=GZIPPED.kind, length=None),
            "a part that was not asked for, or a Content-Range without a 206",
        ),
        (
            GZIPPED,
            REST._replace(kind=GZIPPED.kind, length=None),
            "a part that was encoded on the fly",
        ),
        (
            WHOLE,
            WHOLE._replace(span=Span(0, 1, 2)),
            "a part that was not asked for, or a Content-Range without a 206",
        ),
        (WHOLE, WHOLE._replace(length=100_001), "another length"),
    ],
)
def test_what_is_not_the_rest_is_refused_and_told_why(
    began: Facts, new: Facts, refusal: str
) -> None:
    body = begun(began)

    assert body.accept(new) is False
    assert body.refusal == refusal


@pytest.mark.parametrize(
    ("began", "new", "refusal"),
    [
        (
            WHOLE,
            WHOLE._replace(ends_with_connection=True),
            "nobody could tell whether it is whole",
        ),
        (
            WHOLE,
            WHOLE._replace(status=203),
            "another status, Content-Type, Content-Encoding or Location",
        ),
        (
            PART,
            PART._replace(validator=b'"v2"'),
            "another part, or a part of another version",
        ),
        (
            PART,
            PART._replace(span=Span(10_000, 99_999, None)),
            "another part, or a part of another version",
        ),
    ],
)
def test_what_cannot_take_the_place_of_a_body_is_refused_and_told_why(
    began: Facts, new: Facts, refusal: str
) -> None:
    body = begun(began, delivered=0)

    assert body.accept(new) is False
    assert body.refusal == refusal


@pytest.mark.parametrize(
    ("method", "refusal"), [("GET", None), ("QUERY", None), ("PUT", "another Set-Cookie")]
)
def test_a_session_is_not_begun_twice_unnoticed(method: str, refusal: str | None) -> None:
    body = Body(WHOLE._replace(cookies=(b"sid=1",)), lambda: 0.0, method)

    body.accept(WHOLE._replace(cookies=(b"sid=2",)))

    assert body.refusal == refusal


@pytest.mark.parametrize("length", [0, 65_536])
def test_a_small_body_is_held_until_it_is_whole(length: int) -> None:
    body = Body(WHOLE._replace(length=length), lambda: 0.0, "GET")
    assert body.is_only_counted is False

    assert [body.take(chunk) for chunk in (b"1", b"2")] == [b"", b""]

    assert body.end() == [b"1", b"2"]


def test_a_larger_one_with_a_validator_is_only_counted() -> None:
    body = Body(WHOLE._replace(length=65_537), lambda: 0.0, "GET")

    assert body.is_only_counted is True
    assert (body.refusal, body.is_over, body.end()) == (None, False, ())


@pytest.mark.parametrize(
    ("new", "sent"),
    [
        (REST, [bytes(99_990)]),
        # The whole again: what was delivered is skipped, in whatever pieces it comes.
        (WHOLE, [bytes(4), bytes(99_996)]),
        (WHOLE._replace(length=None), [bytes(100_000)]),
    ],
)
def test_the_rest_is_delivered_once_and_no_more(new: Facts, sent: list[bytes]) -> None:
    body = begun()

    assert body.accept(new) is True
    assert body.is_over is False
    assert sum(len(body.take(chunk)) for chunk in sent) == 99_990
    body.end()
    assert (body.refusal, body.is_over, body.delivered) == (None, False, 100_000)


def test_a_rest_that_is_longer_than_it_said_is_cut_and_refused() -> None:
    body = begun()
    assert body.accept(REST)

    assert body.take(bytes(99_991)) == bytes(99_990)
    assert (body.refusal, body.is_over) == ("it is longer than it said", True)


def test_a_rest_that_is_shorter_than_it_said_is_refused() -> None:
    body = begun()
    assert body.accept(REST)
    body.take(bytes(99_989))

    body.end()

    assert body.refusal == "it is shorter than what it continues"


def test_a_whole_in_the_place_of_a_part_is_over_where_the_part_ends() -> None:
    body = begun(PART)
    assert body.accept(PART._replace(status=200, length=200_000, span=None))

    assert body.take(bytes(100_000 - 1)) == bytes(89_989)
    assert body.is_over is False
    assert body.take(bytes(100)) == b"\0"
    assert (body.refusal, body.is_over) == (None, True)
    assert body.take(b"more") == b""
    assert body.is_over is True


@pytest.mark.parametrize("changed", [0, 9])
def test_without_a_validator_the_same_bytes_must_come_first(changed: int) -> None:
    body = begun(UNVALIDATED)
    assert body.accept(UNVALIDATED)
    first = bytearray(10)
    first[changed] = 1

    assert body.take(bytes(first) + b"more") == b""
    assert body.refusal == "its first bytes differ from those delivered"
    assert body.is_over is True


@pytest.mark.parametrize(("seconds", "refusal"), [(5.0, None), (5.1, "skipping took too long")])
def test_skipping_without_a_length_may_take_5_s(seconds: float, refusal: str | None) -> None:
    now = [0.0]
    body = begun(ENDLESS, seconds=now)
    assert body.accept(ENDLESS)
    now[0] = seconds

    body.take(bytes(10))

    assert body.refusal == refusal


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(5.0, None), (5.1, "no validator and no length, and older than 5 s")],
)
def test_a_body_without_validator_and_length_is_a_feed_after_5_s(
    seconds: float, reason: str | None
) -> None:
    now = [0.0]
    body = begun(ENDLESS, seconds=now)
    now[0] = seconds

    assert body.cannot_go_on() == reason


@pytest.mark.parametrize(
    ("more", "reason"), [(0, None), (1, "no validator, and more than 16 MiB were delivered")]
)
def test_without_a_validator_16_mib_are_remembered(more: int, reason: str | None) -> None:
    body = Body(UNVALIDATED._replace(length=1 << 25), lambda: 0.0, "GET")
    body.take(bytes(1 << 24))
    body.take(bytes(more))

    assert body.cannot_go_on() == reason


def test_a_body_that_is_let_grow_older_is_a_feed_sooner() -> None:
    now = [0.0]
    body = begun(ENDLESS, seconds=now)
    body.grow_older(3.0)

    now[0] = 2.0
    assert body.cannot_go_on() is None
    now[0] = 2.1
    assert body.cannot_go_on() is not None


@pytest.mark.parametrize("facts", [GZIPPED, GZIPPED_ON_THE_FLY])
@pytest.mark.parametrize("changed", [None, 9])
def test_what_is_encoded_must_begin_with_the_same_bytes_whatever_its_validator(
    facts: Facts, changed: int | None
) -> None:
    body = begun(facts)
    assert body.is_only_counted is False
    assert body.accept(facts)
    first = bytearray(10)
    if changed is not None:
        first[changed] = 1

    delivered = body.take(bytes(first) + b"more")

    assert delivered == (b"more" if changed is None else b"")
    refusal = None if changed is None else "its first bytes differ from those delivered"
    assert body.refusal == refusal


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_no_digest_is_kept_of_what_is_never_continued(method: str) -> None:
    body = Body(UNVALIDATED._replace(length=1 << 25), lambda: 0.0, method)

    assert body.is_only_counted
    body.take(b"a part")
    assert body.cannot_go_on() is not None


@pytest.mark.parametrize(
    ("facts", "method", "reason"),
    [
        (GZIPPED_ON_THE_FLY, "GET", "encoded on the fly, and more than 16 MiB were delivered"),
        (GZIPPED, "QUERY", "encoded on the fly, and more than 16 MiB were delivered"),
        (GZIPPED._replace(length=1 << 25), "GET", None),
    ],
)
def test_of_what_is_encoded_more_than_16_mib_go_on_by_range_alone(
    facts: Facts, method: str, reason: str | None
) -> None:
    facts = facts._replace(length=facts.length and 1 << 25)
    body = Body(facts, lambda: 0.0, method)
    body.take(bytes((1 << 24) + 1))

    assert body.cannot_go_on() == reason
    assert body.accept(facts) is False
    assert body.refusal == "it may be encoded to other bytes"


@pytest.mark.parametrize(
    ("facts", "range_"),
    [
        (GZIPPED, "bytes=10-"),
        (GZIPPED_ON_THE_FLY, None),
        (PART._replace(kind=GZIPPED.kind), "bytes=10010-99999"),
        (PART._replace(kind=GZIPPED.kind, length=None), None),
        (PART._replace(kind=GZIPPED.kind, length=89_999), None),
    ],
)
def test_a_range_of_what_is_encoded_is_asked_for_where_its_length_is_known(
    facts: Facts, range_: str | None
) -> None:
    request = httpx.Request("GET", "http://test/")

    begun(facts).ask_for_rest(request)

    assert request.headers.get("Range") == range_


def test_what_is_encoded_and_has_a_validator_is_no_feed() -> None:
    now = [0.0]
    body = begun(GZIPPED_ON_THE_FLY, seconds=now)
    now[0] = 1e9

    assert body.cannot_go_on() is None
    assert body.accept(GZIPPED_ON_THE_FLY)
    assert body.take(bytes(11)) == bytes(1)


def test_the_rest_is_asked_for_as_a_range_of_that_version() -> None:
    request = httpx.Request("GET", "http://test/")

    begun().ask_for_rest(request)

    assert dict(request.headers.raw[-2:]) == {b"Range": b"bytes=10-", b"If-Range": b'"v1"'}
    begun(PART).ask_for_rest(request)
    assert request.headers["Range"] == "bytes=10010-99999"


@pytest.mark.parametrize(
    ("delivered", "reason"),
    [(99_999, None), (100_000, "what it said to be all had come")],
)
def test_of_what_came_whole_there_is_no_rest(delivered: int, reason: str | None) -> None:
    body = Body(WHOLE, lambda: 0.0, "GET")
    body.take(bytes(delivered))

    assert body.cannot_go_on() == reason


@pytest.mark.parametrize(
    ("began", "reason"),
    [
        (WHOLE._replace(kind=(b"text/event-stream; a=b", None, None)), "events were delivered"),
        (
            PART._replace(kind=(b"multipart/byteranges", None, None)),
            "its ranges are several, or not told",
        ),
        (PART._replace(span=None), "its ranges are several, or not told"),
        (WHOLE._replace(span=Span(0, 1, 2)), "a Content-Range without a 206"),
    ],
)
def test_what_has_no_rest_is_told(began: Facts, reason: str) -> None:
    body = Body(began._replace(length=None), lambda: 0.0, "GET")
    body.take(bytes(10))

    assert body.cannot_go_on() == reason

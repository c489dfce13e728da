"""What the headers of a response say of its body (RFC 9110 §8.6, §8.8, §14.4)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry._http.representation import Facts, Span, facts_of, length_of

PLAIN = (None, None, None)


def facts(status: int = 200, /, **headers: str) -> Facts:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return facts_of(status, raw)


@pytest.mark.parametrize(
    ("etag", "is_strong"),
    [
        ('"v1"', True),
        ('""', False),
        ('"a!#~"', True),
        ('W/"v1"', False),
        ("v1", False),
        ('"v1', False),
        ('"a"b"', False),
        ('"a b"', False),
        ("", False),
    ],
)
def test_only_a_strong_etag_is_a_validator(etag: str, is_strong: bool) -> None:
    assert (facts(ETag=etag).validator is not None) is is_strong


def test_a_weak_etag_is_not_made_up_for_by_a_date() -> None:
    dates = {"Last_Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
    dates["Date"] = "Mon, 07 Nov 1994 08:49:37 GMT"

    assert facts(**dates).validator == b"Sun, 06 Nov 1994 08:49:37 GMT"
    assert facts(ETag='W/"1"', **dates).validator is None
    assert facts(Last_Modified=dates["Last_Modified"]).validator is None
    assert facts(Last_Modified="yesterday", Date=dates["Date"]).validator is None


@pytest.mark.parametrize(
    ("value", "span"),
    [
        ("bytes 0-0/1", Span(0, 0, 1)),
        ("BYTES 5-9/10", Span(5, 9, 10)),
        ("bytes 5-9/*", Span(5, 9, None)),
        ("bytes 9-5/10", None),
        ("bytes 5-10/10", None),
        ("bytes */10", None),
        ("bytes 5-9", None),
        ("bytes=5-9/10", None),
        ("items 5-9/10", None),
        ("bytes -1-9/10", None),
        (f"bytes 0-9/{'9' * 30}", None),
        ("", None),
    ],
)
def test_a_content_range_is_one_span_or_none(value: str, span: Span | None) -> None:
    assert facts(206, Content_Range=value).span == span


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("0", 0),
        ("12", 12),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("-1", None),
        ("1 2", None),
        ("", None),
    ],
)
def test_a_content_length_is_a_number_or_none(value: str, length: int | None) -> None:
    assert facts(Content_Length=value).length == length


def test_what_is_said_twice_is_not_said() -> None:
    dates = [
        (b"Last-Modified", b"Sun Nov  6 08:49:37 1994"),
        (b"Date", b"Mon Nov  7 08:49:37 1994"),
    ]
    twice = facts_of(206, [(b"ETag", b'"1"'), (b"etag", b'"1"'), *dates])
    length = (b"Content-Length", b"5")
    span = (b"Content-Range", b"bytes 5-9/10")

    assert twice.validator is None
    assert facts_of(206, [length, span]) == Facts(206, PLAIN, 5, Span(5, 9, 10), None)
    assert facts_of(206, [length, length, span, span]) == Facts(206, PLAIN, None, None, None)
    assert facts_of(200, [length, length], b"HTTP/1.1").ends_with_connection


@pytest.mark.parametrize(
    "again",
    [(b"Date", b"Mon Nov  7 08:49:37 1994"), (b"Last-Modified", b"Sun Nov  6 08:49:37 1994")],
)
def test_what_a_date_says_twice_is_no_validator(again: tuple[bytes, bytes]) -> None:
    once = [(b"Last-Modified", b"Sun Nov  6 08:49:37 1994"), (b"Date", b"Mon Nov  7 08:49:37 1994")]

    assert facts_of(200, once).validator is not None
    assert facts_of(200, [*once, again]).validator is None
    assert facts_of(200, [*once, again, again]).validator is None


@pytest.mark.parametrize(
    ("coding", "is_validator"),
    [(b"gzip", False), (b"br, gzip", False), (b"identity", True), (b"", True)],
)
def test_a_date_tells_of_what_was_encoded_and_not_of_its_encoding(
    coding: bytes, is_validator: bool
) -> None:
    dates = [
        (b"Last-Modified", b"Sun Nov  6 08:49:37 1994"),
        (b"Date", b"Mon Nov  7 08:49:37 1994"),
    ]
    encoded = (b"Content-Encoding", coding)

    assert (facts_of(200, [*dates, encoded]).validator is not None) is is_validator
    assert facts_of(200, [(b"ETag", b'"1"'), encoded]).validator == b'"1"'


def test_what_may_be_a_list_is_one() -> None:
    found = facts_of(200, [(b"Content-Encoding", each) for each in (b" gzip", b"br ", b"zstd")])

    assert found.kind == (None, b"gzip, br, zstd", None)


def test_each_cookie_counts_and_nothing_else_does() -> None:
    headers = [(b"Set-Cookie", b"a=1"), (b"Server", b"x"), (b"set-cookie", b"b=2")]

    assert facts_of(200, headers).cookies == (b"a=1", b"b=2")


@pytest.mark.parametrize(
    ("version", "headers", "expected"),
    [
        (b"HTTP/1.1", {}, True),
        (b"HTTP/1.0", {}, True),
        (b"HTTP/2", {}, False),
        (b"", {}, False),
        (b"HTTP/1.1", {"Content-Length": "0"}, False),
        (b"HTTP/1.1", {"Transfer-Encoding": "chunked"}, False),
    ],
)
def test_what_ends_with_its_connection(
    version: bytes, headers: dict[str, str], expected: bool
) -> None:
    assert facts_of(200, httpx.Headers(headers).raw, version).ends_with_connection is expected
    # Where the version is not known, nothing is made of it.
    assert not facts_of(200, httpx.Headers(headers).raw).ends_with_connection


@pytest.mark.parametrize("kept_as", ["_list", "raw"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Length": "5"}, b"5"),
        ({}, None),
        ({"Content-Length": "5", "Transfer-Encoding": "chunked"}, None),
        ({"TRANSFER-ENCODING": "chunked", "content-length": "5"}, None),
    ],
)
def test_a_transfer_encoding_overrides_a_length(
    kept_as: str, headers: dict[str, str], expected: bytes | None
) -> None:
    given: Any = httpx.Headers(headers)
    if kept_as == "raw":
        given = SimpleNamespace(raw=given.raw)

    assert length_of(given) == expected
    assert facts_of(200, given.raw).length == (None if expected is None else int(expected))


def test_where_a_part_begins_and_ends_in_the_whole() -> None:
    part = facts(206, Content_Range="bytes 5-9/10", Content_Length="5")
    whole = facts(200, Content_Length="10", Content_Range="bytes 5-9/10")
    unknown = facts(206)

    assert (part.first, part.last, part.total) == (5, 9, 10)
    assert (whole.first, whole.last, whole.total) == (0, 9, 10)
    assert (unknown.first, unknown.last, unknown.total) == (0, None, None)
    assert facts(200).last is None


@given(
    status=st.integers(100, 999),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                b"ETag Last-Modified Date Content-Range Content-Length Content-Type".split()
            ),
            st.binary(max_size=60),
        )
    ),
)
def test_nothing_that_a_server_says_raises(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    found = facts_of(status, headers)

    assert found.length is None or found.length >= 0

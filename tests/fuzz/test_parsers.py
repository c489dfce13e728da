"""Whatever a server writes or somebody types: no crash, and no belief in what was not said."""

from __future__ import annotations

import re

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from httpx_retry import RetryPolicy
from httpx_retry._explain.given import policy_given
from httpx_retry._http.hints import read_date, read_hints
from httpx_retry._http.representation import Facts, Span, facts_of
from httpx_retry._http.response_body import Body, is_small

from . import hostile

Raw = list[tuple[bytes, bytes]]
_DIGITS = re.compile(rb"\d+(?:\.\d+)?", re.ASCII)
# Seconds, or milliseconds: thirty thousand years stand for whatever is above.
_LONGEST_WAIT = 1e12


def said(headers: Raw, *names: bytes) -> list[bytes]:
    return [value for name, value in headers if name.lower() in names]


@given(status=st.integers(100, 999), headers=hostile.headers(hostile.HINTS), now=st.floats(0, 4e9))
@example(status=429, headers=[(b"ratelimit", b'"a";r=0;t=1,' * 5000)], now=0.0)
@example(status=429, headers=[(b"ratelimit", b"a" * 50_000 + b"=")], now=0.0)
@example(status=503, headers=[(b"Retry-After", b"9" * 18)], now=0.0)
def test_a_wait_is_one_of_the_numbers_or_dates_that_stand_there(
    status: int, headers: Raw, now: float
) -> None:
    found = read_hints(status, headers, now)

    if found.should_retry is not None:
        words = said(headers, b"x-should-retry")
        assert str(found.should_retry).encode().lower() in [each.strip().lower() for each in words]
    if found.wait is None:
        return
    assert 0 <= found.wait < 1e13
    values = said(headers, *(each.lower().encode() for each in hostile.HINTS if each != "Date"))
    numbers = [
        min(float(number), _LONGEST_WAIT) for value in values for number in _DIGITS.findall(value)
    ]
    moments = [*numbers, *filter(None, map(read_date, map(bytes.strip, values)))]
    clocks = [now, *filter(None, map(read_date, map(bytes.strip, said(headers, b"date"))))]
    possible = {each / 1000 for each in numbers} | set(numbers)
    possible |= {moment - clock for moment in moments for clock in clocks}
    assert found.wait in possible


@given(hostile.values)
@example(b"Sun, 06 Nov 1994 08:49:37 GMT" + b" " * 100_000)
@example(b"1 " * 50_000)
def test_a_date_names_a_month_and_an_hour(value: bytes) -> None:
    if read_date(value) is not None:
        assert re.search(rb"(?i)jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", value)
        assert re.search(rb"\d[:.]?\d", value)


@given(
    status=st.sampled_from([200, 206, 304, 416, 503]), headers=hostile.headers(hostile.OF_THE_BODY)
)
@example(status=206, headers=[(b"content-range", b"bytes " + b"1" * 100_000 + b"-2/3")])
@example(status=200, headers=[(b"content-length", b"1" * 100_000)])
@example(status=200, headers=[(b"etag", b'"' + b"a" * 100_000)])
def test_what_is_believed_of_a_body_was_said_once_and_can_be_asked_for(
    status: int, headers: Raw
) -> None:
    facts = facts_of(status, headers, b"HTTP/1.1")

    if facts.length is not None:
        (value,) = said(headers, b"content-length")
        assert re.fullmatch(rb"0*%d" % facts.length, value.strip())
    if facts.span is not None:
        (value,) = said(headers, b"content-range")
        start, end, total = facts.span
        whole = b"\\*" if total is None else b"0*%d" % total
        assert re.fullmatch(rb"(?i)bytes 0*%d-0*%d/%b" % (start, end, whole), value.strip())
        assert start <= end
        assert total is None or end < total
    if facts.validator is not None:
        assert facts.validator in [
            each.strip() for each in said(headers, b"etag", b"last-modified")
        ]
        httpx.Headers({"If-Range": facts.validator.decode("latin-1")}).raw[0][1].decode("ascii")


@given(headers=hostile.headers(hostile.OF_THE_BODY))
def test_a_body_is_small_by_one_plain_number_alone(headers: Raw) -> None:
    found = is_small(httpx.Headers(headers))

    if found:
        last = said(headers, b"content-length")[-1]
        assert re.fullmatch(rb"0*\d{1,5}", last)
        assert int(last) <= 65_536


spans = st.none() | st.builds(
    lambda start, more, rest: Span(start, start + more, rest and start + more + rest),
    st.integers(0, 12),
    st.integers(0, 12),
    st.none() | st.integers(1, 5),
)
facts = st.builds(
    Facts,
    st.sampled_from([200, 206, 206, 304, 503]),
    st.tuples(
        st.sampled_from([None, b"text/plain", b"multipart/byteranges"]),
        st.sampled_from([None, b"gzip"]),
        st.none(),
    ),
    st.none() | st.integers(0, 20),
    spans,
    st.sampled_from([None, b'"v1"', b'"v2"']),
    st.booleans(),
)


@given(first=facts, later=st.lists(facts, max_size=3), chunks=st.lists(st.binary(max_size=9)))
def test_a_body_goes_on_from_where_it_stood_in_one_version_or_not_at_all(
    first: Facts, later: list[Facts], chunks: list[bytes]
) -> None:
    # So long that nothing of it is held back.
    body = Body(first._replace(length=None), lambda: 0.0, "GET")
    for new in later:
        delivered = sum(len(body.take(chunk)) for chunk in chunks if body.refusal is None)
        body.end()
        before = body.facts
        if body.refusal is not None or body.cannot_go_on() is not None:
            return
        if not body.accept(new) or not delivered:
            continue
        assert new.kind[1] == before.kind[1]
        if before.validator is None:
            # Its first bytes are compared, and its headers too.
            assert new[:4] == before[:4]
        else:
            assert new.validator == before.validator
            assert new.status == 200 or new.first == before.first + body.delivered


@given(hostile.policies)
@example("max_attempts=" + "-" * 100_000 + "1")
@example("max_attempts=" + "-" * 900 + "1")
@example("max_attempts=" + "1+" * 20_000 + "1")
@example("statuses=" + "a." * 30_000 + "b")
@example("max_attempts=" + "(" * 50_000)
@example("a." * 50_000)
@example(":" * 100_000)
def test_a_policy_is_read_or_refused_with_a_word(text: str) -> None:
    try:
        policy = policy_given(text)
    except (TypeError, ValueError) as refused:
        assert str(refused)  # noqa: PT017 - most texts are refused, and some are not
    else:
        assert isinstance(policy, RetryPolicy)


@pytest.mark.parametrize("nested", ["-" * 100_000, "-" * 900, "1+" * 20_000])
def test_a_policy_nested_too_deeply_is_told(nested: str) -> None:
    with pytest.raises(ValueError, match="nested as deeply as this"):
        policy_given(f"max_attempts={nested}1")

"""What servers say about when to come back: believed where it is plainly valid, else ignored."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry._http.hints import hints_of, read_date, read_hints

NOW = 784_111_000.0  # 623 s before the moment of RFC 9110's own example, 06 Nov 1994 08:49:37 GMT
DATE = 784_111_777


def wait(status: int = 503, /, **headers: str) -> float | None:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return read_hints(status, raw, NOW).wait


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("86400", 86_400.0),
        ("30.0000000001", 30.0000000001),
        ("1." + "0" * 5000, 1.0),
        # Longer than anybody waits, and not a word less.
        ("9" * 13, 1e12),
        ("9" * 5000, 1e12),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 777.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 777.0),
        ("Sun Nov  6 08:49:37 1994", 777.0),
    ],
)
def test_retry_after_in_seconds_and_in_all_three_forms_of_date(value: str, seconds: float) -> None:
    assert wait(Retry_After=value) == seconds
    assert wait(429, retry_after=value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "-1", "-0.5", "+1", "1e3", "0x10", "inf", "nan", "1_000", "1,5", "soon", "1 2",
        "\u0663", "\uff11\uff12", "\x00", "5\x00", "5; q=1",
        "Sun, 06 Nov 1984 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994 99:99:99 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +9999999999",
        "Sun, 06 Nov 1994 08:49:37 GMT" + " " * 100 + "x",
        "Thu, 01 Jan 1970 00:00:00 GMT", ",", "Sun,",
    ],
)  # fmt: skip
def test_a_retry_after_that_is_not_plainly_valid_is_ignored(value: str) -> None:
    assert wait(Retry_After=value) is None


def test_bytes_that_are_no_text_are_ignored() -> None:
    assert read_hints(503, [(b"Retry-After", b"\xff\xb2")], NOW) == (None, None)


def test_a_date_counts_from_the_servers_own_clock_where_it_shows_it() -> None:
    date = "Sun, 06 Nov 1994 08:49:37 GMT"

    assert wait(Retry_After=date, Date=formatdate(DATE - 30, usegmt=True)) == 30.0
    assert wait(Retry_After=date, Date="yesterday") == 777.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Thu, 06 Nov 1994 08:49:37 +0100", 777.0 - 3600),
        ("Sun Nov  6 08:49:37 1994", 777.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 777.0),
    ],
)
def test_a_date_is_in_its_own_zone_or_utc_wherever_the_client_is(
    value: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert read_date(value.encode()) == NOW + seconds
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_that_is_now_is_a_wait_of_nothing() -> None:
    assert wait(Retry_After=formatdate(NOW, usegmt=True)) == 0.0


def test_a_date_is_64_bytes_at_most() -> None:
    date = "Sun, 06 Nov 1994{}08:49:37 GMT"

    assert wait(Retry_After=date.format(" " * 36)) == 777.0
    assert wait(Retry_After=date.format(" " * 37)) is None


def test_milliseconds_win_over_seconds_and_seconds_over_limits() -> None:
    assert wait(retry_after_ms="1500", Retry_After="9") == 1.5
    assert wait(retry_after_ms="9" * 13, Retry_After="9") == 1e9
    assert wait(retry_after_ms="soon", Retry_After="9") == 9.0
    assert wait(429, Retry_After="9", RateLimit_Reset="3") == 9.0
    assert wait(429, Retry_After="soon", RateLimit_Reset="3") == 3.0
    assert wait(429, RateLimit='"q";r=0;t=4', RateLimit_Reset="3") == 4.0
    assert wait(429, RateLimit="nothing", RateLimit_Reset="3", X_RateLimit_Reset="2") == 3.0


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["1", "2"], 2.0),
        (["2", "1"], 2.0),
        (["soon", "30"], 30.0),
        (["30", "soon"], 30.0),
        (["Sun, 06 Nov 1994 08:49:37 GMT", "3"], 777.0),
        (["soon", "later"], None),
    ],
)
def test_where_a_wait_is_asked_for_twice_no_retry_is_earlier_than_either(
    values: list[str], seconds: float | None
) -> None:
    fields = [(b"Retry-After", value.encode()) for value in values]
    in_thousandths = [(b"retry-after-ms", value.encode()) for value in values]

    assert read_hints(503, fields, NOW).wait == seconds
    if seconds != 777.0:
        assert read_hints(503, in_thousandths, NOW).wait == (seconds and seconds / 1000)


def test_of_other_headers_that_come_twice_the_first_valid_one_is_read() -> None:
    def told(*fields: tuple[bytes, bytes]) -> tuple[float | None, bool | None]:
        return read_hints(429, fields, NOW)

    reset = b"x-ratelimit-reset"
    assert told((reset, b"soon"), (reset, b"5"), (reset, b"9")) == (5.0, None)
    assert told((b"x-should-retry", b"maybe"), (b"X-Should-Retry", b"False")) == (None, False)
    assert told((b"RateLimit", b'"a";r=0;t=8'), (b"RateLimit", b'"b";r=0;t=4')) == (8.0, None)
    older = [
        (b"RateLimit", b"limit=10, remaining=%d, reset=%d" % each) for each in ((0, 3), (5, 60))
    ]
    assert told(*older) == (3.0, None)
    date = formatdate(DATE - 30, usegmt=True).encode()
    until = b"Sun, 06 Nov 1994 08:49:37 GMT"
    assert told((b"Date", b"today"), (b"Date", date), (b"Retry-After", until)) == (30.0, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ('"default";r=0;t=30', 30.0),
        ('"burst";r=0;t=5, "day";r=0;t=3600', 3600.0),
        ('"burst";r=0;t=5, "day";r=99;t=3600', 5.0),
        ('"default";r=7;t=30', None),
        ('"default";t=30', 30.0),
        ('"default";r=0', None),
        ("limit=100, remaining=0, reset=12", 12.0),
        ("limit=100, remaining=50, reset=12", None),
        ("limit=100, remaining=0, reset=-1", None),
        ("", None),
        (";;;,,,===", None),
    ],
)
def test_rate_limit_in_its_present_and_its_older_form(value: str, seconds: float | None) -> None:
    assert wait(429, RateLimit=value) == seconds


@pytest.mark.parametrize("name", ["RateLimit_Reset", "X_RateLimit_Reset"])
def test_a_reset_is_in_seconds_or_a_moment(name: str) -> None:
    assert wait(429, **{name: "12"}) == 12.0
    # 10^9 and above is a moment; here one that the server's Date puts 60 s ahead.
    then = formatdate(1_699_999_940, usegmt=True)
    assert wait(429, **{name: "1700000000", "Date": then}) == 60.0
    assert wait(429, **{name: "1000000000", "Date": formatdate(999_999_990)}) == 10.0
    later = formatdate(1_700_000_001, usegmt=True)
    assert wait(429, **{name: "1700000000", "Date": later}) is None


@pytest.mark.parametrize(
    ("status", "remaining", "seconds"),
    [
        (429, None, 12.0),
        (503, None, 12.0),
        (503, "0", 12.0),
        (403, "0", 12.0),
        (403, None, None),
        (403, "7", None),
        (500, "0", None),
        # The hour's reset stands on every answer: it is no reason to wait while quota remains.
        (503, "4999", None),
        (429, "4999", None),
    ],
)
def test_a_reset_counts_only_where_a_limit_was_hit(
    status: int, remaining: str | None, seconds: float | None
) -> None:
    headers = {"X_RateLimit_Reset": "12"}
    if remaining is not None:
        headers["X_RateLimit_Remaining"] = remaining

    assert wait(status, **headers) == seconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"true", True), (b"FALSE", False), (b" true ", True), (b"1", None), (b"", None)],
)
def test_whether_to_retry_is_true_or_false_or_not_said(value: bytes, expected: bool | None) -> None:
    assert read_hints(500, [(b"X-Should-Retry", value)], NOW).should_retry is expected


NAMES = st.sampled_from(
    b"Retry-After retry-after-ms RateLimit RateLimit-Reset RateLimit-Remaining X-RateLimit-Reset"
    b" X-RateLimit-Remaining Date x-should-retry Server".split()
)
VALUES = st.binary(max_size=80) | st.text("0123456789.,;=-:rt GMTSunNov").map(str.encode)


@given(
    status=st.integers(100, 999),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    now=st.floats(0, 4e9),
)
def test_nothing_that_a_server_says_raises_or_asks_for_a_wait_beyond_sense(
    status: int, headers: list[tuple[bytes, bytes]], now: float
) -> None:
    found = read_hints(status, headers, now).wait

    assert found is None or 0 <= found < 1e13


class Other:
    """Headers of an httpx that keeps them in another way."""

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.raw = headers


@pytest.mark.parametrize("kind", [httpx.Headers, Other])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"RETRY-AFTER", b"3")], (3.0, None)),
        ([(b"X-Should-Retry", b"false")], (None, False)),
        ([(b"Retry-After", b"Sun, 06 Nov 1994 08:49:37 GMT")], (777.0, None)),
        ([(b"RateLimit", b'"q";r=0;t=4')], (4.0, None)),
        ([(b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"Server", b"x")], (None, None)),
        ([], (None, None)),
    ],
)
def test_hints_are_found_however_httpx_keeps_its_headers(
    kind: Any, fields: list[tuple[bytes, bytes]], expected: tuple[Any, Any]
) -> None:
    assert hints_of(503, kind(fields), NOW) == expected

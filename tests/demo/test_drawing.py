"""The picture, drawn to a console of the test's own."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from httpx_retry._demo.drawing import draw
from httpx_retry._demo.timeline import Told, most_telling, timeline

from .samples import (
    HTTP1_SYNC_BARE,
    HTTP1_SYNC_WRAPPED,
    HTTP2_ASYNC_WRAPPED,
    exchange,
    row,
)

if TYPE_CHECKING:
    from httpx_retry._demo.results import Row

RETRIED = exchange("503", "reset", "200", number=2)


def drawn(*rows: Row, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    draw(console, rows, seed=7)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def lines_of(*told: Told, width: int = 80) -> list[str]:
    return [line.plain for line in timeline(told, width=width)]


def test_a_row_shows_successes_latencies_and_attempts() -> None:
    picture = drawn(row(HTTP1_SYNC_WRAPPED, exchange(seconds=0.01), exchange(seconds=0.2), RETRIED))
    (line,) = (line for line in picture.splitlines() if "wrapped" in line)
    assert " ".join(line.split()) == "HTTP/1.1 sync wrapped 3/3 100.0 % 10 ms 200 ms 5"


def test_only_a_row_without_failures_is_at_100_percent() -> None:
    failed = exchange(succeeded=False)
    picture = drawn(row(HTTP1_SYNC_BARE, failed, *[exchange()] * 2999))
    assert "2999/3000  99.9 %" in picture


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_picture_fits_into_the_terminal(width: int) -> None:
    rows = [
        row(HTTP1_SYNC_BARE, exchange(), exchange()),
        row(HTTP1_SYNC_WRAPPED, exchange(), RETRIED),
        row(HTTP2_ASYNC_WRAPPED, exchange("goaway", *["aborted"] * 4, "200", number=4321)),
    ]
    assert all(len(line) <= width for line in drawn(*rows, width=width).splitlines())


def test_without_retries_there_is_no_timeline() -> None:
    assert "retried" not in drawn(row(HTTP1_SYNC_BARE, exchange()))
    assert "retried" in drawn(row(HTTP1_SYNC_WRAPPED, exchange(), RETRIED))


def test_failures_of_a_wrapped_row_are_named() -> None:
    failures = [exchange("503", "503", number=each, succeeded=False) for each in range(1, 8)]
    picture = " ".join(drawn(row(HTTP2_ASYNC_WRAPPED, *failures)).split())
    assert "HTTP/2 async wrapped, 7 failed: GET 1 ended with 503, GET 2" in picture
    assert "GET 5" in picture
    assert "GET 6" not in picture.partition("failed:")[2]


def test_failures_of_a_bare_row_are_expected() -> None:
    assert "failed:" not in drawn(row(HTTP1_SYNC_BARE, exchange(succeeded=False)))


def test_a_terminal_without_block_characters_gets_ascii() -> None:
    console = Console(file=TextIOWrapper(BytesIO(), encoding="ascii", errors="strict"), width=80)
    draw(console, [row(HTTP1_SYNC_WRAPPED, RETRIED)], seed=7)
    console.file.flush()


def test_colours_tell_failures_from_success() -> None:
    lines = timeline([Told(HTTP1_SYNC_WRAPPED, RETRIED)], width=80)
    styles = [str(span.style) for span in lines[1].spans]
    assert styles == ["yellow", "dim", "red", "dim", "green"]


def test_blocks_and_waits_stand_where_time_puts_them() -> None:
    # 110 ms on 44 columns: 10 ms are 4 columns, 40 ms are 16.
    bar, captions, axis, *_ = lines_of(Told(HTTP1_SYNC_WRAPPED, RETRIED), width=78)
    assert bar == " HTTP/1.1 sync  GET  2    " + "▄▄▄▄................" * 2 + "▄▄▄▄  110 ms"
    assert captions == " " * 26 + "503        40       reset      40       200"
    assert axis == " " * 26 + "0 ms                50 ms               100 ms"


def test_a_short_attempt_among_long_ones_is_still_seen() -> None:
    bar, captions, *_ = lines_of(Told(HTTP1_SYNC_WRAPPED, exchange(*["503"] * 40, "200")), width=40)
    assert bar.count("▄") == 41
    assert captions.split() == ["503", "40"] * 40 + ["200"]


def test_ticks_grow_with_the_time_to_show() -> None:
    day_long = exchange(*["503"] * 2000, "200")
    *_, axis, _, _, _ = lines_of(Told(HTTP1_SYNC_WRAPPED, day_long))
    assert axis.split()[:4] == ["0", "ms", "5000", "ms"]


def test_the_most_telling_show_every_outcome_then_every_setting_then_many_attempts() -> None:
    dull, long = exchange("503", "200", number=1), exchange(*["503"] * 3, "200", number=2)
    rare, other = exchange("goaway", "200", number=3), exchange("503", "200", number=4)
    rows = [
        row(HTTP1_SYNC_WRAPPED, dull, exchange(number=9), long, rare),
        row(HTTP2_ASYNC_WRAPPED, other),
    ]
    told = most_telling(rows, 3)
    assert [each.exchange for each in told] == [long, rare, other]


def test_a_request_is_told_once_though_every_setting_has_it() -> None:
    rows = [row(HTTP1_SYNC_WRAPPED, RETRIED), row(HTTP2_ASYNC_WRAPPED, RETRIED)]
    assert most_telling(rows) == [Told(HTTP1_SYNC_WRAPPED, RETRIED)]

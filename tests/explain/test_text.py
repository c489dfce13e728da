"""The picture in a terminal."""

from __future__ import annotations

from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.console import Console

from httpx_retry import RetryPolicy

from . import policies


def lines_of(policy: RetryPolicy, width: int = 80) -> list[str]:
    return policies.explained(policy).text(width=width).splitlines()


def test_attempts_stand_on_a_time_line_with_the_waits_before_them() -> None:
    assert lines_of(policies.PLAIN)[:11] == [
        " RetryPolicy()",
        " Up to 4 attempts. Waits come to about 700 ms in all, 1.4 s at most.",
        "",
        "                wait before it",
        " attempt    least   median     most  begins",
        "       1                             ●",
        "       2      0 s   100 ms   200 ms  ├──●──┤",
        "       3      0 s   200 ms   400 ms  ├────────●────────┤",
        "       4      0 s   400 ms   800 ms  ├────────────────────●────────────────────┤",
        "                                     └──────────────┴──────────────┴────────────",
        "                                     0 s         500 ms           1 s",
    ]


def test_a_wait_without_jitter_is_a_point() -> None:
    second = lines_of(policies.STEADY)[6]
    assert second == "       2      2 s      2 s      2 s" + " " * 23 + "●"


def test_a_deadline_is_drawn_where_it_cuts_off_attempts() -> None:
    rows = lines_of(policies.CUT)[5:14]
    assert "made" in rows[0]
    assert rows[1].endswith("┊")
    assert "always" in rows[1]
    assert "28 %" in rows[7]
    assert "┊" not in "".join(lines_of(policies.ROOMY))


def test_an_attempt_that_is_hardly_ever_or_nearly_always_made_is_not_rounded() -> None:
    hardly = RetryPolicy(max_attempts=30, max_elapsed=30)
    shown = policies.explained(hardly).text()
    assert " 0 %" not in shown
    assert "100 %" not in shown


def test_many_attempts_are_shown_in_part() -> None:
    rows = [line for line in lines_of(policies.MANY) if line[:8].strip().isdecimal()]
    assert [int(row[:8]) for row in rows] == [*range(1, 11), 30]
    assert "       ⋮" in lines_of(policies.MANY)


def test_figures_never_touch_each_other() -> None:
    row = next(line for line in lines_of(policies.ENDLESS) if line.startswith("     100"))
    assert len(row[8:].split("  ")) > 3


def test_one_attempt_needs_no_time_line() -> None:
    assert "begins" not in policies.explained(policies.ONCE).text()


def test_no_waits_need_no_time() -> None:
    assert lines_of(policies.NO_WAIT)[8].endswith("0 s  ●")


@pytest.mark.parametrize("policy", policies.ALL)
@pytest.mark.parametrize("width", [64, 80, 100, 200])
def test_a_picture_fits_into_the_terminal(policy: RetryPolicy, width: int) -> None:
    lines = lines_of(policy, width)
    assert max(map(len, lines)) <= min(width, 100)
    assert not [line for line in lines if line != line.rstrip()]


def test_a_figure_keeps_its_unit_on_its_line() -> None:
    for width in range(64, 100):
        lines = lines_of(policies.ROOMY, width)
        assert not [line for line in lines if line.split()[:1] in (["s"], ["ms"], ["KiB"])]


@pytest.mark.parametrize("policy", policies.ALL)
def test_print_gives_ascii_as_nobody_knows_where_to(policy: RetryPolicy) -> None:
    assert str(policies.explained(policy)).isascii()


def test_ascii_shows_the_same() -> None:
    drawn = str(policies.explained(policies.PLAIN)).splitlines()
    assert drawn[6] == "       2      0 s   100 ms   200 ms  |--o--|"
    assert drawn[9] == " " * 37 + "+--------------+--------------+------------"


def test_names_that_are_not_ascii_are_spelt_out() -> None:
    def geduld_für_später(_: object) -> float:  # noqa: PLC2401 - as users may name theirs
        return 0.0

    spelt = str(policies.explained(RetryPolicy(backoff=geduld_für_später)))
    assert "geduld_f\\xfcr_sp\\xe4ter" in "".join(spelt.split())


@pytest.mark.parametrize("policy", policies.ALL)
def test_rich_draws_the_same_in_colour(policy: RetryPolicy) -> None:
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system="truecolor")
    with console.capture() as captured:
        console.print(policies.explained(policy))
    assert "\x1b[" in captured.get()
    console = Console(file=StringIO(), width=80)
    with console.capture() as captured:
        console.print(policies.explained(policy))
    assert captured.get() == policies.explained(policy).text(width=80) + "\n"


def test_rich_draws_ascii_where_nothing_else_can_be_printed() -> None:
    console = Console(file=TextIOWrapper(BytesIO(), encoding="ascii", errors="strict"), width=80)
    console.print(policies.explained(policies.CUT))
    console.file.flush()

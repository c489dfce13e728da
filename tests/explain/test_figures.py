"""Figures: units that a person would choose, and ticks at round ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry._explain.figures import duration, ticks


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0 s"),
        (1e-9, "0 s"),
        (0.0015, "1.5 ms"),
        (0.2 * (1 - 2**-53), "200 ms"),
        (0.9999, "1 s"),
        (1.4000000000000001, "1.4 s"),
        (61.2, "61.2 s"),
        (120, "2 min"),
        (681, "11 min 21 s"),
        (3600, "1 h"),
        (9_945, "2 h 46 min"),
        (864_000, "10 days"),
    ],
)
def test_a_duration_is_written_with_its_unit(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_fewer_digits_may_matter() -> None:
    assert duration(0.70349, digits=2) == "700 ms"
    assert duration(12.34, digits=2) == "12 s"


@pytest.mark.parametrize(
    ("span", "most", "expected"),
    [
        (1.4, 3, [0, 0.5, 1]),
        (1.4, 2, [0, 1]),
        (90, 3, [0, 30, 60, 90]),
        (0, 3, [0]),
        (5, 0, [0]),
        (1e12, 3, [0, 1e12]),
    ],
)
def test_ticks_stand_at_round_figures(span: float, most: int, expected: list[float]) -> None:
    assert ticks(span, most) == expected


@given(st.floats(0, 1e7), st.integers(1, 12))
def test_ticks_fit_on_their_axis(span: float, most: int) -> None:
    marks = ticks(span, most)
    assert marks[0] == 0
    assert len(marks) <= most + 1
    assert marks[-1] <= span

"""README's table: each cell of ours that is no plain "no" links to the test that shows it."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests.snippets import ROOT


class Row(NamedTuple):
    feature: str
    ours: str
    others: list[str]


def rows_of(text: str) -> list[Row]:
    table = text.partition("## Beside the others")[2].partition("\n\n|")[2].partition("\n\n")[0]
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()
    ]
    return [Row(feature, ours, others) for feature, ours, *others in cells[2:]]


ROWS = rows_of((ROOT / "README.md").read_text(encoding="utf-8"))
LINK = re.compile(r'\[[^]]+\]\((tests/[^ )]+\.py) "(test_\w+)"\)')


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.feature)
def test_what_is_said_of_ours_is_shown(row: Row) -> None:
    links = LINK.findall(row.ours)

    assert links or row.ours == "no"
    for path, test in links:
        assert re.search(rf"def {test}\(", (ROOT / path).read_text(encoding="utf-8")), test


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.feature)
def test_every_cell_says_something(row: Row) -> None:
    assert len(row.others) == 7
    assert all(row.others)


def test_the_rows_are_found() -> None:
    assert len(ROWS) > 15

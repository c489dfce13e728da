"""What the benchmarks left is what the documentation shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.results import NONE, bring, tables

if TYPE_CHECKING:
    from pathlib import Path


def test_tables_are_sections_and_pictures_are_copied(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "one_retry.md").write_text("| a |\n|---|\n| 1 |\n")
    (source / "storm.txt").write_text("as printed\n")
    (source / "storm.svg").write_text("<svg/>")
    (source / "storm.png").write_text("not shown")

    for _ in range(2):  # it may be there already
        bring(source, target)

    text = (target / "tables.txt").read_text()
    assert text == "### One retry\n\n| a |\n|---|\n| 1 |\n\n### Storm\n\n```text\nas printed\n```\n"
    assert {each.name for each in target.iterdir()} == {"tables.txt", "storm.svg"}


def test_where_there_are_none_it_says_how_to_get_them(tmp_path: Path) -> None:
    assert tables(tmp_path) == NONE

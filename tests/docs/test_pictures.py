"""The documentation's pictures are those that the code draws."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from httpx_retry import ConstantBackoff
from tests.snippets import DOCUMENTS, ROOT
from tools import curves
from tools.pictures import FOLDER, drawn

PICTURES = drawn()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_current(name: str) -> None:
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert kept == PICTURES[name], "run `make pictures`, and look at it"


def test_there_is_no_other() -> None:
    assert {each.name for each in FOLDER.iterdir()} == PICTURES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_what_it_shows(name: str) -> None:
    root = ET.fromstring(PICTURES[name])  # noqa: S314 - our own text

    for tag in ("title", "desc"):
        assert root.findtext(f"{{http://www.w3.org/2000/svg}}{tag}")


def test_each_is_shown_with_words_for_those_who_do_not_see_it() -> None:
    pages = "".join((ROOT / document).read_text(encoding="utf-8") for document in DOCUMENTS)
    shown = {
        name for words, name in re.findall(r"!\[([^]]+)\]\(pictures/([^)]+)\)", pages) if words
    }
    assert shown == PICTURES.keys()


@pytest.mark.parametrize("name", ["house.svg", "road.svg"])
def test_the_rooms_that_are_drawn_are_there(name: str) -> None:
    texts = ET.fromstring(PICTURES[name]).iter()  # noqa: S314 - ours
    named = [each.text or "" for each in texts if "code" in each.get("class", "").split()]
    rooms = [room for text in named for room in text.split(", ")]

    assert len(rooms) >= 4
    for room in rooms:
        there = ROOT / "httpx_retry" / room
        assert there.exists() or there.with_suffix(".py").exists(), room


def test_a_backoff_that_waits_otherwise_is_drawn_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConstantBackoff, "__call__", lambda self, context: 1.0)
    assert curves.backoffs() != PICTURES["backoffs.svg"]

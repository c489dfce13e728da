"""The SVG: valid, told to those who do not see it, and all of it on the canvas."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

import pytest

from httpx_retry import RetryPolicy

from . import policies

SVG = "{http://www.w3.org/2000/svg}"
# What a character takes of its size: DejaVu Sans, which is wide, takes 0.58 in these texts.
CHARACTER = 0.6


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)


def drawn(policy: RetryPolicy) -> Element:
    return fromstring(policies.explained(policy).svg())  # noqa: S314 - our own


def texts_of(root: Element) -> list[Element]:
    return root.findall(f"{SVG}text")


def box_of(text: Element) -> Box:
    size = float(text.attrib["font-size"])
    width = CHARACTER * size * len(text.text or "")
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    left = x - {"end": width, "middle": width / 2}.get(text.get("text-anchor", ""), 0)
    return Box(left, y - 0.8 * size, left + width, y + 0.25 * size)


@pytest.mark.parametrize("policy", policies.ALL)
def test_nothing_is_drawn_off_the_canvas(policy: RetryPolicy) -> None:
    root = drawn(policy)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert root.attrib["viewBox"] == f"0 0 {root.attrib['width']} {root.attrib['height']}"
    for text in texts_of(root):
        box = box_of(text)
        assert box.left >= 0, text.text
        assert box.right <= width, text.text
        assert 0 <= box.top < box.bottom <= height, text.text
    for bar in root.findall(f"{SVG}rect"):
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
        assert float(bar.attrib["width"]) >= 0
    for dot in root.findall(f"{SVG}circle"):
        assert float(dot.attrib["cx"]) + float(dot.attrib["r"]) <= width


@pytest.mark.parametrize("policy", policies.ALL)
def test_no_text_lies_on_another(policy: RetryPolicy) -> None:
    texts = texts_of(drawn(policy))
    clashes = [
        (one.text, other.text)
        for one, other in combinations(texts, 2)
        if box_of(one).overlaps(box_of(other))
    ]
    assert clashes == []


def test_each_attempt_has_its_dot_and_each_wait_its_figures() -> None:
    root = drawn(policies.PLAIN)
    assert len(root.findall(f"{SVG}circle")) == 4
    written = [text.text for text in texts_of(root)]
    assert written.count("400 ms") == 2
    assert "max_elapsed 5 s" not in written


def test_a_deadline_is_drawn_where_it_cuts_off_attempts() -> None:
    root = drawn(policies.CUT)
    assert [line for line in root.findall(f"{SVG}line") if line.get("stroke-dasharray")]
    written = [text.text for text in texts_of(root)]
    assert "max_elapsed 5 s" in written
    assert "always" in written


def test_many_attempts_are_drawn_in_part() -> None:
    root = drawn(policies.MANY)
    assert len(root.findall(f"{SVG}circle")) == 11
    assert "⋮" in [text.text for text in texts_of(root)]


def test_one_attempt_needs_no_time_line() -> None:
    assert drawn(policies.ONCE).findall(f"{SVG}circle") == []


def test_who_does_not_see_it_is_told() -> None:
    root = drawn(policies.PLAIN)
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "RetryPolicy()"
    assert root.attrib["aria-label"].startswith("RetryPolicy(). Up to 4 attempts.")


def test_names_cannot_break_out_of_their_text() -> None:
    def backoff(_: object) -> float:
        return 0.0

    backoff.__qualname__ = "</text><script>&\x00"
    root = drawn(RetryPolicy(backoff=backoff))
    assert root.find(f"{SVG}script") is None
    assert root[0].text == "RetryPolicy(backoff=</text><script>&?)"


def test_nothing_has_to_be_loaded() -> None:
    assert "href" not in policies.explained(policies.PLAIN).svg()
    assert "url(" not in policies.explained(policies.PLAIN).svg()

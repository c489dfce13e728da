"""The check of the built site sees what it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.site_check import problems

if TYPE_CHECKING:
    from pathlib import Path


def site_of(folder: Path, body: str) -> Path:
    (folder / "deep").mkdir()
    (folder / "index.html").write_text(f"<body>{body}</body>")
    (folder / "other.html").write_text('<h1 id="there">Other</h1>')
    (folder / "deep" / "index.html").write_text('<a href="../index.html">up</a>')
    (folder / "picture.svg").write_text("<svg/>")
    return folder


@pytest.mark.parametrize(
    "body",
    [
        '<a href="other.html#there">a page, and a place in it</a>',
        '<a href="deep/">a folder</a><a href="/other.html">from the root</a><a href="#">here</a>',
        '<img src="picture.svg"><img src="data:image/png;base64,">',
        '<a href="https://www.example.org/">another site</a>',
    ],
)
def test_what_is_right_passes(tmp_path: Path, body: str) -> None:
    assert problems(site_of(tmp_path, body)) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="gone.html">', "gone.html: leads nowhere"),
        ('<a href="other.html#gone">', "other.html#gone: has no such anchor"),
        ('<a href="#gone">', "#gone: has no such anchor"),
        ('<img src="gone.svg">', "gone.svg: leads nowhere"),
        ('<script src="https://cdn.example/x.js">', "is loaded from elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "is loaded from elsewhere"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, body: str, problem: str) -> None:
    (found,) = problems(site_of(tmp_path, body))
    assert found.startswith("index.html: ")
    assert found.endswith(problem)


def test_a_site_without_pages_is_none(tmp_path: Path) -> None:
    assert problems(tmp_path)

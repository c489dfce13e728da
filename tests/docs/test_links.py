"""What the navigation and the documents beside the site name is there."""

from __future__ import annotations

import re

import pytest

import httpx_retry
from tests.snippets import ROOT

NAVIGATION = re.findall(
    r'^[^#\n]*"([\w-]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"), re.MULTILINE
)


def slug_of(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def test_every_page_is_in_the_navigation_once() -> None:
    assert sorted(NAVIGATION) == sorted(page.name for page in ROOT.glob("docs/*.md"))


def test_every_public_name_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^::: httpx_retry\.(\w+)$", text, re.MULTILINE))
    assert told == set(httpx_retry.__all__) - {"__version__"}


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_within_the_repository_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for path, anchor in re.findall(r"\]\((?!https?:)([^)# ]+)(?:#([^) ]+))?", text):
        assert (ROOT / path).exists(), path
        headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in map(slug_of, headings), f"{path}#{anchor}"

"""The changelog has the form of Keep a Changelog 1.1.0."""

from __future__ import annotations

import re

import httpx_retry
from tests.snippets import ROOT

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASE = re.compile(r"## \[(Unreleased|\d+\.\d+\.\d+)\](?: - \d{4}-\d\d-\d\d)?")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_releases_are_dated_and_what_is_not_released_comes_first() -> None:
    headings = re.findall(r"^## .*$", TEXT, re.MULTILINE)

    assert headings[0] == "## [Unreleased]"
    for heading in headings[1:]:
        assert RELEASE.fullmatch(heading)
        assert " - " in heading


def test_changes_are_of_the_six_kinds() -> None:
    assert set(re.findall(r"^### (.*)$", TEXT, re.MULTILINE)) <= KINDS


def test_the_version_of_the_code_is_in_it() -> None:
    assert httpx_retry.__version__ in TEXT

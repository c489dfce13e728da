"""Look at every page of the built site: `python -m tools.site_check site`.

A link or picture that leads nowhere within the site is an error, and so is anything that a reader's
browser would load from elsewhere. Links to other sites are not followed.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# What a browser loads by itself, by tag.
_LOADED = {"img": "src", "script": "src", "source": "src", "iframe": "src", "link": "href"}
_NOT_LOADED = frozenset({"canonical", "next", "prev", "alternate"})


class _Link(NamedTuple):
    target: str
    is_loaded: bool


class _Page(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[_Link] = []
        self.anchors = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        given = dict(attrs)
        self.anchors |= {given.get(each) or "" for each in ("id", "name")}
        target = given.get(_LOADED.get(tag, "href" if tag == "a" else ""))
        if target:
            is_loaded = tag in _LOADED and given.get("rel") not in _NOT_LOADED
            self.links.append(_Link(target, is_loaded))


def problems(site: Path) -> list[str]:
    """Return what is wrong, page by page; empty where nothing is."""
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for page in pages.values():
        for link in page.links:
            problem = _problem(link, page, pages, site)
            if problem:
                found.append(f"{page.path.relative_to(site)}: {link.target}: {problem}")
    return found or ([] if pages else [f"{site} has no pages"])


def _problem(link: _Link, page: _Page, pages: dict[Path, _Page], site: Path) -> str | None:
    url = urlsplit(link.target)
    if url.scheme or url.netloc:
        elsewhere = link.is_loaded and url.scheme != "data"
        return "is loaded from elsewhere" if elsewhere else None
    # The page for what is not found stands for any depth: its links begin at the root.
    base = site if url.path.startswith("/") else page.path.parent
    target = (base / unquote(url.path).lstrip("/")).resolve() if url.path else page.path
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return "leads nowhere"
    if target in pages and unquote(url.fragment) not in pages[target].anchors:
        return "has no such anchor"
    return None


def main() -> None:
    """Check the site that is named on the command line."""
    found = problems(Path(sys.argv[1]).resolve())
    print("\n".join(found) or "every link leads somewhere, and nothing is loaded from elsewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()

"""The Python blocks of our documents, wherever they stand: each runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
SITE = "https://www.example.org"
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.md")),
)

# Documents whose blocks need more than a flaky server, and the tests that run them.
RUN_ELSEWHERE = {
    "docs/clients.md": "tests/clients/test_page.py",
    "docs/fleets.md": "tests/fleet/test_documents.py",
    "docs/moving-here.md": "tests/moving/sections.py",
}


class Block(NamedTuple):
    """A Python block of a document.

    Attributes:
        document: its path from the repository's root.
        line: the number of the line before its first.
        text: its code.
    """

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def is_test(self) -> bool:
        """Whether it is a file of tests; any other is a program."""
        return re.search(r"^(?:async )?def test_", self.text, re.MULTILINE) is not None

    def run(self, **names: Any) -> dict[str, Any]:
        """Run it and return its names; a line number of a traceback is one of the document."""
        above = "\n" * self.line
        exec(compile(above + self.text, ROOT / self.document, "exec"), names)  # noqa: S102 - our own
        return names

    def run_against(self, url: str) -> dict[str, Any]:
        """Run it with a server in the place of the documents' site."""
        return self._replace(text=self.text.replace(SITE, url)).run()


def blocks_of(document: str) -> list[Block]:
    """Return the Python blocks of a document, by its path from the repository's root."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(document, text.count("\n", 0, each.start(1)), each[1]) for each in found]


def all_blocks() -> list[Block]:
    """Return the blocks of all documents but those that are run elsewhere."""
    documents = (each for each in DOCUMENTS if each not in RUN_ELSEWHERE)
    return [block for document in documents for block in blocks_of(document)]


def paste(code: str, url: str) -> dict[str, Any]:
    """Run code that was taken from a document, with a server in the place of its site."""
    return Block("<block>", 0, code).run_against(url)

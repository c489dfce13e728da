"""The Python blocks of our documents: they run as they stand, against a server of the lab."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SITE = "https://www.example.org"


def blocks_of(document: str) -> list[str]:
    """The Python blocks of a document, by its path from the repository's root."""
    text = (ROOT / document).read_text()
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def paste(block: str, url: str) -> dict[str, Any]:
    """Run a block with `url` in the place of the documents' site, and return its names."""
    names: dict[str, Any] = {}
    exec(compile(block.replace(SITE, url), "<block>", "exec"), names)  # noqa: S102 - our own text
    return names

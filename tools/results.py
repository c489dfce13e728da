"""Bring the benchmarks' results into the documentation's folder: `python -m tools.results`.

The site has what stands in its own folder alone. Pictures are copied; tables (Markdown, or text as
it was printed) become one file that the page of the benchmarks includes.
"""

from __future__ import annotations

from pathlib import Path
from shutil import copy, rmtree

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "benchmarks" / "results"
TARGET = ROOT / "docs" / "results"
MAIN = "table.md"
NONE = "Run `make bench` to see them.\n"


def tables(source: Path) -> str:
    """Return what was measured, a section for each file, the main table's first."""
    files = sorted(source.iterdir(), key=lambda file: (file.name != MAIN, file.name))
    return "\n".join(_section(each) for each in files if each.suffix in _READ_AS) or NONE


def _section(file: Path) -> str:
    text = file.read_text(encoding="utf-8").strip()
    title = "At a glance" if file.name == MAIN else file.stem.replace("_", " ").capitalize()
    if text.startswith("# "):
        title, _, text = text.removeprefix("# ").partition("\n")
    return f"### {title}\n\n{_READ_AS[file.suffix].format(text.strip())}"


_READ_AS = {".md": "{}\n", ".txt": "```text\n{}\n```\n"}


def bring(source: Path, target: Path) -> None:
    """Make the target anew."""
    rmtree(target, ignore_errors=True)
    target.mkdir()
    for picture in source.glob("*.svg"):
        copy(picture, target)
    (target / "tables.txt").write_text(tables(source), encoding="utf-8")


if __name__ == "__main__":
    bring(SOURCE, TARGET)

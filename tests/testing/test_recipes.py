"""The tests of docs/testing.md, each block run as a file of its own."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
TEXT = PAGE.read_text()

for block in re.finditer(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE):
    # A line number of a traceback is one of the page.
    above = "\n" * TEXT.count("\n", 0, block.start(1))
    names: dict[str, object] = {"__name__": __name__}
    exec(compile(above + block[1], PAGE, "exec"), names)  # noqa: S102 - our own text
    tests = {name: each for name, each in names.items() if name.startswith("test_")}
    assert not tests.keys() & globals().keys(), f"there are two of {sorted(tests)}"
    globals().update(tests)

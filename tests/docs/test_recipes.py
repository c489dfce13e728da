"""The documents' tests pass as printed, each block run as a file of its own."""

from __future__ import annotations

from pathlib import Path

from tests.snippets import all_blocks

for block in all_blocks():
    if block.is_test:
        page = Path(block.document).stem.lower().replace("-", "_")
        for name, each in block.run(__name__=__name__).items():
            if name.startswith("test_"):
                known = f"{name}_in_{page}"
                assert known not in globals(), f"there are two of {known}"
                globals()[known] = each

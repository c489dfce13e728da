"""What is public is written down in `api.txt`: a change of it is seen, and wanted."""

from __future__ import annotations

from difflib import unified_diff

import pytest

from . import api

FROZEN = {
    lines[0].strip("[]"): lines[1:]
    for lines in map(str.splitlines, api.FROZEN.read_text().split("\n\n"))
}


@pytest.mark.parametrize("module", [*FROZEN])
def test_public_names_and_signatures_are_as_written_down(module: str) -> None:
    try:
        page = api.page(module)
    except ModuleNotFoundError as missing:
        pytest.skip(f"an extra's module: {missing}")

    changes = unified_diff(FROZEN[module], page, "api.txt", module, lineterm="")

    told = "\n".join(changes)
    assert not told, f"{told}\n\nIf that is what you want, `make api` writes it down."


def test_every_public_module_is_written_down() -> None:
    assert list(FROZEN) == api.public_modules()

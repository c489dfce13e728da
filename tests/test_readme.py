"""The README's Python blocks run as they stand, against a real server that is flaky."""

from __future__ import annotations

import re
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from httpx_retry import retry_history
from tests.faults.lab import HTTP1Server, Reply

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
TESTS = [block for block in BLOCKS if "\ndef test_" in block]
USES = [block for block in BLOCKS if block not in TESTS]


@pytest.mark.parametrize("block", USES, ids=lambda block: block.splitlines()[2])
def test_a_block_works_when_pasted(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTP1Server(cycle([Reply(503, headers={"Retry-After": "0"}), Reply(200)])) as server:
        pasted = block.replace("https://www.example.org", server.url)
        names: dict[str, object] = {}
        exec(compile(pasted, "README.md", "exec"), names)  # noqa: S102 - our own text

        response = names["response"]
        assert response.status_code == 200  # type: ignore[attr-defined] # a Response
        assert len(retry_history(response)) == 2  # type: ignore[arg-type] # a Response


@pytest.mark.parametrize("block", TESTS)
def test_a_test_passes_when_pasted(block: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own text
    (test,) = (each for name, each in names.items() if name.startswith("test_"))

    test()


def test_there_are_blocks_to_run() -> None:
    assert (len(USES), len(TESTS)) == (3, 1)

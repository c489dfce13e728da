"""README's code works as printed: pasted, with a flaky local server in the place of the example."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest

from httpx_retry import retry_history
from tests.faults.lab import HTTP1Server, Reply
from tests.snippets import blocks_of, paste

BLOCKS = blocks_of("README.md")
TESTS = [block for block in BLOCKS if "\ndef test_" in block]
USES = [block for block in BLOCKS if block not in TESTS]


@pytest.mark.parametrize("block", USES, ids=lambda block: block.splitlines()[2])
def test_a_block_works_when_pasted(block: str) -> None:
    with HTTP1Server(cycle([Reply(503, headers={"Retry-After": "0"}), Reply(200)])) as server:
        response = paste(block, server.url)["response"]

    assert response.status_code == 200
    assert len(retry_history(response)) == 2


@pytest.mark.parametrize("block", TESTS)
def test_a_test_passes_when_pasted(block: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own text
    (test,) = (each for name, each in names.items() if name.startswith("test_"))

    test()


def test_there_are_blocks_to_run() -> None:
    assert (len(USES), len(TESTS)) == (4, 1)

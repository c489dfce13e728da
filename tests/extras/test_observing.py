"""The Python blocks of docs/observing.md run as they stand, against a real server that is flaky."""

from __future__ import annotations

from itertools import cycle

import pytest

from httpx_retry import retry_history
from tests.faults.lab import HTTP1Server, Reply
from tests.snippets import blocks_of, paste

BLOCKS = blocks_of("docs/observing.md")


@pytest.mark.usefixtures("_taken_down")
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_works_when_pasted(block: str) -> None:
    with HTTP1Server(cycle([Reply(503, headers={"Retry-After": "0"}), Reply(200)])) as server:
        response = paste(block, server.url)["response"]

    assert response.status_code == 200
    assert len(retry_history(response)) == 2


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) == 5

"""The documents' programs work as printed: pasted, against a real server that is flaky."""

from __future__ import annotations

from itertools import cycle

import pytest

from httpx_retry import retry_history
from tests.faults.lab import HTTP1Server, Reply
from tests.snippets import DOCUMENTS, ROOT, RUN_ELSEWHERE, Block, all_blocks, blocks_of

PROGRAMS = [block for block in all_blocks() if not block.is_test]


@pytest.mark.usefixtures("_taken_down")
@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_block_works_when_pasted(block: Block) -> None:
    with HTTP1Server(cycle([Reply(503, headers={"Retry-After": "0"}), Reply(200)])) as server:
        response = block.run_against(server.url)["response"]

    assert response.status_code == 200
    assert len(retry_history(response)) == 2


@pytest.mark.parametrize("document", ["README.md", "docs/index.md", "docs/testing.md"])
def test_blocks_are_found_where_there_are_some(document: str) -> None:
    assert blocks_of(document)


def test_what_is_run_elsewhere_is_run_there() -> None:
    assert set(RUN_ELSEWHERE) <= set(DOCUMENTS)
    for document, test in RUN_ELSEWHERE.items():
        assert document in (ROOT / test).read_text(encoding="utf-8")

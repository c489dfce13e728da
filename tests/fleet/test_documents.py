"""The Python blocks of docs/fleets.md run as they stand, against a real Redis and a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from httpx_retry.testing import instant_retries
from tests.faults.lab import HTTP1Server, Reply
from tests.snippets import Block, blocks_of

if TYPE_CHECKING:
    from .servers import Server

BLOCKS = blocks_of("docs/fleets.md")


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_works_when_pasted(block: Block, server: Server) -> None:
    limited = Reply(429, headers={"Retry-After": "5"})
    with instant_retries(), HTTP1Server([limited, Reply(503), Reply(200)]) as site:
        text = block.text.replace("6379", str(server.port))
        names = block._replace(text=text).run_against(site.url)

    assert names["response"].status_code == 200
    if "shared" in names:
        names["shared"].close()
    with server.admin(decode_responses=True) as client:
        assert len(client.keys("httpx_retry:*")) == (0 if "redis" not in names else 2)


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) == 3

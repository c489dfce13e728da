"""docs/clients.md: each block as it stands, against a server that fails twice."""

from __future__ import annotations

import pytest

from tests.faults.lab import HTTP1Server, Reply
from tests.snippets import blocks_of, paste

from .flaky import FAILS_TWICE, REFUSES_TWICE
from .sdks import Anthropic, OpenAI

BLOCKS = [block.text for block in blocks_of("docs/clients.md")]
ON_HTTPX2 = ("httpx2", "openai", "anthropic")

OK = (*FAILS_TWICE, Reply())
TOKEN = Reply(200, b'{"access_token": "t", "token_type": "Bearer", "expires_in": 600}')
FEED = Reply(200, b"data: one\n\ndata: two\n\n", {"Content-Type": "text/event-stream"})
ORDERS = Reply(200, b'["tea"]')

CASES = [
    ("add_retries", OK, "response.text == 'ok'"),
    ("transport", OK, "response.text == 'ok'"),
    ("searches", OK, "response.text == 'ok'"),
    ("httpx2", OK, "response.text == 'ok'"),
    ("openai", (*FAILS_TWICE, OpenAI.answer), "text == 'word word'"),
    ("anthropic", (*FAILS_TWICE, Anthropic.answer), "text == 'word word'"),
    ("authlib", (*REFUSES_TWICE, TOKEN, *FAILS_TWICE, ORDERS), "response.json() == ['tea']"),
    ("hishel", OK, "response.text == 'ok'"),
    ("httpx-sse", (*FAILS_TWICE, FEED), "events == ['one', 'two']"),
    ("sse of httpx2", (*FAILS_TWICE, FEED), "events == ['one', 'two']"),
    ("generated", (*FAILS_TWICE, Reply(200, b'{"item": "tea"}')), "order.item == 'tea'"),
    ("class", (*FAILS_TWICE, ORDERS), "orders == ['tea']"),
]


@pytest.mark.usefixtures("instant_retries", "_elsewhere")
@pytest.mark.filterwarnings("ignore:The httpx module is deprecated")  # authlib's, without httpx2
@pytest.mark.parametrize(
    ("block", "script", "outcome"),
    [
        pytest.param(block, script, outcome, id=name)
        for block, (name, script, outcome) in zip(BLOCKS, CASES, strict=True)
    ],
)
def test_a_block_works_when_pasted(
    block: str,
    script: tuple[Reply, ...],
    outcome: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if any(f"import {name}\n" in block for name in ON_HTTPX2):
        pytest.importorskip("httpx2")
    if "shop_client" in block:
        request.getfixturevalue("_shop_client")
    with HTTP1Server(script) as server:
        for sdk in ("OPENAI", "ANTHROPIC"):
            monkeypatch.setenv(f"{sdk}_BASE_URL", server.url)
            monkeypatch.setenv(f"{sdk}_API_KEY", "a key")
        names = paste(block, server.url)

    assert eval(outcome, names)  # noqa: S307 - our own text
    received = sum(len(requests) for requests in server.processed.values())
    assert received == len(script)

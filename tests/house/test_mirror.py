"""`_sync.py` and `_async.py` are one program, spelt in two worlds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import httpx_retry

HOUSE = Path(httpx_retry.__file__).parent

# What an async name is called in the sync world.
NAMES = {
    "AsyncBaseTransport": "BaseTransport",
    "AsyncBodyStream": "BodyStream",
    "AsyncByteStream": "SyncByteStream",
    "AsyncIterator": "Iterator",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncRetryDriver": "RetryDriver",
    "AsyncRetryTransport": "RetryTransport",
    "_body_async": "_body_sync",
    "TaskWait": "ThreadWait",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "aiter": "iter",
    "AsyncPrepare": "Prepare",
    "as_async_prepare": "as_prepare",
    "as_async_method": "as_method",
    "as_async_trace": "as_trace",
    "end_async_iteration": "end_iteration",
    "async_whole": "whole",
    "close_async_stream": "close_stream",
    "async_transport": "transport",
    "handle_async_request": "handle_request",
}
PATTERN = re.compile(rf"\b(?:{'|'.join(NAMES)})\b")


class Stripped(ast.NodeTransformer):
    """Takes async and await out of a tree."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)  # type: ignore[no-any-return] # NodeTransformer is untyped

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        fields = {name: value for name, value in ast.iter_fields(node) if value is not None}
        return self.generic_visit(ast.FunctionDef(**fields))

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        fields = {name: value for name, value in ast.iter_fields(node) if value is not None}
        return self.generic_visit(ast.For(**fields))

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.is_async = 0
        return self.generic_visit(node)


def syntax(file: str) -> str:
    text = PATTERN.sub(lambda found: NAMES[found[0]], (HOUSE / file).read_text())
    tree = Stripped().visit(ast.parse(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""  # docstrings tell each world's own story
        if isinstance(node, ast.ImportFrom):
            node.names.sort(key=lambda alias: alias.name)
    return ast.dump(tree, indent=1)


@pytest.mark.parametrize("room", ["_{}sync.py", "_body_{}sync.py"])
def test_the_two_worlds_have_the_same_syntax_tree(room: str) -> None:
    assert syntax(room.format("a")) == syntax(room.format(""))


def test_the_comparison_sees_a_difference() -> None:
    assert syntax("_async.py") != syntax("_call.py")

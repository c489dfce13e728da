"""Imports go up the ranks, never down or sideways in a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import httpx_retry

HOUSE = Path(httpx_retry.__file__).parent

# Each room may import from the ranks above its own, and within its rank where the order says so.
RANKS = (
    ("_core._checks", "_core._lock"),
    ("_core.clock", "_core.outcome"),
    ("_core.backoff", "_core.budget", "_core.cooldown"),
    ("_core.from_urllib3",),
    ("_core.policy",),
    ("_core.decider",),
    ("_http.causes",),
    ("_http.alarm",),
    ("_http.family",),
    ("_http.deadline",),
    (
        "_http.body_guard",
        "_http.hints",
        "_http.httpcore_stream",
        "_http.requests",
        "_http.rest",
        "_http.unwritten",
    ),
    ("_http.one_shot_guard", "_http.representation", "_http.witness"),
    ("_http.iterable_guard",),
    ("_http.responses", "_http.wire"),
    ("_http.request_body",),
    ("_http.faults",),
    ("_http.continuation", "_http.next_request"),
    ("_http.drain", "_http.load", "_http.outgoing", "_http.response_body"),
    ("_history", "_observe"),
    ("_settings",),
    ("_state",),
    ("_attempt",),
    ("_call",),
    ("_recovery",),
    ("_loop",),
    ("_streams",),
    ("_hooks",),
    ("_timer",),
    ("_wait",),
    ("_body_sync", "_body_async"),
    ("_sync", "_async"),
    ("httpx2",),
    ("_client",),
    ("testing._clock", "testing._responses"),
    ("testing._entries",),
    ("testing._script",),
    ("testing", "testing.httpx2", "testing.strategies"),
    ("_explain.figures", "_explain.forecast"),
    ("_explain.chart", "_explain.facts"),
    ("_explain.picture", "_explain.text"),
    ("_explain",),
    ("",),
    ("_redis.keys", "_redis.lease", "_redis.question", "_redis.scripts"),
    ("_redis.link",),
    ("_redis.budget", "_redis.cooldown"),
    ("_redis",),
    ("_demo", "_explain.given", "adapters", "opentelemetry", "redis"),
    ("__main__",),
)
RANK_OF = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}


def room_of(file: Path) -> str:
    parts = file.relative_to(HOUSE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def rank_of(room: str) -> int:
    """The rank of a room, or of the package that it is a part of."""
    while room not in RANK_OF and "." in room:
        room = room.rpartition(".")[0]
    return RANK_OF[room]


def imports_of(file: Path) -> set[str]:
    """The rooms of the house that a file imports, at whatever depth, types included."""
    package = ["httpx_retry", *file.relative_to(HOUSE).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [".".join([*base, node.module] if node.module else base)]
        else:
            continue
        found |= {name for name in names if name.partition(".")[0] == "httpx_retry"}
    return {name.partition("httpx_retry")[2].lstrip(".") for name in found}


FILES = [
    file
    for file in sorted(HOUSE.rglob("*.py"))
    if room_of(file) not in ("_core", "_http") and "_demo" not in file.relative_to(HOUSE).parts
]


@pytest.mark.parametrize("file", FILES, ids=room_of)
def test_a_room_imports_only_from_ranks_above_its_own(file: Path) -> None:
    room = room_of(file)
    steps = [other for other in imports_of(file) if rank_of(other) >= rank_of(room)]
    assert not steps, f"{room} imports {steps}, which do not stand above it"


@pytest.mark.parametrize("package", ["_core"])
def test_the_core_knows_nothing_but_the_standard_library(package: str) -> None:
    allowed = {
        "__future__", "collections", "dataclasses", "enum", "inspect", "math", "numbers", "os",
        "re", "threading", "time", "typing", "typing_extensions", "warnings",
    }  # fmt: skip
    for file in sorted((HOUSE / package).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert {each.name for each in node.names} <= allowed, file
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").partition(".")[0] in allowed, file


def test_only_the_clock_reads_the_time_and_nothing_draws_at_random() -> None:
    for file in sorted((HOUSE / "_core").glob("*.py")):
        text = file.read_text()
        assert "import random" not in text
        assert "import time" not in text or file.name == "clock.py"


def test_every_public_name_is_there_and_sorted() -> None:
    assert sorted(httpx_retry.__all__) == sorted(set(httpx_retry.__all__))
    for name in httpx_retry.__all__:
        assert getattr(httpx_retry, name) is not None

"""What `import httpx_retry` may bring beside what `import httpx` brings: next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys

# Each of the others costs milliseconds at every start of every program: what needs one imports it
# when it is needed. `asyncio` is a fifth of httpx's own import.
MAY_BRING = {"dataclasses"}
# Named one by one, so that nothing that httpx might bring one day hides that we do.
MAY_NOT_BRING = {
    "anyio", "asyncio", "concurrent.futures", "h2", "httpcore", "importlib.metadata",
    "logging.handlers", "multiprocessing", "rich", "sniffio", "trio",
}  # fmt: skip
PROGRAM = """
import json, sys
import {first}
before = set(sys.modules)
import {then}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def brought(first: str, then: str) -> set[str]:
    """The modules that an import brings after another one, in a process of its own."""
    command = [sys.executable, "-c", PROGRAM.format(first=first, then=then)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    return set(json.loads(printed.stdout))


def test_it_brings_nothing_but_itself_and_what_is_listed() -> None:
    rest = {
        name for name in brought("httpx", "httpx_retry") if name.partition(".")[0] != "httpx_retry"
    }

    assert rest <= MAY_BRING


def test_what_is_dear_is_not_there_at_all() -> None:
    assert not brought("sys", "httpx_retry") & MAY_NOT_BRING

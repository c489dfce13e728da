"""Starts valgrind, and reads what it counted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from ..harness.inner import JSON
from ..harness.servers import HTTP1Server, HTTP2Server, serving
from ..loopback import HEADERS
from .cases import cases

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..harness.bench import Bench

# By question, world and contender.
Key: TypeAlias = "tuple[str, str, str]"
Counts: TypeAlias = "dict[Key, float]"

STATEMENTS = {
    "nothing": "pass",
    "httpx": "import httpx",
    "httpx_retry": "import httpx; import httpx_retry",
    "httpx-retries": "import httpx; import httpx_retries",
}


def _callgrind(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = shutil.which("valgrind")
    if command is None:
        raise SystemExit("valgrind is needed: apt-get install valgrind")
    out = f"--callgrind-out-file={folder}/%p"
    return subprocess.Popen(  # noqa: S603 - our own command
        [command, "--tool=callgrind", out, sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    """The same hashes, so the same collisions, in each run; and bytecode is kept, as anywhere."""
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}


def _total(file: Path) -> int:
    found = re.search(r"^(?:summary|totals): (\d+)", file.read_text(), re.MULTILINE)
    assert found is not None, f"callgrind counted nothing in {file}"
    return int(found[1])


def calls(bench: Bench, chosen: str = "") -> Counts:
    """Instructions of one call, of all cases with `chosen` in their names."""
    count = 2 * sum(chosen in case.key for case in cases("", ""))
    with (
        serving(HTTP1Server, headers=HEADERS, body=JSON) as http1,
        serving(HTTP2Server, headers=HEADERS, body=JSON) as http2,
        TemporaryDirectory() as folder,
    ):
        module = f"{__package__}.probe"
        probe = _callgrind(Path(folder), "-m", module, http1.url, http2.url, chosen)
        assert probe.stdout is not None
        printed = probe.stdout
        lines = [printed.readline().strip().split("|") for _ in bench.steps("loops", count)]
        if probe.wait():
            raise SystemExit("the probe failed: run it alone to see why")
        return per_call(
            (question, world, contender, int(count), _total(Path(folder) / pid))
            for question, world, contender, count, pid in lines
        )


def per_call(loops: Iterable[tuple[str, str, str, int, int]]) -> Counts:
    """What one call takes: the difference of a long loop and a short one."""
    found: Counts = {}
    shorter: dict[Key, tuple[int, int]] = {}
    for question, world, contender, count, total in loops:
        key = question, world, contender
        if key in shorter:
            few, before = shorter[key]
            found[key] = (total - before) / (count - few)
        else:
            shorter[key] = count, total
    return found


def imports(bench: Bench) -> dict[str, int]:
    """Instructions of processes that import, from bytecode compiled before."""
    found = {}
    for _, (name, statement) in zip(
        bench.steps("imports", len(STATEMENTS)), STATEMENTS.items(), strict=True
    ):
        command = [sys.executable, "-c", statement]
        subprocess.run(command, check=True, env=_environment())  # noqa: S603 - as above
        with TemporaryDirectory() as folder:
            process = _callgrind(Path(folder), "-c", statement)
            assert process.wait() == 0
            found[name] = _total(Path(folder) / str(process.pid))
    return found

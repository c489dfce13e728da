"""What does importing it take? In new processes, after httpx, as a share of httpx's own.

Bytecode is compiled already; the two imports that are compared are of one process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

from .harness.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness.bench import Bench

MODULES = (
    "httpx_retry", "httpx_retries", "httpx_hedged", "tenacity", "stamina", "backoff", "retryhttp",
)  # fmt: skip
PROGRAM = """
from time import perf_counter
began = perf_counter()
import httpx
middle = perf_counter()
import {module}
print(middle - began, perf_counter() - middle)
"""


def seconds(module: str) -> tuple[float, float]:
    """Of httpx's import, and then of the module's."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    # Compiled once, as anywhere, even where the environment says not to keep that.
    kept = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    printed = subprocess.run(  # noqa: S603 - our own program
        command, check=True, capture_output=True, text=True, env=kept
    )
    httpx, other = map(float, printed.stdout.split())
    return httpx, other


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "import, after httpx",
        {"module": "", "ms": ".1f", "× httpx's own import": ".3f"},
        bars="× httpx's own import",
    )
    seen: dict[str, list[tuple[float, float]]] = {module: [] for module in MODULES}
    for module in MODULES:
        seconds(module)  # compiles it
    for _ in bench.steps("import time", bench.pick(21, 3)):
        for module, found in seen.items():
            found.append(seconds(module))
    for module, found in seen.items():
        ratio = median(other / httpx for httpx, other in found)
        table.add(module, median(other for _, other in found) * 1e3, ratio)
    yield table

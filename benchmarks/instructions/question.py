"""What does it cost in instructions? Ratios, what was asked of each, and the parts they are of.

Needs valgrind. `python -m benchmarks instructions` counts all; `--only TEXT` only what has the text
in its name, as `question|world|contender`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..harness.contenders import BARE
from ..harness.tables import Table
from . import callgrind
from .asked import IMPORT_MOST, LINES, added

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..harness.bench import Bench
    from .callgrind import Counts


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    counts = callgrind.calls(bench, bench.only)
    yield _asked(counts, {} if bench.only else callgrind.imports(bench))
    yield _counted(counts)


def _asked(counts: Counts, imports: dict[str, int]) -> Table:
    table = Table(
        "what is asked, in instructions",
        {"what": "", "world": "", "of": "", "to": "", "asked": "", "measured": ".3f", "": ""},
        note="`added`: both without the inner transport's own; else the whole.",
    )
    for line in LINES:
        if line.is_counted(counts):
            of, to = (
                f"{name}, added" if line.added else name for name in (line.contender, line.of)
            )
            _add(table, (line.question, line.world, of, to), line.most, line.ratio(counts))
    if imports:
        bare = imports["httpx"] - imports["nothing"]
        ours = imports["httpx_retry"] - imports["httpx"]
        _add(table, ("import", "-", "httpx_retry, after httpx", "httpx"), IMPORT_MOST, ours / bare)
    return table


def _add(table: Table, what: tuple[str, ...], most: float | None, found: float) -> None:
    verdict = "" if most is None else "ok" if found <= most else "no"
    table.add(*what, "-" if most is None else f"≤ {most:g}", found, verdict)


def _counted(counts: Counts) -> Table:
    table = Table(
        "instructions of a call",
        {"what": "", "world": "", "contender": "", "instructions": ",.0f", "added": ",.0f"},
        note="A chunk's are of one chunk. `added`: more than bare; a call that fails sends twice.",
    )
    for key, count in counts.items():
        has_bare = (*key[:2], BARE) in counts and key[2] != BARE
        table.add(*key, count, added(counts, key) if has_bare else None)
    return table

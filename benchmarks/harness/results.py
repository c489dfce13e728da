"""Where answers are kept: JSON, Markdown, pictures, and the table that the documents include."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .machine import machine, versions

if TYPE_CHECKING:
    from .tables import Table

RESULTS = Path(__file__).parent.parent / "results"
# Rough answers are not for keeping.
QUICK = RESULTS / "quick"


def keep(name: str, question: str, tables: list[Table], folder: Path) -> None:
    """Write one question's answer."""
    folder.mkdir(exist_ok=True)
    answer: dict[str, Any] = {
        "question": question,
        "machine": machine(),
        "versions": versions(),
        "tables": [table.plain() for table in tables],
    }
    text = json.dumps(answer, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    told = [f"# {question}", *(table.markdown() for table in tables), _measured_on(answer)]
    (folder / f"{name}.md").write_text("\n\n".join(told) + "\n", encoding="utf-8")
    from .bars import draw  # noqa: PLC0415 - each spawned process would load matplotlib too

    drawn = [table for table in tables if table.bars is not None]
    for number, table in enumerate(drawn, 1):
        draw(table, folder / (f"{name}.svg" if len(drawn) == 1 else f"{name}-{number}.svg"))


# Of the main table: the question, its column, how a figure is written, and what is told of it.
_COLUMNS = (
    ("happy_path", "added ns", ",.0f ns", "nothing fails"),
    ("one_failure", "added µs", ",.1f µs", "503, then 200"),
)
_ORDER = ("sync", "async")


def main_table(folder: Path) -> str:
    """Each contender's cost on one page, from the answers that are there; for the documents."""
    cells: dict[str, dict[str, str]] = {}
    heads: list[str] = []
    told: dict[str, Any] = {}
    for question, column, form, what in _COLUMNS:
        file = folder / f"{question}.json"
        if not file.exists():
            continue
        told = json.loads(file.read_text(encoding="utf-8"))
        heads += [f"{what}, {world}" for world in _ORDER]
        for row in told["tables"][0]["rows"]:
            figure, unit = form.split(" ")
            cell = f"{format(row[column], figure)} {unit}"
            cells.setdefault(row["contender"], {})[f"{what}, {row['world']}"] = cell
    if not told:
        return ""
    lines = [f"| added to a call | {' | '.join(heads)} |", f"|---|{'--:|' * len(heads)}"]
    lines += [
        f"| {name} | {' | '.join(row.get(head, '-') for head in heads)} |"
        for name, row in cells.items()
    ]
    return "\n".join([*lines, "", f"Medians of interleaved rounds. {_measured_on(told)}"]) + "\n"


def _measured_on(told: dict[str, Any]) -> str:
    where = told["machine"]
    on = f"{where['processor']}, {where['cores']} cores, {where['system']}, {where['python']}"
    kept = (f"{name} {number}" for name, number in told["versions"].items())
    return f"{on}; {', '.join(kept)}."

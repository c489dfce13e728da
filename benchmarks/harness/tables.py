"""What a question answers: rows of figures, for a screen, a page, a program and a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

from rich.table import Table as Screen

Cell: TypeAlias = "str | float | None"


@dataclass
class Table:
    """Figures, with how they are written.

    Attributes:
        title: what was measured.
        columns: by name, the format of its figures; an empty one for text.
        bars: the column that is drawn, if any.
        note: what a reader has to know to read it.
        rows: one cell for each column; None: there is no such figure.
    """

    title: str
    columns: dict[str, str]
    bars: str | None = None
    note: str = ""
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        assert len(cells) == len(self.columns), (self.title, cells)
        self.rows.append(cells)

    def labels(self) -> list[str]:
        """Each row's texts, in one."""
        texts = [place for place, form in enumerate(self.columns.values()) if not form]
        return [", ".join(str(row[place]) for place in texts) for row in self.rows]

    def figures(self, column: str) -> list[Cell]:
        """One column's cells."""
        place = list(self.columns).index(column)
        return [row[place] for row in self.rows]

    def _written(self) -> list[list[str]]:
        forms = list(self.columns.values())
        return [
            [_cell(cell, form) for cell, form in zip(row, forms, strict=True)] for row in self.rows
        ]

    def screen(self) -> Screen:
        """For a terminal."""
        screen = Screen(title=self.title, caption=self.note or None, title_justify="left")
        for name, form in self.columns.items():
            screen.add_column(name, justify="right" if form else "left")
        for row in self._written():
            screen.add_row(*row)
        return screen

    def markdown(self) -> str:
        """For a page."""
        heads = list(self.columns)
        rule = ["--:" if form else "---" for form in self.columns.values()]
        lines = [f"**{self.title}**", ""]
        lines += [f"| {' | '.join(cells)} |" for cells in (heads, rule, *self._written())]
        lines += ["", self.note] if self.note else []
        return "\n".join(lines)

    def plain(self) -> dict[str, object]:
        """For a program: infinite figures are null, which JSON has a word for."""
        heads = list(self.columns)
        rows = [dict(zip(heads, map(_finite, row), strict=True)) for row in self.rows]
        return {"title": self.title, "note": self.note, "rows": rows}


def _finite(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _cell(cell: Cell, form: str) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    return "never" if math.isinf(cell) else format(cell, form)

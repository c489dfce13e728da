"""How much is to be measured, and what is shown meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterator

_T = TypeVar("_T")


class Bench:
    """One run of one or more questions.

    Args:
        quick: whether a rough answer will do.
        keeps: whether the answer is one for keeping.
        only: the text that the cases to be counted have in their names.

    Attributes:
        console: where the progress is shown.
    """

    def __init__(self, *, quick: bool, keeps: bool, only: str = "") -> None:
        self.quick = quick
        self.keeps = keeps
        self.only = only
        self.console = Console(stderr=True)

    def pick(self, full: _T, quick: _T) -> _T:
        """One of two amounts."""
        return quick if self.quick else full

    def steps(self, label: str, count: int) -> Iterator[int]:
        """Count the steps of something long, and show how far it is."""
        if self.console.is_terminal:
            yield from track(range(count), f"  {label}", console=self.console, transient=True)
        else:
            self.console.print(f"  {label}")
            yield from range(count)

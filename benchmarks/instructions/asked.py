"""What issue 8 asks for, as ratios; and the figures that stand beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..harness.contenders import BARE, LEAN, OURS, PEER
from .cases import (
    CHUNK,
    EMPTY,
    FRESH,
    HTTP1,
    HTTP2,
    IN_MEMORY,
    JSON,
    ONE_FAILURE,
    POST,
    READY,
    UNTOLD,
)

if TYPE_CHECKING:
    from .callgrind import Counts, Key


class Line(NamedTuple):
    """One figure: what it is of, and the most that is asked for; None: it is for information.

    Attributes:
        question: what is counted,
        world: where,
        contender: of whom.
        of: whom it is a ratio to.
        added: whether both are what comes on top of bare, or the whole.
        most: the ratio asked for.
    """

    question: str
    world: str
    contender: str
    of: str
    added: bool
    most: float | None

    def ratio(self, counts: Counts) -> float:
        """The figure."""
        return self._of(counts, self.contender) / self._of(counts, self.of)

    def is_counted(self, counts: Counts) -> bool:
        """Whether what it takes was among what was chosen."""
        names = {self.contender, self.of, BARE}
        return all((self.question, self.world, name) in counts for name in names)

    def _of(self, counts: Counts, contender: str) -> float:
        key = self.question, self.world, contender
        return added(counts, key) if self.added else counts[key]


def added(counts: Counts, key: Key) -> float:
    """Instructions of a call beyond those of the inner transport: two sends, where one fails."""
    question, world, _ = key
    sends = 2 if question == ONE_FAILURE else 1
    return counts[key] - sends * counts[question, world, BARE]


def _added() -> list[Line]:
    most = {
        (OURS, "sync"): 0.40,
        (OURS, "async"): 0.42,
        (LEAN, "sync"): 0.15,
        (LEAN, "async"): 0.18,
    }
    lines = [
        Line(question, world, contender, PEER, added=True, most=ratio)
        for question in (FRESH, READY, IN_MEMORY)
        for (contender, world), ratio in most.items()
    ]
    return lines + [
        Line(ONE_FAILURE, world, OURS, PEER, added=True, most=0.35) for world in ("sync", "async")
    ]


def _whole() -> list[Line]:
    most = {
        EMPTY: (1.015, 1.025),
        UNTOLD: (1.015, 1.025),
        JSON: (None, None),
        CHUNK: (1.18, 1.24),
        HTTP1: (1.01, 1.01),
        HTTP2: (1.01, 1.01),
        POST: (1.04, 1.04),
    }
    return [
        Line(question, world, OURS, BARE, added=False, most=ratio)
        for question, ratios in most.items()
        for world, ratio in zip(("sync", "async"), ratios, strict=True)
    ]


LINES = (*_added(), *_whole())
IMPORT_MOST = 0.06

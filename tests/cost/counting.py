"""Exact counts of what a call does: Python-level calls by name, and blocks of memory that it keeps.

Times tell a slow-down from noise only in a long run; these counts repeat to the last one.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def calls_of(call: Callable[[], object]) -> Counter[str]:
    """Count the Python functions entered and the built-in ones called, by `room.name`.

    `sys.setprofile` is another hook than the one that coverage uses, and tells the same beside it.
    A function that is entered anew after each suspension, as a generator is, counts each time.
    """
    seen: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            seen[f"{Path(code.co_filename).stem}.{code.co_name}"] += 1
        elif event == "c_call":
            seen[
                f"{argument.__module__ or type(argument.__self__).__name__}.{argument.__name__}"
            ] += 1

    previous = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(previous)
    del seen["sys.setprofile"]
    return seen


def blocks_kept(call: Callable[[], object], count: int = 2048) -> float:
    """Blocks of memory that live on with each result of a call, where all results are held."""
    held: list[object] = [None] * count
    for _ in range(8):
        call()
    gc.collect()  # it empties the free lists too, from which objects come without a new block
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for place in range(count):
            held[place] = call()
        return (sys.getallocatedblocks() - before) / count
    finally:
        if was_enabled:
            gc.enable()

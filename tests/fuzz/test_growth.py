"""Twice the input is at most twice the calls: `make fuzz` measures time, which counts the rest."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from . import growth

if TYPE_CHECKING:
    from collections.abc import Callable


def calls(function: Callable[[int], object], size: int) -> int:
    """The least of three: what is imported, or put into a cache, once is not the parser's work."""
    return min(_calls(function, size) for _ in range(3))


def _calls(function: Callable[[int], object], size: int) -> int:
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    gc.disable()  # what it calls is nobody's here
    sys.setprofile(counted)
    try:
        function(size)
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


def test_calls_grow_no_faster_than_what_is_parsed() -> None:
    found = {
        name: (calls(function, growth.SIZE // 2), calls(function, growth.SIZE))
        for name, function in growth.tried().items()
    }

    assert {name: both for name, both in found.items() if both[1] > 2 * both[0] + 20} == {}


def test_a_growth_that_is_too_fast_is_seen() -> None:
    def squared(size: int) -> None:
        for _ in range((size // 1000) ** 2):
            len("")

    assert calls(squared, growth.SIZE) > 3 * calls(squared, growth.SIZE // 2)

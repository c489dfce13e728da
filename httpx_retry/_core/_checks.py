"""Arguments checked at construction: every message names the value and what is allowed."""

from __future__ import annotations

import math
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction, ismethod, signature
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TypeGuard

# The largest float. Integers may be larger, and are as good as infinite then.
LARGEST = math.nextafter(math.inf, 0.0)


def check_number(name: str, value: object, *, at_least: float = 0.0, above: bool = False) -> None:
    """Raise unless `value` is a finite number, at least (or above) `at_least`."""
    if not _is_real(value):
        raise TypeError(f"{name} must be a number, not {value!r}")
    number = _as_float(value)
    if not math.isfinite(number) or number < at_least or (above and number == at_least):
        bound = "above" if above else "at least"
        raise ValueError(f"{name} must be finite and {bound} {at_least:g}, not {value!r}")


def _as_float(value: float) -> float:
    """The number that waits and sums come to, whatever kind it is of."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_real(value: object) -> TypeGuard[float]:
    if isinstance(value, float | int):
        return not isinstance(value, bool)
    from numbers import Real  # noqa: PLC0415 - for a number of any other kind

    return isinstance(value, Real)


def check_count(name: str, value: object, *, at_least: int) -> None:
    """Raise unless `value` is an integer of at least `at_least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, not {value!r}")


def check_one_of(name: str, value: object, allowed: Collection[str]) -> None:
    """Raise unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")


def check_flag(name: str, value: object) -> None:
    """Raise unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {value!r}")


def check_callable(name: str, value: object, given: tuple[str, ...] | None = None) -> None:
    """Raise unless `value` can be called: where `given` is known, with that, by position."""
    if not callable(value):
        raise TypeError(f"{name} must be callable, not {value!r}")
    if given is not None and not _takes(value, given):
        raise TypeError(f"{name} must take ({', '.join(given)}), which {value!r} does not")


def check_plain_function(name: str, value: object, given: tuple[str, ...] | None = None) -> None:
    """Raise unless `value` can be called, as by `check_callable`, and is not async."""
    check_callable(name, value, given)
    call = getattr(value, "__call__", None)  # noqa: B004 - a callable object's own function
    if _is_async(value) or _is_async(call):
        raise TypeError(f"{name} must be a plain function, not the async function {value!r}")


def _takes(function: object, given: tuple[str, ...]) -> bool:
    # Objects that are called are those of libraries, seldom wrong, and dear to look into.
    if isfunction(function) or ismethod(function):
        try:
            # Its own: what a decorator hides may take more, or less.
            signature(function, follow_wrapped=False).bind(*given)
        except TypeError:
            return False
    return True


def _is_async(function: object) -> bool:
    return iscoroutinefunction(function) or isasyncgenfunction(function)

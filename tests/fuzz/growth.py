"""Twice the input, twice the work: `python -m tests.fuzz.growth` measures it for each parser.

Process time, as no count of calls sees what happens within a regular expression or a copy.
"""

from __future__ import annotations

import gc
import sys
from functools import partial
from time import process_time
from typing import TYPE_CHECKING

from httpx_retry._explain.given import policy_given
from httpx_retry._http.hints import read_date, read_hints
from httpx_retry._http.representation import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 100_000
_MOST = 3.0  # linear is 2, quadratic 4
_ROUNDS = 7
_NOISE = 1e-3  # seconds: below it a cache too small is enough

# A few bytes each, to be repeated up to the size.
_VALUES = (
    b"1", b"9.", b"1 ", b"a", b"=", b";", b",", b'"', b"r=0;", b"r=0,t=1,", b'"q";r=0;t=1, ',
    b"Sun, ", b"bytes ", b"1-", b"bytes 1-2/3, ", b"W/", b"\0", b"\xff", b" ", b"\t",
)  # fmt: skip
_HINTS = (b"Retry-After", b"retry-after-ms", b"RateLimit", b"X-RateLimit-Reset", b"Date")
_FACTS = (b"Content-Length", b"Content-Range", b"ETag", b"Last-Modified", b"Content-Type", b"Date")
_TEXTS = ("(", "[", "-", "1,", "1+", "a.", "a:", ":", "a=1,", "'", "''", "\\", "\0", " ", "{1:")


def _filled(part: bytes, size: int) -> bytes:
    return (part * (size // len(part) + 1))[:size]


def _many(name: bytes, size: int) -> list[tuple[bytes, bytes]]:
    return [(name, b"x")] * (size // (len(name) + 5))


def tried() -> dict[str, Callable[[int], object]]:
    """What is to be measured: a function of the size of what it parses, by its name."""
    found: dict[str, Callable[[int], object]] = {}
    for part in _VALUES:
        found[f"read_date: {part!r}"] = partial(_date, part)
        for name in _HINTS:
            found[f"read_hints, {name.decode()}: {part!r}"] = partial(_hints, name, part)
        for name in _FACTS:
            found[f"facts_of, {name.decode()}: {part!r}"] = partial(_facts, name, part)
    for name in (*_HINTS, *_FACTS, b"Location", b"Content-Encoding"):
        found[f"read_hints, many {name.decode()}"] = partial(_many_hints, name)
        found[f"facts_of, many {name.decode()}"] = partial(_many_facts, name)
    for text in _TEXTS:
        found[f"policy_given, {text!r}"] = partial(_refused, "statuses=", text)
        found[f"policy_given, {text!r} alone"] = partial(_refused, "", text)
    return found


def _date(part: bytes, size: int) -> object:
    return read_date(_filled(part, size))


def _hints(name: bytes, part: bytes, size: int) -> object:
    return read_hints(429, [(name, _filled(part, size))], 0.0)


def _facts(name: bytes, part: bytes, size: int) -> object:
    return facts_of(206, [(name, _filled(part, size)), (b"date", b"x")]).media_type


def _many_hints(name: bytes, size: int) -> object:
    return read_hints(429, _many(name, size), 0.0)


def _many_facts(name: bytes, size: int) -> object:
    return facts_of(200, _many(name, size))


def _refused(before: str, text: str, size: int) -> str:
    try:
        return repr(policy_given(before + _filled(text.encode(), size).decode()))
    except (TypeError, ValueError) as error:
        return str(error)


def seconds(function: Callable[[int], object], size: int) -> float:
    """The shortest of a few runs: the one that was disturbed least."""
    taken = []
    for _ in range(_ROUNDS):
        begun = process_time()
        function(size)
        taken.append(process_time() - begun)
    return min(taken)


def _measured(function: Callable[[int], object]) -> tuple[float, float]:
    whole = seconds(function, SIZE)
    return whole, whole / seconds(function, SIZE // 2)


def main() -> int:
    """Print what is slow or grows faster than its input; 1 where something does."""
    gc.disable()  # it comes when it likes
    grown = []
    for name, function in tried().items():
        took, growth = min(_measured(function) for _ in range(3))
        if took > _NOISE:
            print(f"{took * 1000:8.2f} ms, {growth:4.1f} x  {name}")  # noqa: T201 - a report
            grown += [name] * (growth > _MOST)
    print(f"{len(tried())} shapes of {SIZE:,} bytes; too fast a growth: {grown or 'none'}")  # noqa: T201
    return bool(grown)


if __name__ == "__main__":
    sys.exit(main())

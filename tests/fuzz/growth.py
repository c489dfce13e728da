"""Twice the input, twice the work: `python -m tests.fuzz.growth` measures it for each parser.

Process time, as no count of calls sees what happens within a regular expression or a copy.
"""

from __future__ import annotations

import sys
from time import process_time
from typing import TYPE_CHECKING

from httpx_retry._explain.given import policy_given
from httpx_retry._http.hints import read_date, read_hints
from httpx_retry._http.representation import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 100_000
_MOST = 3.0  # linear is 2, quadratic 4
_ROUNDS = 15
_NOISE = 5e-4  # seconds

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
        for name in _HINTS:
            found[f"read_hints, {name.decode()}: {part!r}"] = lambda size, name=name, part=part: (
                read_hints(429, [(name, _filled(part, size))], 0.0)
            )
        for name in _FACTS:
            found[f"facts_of, {name.decode()}: {part!r}"] = lambda size, name=name, part=part: (
                facts_of(206, [(name, _filled(part, size)), (b"date", b"x")]).media_type
            )
        found[f"read_date, {part!r}"] = lambda size, part=part: read_date(_filled(part, size))
    for name in (*_HINTS, *_FACTS, b"Location", b"Content-Encoding"):
        found[f"read_hints, many {name.decode()}"] = lambda size, name=name: read_hints(
            429, _many(name, size), 0.0
        )
        found[f"facts_of, many {name.decode()}"] = lambda size, name=name: facts_of(
            200, _many(name, size)
        )
    for text in _TEXTS:
        found[f"policy_given, {text!r}"] = lambda size, text=text: _refused(
            f"statuses={_filled(text.encode(), size).decode()}"
        )
        found[f"policy_given, {text!r} alone"] = lambda size, text=text: _refused(
            _filled(text.encode(), size).decode()
        )
    return found


def _refused(text: str) -> str:
    try:
        return repr(policy_given(text))
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


def main() -> int:
    """Print what is slow or grows faster than its input; 1 where something does."""
    grown = []
    for name, function in tried().items():
        half, whole = seconds(function, SIZE // 2), seconds(function, SIZE)
        if whole > _NOISE:
            print(f"{whole * 1000:8.2f} ms, {whole / half:4.1f} x  {name}")  # noqa: T201 - a report
            grown += [name] * (whole / half > _MOST)
    print(f"{len(tried())} shapes of {SIZE:,} bytes; too fast a growth: {grown or 'none'}")  # noqa: T201
    return bool(grown)


if __name__ == "__main__":
    sys.exit(main())

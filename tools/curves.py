"""Pictures of what the backoffs do: every point is a draw from the class itself."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from httpx_retry import (
    Backoff,
    BackoffContext,
    ConstantBackoff,
    DecorrelatedJitterBackoff,
    Evidence,
    ExponentialBackoff,
    Outcome,
)

from .canvas import SMALL, WIDTH, Canvas

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNAVAILABLE = Outcome(None, evidence=Evidence.UNKNOWN, status=503)
_FAILURES = 6
_CLIENTS = 100

_SHOWN: dict[str, Backoff] = {
    "ExponentialBackoff()": ExponentialBackoff(),
    'ExponentialBackoff(jitter="equal")': ExponentialBackoff(jitter="equal"),
    'ExponentialBackoff(jitter="none")': ExponentialBackoff(jitter="none"),
    "ExponentialBackoff(maximum=2.0)": ExponentialBackoff(maximum=2.0),
    "DecorrelatedJitterBackoff(maximum=6.0)": DecorrelatedJitterBackoff(maximum=6.0),
    'ConstantBackoff(2.0, jitter="full")': ConstantBackoff(2.0, jitter="full"),
}


def waits(backoff: Backoff, random: Random) -> Iterator[float]:
    """Yield what one client waits after each of its failures."""
    previous = None
    for attempt in range(1, _FAILURES + 1):
        previous = backoff(BackoffContext(attempt, previous, _UNAVAILABLE, random.random))
        yield previous


def backoffs() -> str:
    """Draw the waits of many clients, by backoff and failure."""
    panel, column = 128.0, WIDTH / 2
    canvas = Canvas(
        "What each backoff waits",
        f"Seconds of wait after each of {_FAILURES} failures, as {_CLIENTS} clients drew them.",
        panel * (len(_SHOWN) / 2) + 8,
    )
    for place, (name, backoff) in enumerate(_SHOWN.items()):
        _panel(canvas, name, backoff, (place % 2) * column, place // 2 * panel)
    return canvas.written()


def _panel(canvas: Canvas, name: str, backoff: Backoff, left: float, top: float) -> None:
    begin, end, bottom, height, most = left + 34, left + 232, top + 106, 78.0, 7.0
    canvas.text(left + 8, top + 16, name, "code", size=10)
    for mark in (0, 2, 4, 6):
        y = bottom - mark / most * height
        canvas.line(begin, y, end, y, "grid")
        canvas.text(begin - 6, y + 4, f"{mark} s", "faint", size=10, at="end")
    step = (end - begin) / _FAILURES
    for number in range(_FAILURES):
        canvas.text(
            begin + step * (number + 0.5),
            bottom + 14,
            str(number + 1),
            "faint",
            size=10,
            at="middle",
        )
    random = Random(7)
    canvas.dots(
        *(
            (begin + step * (number + 0.22 + 0.56 * random.random()), bottom - wait / most * height)
            for _ in range(_CLIENTS)
            for number, wait in enumerate(waits(backoff, random))
        )
    )


_ARRIVALS: dict[str, Backoff] = {
    "no jitter": ExponentialBackoff(jitter="none"),
    "equal": ExponentialBackoff(jitter="equal"),
    "full (the default)": ExponentialBackoff(),
    "decorrelated": DecorrelatedJitterBackoff(),
}
_SPAN, _BIN = 2.0, 0.025


def jitter() -> str:
    """Draw when the retries of clients arrive that all failed at once."""
    row, begin, end = 74.0, 12.0, WIDTH - 12
    canvas = Canvas(
        "When retries arrive",
        f"{_CLIENTS} clients fail at 0 s and keep failing: without jitter their retries come in"
        " waves of all of them, with full jitter spread over the time.",
        row * len(_ARRIVALS) + 26,
    )
    for place, (name, backoff) in enumerate(_ARRIVALS.items()):
        _arrivals(canvas, name, backoff, place * row + 62, (begin, end))
    for mark in (0.0, 0.5, 1.0, 1.5, 2.0):
        x = begin + mark / _SPAN * (end - begin)
        canvas.text(
            min(max(x, 20), end - 8),
            row * len(_ARRIVALS) + 16,
            f"{mark:g} s",
            "faint",
            size=SMALL,
            at="middle",
        )
    return canvas.written()


def _arrivals(
    canvas: Canvas, name: str, backoff: Backoff, bottom: float, across: tuple[float, float]
) -> None:
    begin, end = across
    counts = [0] * round(_SPAN / _BIN)
    random = Random(7)
    for _ in range(_CLIENTS):
        now = 0.0
        for wait in waits(backoff, random):
            now += wait
            if now < _SPAN:
                counts[int(now / _BIN + 1e-9)] += 1
    width = (end - begin) / len(counts)
    for number, count in enumerate(counts):
        if count:
            height = 40 * count / _CLIENTS
            canvas.bar(begin + number * width, bottom - height, width - 0.8, height)
    canvas.line(begin, bottom, end, bottom, "grid")
    canvas.text(begin, bottom - 46, name, "strong", size=SMALL)
    most = f"at most {max(counts)} within 25 ms"
    canvas.text(end, bottom - 46, most, "faint", size=SMALL, at="end")

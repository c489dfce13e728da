"""What the flaky server says to a request, whatever protocol brought it."""

from __future__ import annotations

from collections import Counter

from .plan import Answer, HttpVersion, Reply, plan


class Service:
    """Answers `/<run>/<number>` by plan, and counts: every run meets all faults anew."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._arrivals: Counter[tuple[str, int]] = Counter()

    def reply(
        self, version: HttpVersion, method: str, path: str, body: bytes
    ) -> tuple[float, Reply]:
        """Return the seconds that this attempt takes to serve, and what it gets then.

        A request that did not arrive as planned gets a 400: a repeated one must be the same.
        """
        try:
            _, run, number = path.split("/")
            planned = plan(self._seed, version, int(number))
        except ValueError:
            return 0.0, Answer(404)
        attempt = self._arrivals[run, planned.number]
        self._arrivals[run, planned.number] += 1
        if (method, body) != (planned.method, planned.body):
            return 0.0, Answer(400)
        return planned.service_time, planned.reply(attempt)

    def attempts(self, run: str) -> int:
        """Return how many requests of a run arrived, repeated ones each time."""
        return sum(
            count for (counted_run, _), count in self._arrivals.items() if counted_run == run
        )

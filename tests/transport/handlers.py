"""Mock handlers: what a server says, one answer after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.worlds import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

Answer = int | tuple[int, dict[str, str]] | Exception | httpx.Response


class Server:
    """Answers in order, the last one again and again, and keeps what it was sent.

    Attributes:
        requests: the very request objects that reached the wrapped transport.
        bodies: what each carried.
        streams: the streams of its own responses.
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers: Sequence[Answer] = answers
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self.streams: list[Stream] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        self.bodies.append(request.content)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        status, headers = (answer, {}) if isinstance(answer, int) else answer
        stream = Stream(b"answer ", str(len(self.requests)).encode())
        self.streams.append(stream)
        return httpx.Response(status, headers=headers, stream=stream)

    @property
    def sends(self) -> int:
        return len(self.requests)


def options(clock: Any, draw: float = 0.5, **more: Any) -> dict[str, Any]:
    """What makes a retry transport predictable: no time passes, every draw is the same."""
    return {"clock": clock, "random": lambda: draw, **more}

"""What the demo asks for and what goes wrong: by seed, so that every row meets the same trouble."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import TypeAlias


class HttpVersion(Enum):
    """The protocols that the demo speaks; the value is how one is drawn."""

    HTTP1 = "HTTP/1.1"
    HTTP2 = "HTTP/2"


class Break(Enum):
    """An attempt that gets no answer; the value is how it is drawn."""

    RESET = "reset"
    HANG_UP = "hang-up"
    REFUSED_STREAM = "refused"
    STREAM_ERROR = "aborted"
    GOAWAY = "goaway"


@dataclass(frozen=True)
class Answer:
    """An attempt that gets an answer; `retry_after` is in seconds."""

    status: int
    body: bytes = b""
    retry_after: float | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields of this answer, named in lower case as HTTP/2 wants them."""
        fields = [("content-type", "application/json"), ("content-length", str(len(self.body)))]
        if self.retry_after is not None:
            fields.append(("retry-after", str(self.retry_after)))
        return fields


Reply: TypeAlias = Answer | Break


@dataclass(frozen=True)
class PlannedRequest:
    """One request and its fate.

    Attributes:
        number: tells it from the others.
        method: GET, PUT or POST.
        body: what it carries.
        service_time: seconds that the server takes for each attempt.
        faults: what its first attempts meet, one each; the attempt after them is served.
    """

    number: int
    method: str
    body: bytes
    service_time: float
    faults: tuple[Reply, ...]

    @property
    def served(self) -> Answer:
        """What this request gets once its faults are behind it."""
        return Answer(200, _json({"item": self.number, "served": self.method}))

    @property
    def ends_connection(self) -> bool:
        """Whether an attempt takes down a connection that other requests may share."""
        return Break.GOAWAY in self.faults

    def reply(self, attempt: int) -> Reply:
        """Return what the attempt of this index, counted from 0, meets."""
        return self.faults[attempt] if attempt < len(self.faults) else self.served


# A fault's share is how often it is listed.
_FAULTS: dict[HttpVersion, tuple[Reply, ...]] = {
    HttpVersion.HTTP1: (
        Answer(500),
        Answer(503),
        Answer(503, retry_after=0.04),
        Answer(429, retry_after=0.06),
        Break.RESET,
        Break.RESET,
        Break.HANG_UP,
    ),
    HttpVersion.HTTP2: (
        *(Answer(503), Break.REFUSED_STREAM, Break.STREAM_ERROR) * 3,
        *(Answer(503, retry_after=0.04), Answer(429, retry_after=0.06)) * 2,
        Break.GOAWAY,
    ),
}
# A POST may run only once: it is sent again only where the server says that it did nothing.
_POST_FAULTS: tuple[Reply, ...] = (Answer(429, retry_after=0.04), Answer(429, retry_after=0.06))


def plan(seed: int, version: HttpVersion, number: int) -> PlannedRequest:
    """Return the request of this number: equal arguments, equal plans, on every Python."""
    random = Random(f"{seed} {version.value} {number}")
    method = random.choices(("GET", "PUT", "POST"), (70, 20, 10))[0]
    fault_count = random.choices((0, 1, 2, 3), (70, 20, 7, 3))[0]
    faults = _POST_FAULTS if method == "POST" else _FAULTS[version]
    return PlannedRequest(
        number=number,
        method=method,
        body=b"" if method == "GET" else _json({"item": number, "quantity": random.randint(1, 99)}),
        service_time=random.uniform(0.005, 0.015),
        faults=tuple(random.choices(faults, k=fault_count)),
    )


def _json(value: object) -> bytes:
    return json.dumps(value).encode()

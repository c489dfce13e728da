"""Many requests, each with an id of its own, meet a mix of faults: what the server's count says."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from h2.errors import ErrorCodes

from httpx_retry import AsyncRetryTransport, Attempt, ExponentialBackoff, RetryPolicy, retry_history
from tests.faults.lab import (
    PARTIAL_HEADERS,
    Fin,
    GoAway,
    HTTP1Step,
    HTTP2Step,
    Last,
    Reply,
    ResetStream,
    Rst,
    client_context,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Waits that grow to many times what an attempt takes: a hundred streams that come back together
# share the next end too, and httpcore drops the answers that had come when a sibling's write fails.
POLICY = RetryPolicy(max_attempts=50, backoff=ExponentialBackoff(initial=0.005, maximum=4.0))

# How often each comes in a thousand requests.
HTTP2_MIX: list[tuple[HTTP2Step, int]] = [
    (ResetStream(ErrorCodes.REFUSED_STREAM), 100),
    (ResetStream(ErrorCodes.INTERNAL_ERROR), 20),
    (ResetStream(ErrorCodes.CANCEL), 10),
    (GoAway(Last.PROCESSED), 20),
    (GoAway(Last.PROCESSED, ErrorCodes.ENHANCE_YOUR_CALM), 10),
    (GoAway(Last.MAX), 5),
    (Fin(), 5),
    (Rst(), 5),
    (Reply(503), 20),
]
HTTP1_MIX: list[tuple[HTTP1Step, int]] = [
    (Fin(), 50),
    (Rst(), 50),
    (Fin(after=PARTIAL_HEADERS), 20),
    (Reply(503), 50),
]


def script(mix: list[tuple[Any, int]], seed: int) -> Iterator[Any]:
    """Steps without end, drawn from a mix; the rest of the thousand are good replies."""
    chance = random.Random(seed)
    steps, weights = zip(*mix, strict=True)
    while True:
        good = 1000 - sum(weights)
        yield chance.choices([*steps, Reply()], [*weights, good])[0]


def goaway_every(count: int) -> Iterator[HTTP2Step]:
    """Good replies, and a GOAWAY that disowns what was not processed on each `count`-th stream."""
    while True:
        yield from [Reply()] * (count - 1)
        yield GoAway(Last.PROCESSED)


def body_of(number: int) -> bytes:
    return f"order {number} ".encode() * (number % 50 + 1)


@dataclass
class Tally:
    """What the clients saw, by id."""

    answered: dict[str, int] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    histories: dict[str, tuple[Attempt, ...]] = field(default_factory=dict)

    def note(self, name: str, outcome: httpx.Response | Exception) -> None:
        if isinstance(outcome, Exception):
            self.failed[name] = outcome
        else:
            self.answered[name] = outcome.status_code
        self.histories[name] = retry_history(outcome)


async def run(
    url: str,
    count: int,
    *,
    at_once: int,
    method: Callable[[int], str],
    http2: bool = True,
    policy: RetryPolicy = POLICY,
    patience: float = 5.0,
) -> Tally:
    """Send `count` requests, `at_once` at a time, on one client of the running event loop."""
    tally = Tally()
    numbers = iter(range(count))
    transport = AsyncRetryTransport(
        policy=policy, budget=None, http2=http2, verify=client_context(), trust_env=False
    )

    async def worker(client: httpx.AsyncClient) -> None:
        for number in numbers:
            verb, name = method(number), f"{method(number)}-{number}"
            content = body_of(number) if verb == "POST" else None
            try:
                response = await client.request(
                    verb, url, content=content, headers={"x-id": name}, timeout=patience
                )
            except Exception as error:  # noqa: BLE001 - the tally's readers judge it
                tally.note(name, error)
            else:
                tally.note(name, response)

    async with httpx.AsyncClient(transport=transport) as client, anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(worker, client)
    return tally

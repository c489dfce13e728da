"""A cool-down that a fleet shares: what one worker was told, all go by."""

from __future__ import annotations

import math
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from .._core.cooldown import LocalCooldown
from .keys import check_prefix, key_of
from .link import Link
from .question import Draft, Question
from .scripts import COOL_DOWN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Seconds for which a worker believes what it was told last.
_FRESH = 0.02


class RedisCooldown(LocalCooldown):
    """A `LocalCooldown` that all processes share whose clients reach the same Redis or Valkey.

    A worker that is refused tells Redis; while an origin cools down, and 10 s after, one that was
    refused asks Redis before a request, every 20 ms at most, and waits for the reply 50 ms at most.
    Who was not refused asks nothing: so each worker meets a refusal of its own at first. While
    there is no answer, each process goes by its own refusals.

    Args:
        client: a `redis.Redis` for a `RetryTransport`; a `redis.asyncio.Redis`, which runs on
            asyncio alone, for an `AsyncRetryTransport`. Those of clusters will do as well.
        prefix: what the keys begin with: processes share what they name alike.

    Attributes:
        refresh: `refresh(origin, now)`, which a transport calls, and awaits where the client is one
            for tasks, after it has imposed a wait, and before it asks what remains.

    Raises:
        ValueError: for a prefix that is empty or has a brace.
        TypeError: for an argument of the wrong type.
    """

    _linger = 10.0

    def __init__(self, client: Any, prefix: str = "httpx_retry") -> None:
        super().__init__()
        self._prefix = check_prefix(prefix)
        self._link = Link(client, COOL_DOWN, "cool-down")
        # When what the others are still to be told of ends; and when Redis answered last.
        self._told: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self.refresh: Callable[[str, float], Awaitable[None] | None] = (
            self._refresh_in_task if self._link.is_async else self._refresh_in_thread
        )

    def __repr__(self) -> str:
        return f"<RedisCooldown {self._prefix!r}>"

    def impose(self, origin: str, seconds: float, now: float) -> None:
        """Let requests to an origin wait, and remember to tell the others (see `Cooldown`)."""
        super().impose(origin, seconds, now)
        if origin in self.cooling:  # or it is the one that was forgotten, for want of room
            self._told[origin] = max(now + seconds, self._told.get(origin, now))

    def _drop(self, origin: str) -> None:
        super()._drop(origin)
        self._told.pop(origin, None)
        self._asked.pop(origin, None)

    def _refresh_in_thread(self, origin: str, now: float) -> None:
        if self._is_due(origin, now):
            self._link.ask(self._draft(origin, now))

    async def _refresh_in_task(self, origin: str, now: float) -> None:
        if self._is_due(origin, now):
            await self._link.ask_in_task(self._draft(origin, now))

    def _is_due(self, origin: str, now: float) -> bool:
        until = self.cooling.get(origin)
        if until is None:
            return False
        if origin in self._told:
            return True
        return until <= now and now - self._asked.get(origin, float("-inf")) >= _FRESH

    def _draft(self, origin: str, now: float) -> Draft:
        return Draft(origin, partial(self._question, origin, now, monotonic()), now)

    def _question(self, origin: str, now: float, since: float) -> Question | None:
        if not self._is_due(origin, now):
            return None
        told = self._told.get(origin, now)
        # A replica can be read, and so can one that is full: they are not back for that.
        least = 1 if self._link.is_away else 0
        milliseconds = max(least, math.ceil(1000 * (told - now)))
        book = partial(self._book, origin, told, milliseconds, now, since)
        return Question(key_of(self._prefix, "cool-down", origin), (milliseconds,), book)

    def _book(  # noqa: PLR0913, PLR0917 - all but the last belong to the question
        self, origin: str, told: float, milliseconds: int, now: float, since: float, left: float
    ) -> None:
        if self._told.get(origin) == told:
            self._told.pop(origin, None)  # another thread may have dropped it
        if left > milliseconds:
            # When Redis looked is not known. At the latest it was just now: no wait ends early.
            super().impose(origin, left / 1000, now + monotonic() - since)
        if origin in self.cooling:
            self._asked[origin] = now

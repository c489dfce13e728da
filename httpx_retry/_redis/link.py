"""The way to Redis: one pipeline at a time, no wait above 50 ms, and nothing raised.

A pipeline goes in a thread or a task of its own, which is left to itself where it takes longer. So
the bound holds with any client, whatever its timeouts and its own retries are.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from hashlib import sha1
from inspect import iscoroutinefunction
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from .._core._lock import ForkSafeLock
from .._loop import asyncio_loop
from .question import Batch, book, fill

if TYPE_CHECKING:
    import asyncio

    from .question import Draft, Question

# Seconds: for the longest that a request waits, and between questions while there is no answer.
LONGEST = 0.05
_PAUSE = 1.0
# Parts of the longest wait: an event loop that is late for reasons of its own uses up one of them.
_PARTS = 5
_MOST_SHOWN = 200

_LOGGER = logging.getLogger("httpx_retry")


class Link:
    """Asks one script, through the user's own client.

    One batch of questions is under way at a time, and those that come up meanwhile go together as
    soon as it has landed: so each waits for two round trips at most, however many there are.

    Args:
        client: of `redis`, `redis.asyncio`, or what has the same methods.
        script: in Lua.
        what: that is shared, for the log.

    Attributes:
        is_async: whether the client is for tasks.
        is_away: whether the latest question had no answer in time. Then one is asked each second,
            and nobody waits for it.

    Raises:
        TypeError: for what is no client.
    """

    def __init__(self, client: Any, script: str, what: str) -> None:
        run = getattr(client, "execute_command", None)
        if isinstance(client, type) or not callable(run) or not hasattr(client, "pipeline"):
            raise TypeError(f"client must be one of redis or redis.asyncio, not {client!r}")
        self.is_async = iscoroutinefunction(run)
        self.is_away = False
        self._client = client
        sha = sha1(script.encode(), usedforsecurity=False).hexdigest()
        # The second is for servers that do not know the script.
        self._commands = (("EVALSHA", sha), ("EVAL", script))
        self._what = what
        self._again_at = float("-inf")
        self._latest: Batch | None = None
        self._lock = ForkSafeLock()
        self._process = os.getpid()

    def ask(self, draft: Draft) -> None:
        """Ask in a thread, and return when the reply is booked, or after 50 ms."""
        waits = not self.is_away
        if not self._may_ask(draft):
            return
        try:
            batch = self._join(draft)
        except RuntimeError as error:  # there can be no more threads
            self._lost(error, draft.now)
            return
        if waits and not batch.landed.wait(LONGEST):
            self._lost_if_slow(batch, draft)

    async def ask_in_task(self, draft: Draft) -> None:
        """Ask in a task of asyncio, as `ask` does in a thread."""
        waits = not self.is_away
        if not self._may_ask(draft):
            return
        loop = asyncio_loop()
        if loop is None:
            self._lost(RuntimeError("redis.asyncio runs on asyncio alone"), draft.now)
            return
        batch = self._join_in_task(draft, loop)
        if waits:
            await _wait(batch.watch)

    def tell(self, draft: Draft) -> None:
        """Ask as `ask` and `ask_in_task` do, without waiting."""
        if not self._may_ask(draft):
            return
        if not self.is_async:
            with suppress(RuntimeError):  # as above: the next question finds it
                self._join(draft)
        elif (loop := asyncio_loop()) is not None:
            self._join_in_task(draft, loop)

    def _may_ask(self, draft: Draft) -> bool:
        if sys.is_finalizing():
            return False  # a thread would never start, and whoever started it would wait for that
        if self._process != os.getpid():
            # What was under way in the process from which this one was forked never lands here.
            self._latest = None
            self._process = os.getpid()
        if not self.is_away:
            return True
        with self._lock.here():
            is_due = draft.now >= self._again_at
            if is_due:
                self._again_at = draft.now + _PAUSE
        return is_due

    def _join(self, draft: Draft) -> Batch:
        batch = Batch(draft)
        batch.landed = Event()
        try:
            with self._lock.here():
                before = self._latest
                if before is not None and before.is_open:
                    before.drafts[draft.about] = draft
                    return before
                self._latest = batch
            # Not within the lock: to start a thread is to wait for it.
            Thread(target=self._fly, args=(batch, before, draft), daemon=True).start()
        except BaseException:
            # Nobody is to join what never departs, or to wait for it.
            batch.departed = monotonic()
            batch.landed.set()
            raise
        return batch

    def _join_in_task(self, draft: Draft, loop: asyncio.AbstractEventLoop) -> Batch:
        before = self._latest
        if before is not None and (before.landed.done() or before.landed.get_loop() is not loop):
            before = None
        if before is not None and before.is_open:
            before.drafts[draft.about] = draft
            return before
        batch = Batch(draft)
        batch.landed = loop.create_task(self._fly_in_task(batch, before, draft))
        # One for all: a timer for each of a thousand tasks would make the loop later still.
        batch.watch = loop.create_task(self._watch(batch, draft))
        for task in (batch.landed, batch.watch):
            # As asyncio's own `gather` has it: the loop may be closed before it lands.
            task._log_destroy_pending = False  # noqa: SLF001
        self._latest = batch
        return batch

    def _fly(self, batch: Batch, before: Batch | None, draft: Draft) -> None:
        try:
            if before is not None:
                before.landed.wait()
            left = self._depart(batch)
            for command in self._commands:
                if left:
                    pipeline = self._client.pipeline(transaction=False)
                    replies = fill(pipeline, command, left).execute(raise_on_error=False)
                    left = book(left, replies)
            self._heard(batch)
        except Exception as error:  # noqa: BLE001 - logged
            self._lost_unless_news(batch, error, draft)
        finally:
            batch.landed.set()

    async def _fly_in_task(self, batch: Batch, before: Batch | None, draft: Draft) -> None:
        try:
            if before is not None:
                await _wait(before.landed)
            left = self._depart(batch)
            for command in self._commands:
                if left:
                    pipeline = self._client.pipeline(transaction=False)
                    replies = await fill(pipeline, command, left).execute(raise_on_error=False)
                    left = book(left, replies)
            self._heard(batch)
        except Exception as error:  # noqa: BLE001 - logged
            self._lost_unless_news(batch, error, draft)

    def _depart(self, batch: Batch) -> list[Question]:
        with self._lock.here():
            batch.departed = monotonic()
        questions = [draft.question() for draft in batch.drafts.values()]
        batch.questions = [question for question in questions if question is not None]
        return batch.questions

    async def _watch(self, batch: Batch, draft: Draft) -> None:
        for _ in range(_PARTS):
            if await _wait(batch.landed, LONGEST / _PARTS):
                return
        self._lost_if_slow(batch, draft)

    def _lost_if_slow(self, batch: Batch, draft: Draft) -> None:
        """Who has waited in vain can tell, unless the batch departed just now."""
        if monotonic() - batch.departed >= LONGEST / 2:
            error = TimeoutError(f"no reply within {LONGEST * 1000:.0f} ms")
            self._lost_unless_news(batch, error, draft)

    def _lost_unless_news(self, batch: Batch, error: Exception, draft: Draft) -> None:
        # News may be on their way as their client is closed, after the last request.
        if not batch.is_news:
            self._lost(error, draft.now)

    def _lost(self, error: Exception, now: float) -> None:
        with self._lock.here():
            was_away, self.is_away = self.is_away, True
            # One that was lost late must not bring the next one forward.
            self._again_at = max(self._again_at, now + _PAUSE)
        if not was_away:
            said = f"{type(error).__name__}: {error}".encode("unicode_escape").decode("ascii")
            _LOGGER.warning(
                "Redis does not answer (%s): each process has a %s of its own until it does",
                said[:_MOST_SHOWN],
                self._what,
            )

    def _heard(self, batch: Batch) -> None:
        if not batch.questions:
            return
        took = monotonic() - batch.departed
        with self._lock.here():
            was_away = self.is_away
            # To be back it has to be well in time: one at the edge would come and go.
            if took > (LONGEST / 2 if was_away else LONGEST):
                return
            self.is_away = False
        if was_away:
            _LOGGER.info("Redis answers again: the %s is shared", self._what)


async def _wait(task: asyncio.Task[None], timeout: float | None = None) -> bool:
    """Wait for it as for an `Event`, and leave it alone where that is cancelled."""
    import asyncio  # noqa: PLC0415 - it is loaded: a task of it runs this

    await asyncio.wait({task}, timeout=timeout)
    return task.done()

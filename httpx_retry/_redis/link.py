"""The way to Redis: one question at a time, no wait above 50 ms, and nothing raised.

A question goes in a thread or a task of its own, which is left to itself where it takes longer. So
the bound holds with any client, whatever its timeouts and its own retries are.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from hashlib import sha1
from inspect import iscoroutinefunction
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from .._loop import asyncio_loop
from .question import is_unknown_script, number_in

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .question import Question

# Seconds: for the longest that a request waits, and between questions while there is no answer.
LONGEST = 0.05
_PAUSE = 1.0
# Seconds without an answer that tell something: who has waited for its turn may have fewer left.
_TELLING = 0.02
_MOST_SHOWN = 200
# Seconds by which an event loop that wakes somebody is late for reasons of its own.
_LATE = 0.01
_NEVER = float("inf")

_LOGGER = logging.getLogger("httpx_retry")


class Link:
    """Asks one script, through the user's own client.

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
        if isinstance(client, type) or not callable(run) or not hasattr(client, "evalsha"):
            raise TypeError(f"client must be one of redis or redis.asyncio, not {client!r}")
        self.is_async = iscoroutinefunction(run)
        self.is_away = False
        self._client = client
        self._script = script
        self._sha = sha1(script.encode(), usedforsecurity=False).hexdigest()
        self._what = what
        self._again_at = 0.0
        self._flight: asyncio.Task[None] | None = None
        self._renew()

    def _renew(self) -> None:
        self._turn = Lock()
        self._lock = Lock()
        # When the question that is under way went out.
        self._departed = _NEVER
        # When somebody's turn was first found to be idle, and was not used since.
        self._idle_since = _NEVER
        # Set last: a thread that finds the new process must find the new locks, too.
        self._process = os.getpid()

    def ask(self, next_question: Callable[[], Question | None], now: float) -> None:
        """Ask in a thread, and return when the reply is booked, or after 50 ms.

        Args:
            next_question: called when it is this one's turn; None: there is none any more.
            now: the clock's monotonic reading, in seconds.
        """
        since = monotonic()
        ends = since + LONGEST
        if not self._may_ask(now):
            return
        turn = self._turn
        if not turn.acquire(timeout=0 if self.is_away else LONGEST):
            self._replace_idle_turn()
            self._tell_if_slow(now)
            return
        # Looked at before the thread runs: it may have failed by the next line, and not be over.
        is_waited_for = not self.is_away
        done = self._send(next_question, now, since, turn)
        left = ends - monotonic()
        if done is not None and is_waited_for and not done.wait(left) and left > _TELLING:
            self._lost(_slow(), now)

    def tell(self, next_question: Callable[[], Question | None], now: float) -> None:
        """Ask as `ask` and `ask_in_task` do, without waiting; not at all while another is asked."""
        if not self._may_ask(now):
            return
        if self.is_async:
            loop = asyncio_loop()
            if loop is not None and self._under_way(loop) is None:
                self._send_in_task(next_question, now, monotonic(), loop)
            return
        turn = self._turn
        if turn.acquire(blocking=False):
            self._send(next_question, now, monotonic(), turn)

    def _send(
        self, next_question: Callable[[], Question | None], now: float, since: float, turn: Lock
    ) -> Event | None:
        # Whoever takes it out has it to release, once: an interrupt may come at any line.
        held, done = [turn], Event()
        is_on_its_way = False
        try:
            question = next_question()
            if question is not None:
                self._departed, self._idle_since = monotonic(), _NEVER
                asked = question, now, since, held, done
                Thread(target=self._fly, args=asked, daemon=True).start()
                is_on_its_way = True
        except RuntimeError as error:  # there can be no more threads
            self._lost(error, now)
        finally:
            if not is_on_its_way:
                self._let_go(held)
        return done if is_on_its_way else None

    def _let_go(self, held: list[Lock]) -> None:
        self._departed = _NEVER
        with suppress(IndexError):  # the other one was faster
            held.pop().release()

    def _fly(
        self, question: Question, now: float, since: float, held: list[Lock], done: Event
    ) -> None:
        began = monotonic()
        client, key, arguments = self._client, question.key, question.arguments
        try:
            try:
                reply = client.evalsha(self._sha, 1, key, *arguments)
            except Exception as error:
                if not is_unknown_script(error):
                    raise
                reply = client.eval(self._script, 1, key, *arguments)
            heard = monotonic()
            question.book(number_in(reply), heard - since)
        except Exception as error:  # noqa: BLE001 - logged
            # News may be on their way as their client is closed, after the last request.
            if not question.is_news:
                self._lost(error, now)
        else:
            self._heard(heard - began)
        finally:
            self._let_go(held)
            done.set()

    async def ask_in_task(self, next_question: Callable[[], Question | None], now: float) -> None:
        """Ask in a task of asyncio, as `ask` does in a thread."""
        if not self._may_ask(now):
            return
        since = monotonic()
        loop = asyncio_loop()
        if loop is None:
            self._lost(RuntimeError("redis.asyncio runs on asyncio alone"), now)
            return
        ends = loop.time() + LONGEST
        while (flight := self._under_way(loop)) is not None:
            # A late loop is allowed for once: else each answer that wakes many would make it later.
            is_late = loop.time() > ends
            if self.is_away or is_late or not await _is_over(flight, ends, loop):
                self._tell_if_slow(now)
                return
        flight = self._send_in_task(next_question, now, since, loop)
        left = ends - loop.time()
        if flight is None or self.is_away:
            return
        if not await _is_over(flight, ends, loop) and left > _TELLING:
            self._lost(_slow(), now)

    def _send_in_task(
        self,
        next_question: Callable[[], Question | None],
        now: float,
        since: float,
        loop: asyncio.AbstractEventLoop,
    ) -> asyncio.Task[None] | None:
        question = next_question()
        if question is None:
            return None
        self._departed = monotonic()
        self._flight = flight = loop.create_task(self._fly_in_task(question, now, since))
        # As asyncio's own `gather` has it: it may be under way as its loop is closed, and what it
        # tells may be lost.
        flight._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001
        return flight

    def _under_way(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
        """Return the task of the question that is under way in this loop."""
        flight = self._flight
        is_here = flight is not None and not flight.done() and flight.get_loop() is loop
        return flight if is_here else None

    async def _fly_in_task(self, question: Question, now: float, since: float) -> None:
        began = monotonic()
        client, key, arguments = self._client, question.key, question.arguments
        try:
            try:
                reply = await client.evalsha(self._sha, 1, key, *arguments)
            except Exception as error:
                if not is_unknown_script(error):
                    raise
                reply = await client.eval(self._script, 1, key, *arguments)
            heard = monotonic()
            question.book(number_in(reply), heard - since)
        except Exception as error:  # noqa: BLE001 - logged
            # News may be on their way as their client is closed, after the last request.
            if not question.is_news:
                self._lost(error, now)
        else:
            self._heard(heard - began)

    def _may_ask(self, now: float) -> bool:
        # A question that was under way in the process that this one was forked from never ends.
        if self._process != os.getpid():
            self._renew()
        return not self.is_away or now >= self._again_at

    def _tell_if_slow(self, now: float) -> None:
        """Who has waited for its turn in vain can tell by the question that is under way."""
        if not self.is_away and monotonic() - self._departed >= LONGEST:
            self._lost(_slow(), now)

    def _replace_idle_turn(self) -> None:
        """Replace a turn in which nothing was asked for so long that an interrupt has ended it."""
        if self._departed != _NEVER:
            return
        moment = monotonic()
        if self._idle_since == _NEVER:
            self._idle_since = moment
        elif moment - self._idle_since >= LONGEST:
            self._idle_since, self._turn = _NEVER, Lock()

    def _lost(self, error: Exception, now: float) -> None:
        with self._lock:
            was_away, self.is_away = self.is_away, True
            self._again_at = now + _PAUSE
        if not was_away:
            said = f"{type(error).__name__}: {error}".encode("unicode_escape").decode("ascii")
            _LOGGER.warning(
                "Redis does not answer (%s): each process has a %s of its own until it does",
                said[:_MOST_SHOWN],
                self._what,
            )

    def _heard(self, took: float) -> None:
        with self._lock:
            was_away = self.is_away
            # To be back it has to be well in time: one at the edge would come and go.
            if took > (LONGEST / 2 if was_away else LONGEST):
                return
            self.is_away = False
        if was_away:
            _LOGGER.info("Redis answers again: the %s is shared", self._what)


def _slow() -> Exception:
    return TimeoutError(f"no reply within {LONGEST * 1000:.0f} ms")


async def _is_over(
    flight: asyncio.Task[None], ends: float, loop: asyncio.AbstractEventLoop
) -> bool:
    """Wait until then for a question to be answered; where the loop itself is late, once more."""
    import asyncio  # noqa: PLC0415 - it is loaded: a task of it runs this

    done, _ = await asyncio.wait({flight}, timeout=ends - loop.time())
    if not done and loop.time() - ends > _LATE:
        # Others have held it up, and the answer may lie there.
        done, _ = await asyncio.wait({flight}, timeout=LONGEST)
    return bool(done)

"""Many workers with one bucket: our own budget, and the script that Redis runs, by virtual time.

The script runs in Lua 5.1, as Redis's own; the hash that it keeps is a dict.
"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lupa.lua51 import LuaRuntime
from redis.exceptions import NoScriptError

from httpx_retry._redis.question import Batch
from httpx_retry.redis import RedisRetryBudget

from .contenders import Contender, Ours

if TYPE_CHECKING:
    from httpx_retry import Load
    from httpx_retry._redis.link import Link
    from httpx_retry._redis.question import Draft

    from .model import Clock


class VirtualRedis:
    """As much of a client, and of its server, as the script needs.

    Args:
        clock: what `TIME` reads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hashes: dict[str, dict[str, str]] = {}
        self._ends: dict[str, float] = {}
        self._scripts: dict[str, Any] = {}
        self._lua = LuaRuntime()
        self._lua.globals().redis = self._lua.table_from({"call": self._call})
        self.questions = 0

    def execute_command(self) -> None:
        """As clients have."""

    def pipeline(self, *, transaction: bool) -> VirtualPipeline:
        assert not transaction
        return VirtualPipeline(self)

    def evalsha(self, sha: str, _: int, key: str, *arguments: float) -> Any:
        if sha not in self._scripts:
            raise NoScriptError
        return self._scripts[sha](key, *arguments)

    def eval(self, script: str, _: int, key: str, *arguments: float) -> Any:
        from hashlib import sha1  # noqa: PLC0415 - once

        wrapped = f"function(KEYS, ARGV) {script} end"
        function, table = self._lua.eval(wrapped), self._lua.table_from

        def run(key: str, *arguments: float) -> Any:
            self.questions += 1
            return function(table([key]), table([str(each) for each in arguments]))

        self._scripts[sha1(script.encode()).hexdigest()] = run  # noqa: S324 - as Redis names it
        return run(key, *arguments)

    def _call(self, command: str, key: str = "", *arguments: str) -> Any:
        now = self._clock.now + 1e6
        if command == "TIME":
            return self._lua.table_from([str(int(now)), str(int(now % 1 * 1e6))])
        if now >= self._ends.get(key, now):
            self._hashes.pop(key, None)
        found = self._hashes.setdefault(key, {})
        if command == "HMGET":
            return self._lua.table_from([found.get(each, False) for each in arguments])
        if command == "HSET":
            found.update(zip(arguments[::2], arguments[1::2], strict=True))
            return len(arguments) // 2
        assert command == "EXPIRE"
        self._ends[key] = now + int(arguments[0])
        return 1


class VirtualPipeline:
    """Commands that are executed together."""

    def __init__(self, client: VirtualRedis) -> None:
        self._run = {"EVALSHA": client.evalsha, "EVAL": client.eval}
        self._commands: list[tuple[Any, ...]] = []

    def execute_command(self, *command: Any) -> None:
        self._commands.append(command)

    def execute(self, *, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error
        return [self._reply_to(*command) for command in self._commands]

    def _reply_to(self, name: str, *arguments: Any) -> Any:
        try:
            return self._run[name](*arguments)
        except NoScriptError as error:
            return error


_SERVERS: WeakKeyDictionary[Clock, VirtualRedis] = WeakKeyDictionary()


class Worker(Ours):
    """One of a fleet: all that have the same clock have the same Redis."""

    def __init__(self, clock: Clock) -> None:
        if clock not in _SERVERS:
            _SERVERS[clock] = VirtualRedis(clock)
        budget = RedisRetryBudget(_SERVERS[clock])
        budget._monotonic = lambda: clock.now  # noqa: SLF001 - the one that it is not told
        _answer_at_once(budget._link)  # noqa: SLF001 - its threads would wait in real time
        super().__init__(clock, budget=budget)
        self._budget = budget

    def lease(self, origin: str, load: Load, now: float) -> None:
        self._budget.lease(origin, load, now)


def _answer_at_once(link: Link) -> None:
    def ask(draft: Draft) -> None:
        batch = Batch(draft)
        batch.landed = Event()
        link._fly(batch, None, draft)  # noqa: SLF001 - as said

    link.ask = link.tell = ask  # type: ignore[method-assign] # as said


FLEET = Contender("httpx_retry, one bucket on Redis", Worker)

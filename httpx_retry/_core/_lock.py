"""Which process this is, and a lock that outlives a fork."""

from __future__ import annotations

import os
from threading import Lock


class Process:
    """This process, among those that were forked off one another.

    Its id would say the same, but to ask for that is a call of the kernel: as long as all else that
    a budget does.

    Attributes:
        number: of the forks that led to it.
    """

    number = 0

    @classmethod
    def note_fork(cls) -> None:
        """This is the child."""
        cls.number += 1


# Some systems know no forks.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=Process.note_fork)


class ForkSafeLock:
    """A lock for each process: one that was forked while a thread held it would wait for ever."""

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, Lock] = {}

    def here(self) -> Lock:
        """Return this process's own; the same for all its threads, as it is set in one step."""
        lock = self._locks.get(Process.number)
        return self._locks.setdefault(Process.number, Lock()) if lock is None else lock

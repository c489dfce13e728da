"""A lock that outlives a fork."""

from __future__ import annotations

import os
from threading import Lock


class ForkSafeLock:
    """A lock for each process: one that was forked while a thread held it would wait for ever."""

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, Lock] = {}

    def __reduce__(self) -> tuple[type[ForkSafeLock], tuple[()]]:
        """A copy, in another process or in this one, has locks of its own."""
        return type(self), ()

    def here(self) -> Lock:
        """Return this process's own; the same for all its threads, as it is set in one step."""
        # Asked of the kernel each time: not each fork tells Python, and uWSGI's do not.
        process = os.getpid()
        lock = self._locks.get(process)
        return self._locks.setdefault(process, Lock()) if lock is None else lock

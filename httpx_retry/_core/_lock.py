"""A lock that outlives a fork, and that an interrupt does not find taken by what it interrupts."""

from __future__ import annotations

import os
from threading import RLock


class ForkSafeLock:
    """A lock for each process: one that was forked while a thread held it would wait for ever.

    A signal's handler or a finalizer that sends a request, within what is locked, is let in: what
    it adds there may be lost, or what is added around it.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, RLock] = {}

    def __reduce__(self) -> tuple[type[ForkSafeLock], tuple[()]]:
        """A copy, in another process or in this one, has locks of its own."""
        return type(self), ()

    def here(self) -> RLock:
        """Return this process's own; the same for all its threads, as it is set in one step."""
        # Asked of the kernel each time: not each fork tells Python, and uWSGI's do not.
        process = os.getpid()
        lock = self._locks.get(process)
        return self._locks.setdefault(process, RLock()) if lock is None else lock

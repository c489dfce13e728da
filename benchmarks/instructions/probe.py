"""Runs under callgrind: each case in two children, of which valgrind writes down each one's count.

A child has all that was imported, and ends without tidying up: so what differs between the two is
the calls. It prints which child did what.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import httpx

from httpx_retry import AsyncRetryTransport

from .cases import cases

if TYPE_CHECKING:
    from .cases import Case

# What the first calls alone do is not counted: imports, caches, connections.
WARM = 10


def child(case: Case, count: int) -> None:
    """Do the work, and be gone."""
    work = case.make()
    work.run(WARM)
    gc.collect()
    work.run(count)


def main(http1: str, http2: str, chosen: str) -> None:
    """Run the cases that have `chosen` in their names."""
    # It imports what only tasks need: the first child would compile it, and the second would not.
    AsyncRetryTransport(httpx.AsyncBaseTransport())
    # The collector is on, as everywhere; but what was imported is not its concern here.
    gc.collect()
    gc.freeze()
    for case in cases(http1, http2):
        if chosen not in case.key:
            continue
        for count in case.counts:
            pid = os.fork()
            if not pid:
                try:
                    child(case, count)
                finally:
                    os._exit(0)  # nothing of the interpreter's end is to be counted
            os.waitpid(pid, 0)
            print(case.key, count, pid, sep="|", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])

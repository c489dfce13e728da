"""Which broken bodies arrive? By what the server says of them, and what it can do.

Each download is cut off twice at random places, over real connections. A body that is wrong is
worse than none: two versions must never be spliced, whoever reads them.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from .harness.downloads import DownloadServer, Manner
from .harness.servers import serving
from .harness.tables import Table
from .mending import clients, fetched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .harness.bench import Bench

LONG_AGO = "Sat, 05 Nov 1994 08:49:37 GMT"
CUT = Manner(cuts=2)
SITUATIONS: dict[str, tuple[int, Manner]] = {
    "1 MB, a strong ETag, ranges": (1_000_000, CUT),
    "1 MB, a strong ETag, no ranges": (1_000_000, CUT._replace(has_ranges=False)),
    "1 MB, Last-Modified, ranges": (1_000_000, CUT._replace(etag=None, last_modified=LONG_AGO)),
    "1 MB, a weak ETag": (1_000_000, CUT._replace(etag='W/"1"', has_ranges=False)),
    "1 MB, no validator": (1_000_000, CUT._replace(etag=None, has_ranges=False)),
    "1 MB, no validator, no length": (
        1_000_000,
        CUT._replace(etag=None, has_ranges=False, has_length=False),
    ),
    "10 KB, no validator": (10_000, CUT._replace(etag=None, has_ranges=False)),
    "1 MB, a new version each time, ETags": (1_000_000, CUT._replace(changes=True)),
    "1 MB, a new version each time, no validator": (
        1_000_000,
        CUT._replace(etag=None, has_ranges=False, changes=True),
    ),
}


def measure(bench: Bench) -> Iterator[Table]:
    """Answer it."""
    table = Table(
        "downloads cut off twice",
        {
            "body": "",
            "client": "",
            "whole": ".0%",
            "an error": ".0%",
            "wrong": ".0%",
            "bytes sent / body": ".2f",
        },
        note="Of a body that is another version each time, an error is the right answer.",
    )
    count = bench.pick(50, 1)
    names = list(SITUATIONS)
    for step in bench.steps("body recovery", len(names)):
        length, manner = SITUATIONS[names[step]]
        body = random.Random(1).randbytes(length)
        with serving(DownloadServer, body=body, manner=manner) as server:
            for name, make in clients().items():
                before = server.ask("sent")
                with make() as client:
                    found = [fetched(client, f"{server.url}/{name}/{n}") for n in range(count)]
                sent = (server.ask("sent") - before) / (count * length)
                whole, none = found.count(body) / count, found.count(None) / count
                table.add(names[step], name, whole, none, 1 - whole - none, sent)
    yield table

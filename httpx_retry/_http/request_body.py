"""Which request bodies can be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from .family import Family


def is_replayable(request: httpx.Request, family: Family) -> bool:
    """Whether a second send of the request would carry the same body as the first.

    Bytes, text, JSON and forms are held in memory by httpx and do. Streams and files are read where
    they stand, so a second send would be short or empty.
    """
    return isinstance(request.stream, family.ByteStream)

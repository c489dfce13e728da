"""Is this response the rest of that body? What their headers say; the bytes are told apart later.

Each answer is the first check that failed, in words for a person; None: it may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .representation import OK, PARTIAL

if TYPE_CHECKING:
    from .representation import Facts

_NO_END = "nobody could tell whether it is whole"


def why_not_instead(old: Facts, new: Facts, *, only_reads: bool) -> str | None:
    """Why a response cannot take the place of one of which nothing was delivered.

    Args:
        old: what the caller knows.
        new: of the response that came.
        only_reads: whether the request only asked for what is there.
    """
    if _has_no_end(old, new):
        return _NO_END
    if new.status != old.status or new.kind != old.kind:
        return "another status, Content-Type, Content-Encoding or Location"
    # Of a session that was begun twice, the client would keep the first, and the server the second.
    if new.cookies != old.cookies and not only_reads:
        return "another Set-Cookie"
    # Of a part, the caller has seen which one it is, and may have checked of what.
    if old.status == PARTIAL and (new.span != old.span or new.validator != old.validator):
        return "another part, or a part of another version"
    # Whoever keeps the body, as a cache does, may have noted already which version it is of. But
    # what a second PUT has made is the one that is there now.
    if only_reads and not old.may_be(new):
        return "another ETag or Last-Modified"
    return None


def why_not_the_rest(
    old: Facts, new: Facts, offset: int, *, takes_part: bool, compares: bool
) -> str | None:
    """Why a response cannot go on with a body of which some was delivered.

    Args:
        old: what the caller knows.
        new: of the response that came.
        offset: where the rest begins, in bytes of the whole.
        takes_part: whether a part may be it: one was asked for.
        compares: whether the bytes that were delivered can be compared with those of a whole.
    """
    if _has_no_end(old, new):
        return _NO_END
    if new.coding != old.coding:
        return "another Content-Encoding"
    if old.validator is None:
        if not old.may_be(new):
            return "another ETag or Last-Modified"
        told = (old.status, old.kind, old.length, old.span)
        is_same = (new.status, new.kind, new.length, new.span) == told
        return None if is_same else "another status, Content-Type, Content-Length or Content-Range"
    if new.status not in (OK, PARTIAL):
        return f"status {new.status}"
    if new.validator != old.validator:
        return "another validator"
    if new.status == PARTIAL and takes_part:
        return _why_not_this_part(old, new, offset)
    if new.status != OK or new.span is not None:
        return "a part that was not asked for, or a Content-Range without a 206"
    if old.is_coded and not compares:
        return "it may be encoded to other bytes"
    return "another length" if _is_another(old.total, new.total) else None


def _why_not_this_part(old: Facts, new: Facts, offset: int) -> str | None:
    span = new.span
    if span is None or new.media_type == b"multipart/byteranges":
        return "no single Content-Range"
    expected = old.last
    if expected is None and span.total is not None:
        expected = span.total - 1
    if span.start != offset or span.end != expected:
        return f"Content-Range {span.start}-{span.end} where {offset}-{expected} is missing"
    if _is_another(old.total, span.total):
        return "another length in all"
    if new.length is not None and new.length != span.size:
        return "a Content-Length that contradicts its Content-Range"
    if new.is_coded and not new.counts_encoded_bytes:
        return "a part that was encoded on the fly"
    return None


def _has_no_end(old: Facts, new: Facts) -> bool:
    return new.ends_with_connection and not old.ends_with_connection


def _is_another(total: int | None, other: int | None) -> bool:
    return total is not None and other is not None and total != other

"""What the headers of a response say of its body (RFC 9110 §8.6, §8.8, §14.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .hints import read_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

# RFC 9110 §8.8.2.2: a date that is this many seconds older than its response is a strong validator.
_SETTLED = 60.0

# Patterns are compiled when one is first needed: it takes as long as to load this room.
# Without obs-text: httpx could not send it back. An empty one is of servers that name nothing.
_STRONG_ETAG = rb'"[\x21\x23-\x7e]+"'
_EMPTY = (b"", b'""', b'W/""')
_MOST_DIGITS = 18
_SPAN = rb"(?i:bytes) ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)"
OK = 200
PARTIAL = 206

# What follows the headers of these is no body, and may be another protocol.
WITHOUT_BODY = frozenset({101, 204, 304})

# What is said twice here is a list; elsewhere neither value can be relied on.
_LISTED = frozenset({b"content-type", b"content-encoding", b"location"})

COOKIES = b"set-cookie"

_NOT_CODED = (None, b"", b"identity")

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

_READ = _LISTED | _FRAMING | {b"content-range", b"etag", b"last-modified", b"date"}


# See `fields_of`.
Fields = Sequence[tuple[bytes, bytes, bytes]]


class Span(NamedTuple):
    """A Content-Range: the first and last byte, and of how many; None where it does not say."""

    start: int
    end: int
    total: int | None

    @property
    def size(self) -> int:
        """How many bytes that is."""
        return self.end - self.start + 1


class Facts(NamedTuple):
    """What the headers of a response say of its body.

    Attributes:
        status: the status code.
        kind: Content-Type, Content-Encoding and Location: what the client has acted on already.
        length: Content-Length; None where there is none, or no valid one.
        span: Content-Range; None as for `length`.
        validator: a strong ETag of a 200 or 206, or a strong Last-Modified of one that is not
            encoded; None where there is none.
        ends_with_connection: whether nothing but the end of its connection ends it: then nobody
            notices that it is short.
        cookies: the values of Set-Cookie, which the client has stored already.
        version: ETag and Last-Modified, strong or weak; None where there is none.
    """

    status: int
    kind: tuple[bytes | None, bytes | None, bytes | None]
    length: int | None
    span: Span | None
    validator: bytes | None
    ends_with_connection: bool = False
    cookies: tuple[bytes, ...] = ()
    version: tuple[bytes | None, bytes | None] = (None, None)

    @property
    def first(self) -> int:
        """The offset of its first byte in the whole."""
        return self.span.start if self.status == PARTIAL and self.span is not None else 0

    @property
    def last(self) -> int | None:
        """The offset of its last byte in the whole; None where it does not say."""
        if self.status == PARTIAL:
            return None if self.span is None else self.span.end
        return None if self.length is None else self.length - 1

    @property
    def total(self) -> int | None:
        """The bytes of the whole; None where it does not say."""
        if self.status == PARTIAL:
            return None if self.span is None else self.span.total
        return self.length

    @property
    def coding(self) -> bytes | None:
        """The Content-Encoding; None where there is none."""
        return self.kind[1]

    @property
    def is_coded(self) -> bool:
        """Whether a Content-Encoding was applied: when, and by whom, nobody says."""
        return self.coding not in _NOT_CODED

    @property
    def counts_encoded_bytes(self) -> bool:
        """Whether its numbers are of the bytes that are sent, and none of what was encoded.

        What compresses on the fly knows no length, and may leave the Content-Range that it found.
        """
        return self.length is not None and (self.span is None or self.length == self.span.size)

    def may_be(self, other: Facts) -> bool:
        """Whether another one is of the same version, as far as this one says of which it is."""
        if self.validator is not None and self.validator == other.validator:
            return True  # what is strong has the say (RFC 9110 §13.1.3)
        (etag, modified), (other_etag, other_modified) = self.version, other.version
        return etag in (None, other_etag) and modified in (None, other_modified)

    @property
    def media_type(self) -> bytes:
        """The Content-Type without its parameters."""
        return re.split(rb"[;,]", self.kind[0] or b"")[0].strip().lower()


def fields_of(headers: httpx.Headers) -> Fields:
    """Return the name, the name in small letters and the value of each header.

    `headers.get` takes eight times as long as a look at what httpx keeps behind it, so this looks,
    where it is there.
    """
    try:
        return headers._list  # noqa: SLF001 - as said
    except AttributeError:
        return [(name, name.lower(), value) for name, value in headers.raw]


def length_of(headers: httpx.Headers) -> bytes | None:
    """Return the value of Content-Length as it was sent; None where none holds.

    Transfer-Encoding overrides it (RFC 9112 §6.3).
    """
    try:
        kept: Fields = headers._list  # noqa: SLF001 - `fields_of`, without the call
    except AttributeError:
        kept = fields_of(headers)
    found: bytes | None = None
    for _, name, value in kept:
        if name in _FRAMING:
            if name != b"content-length":
                return None
            found = value
    return found


def facts_of(
    status: int, headers: Iterable[tuple[bytes, bytes]], http_version: bytes = b""
) -> Facts:
    """Read what is needed of a response. Never raises.

    Args:
        status: its status code.
        headers: its raw headers.
        http_version: as httpcore spells it; empty where it is not known.
    """
    found: dict[bytes, bytes] = {}
    lists: dict[bytes, list[bytes]] | None = None
    cookies: tuple[bytes, ...] = ()
    for name, value in headers:
        lowered = name.lower()
        if lowered in _READ:
            said = value.strip()
            if lowered not in found:
                found[lowered] = said
            elif lowered in _LISTED:
                lists = lists or {}
                lists.setdefault(lowered, [found[lowered]]).append(said)
            else:
                found[lowered] = b""
        elif lowered == COOKIES:
            cookies += (value,)
    if lists:
        found.update((name, b", ".join(values)) for name, values in lists.items())
    # As `length_of`.
    is_framed = b"transfer-encoding" in found
    length = b"" if is_framed else found.get(b"content-length", b"")
    return Facts(
        status,
        (found.get(b"content-type"), found.get(b"content-encoding"), found.get(b"location")),
        int(length) if length.isdigit() and len(length) <= _MOST_DIGITS else None,
        _span(found.get(b"content-range")),
        _strong_validator(found) if status in (OK, PARTIAL) else None,
        http_version.startswith(b"HTTP/1")
        and status not in WITHOUT_BODY
        and not length
        and not is_framed,
        cookies,
        (_named(found.get(b"etag")), _named(found.get(b"last-modified"))),
    )


def _named(value: bytes | None) -> bytes | None:
    return None if value in _EMPTY else value


def _span(value: bytes | None) -> Span | None:
    match = re.fullmatch(_SPAN, value) if value else None
    if match is None:
        return None
    start, end = int(match[1]), int(match[2])
    total = None if match[3] == b"*" else int(match[3])
    return Span(start, end, total) if start <= end and (total is None or end < total) else None


def _strong_validator(found: dict[bytes, bytes]) -> bytes | None:
    etag = found.get(b"etag")
    if etag is not None:
        return etag if re.fullmatch(_STRONG_ETAG, etag) else None
    modified = found.get(b"last-modified")
    # It tells of what was encoded, and the same may be encoded to other bytes the next time.
    if not modified or found.get(b"content-encoding") not in _NOT_CODED:
        return None
    then, now = read_date(modified), read_date(found.get(b"date"))
    settled = then is not None and now is not None and now - then >= _SETTLED
    return modified if settled else None

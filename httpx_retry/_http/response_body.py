"""A response body on its way to the caller: what was delivered, and is this the rest of it?

Two versions are never spliced. With a strong validator (RFC 9110 §8.8) the rest is asked for by
range (§13.1.5, §14), or what was delivered is skipped; without one, a digest of what was delivered
has to match. All offsets are of the encoded bytes, which is what ranges count. So what is encoded
has to match as well where it is skipped: servers compress on the fly, to other bytes each time, and
leave the validator of what they compress.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .continuation import why_not_instead, why_not_the_rest
from .representation import PARTIAL, Facts, length_of
from .rest import Rest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

# A body of this many bytes or less is whole before its first byte is delivered.
_SMALL = 1 << 16
_DIGITS_OF_SMALL = len(str(_SMALL))
# Without a validator, what was delivered is remembered by its digest up to here.
_DIGESTED = 1 << 24
# Without a length either, seconds after which a body is a feed, and for which skipping may take.
_YOUNG = 5.0
# These are only asked for what is there; the answer to another PUT or POST may be about that one.
CONTINUED_METHODS = frozenset({"GET", "QUERY"})
# Ranges are defined for no other method (RFC 9110 §14.2).
_RANGED_METHOD = "GET"


def is_small(headers: httpx.Headers) -> bool:
    """Whether a Content-Length says that the body is to be whole before it is delivered.

    Asked of each response that is read.
    """
    value = length_of(headers)
    if value is None or not value.isdigit():
        return False
    # Shorter ones need no int(), a quarter of this function's time.
    fewer = len(value) - _DIGITS_OF_SMALL
    return fewer < 0 or (fewer == 0 and int(value) <= _SMALL)


class Body:
    """One response body, from its first byte to its last, over as many responses as it takes.

    Args:
        facts: of the response that it began with.
        monotonic: the clock, in seconds.
        method: of its request.

    Attributes:
        delivered: bytes that the caller has.
        refusal: why what comes now is not the rest; None while it is.
        is_over: whether nothing more is to be taken: all is there, or there is a refusal.
    """

    __slots__ = (
        "_born",
        "_digest",
        "_ends",
        "_held",
        "_is_continued",
        "_method",
        "_monotonic",
        "_rest",
        "delivered",
        "facts",
        "is_over",
        "refusal",
    )

    def __init__(self, facts: Facts, monotonic: Callable[[], float], method: str) -> None:
        self.delivered = 0
        self._monotonic = monotonic
        self._method = method
        self._is_continued = method in CONTINUED_METHODS  # after a part of it was delivered
        self._begin(facts)

    def _begin(self, facts: Facts) -> None:
        self.facts = facts
        self.refusal: str | None = None
        self.is_over = False
        self._rest: Rest | None = None  # of a later response than the one that it began with
        self._ends: float | None = None  # by when a rest that has no length must have caught up
        self._digest: Any = None
        self._born: float | None = None
        is_small = facts.length is not None and facts.length <= _SMALL
        self._held: list[bytes] | None = [] if is_small else None
        if self._is_continued and not is_small and (facts.validator is None or facts.is_coded):
            self._digest = sha256()
            if facts.validator is None and facts.length is None:
                self._born = self._monotonic()

    @property
    def is_only_counted(self) -> bool:
        """Whether all of this response is to be delivered as it comes, and added to `delivered`."""
        return self._rest is None and self._held is None and self._digest is None

    @property
    def is_all_of_the_latest(self) -> bool:
        """Whether what the caller gets is the latest response's body, from its first byte on."""
        rest = self._rest
        is_from_the_start = rest is None or (self.facts.validator is None and rest.has_skipped)
        return is_from_the_start and self.refusal is None

    @property
    def is_skipping(self) -> bool:
        """Whether what comes now is what was delivered before."""
        return self._rest is not None and not self._rest.has_skipped

    @property
    def skips_until(self) -> float | None:
        """The monotonic second by which it must not be skipping any more; None: whenever."""
        return self._ends if self.is_skipping else None

    def take(self, chunk: bytes) -> bytes:
        """Return what of a chunk is to be delivered now. Once it `is_over`, none is to be taken."""
        if self._held is not None:
            self._held.append(chunk)
            return b""
        rest = self._rest
        if rest is not None:
            until = self.skips_until
            if until is not None and self._monotonic() > until:
                rest.refusal = "skipping took too long"
                chunk = b""
            else:
                chunk = rest.cut(chunk)
            self.refusal, self.is_over = rest.refusal, rest.is_over
        self.delivered += len(chunk)
        if self._digest is not None:
            if self.delivered > _DIGESTED:
                self._digest = None
            else:
                self._digest.update(chunk)
        return chunk

    def end(self) -> Sequence[bytes]:
        """The response has ended. Return what was held back of it."""
        if self._rest is not None:
            self._rest.end()
            self.refusal = self._rest.refusal
        held, self._held = self._held or (), None
        return held

    def cannot_go_on(self) -> str | None:
        """Return why no rest can be asked for; None where it can."""
        facts = self.facts
        self._held = None  # of one that broke off it is of no use
        if not self.delivered:
            return None
        if not self._is_continued:
            another = f"another {self._method} may be answered differently"
            return f"a part of it was delivered, and {another}"
        if facts.media_type == b"text/event-stream":
            return "events were delivered"
        if facts.media_type == b"multipart/byteranges" or (
            facts.status == PARTIAL and facts.span is None
        ):
            return "its ranges are several, or not told"
        if facts.status != PARTIAL and facts.span is not None:
            return "a Content-Range without a 206"
        if facts.last is not None and self._offset > facts.last:
            return "what it said to be all had come"
        if facts.validator is None or (facts.is_coded and not self._asks_ranges):
            return self._why_no_digest()
        return None

    @property
    def _asks_ranges(self) -> bool:
        """Whether a part can be the rest: not of what was encoded on the fly."""
        facts = self.facts
        return (
            self._method == _RANGED_METHOD
            and facts.validator is not None
            and (not facts.is_coded or facts.counts_encoded_bytes)
        )

    def _why_no_digest(self) -> str | None:
        if self._digest is None:
            what = "no validator" if self.facts.validator is None else "encoded on the fly"
            return f"{what}, and more than {_DIGESTED >> 20} MiB were delivered"
        if self._born is not None and self._monotonic() - self._born > _YOUNG:
            return f"no validator and no length, and older than {_YOUNG:g} s"
        return None

    def grow_older(self, seconds: float) -> None:
        """Let time pass for this body alone."""
        if self._born is not None:
            self._born -= seconds

    def ask_for_rest(self, request: httpx.Request) -> None:
        """Put the range that is missing, if one can be asked for, into a request."""
        validator = self.facts.validator
        if self.delivered and validator is not None and self._asks_ranges:
            last = self.facts.last
            is_partial = self.facts.status == PARTIAL
            end = last if is_partial and last is not None else ""
            request.headers["Range"] = f"bytes={self._offset}-{end}"
            request.headers["If-Range"] = validator.decode("latin-1")

    @property
    def _offset(self) -> int:
        return self.facts.first + self.delivered

    def accept(self, new: Facts) -> bool:
        """Whether a response goes on with this body; else `refusal` says which check failed."""
        if not self.delivered:
            self.refusal = why_not_instead(self.facts, new, only_reads=self._is_continued)
            if self.refusal is None:
                self._begin(new)
            return self.refusal is None
        # What is before a part that was asked for first was not delivered, and can't be compared.
        compares = self._digest is not None and self.facts.status != PARTIAL
        self.refusal = why_not_the_rest(
            self.facts, new, self._offset, takes_part=self._asks_ranges, compares=compares
        )
        if self.refusal is None:
            self._rest = self._rest_in(new)
        return self.refusal is None

    def _rest_in(self, new: Facts) -> Rest:
        facts = self.facts
        if facts.validator is None:
            return self._rest_after_the_same()
        if new.status == PARTIAL:
            assert new.span is not None
            return Rest(skip=0, left=new.span.size)
        last = facts.last
        return Rest(
            skip=self._offset,
            left=None if last is None else last + 1 - self._offset,
            # The whole where a part was asked for first: what follows the part is not wanted.
            may_be_longer=facts.status == PARTIAL,
            digest=self._digest.digest() if facts.is_coded else None,
        )

    def _rest_after_the_same(self) -> Rest:
        if self.facts.length is None:
            self._ends = self._monotonic() + _YOUNG
        return Rest(self.delivered, None, digest=self._digest.digest())

"""What one more response has of a body of which some was delivered."""

from __future__ import annotations

from hashlib import sha256


class Rest:
    """Cuts a response to what is missing: skips its beginning, and stops where the body ends.

    Args:
        skip: bytes at its beginning that were delivered.
        left: bytes after these that are missing; None: all that come.
        may_be_longer: whether more may follow, which nobody wants; else that is a refusal.
        digest: of what was delivered, where the bytes that are skipped must be the same.

    Attributes:
        refusal: why what comes is not the rest; None while it is.
    """

    __slots__ = ("_digest", "_left", "_may_be_longer", "_skip", "_skipped", "refusal")

    def __init__(
        self,
        skip: int,
        left: int | None,
        *,
        may_be_longer: bool = False,
        digest: bytes | None = None,
    ) -> None:
        self._skip = skip
        self._left = left
        self._may_be_longer = may_be_longer
        self._digest = digest
        self._skipped = sha256()
        self.refusal: str | None = None

    @property
    def has_skipped(self) -> bool:
        """Whether all that was delivered was skipped."""
        return not self._skip

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be taken: all is there, or there is a refusal."""
        return self.refusal is not None or (self._may_be_longer and self._left == 0)

    def cut(self, chunk: bytes) -> bytes:
        """Return what of a chunk is missing. Once there is a refusal, no more is to be cut."""
        if self._skip:
            skipped, chunk = chunk[: self._skip], chunk[self._skip :]
            self._skip -= len(skipped)
            self.refusal = self._why_not_after(skipped)
            if self.refusal is not None:
                return b""
        if self._left is None:
            return chunk
        if len(chunk) > self._left and not self._may_be_longer:
            self.refusal = "it is longer than it said"
        chunk = chunk[: self._left]
        self._left -= len(chunk)
        return chunk

    def _why_not_after(self, skipped: bytes) -> str | None:
        if self._digest is None:
            return None
        self._skipped.update(skipped)
        differs = not self._skip and self._skipped.digest() != self._digest
        return "its first bytes differ from those delivered" if differs else None

    def end(self) -> None:
        """The response has ended."""
        if self.refusal is None and (self._skip or self._left):
            self.refusal = "it is shorter than what it continues"

"""Keys: what they begin with is checked, and each origin's are in one slot of a cluster."""

from __future__ import annotations


def check_prefix(prefix: object) -> str:
    """Return the prefix.

    Raises:
        TypeError: unless it is a string.
        ValueError: where it is empty, or would hide the origin from a cluster.
    """
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a string, not {prefix!r}")
    if not prefix or "{" in prefix:
        raise ValueError(f"prefix must not be empty, nor have a brace, not be {prefix!r}")
    return prefix


def key_of(prefix: str, what: str, origin: str) -> str:
    """Return an origin's key: a cluster hashes what is in braces alone."""
    return f"{prefix}:{what}:{{{origin}}}"

"""What is known of the wrapped transport, and of those that it wraps in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from .family import Family
    from .witness import Witness

    AsTrace = Callable[[Witness, Any], Callable[[str, dict[str, Any]], Any]]


class Wire(NamedTuple):
    """What requests go out through.

    Attributes:
        family: the httpx that it belongs to.
        as_trace: makes a trace extension, for its world, of a witness and the caller's own trace;
            None where it does not trace.
        has_proxy: whether it is known to use an HTTP proxy.
        runs_app: whether it calls an application in this process, whose own errors come out of it.
        renames: whether it is another library's, which gives its own errors the names of httpx's.
    """

    family: Family
    as_trace: AsTrace | None
    has_proxy: bool = False
    runs_app: bool = False
    renames: bool = False


def wire_of(transport: object, family: Family, as_trace: AsTrace) -> Wire:
    """Return what is known of a transport of this family."""
    parts = transports_in(transport, family)
    return Wire(
        family,
        None if isinstance(transport, family.traceless) else as_trace,
        has_proxy=any(_has_proxy(part) for part in parts),
        runs_app=any(isinstance(part, family.apps) for part in parts),
        renames=not all(
            isinstance(part, family.own) or _wrapped_by(part, family) for part in parts
        ),
    )


def transports_in(transport: object, family: Family) -> list[object]:
    """Return a transport and those of its family that it wraps, as far as its attributes tell."""
    found: list[object] = []
    unseen = [transport]
    while unseen:
        each = unseen.pop()
        if not any(each is known for known in found):
            found.append(each)
            unseen += _wrapped_by(each, family)
    return found


def _wrapped_by(transport: object, family: Family) -> list[object]:
    held = getattr(transport, "__dict__", {}).values()
    return [value for value in held if isinstance(value, family.transports)]


def _has_proxy(transport: object) -> bool:
    """Whether it is httpx's own HTTP transport with an HTTP proxy: SOCKS has no tunnels to lose."""
    pool = getattr(transport, "_pool", None)
    scheme = getattr(getattr(pool, "_proxy_url", None), "scheme", b"")
    return scheme.startswith(b"http")

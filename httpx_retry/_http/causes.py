"""What lies behind an exception of httpx: the objects, as the texts differ from world to world."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# Causes form a short chain; one that is longer, or a ring, is not followed.
_LONGEST_CHAIN = 12


def chain_of(error: BaseException) -> tuple[Any, ...]:
    """Return the exception and what is behind it: exceptions, and h2's events.

    httpcore's pool takes its exceptions' causes away, but leaves what they were made of as their
    first argument; tries to connect come as a group. Contexts are not followed: they may lead to
    what the caller was busy with.
    """
    return tuple(_links(error))


def _links(link: Any) -> Iterator[Any]:
    for _ in range(_LONGEST_CHAIN):
        yield link
        behind = _behind(link)
        if behind is None:
            return
        link = behind


def _behind(link: Any) -> Any:
    if not isinstance(link, BaseException):
        return None
    # A group's; an attribute of that name may be anything.
    members = getattr(link, "exceptions", None)
    of_group = members[:1] if type(members) is tuple else ()
    for candidate in (link.__cause__, *link.args[:1], *of_group):
        if isinstance(candidate, BaseException) or type(candidate).__module__ == "h2.events":
            return candidate
    return None


def was_refused(error: BaseException) -> bool:
    """Whether nobody listened where a connection was asked for."""
    return any(isinstance(link, ConnectionRefusedError) for link in chain_of(error))


def first(chain: tuple[Any, ...], module: str, name: str) -> Any:
    """Return the first link of a class, as `is_a` tells it; None where there is none."""
    return next((link for link in chain if is_a(link, module, name)), None)


def is_a(thing: object, module: str, name: str) -> bool:
    """Whether it is of a class of a module that may not be loaded: then nothing is."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(thing, getattr(loaded, name, ()))

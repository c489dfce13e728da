"""What lies behind an exception of httpx: the objects, as the texts differ from world to world."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

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


def names_the_network(chain: tuple[Any, ...]) -> bool:
    """Whether a connection was not even made: refused, unreachable, no such name."""
    return any(
        isinstance(link, OSError)
        and not isinstance(link, ConnectionResetError | BrokenPipeError | TimeoutError)
        and not is_a(link, "ssl", "SSLError")
        for link in chain
    )


def is_of_proxy(chain: tuple[Any, ...]) -> bool:
    """Whether it was the connection to the proxy that failed, and no tunnel had been asked for.

    Nothing but the place in httpcore tells it: what makes connections is not what secures tunnels.
    """
    frames = (frame for link in chain for frame in frames_of(link))
    return any(
        frame.f_code.co_name == "_connect"
        and frame.f_globals.get("__name__", "").endswith(".connection")
        for frame in frames
    )


def frames_of(link: Any) -> Iterator[FrameType]:
    """The frames that an exception came through."""
    step = link.__traceback__ if isinstance(link, BaseException) else None
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


def says_too_much(error: BaseException) -> bool:
    """Whether another library's error, which has the name of one of httpx's, proves less than it.

    Some call every connection that breaks a `ConnectTimeout` or a `ConnectError`. Where there is
    nothing behind the name, it is believed: so mocks say what is to be tested.
    """
    behind = error.__cause__
    if behind is None and not error.__suppress_context__:
        behind = _handled_by(error)
    if behind is None or type(behind).__module__ in _OWN_LIBRARIES:
        return False
    chain = chain_of(behind)
    return not any(first(chain, module, name) for module, name in _NOT_CONNECTED)


def _handled_by(error: BaseException) -> BaseException | None:
    """What the transport was handling when it raised this: not what its caller was busy with."""
    context, own = error.__context__, set(frames_of(error))
    return context if any(frame in own for frame in frames_of(context)) else None


_OWN_LIBRARIES = ("httpcore", "httpcore2")
_NOT_CONNECTED = (
    ("aiohttp", "ClientConnectorError"),
    ("aiohttp", "ConnectionTimeoutError"),
    ("builtins", "ConnectionRefusedError"),
    ("socket", "gaierror"),
)

"""What a script may say, and what each entry comes to: a response, or an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx

from .._core._checks import check_count
from ._responses import (
    Headers,
    check_body,
    check_head,
    describe,
    encoded,
    headers_of,
    is_status,
    stream_of,
    unread,
)

if TYPE_CHECKING:
    from .._http.family import Family

_NAMED = (
    "a status, (status, headers), (status, headers, body), a Response, a BreaksOff,"
    " an exception, or a function that returns one of these"
)


class BreaksOff:
    """An entry of a script: a response whose body breaks off.

    Args:
        body: what it would have been in whole: `Content-Length` says how long, unless `headers` say
            otherwise.
        after: bytes of it that arrive.
        status: the status code.
        headers: the response's headers.
        error: what reading on raises: an exception or a class; None: what httpx raises when the
            peer closes the connection, a `RemoteProtocolError`.

    Raises:
        ValueError: where `after` is not within the body.
        TypeError: for a value of the wrong type.
    """

    def __init__(
        self,
        body: bytes | str,
        after: int,
        *,
        status: int = 200,
        headers: Headers = (),
        error: Exception | type[Exception] | None = None,
    ) -> None:
        check_count("after", after, at_least=0)
        if not isinstance(body, bytes | str):
            raise TypeError(f"body must be bytes or str, not {body!r}")
        self.body: bytes = body.encode() if isinstance(body, str) else body
        if after > len(self.body):
            raise ValueError(f"after must be at most the body's {len(self.body)}, not {after}")
        check_head(status, headers, "a response whose body breaks off")
        if error is not None and not _is_exception(error):
            raise TypeError(f"error must be an exception or a class of them, not {error!r}")
        self.after = after
        self.status = status
        self.headers = headers
        self.error = error

    def __repr__(self) -> str:
        return f"<BreaksOff {self.status} after {self.after} of {len(self.body)} bytes>"

    def error_for(self, request: httpx.Request, family: Family) -> BaseException:
        """Return what the body ends with."""
        if self.error is not None:
            return as_exception(self.error, request, family)
        return family.RemoteProtocolError(
            "peer closed connection without sending complete message body"
            f" (received {self.after} bytes, expected {len(self.body)})",
            request=request,
        )


Entry = (
    int
    | tuple[int, Headers]
    | tuple[int, Headers, Any]
    | httpx.Response
    | BreaksOff
    | BaseException
    | type[BaseException]
    | Callable[[httpx.Request], Any]
)
"""One entry of a script:

- a status: `503`;
- a status with headers, and with a body: `(429, {"Retry-After": "60"})`, `(200, {}, b"done")`. The
  body is bytes, text, or anything that JSON can say;
- an `httpx.Response`: each use gives an unread copy; one with a stream of its own, itself;
- a `BreaksOff`: a response whose body does;
- an exception, or a class of exceptions: raised, its `request` set. A class of httpx stands for
  the class of that name in httpx2 as well, and the other way round;
- a function, sync or async, that is given the request, its body read, and returns an entry.
"""


def check_entry(entry: object, name: str, family: Family) -> None:
    """Raise unless a script may say `entry`.

    Raises:
        TypeError: where it may not.
        ValueError: for a status out of range.
    """
    if isinstance(entry, tuple) and len(entry) in _LENGTHS:
        check_head(entry[0], entry[1], name)
        for body in entry[2:]:
            check_body(body, name)
    elif is_status(entry):
        check_head(entry, (), name)
    elif isinstance(entry, BreaksOff):
        _check_error(entry.error, name, family)
    elif _is_exception(entry):
        _check_error(entry, name, family)
    elif not (isinstance(entry, family.Response) or is_function(entry)):
        _check_family(entry, "Response", name, family)
        raise TypeError(f"{name} must be {_NAMED}, not {entry!r}")


def _check_error(error: Any, name: str, family: Family) -> None:
    if isinstance(error, type):
        try:
            error = _made(error, family)
        except TypeError as wrong:
            raise TypeError(
                f"{name} must be an instance of {error.__name__}, not the class: {wrong}"
            ) from wrong
    _check_family(error, "RequestError", name, family)


def _check_family(thing: object, kind: str, name: str, family: Family) -> None:
    other = family.other_of(thing, kind)
    if other is not None:
        raise TypeError(f"{name} must be of {family.name}, not {thing!r} of {other}")


_LENGTHS = (2, 3)


def _is_exception(entry: object) -> bool:
    if isinstance(entry, type):
        return issubclass(entry, BaseException)
    return isinstance(entry, BaseException)


def is_function(entry: object) -> bool:
    """Whether an entry is to be asked for the entry that it stands for."""
    return callable(entry) and not isinstance(entry, type)


def named(entry: Any) -> str:
    """What a list of a script's entries calls one."""
    if isinstance(entry, type) or is_function(entry):
        return str(getattr(entry, "__name__", entry))
    if isinstance(entry, tuple):
        return str(entry[0])
    return repr(entry)


def as_exception(
    error: BaseException | type[BaseException], request: httpx.Request, family: Family
) -> BaseException:
    """Return the exception to raise, its `request` set where it has one."""
    if isinstance(error, type):
        error = _made(error, family)
    if isinstance(error, family.RequestError):
        error.request = request
    # One that is raised again begins anew.
    return error.with_traceback(None)


def _made(kind: type[BaseException], family: Family) -> BaseException:
    own = family.exception_like(kind)
    # httpx's own take a message, others may not.
    takes_message = own.__init__ is family.RequestError.__init__
    return own("as scripted") if takes_message else own()


def played(entry: Any, request: httpx.Request, family: Family) -> httpx.Response:
    """Return the response that an entry which is no function comes to.

    Raises:
        BaseException: the exception that the entry is.
    """
    if _is_exception(entry):
        raise as_exception(entry, request, family)
    if isinstance(entry, family.Response):
        return unread(entry, request, family)
    if isinstance(entry, BreaksOff):
        headers = headers_of(entry.headers, family)
        describe(headers, entry.body, None)
        error = entry.error_for(request, family)
        stream = stream_of(entry.body[: entry.after], request, family, error)
        return family.Response(entry.status, headers=headers, stream=stream)
    status, given, *bodies = (entry, ()) if is_status(entry) else entry
    headers, body = headers_of(given, family), b""
    if bodies:
        body, media_type = encoded(bodies[0])
        describe(headers, body, media_type)
    return family.Response(status, headers=headers, stream=stream_of(body, request, family))

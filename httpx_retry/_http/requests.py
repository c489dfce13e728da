"""Requests beside the caller's own: copied, compared, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

# Of each header: its name, the name in small letters, and its value.
Fields = Sequence[tuple[bytes, bytes, bytes]]
# See `as_sent`.
AsSent = tuple[str, Fields, dict[str, Any]]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def copied(request: httpx.Request) -> httpx.Request:
    """Return a request whose headers and extensions may be changed without changing the original's.

    The body's stream is shared, and what was read of it stays readable: signatures need `content`.
    So is what stands in the extensions: a wrapped transport may fill it in for the caller.
    """
    copy = object.__new__(type(request))
    copy.__dict__.update(request.__dict__)
    copy.headers = request.headers.copy()
    copy.extensions = dict(request.extensions)
    return copy


def as_sent(request: httpx.Request) -> AsSent:
    """What is kept of a request that others have their hands on: method, headers and extensions.

    A plain tuple, as each request needs one.
    """
    return request.method, tuple(getattr(request.headers, "_list", ())), dict(request.extensions)


def is_as_sent(request: httpx.Request, sent: AsSent) -> bool:
    """Whether nobody has changed it since."""
    method, fields, extensions = sent
    now = request.extensions
    if (
        request.method != method
        or len(now) != len(extensions)
        or fields != tuple(getattr(request.headers, "_list", ()))
    ):
        return False
    for name, value in extensions.items():
        # Not compared: how they would be is theirs to say.
        if name not in now or now[name] is not value:
            return False
    return True


def restored(request: httpx.Request, sent: AsSent) -> httpx.Request:
    """Return a copy of it, as it was sent."""
    copy = copied(request)
    copy.method, fields, extensions = sent
    copy.headers = type(copy.headers)([(name, value) for name, _, value in fields])
    copy.extensions = dict(extensions)
    return copy


def is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two URLs share scheme, host and port (RFC 6454 §5)."""
    return origin_of(one) == origin_of(other)


def origin_of(url: httpx.URL) -> str:
    """The origin of a URL (RFC 6454 §6.2): scheme, host and port, and no secret."""
    # What httpx keeps behind its properties, where it is there: each of these costs as much as all
    # else here.
    parts: Any = getattr(url, "_uri_reference", url)
    scheme, host, port = parts.scheme, parts.host, parts.port
    if "xn--" in host:
        host = url.host
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port == _DEFAULT_PORTS.get(scheme):
        port = None  # httpx keeps it where the scheme was written in capitals
    return f"{scheme}://{host}" if port is None else f"{scheme}://{host}:{port}"


def has_request(response_or_error: httpx.Response | httpx.RequestError) -> bool:
    """Whether its `request` is set: httpx raises where it is not."""
    try:
        return response_or_error.request is not None
    except RuntimeError:
        return False

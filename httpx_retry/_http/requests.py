"""Requests beside the caller's own: copied, compared, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}


def copied(request: httpx.Request) -> httpx.Request:
    """Return a request whose headers and extensions may be changed without changing the original's.

    The body's stream is shared, and what was read of it stays readable: signatures need `content`.
    So is what stands in the extensions: a wrapped transport may fill it in for the caller.
    """
    copy = object.__new__(type(request))
    copy.__dict__.update(request.__dict__)
    copy.headers = _copied_headers(request.headers)
    copy.extensions = dict(request.extensions or ())
    return copy


def _copied_headers(headers: httpx.Headers) -> httpx.Headers:
    """Return a copy.

    httpx's own would have both guess an encoding, for good: no other could be added then.
    """
    if not hasattr(headers, "_list"):
        return headers.copy()
    copy = object.__new__(type(headers))
    copy.__dict__.update(headers.__dict__)
    copy._list = list(headers._list)  # noqa: SLF001 - as said
    return copy


def lacks_any(request: httpx.Request, extensions: Mapping[str, Any]) -> bool:
    """Whether any of these was taken out of a request's own."""
    left = request.extensions or {}
    return not extensions.keys() <= left.keys()


def put_back(request: httpx.Request, extensions: Mapping[str, Any]) -> None:
    """Give a request those of its extensions again that were taken out."""
    if lacks_any(request, extensions):
        request.extensions = {**extensions, **(request.extensions or {})}


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

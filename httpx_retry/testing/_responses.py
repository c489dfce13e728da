"""What the responses of a script are made of: a status, headers, and a body on its way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .._http.family import Family

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

_LEAST_STATUS, _MOST_STATUS = 100, 999
_ANY_STATUS = 200


def check_head(status: Any, headers: Any, name: str) -> None:
    """Raise unless a response may have the status, and such headers.

    Raises:
        TypeError: for what is no status, or no headers.
        ValueError: for a status out of range.
    """
    if not is_status(status) or not isinstance(headers, Mapping | list | tuple):
        raise TypeError(f"{name} must have a status and headers, not {status!r} and {headers!r}")
    try:
        httpx.Headers(headers)
    except (TypeError, ValueError) as wrong:
        raise TypeError(
            f"{name} must have headers of ASCII text or bytes, not {headers!r}: {wrong}"
        ) from wrong
    if not _LEAST_STATUS <= status <= _MOST_STATUS:
        bounds = f"{_LEAST_STATUS} to {_MOST_STATUS}"
        raise ValueError(f"{name} must have a status from {bounds}, not {status}")


def check_body(body: object, name: str) -> None:
    """Raise unless a response may have the body.

    Raises:
        TypeError: where it may not.
    """
    try:
        encoded(body)
    except (TypeError, ValueError) as wrong:
        allowed = "bytes, text, or anything that JSON can say"
        raise TypeError(f"{name} must have a body of {allowed}, not {body!r}: {wrong}") from wrong


def is_status(value: object) -> bool:
    """Whether a value is meant as a status."""
    return isinstance(value, int) and not isinstance(value, bool)


def unread(scripted: httpx.Response, request: httpx.Request, family: Family) -> httpx.Response:
    """A response as it comes from the network; one that cannot be copied, as it is."""
    if not isinstance(scripted.stream, family.ByteStream):
        return scripted
    return family.Response(
        scripted.status_code,
        headers=scripted.headers,
        stream=stream_of(b"".join(scripted.stream), request, family),
        extensions=dict(scripted.extensions),
        default_encoding=scripted.default_encoding,
    )


def headers_of(given: Headers, family: Family) -> httpx.Headers:
    """The headers of a response, to be added to."""
    return family.Response(_ANY_STATUS, headers=given).headers


def encoded(body: Any) -> tuple[bytes, str | None]:
    """The bytes of a body, and the media type that they speak for."""
    if isinstance(body, bytes):
        return body, None
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body).encode(), "application/json"


def describe(headers: httpx.Headers, body: bytes, media_type: str | None) -> None:
    """Add the headers that go with a body, unless the script gave its own."""
    if media_type is not None:
        headers.setdefault("Content-Type", media_type)
    if "Transfer-Encoding" not in headers:
        headers.setdefault("Content-Length", str(len(body)))


def stream_of(
    body: bytes, request: httpx.Request, family: Family, error: BaseException | None = None
) -> Any:
    """A body on its way to who asked, and what it ends with."""
    # RFC 9110 §9.3.2: a HEAD has the headers that a GET has, and no body.
    if request.method == "HEAD":
        body, error = b"", None
    return family.stream_class(_Stream)((body,) if body else (), error)


class _Stream:
    """A body on its way, for both worlds; it may end with an error."""

    def __init__(self, parts: Sequence[bytes], error: BaseException | None) -> None:
        self._parts = parts
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        if self._error is not None:
            raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part

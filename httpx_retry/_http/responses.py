"""Responses that are looked at before the caller has them, or that stand for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .representation import COOKIES

if TYPE_CHECKING:
    import httpx

    from .family import Family

_SWITCHING_PROTOCOLS = 101


def opens_a_tunnel(response: httpx.Response) -> bool:
    """Whether what follows the headers is no body but another protocol (RFC 9110 §7.8, §9.3.6)."""
    return response.status_code == _SWITCHING_PROTOCOLS or (
        response.request.method == "CONNECT" and response.is_success
    )


def read_copy(
    response: httpx.Response, body: bytes, request: httpx.Request, family: Family
) -> httpx.Response | None:
    """Return a response like this one that was read; None where its body cannot be decoded.

    Args:
        response: stays as it is.
        body: its body, as it was sent.
        request: what it answers.
        family: the httpx that it is of.
    """
    copy = family.Response(
        response.status_code,
        headers=response.headers,
        stream=family.ByteStream(body),
        request=request,
        extensions=response.extensions,
    )
    try:
        copy.read()
    except family.DecodingError:
        return None
    return copy


def stand_for(first: httpx.Response, new: httpx.Response) -> None:
    """Let the first response, which the caller has, stand for another one whose body it gives.

    With the body go its links, its digest, its counts. But the client has stored the first one's
    cookies by then.
    """
    headers = [field for field in new.headers.raw if field[0].lower() != COOKIES]
    headers += [field for field in first.headers.raw if field[0].lower() == COOKIES]
    first.headers = type(first.headers)(headers)
    # What a hook or a transport above has noted there stays.
    first.extensions = {**first.extensions, **new.extensions}

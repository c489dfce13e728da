"""What people do with a client, to be done bare and with retries, and what it showed."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from httpx_retry import add_retries
from httpx_retry.testing import FakeClock
from tests.faults.lab import Cut, HTTP1Server, Reply, Rst, client_context
from tests.worlds import Client

from .flaky import FAILS_TWICE, REFUSES_TWICE, client_of, entered, processed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from types import ModuleType

    from tests.faults.lab import HTTP1Step, Received
    from tests.worlds import World

Before: TypeAlias = "Callable[[Reply], tuple[HTTP1Step, ...]]"


def nothing(answer: Reply) -> tuple[HTTP1Step, ...]:
    """No faults: every request is answered at once."""
    return ()


def failures(answer: Reply) -> tuple[HTTP1Step, ...]:
    return FAILS_TWICE


def broken_bodies(answer: Reply) -> tuple[HTTP1Step, ...]:
    return (Cut(answer, 1, Rst()), Cut(answer, 0))


def refusals(answer: Reply) -> tuple[HTTP1Step, ...]:
    return REFUSES_TWICE


AGAIN = (failures, broken_bodies, refusals)
"""What may come before each answer to a request that may run twice."""


@dataclass(frozen=True)
class Exchange:
    """One use of a client.

    Attributes:
        use: does it, and returns what a caller can tell of it.
        answers: those of a server without faults, in their order; ELSEWHERE in a header stands for
            the URL of a second server, which says 200.
        faults: what may come before each of them.
        options: what the client is made with, for a family.
        is_sync: httpx itself does it in its sync client alone.
    """

    name: str
    use: Callable[[Client], Awaitable[object]]
    answers: tuple[Reply, ...] = (Reply(),)
    faults: tuple[Before, ...] = AGAIN
    options: Callable[[ModuleType], Mapping[str, Any]] = field(default=lambda family: {})
    is_sync: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Seen:
    """What the caller got, and what each of the two servers was sent."""

    result: object
    here: list[tuple[Any, ...]]
    elsewhere: list[tuple[Any, ...]]


async def seen_of(
    exchange: Exchange, world: World, family: ModuleType, *, before: Before | None = None
) -> Seen:
    """Do the exchange bare or, with `before`, with retries and those faults."""
    faults = before or nothing
    with HTTP1Server([*faults(Reply()), Reply()]) as elsewhere:
        with HTTP1Server(_script(exchange, elsewhere, faults)) as server:
            options = {"base_url": server.url, "trust_env": False, "verify": client_context()}
            bare = client_of(family, world, **options, **exchange.options(family))
            client = bare if before is None else add_retries(bare, clock=FakeClock())
            async with entered(world, client):
                result = await exchange.use(Client(client))
        places = {str(server.port): "HERE", str(elsewhere.port): "ELSEWHERE"}
    return Seen(
        _without(result, places),
        [_shown(each, places) for each in processed(server)],
        [_shown(each, places) for each in processed(elsewhere)],
    )


def _script(exchange: Exchange, elsewhere: HTTP1Server, before: Before) -> Iterator[HTTP1Step]:
    for answer in exchange.answers:
        headers = {
            name: value.replace("ELSEWHERE", elsewhere.url)
            for name, value in answer.headers.items()
        }
        reply = Reply(answer.status, answer.body, headers)
        yield from before(reply)
        yield reply


def _shown(request: Received, places: Mapping[str, str]) -> tuple[Any, ...]:
    shown = (request.method, request.path, request.body, dict(request.headers))
    result: tuple[Any, ...] = _without(shown, places)
    return result


def _without(value: Any, places: Mapping[str, str]) -> Any:
    """The value without what differs by chance: ports, and digest's nonce with all that follows."""
    if isinstance(value, str):
        for port, name in places.items():
            value = value.replace(port, name)
        return re.sub(r'(cnonce|response)="[^"]*"', r"\1", value)
    if isinstance(value, dict):
        return {name: _without(each, places) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without(each, places) for each in value)
    return value


def told_of(response: Any) -> dict[str, Any]:
    """All that a response tells its caller."""
    return {
        "status": response.status_code,
        "url": str(response.url),
        "headers": sorted(response.headers.multi_items(), key=itemgetter(0)),
        "content": response.content,
        "cookies": dict(response.cookies),
        "version": response.http_version,
        "closed": response.is_closed,
        "request": (response.request.method, response.request.headers.multi_items()),
        "history": [told_of(each) for each in response.history],
    }


async def _get(client: Client) -> object:
    return told_of(await client.get("/things?page=2"))


async def _get_twice(client: Client) -> object:
    responses = [told_of(await client.get("/one")), told_of(await client.get("/two"))]
    return responses, sorted(client.bare.cookies.items())


async def _follow(client: Client) -> object:
    cookies, auth = {"session": "s3"}, ("user", "secret")
    client.bare.cookies.update(cookies)
    return told_of(await client.get("/old", auth=auth, follow_redirects=True))


async def _post_and_follow(client: Client) -> object:
    json = {"item": 7}
    return told_of(await client.post("/orders", json=json, follow_redirects=True))


async def _upload(client: Client) -> object:
    file = io.BytesIO(b"a header, then the rest")
    file.seek(10)
    headers = {"content-type": "multipart/form-data; boundary=----here"}
    files = {"document": ("document.txt", file), "note": ("note.txt", b"a note")}
    data = {"kind": "draft"}
    response = await client.request("PUT", "/files", files=files, data=data, headers=headers)
    return told_of(response), file.tell()


async def _put_rest(client: Client) -> object:
    file = io.BytesIO(b"a header, then the rest")
    file.seek(10)
    # httpx says the whole file's length; what is left is 13 bytes.
    headers = {"content-length": "13"}
    return told_of(await client.request("PUT", "/file", content=file, headers=headers))


def _token_on_demand(family: ModuleType) -> Mapping[str, Any]:
    base: Any = family.Auth

    class TokenOnDemand(base):  # type: ignore[misc]  # a family's class is known at run time
        requires_response_body = True

        def auth_flow(self, request: Any) -> Iterator[Any]:
            refusal: Any = yield request
            request.headers["Authorization"] = f"Bearer {refusal.json()['token']}"
            yield request

    return {"auth": TokenOnDemand()}


DIGEST = 'Digest realm="r", nonce="n0", qop="auth", algorithm=SHA-256'
TYPED = {"Content-Type": "application/json", "ETag": '"1"', "X-Trace": "t"}

EXCHANGES = (
    Exchange("plain", _get, (Reply(200, b'{"id": 7}', TYPED),)),
    Exchange("status", _get, (Reply(404, b"no such thing"),)),
    Exchange("basic", _get, options=lambda family: {"auth": ("user", "secret")}),
    Exchange(
        "digest",
        _get_twice,
        (Reply(401, headers={"WWW-Authenticate": DIGEST}), Reply(), Reply()),
        # Not broken bodies: httpx reads that of the 401 when the request has its answer in it.
        (failures, refusals),
        options=lambda family: {"auth": family.DigestAuth("user", "secret")},
    ),
    Exchange(
        "custom-auth",
        _get,
        (Reply(401, b'{"token": "t0"}'), Reply()),
        options=_token_on_demand,
    ),
    Exchange("cookies", _get_twice, (Reply(200, headers={"Set-Cookie": "session=s1"}), Reply())),
    Exchange("redirect", _follow, (Reply(302, headers={"Location": "/new"}), Reply())),
    Exchange("redirect-across-origins", _follow, (Reply(301, headers={"Location": "ELSEWHERE/"}),)),
    Exchange(
        "redirect-with-body",
        _post_and_follow,
        (Reply(307, headers={"Location": "/v2/orders"}), Reply(201)),
        (refusals,),
    ),
    Exchange(
        "redirect-with-body-across-origins",
        _post_and_follow,
        (Reply(308, headers={"Location": "ELSEWHERE/"}),),
        (refusals,),
    ),
    Exchange("multipart", _upload),
    Exchange("file-from-the-middle", _put_rest, is_sync=True),
)

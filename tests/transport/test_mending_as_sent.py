"""What mends a body is the request that was sent, whatever became of the caller's meanwhile."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import RetryPolicy
from tests.worlds import Stream

from .handlers import options

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from httpx_retry.testing import FakeClock
    from tests.worlds import World


class Cut(Stream):
    """A body that breaks off at once."""

    def __init__(self) -> None:
        super().__init__(httpx.RemoteProtocolError("incomplete"))


class Server:
    """Asks for a name, and its first answers are cut or fail, as they are told to.

    Attributes:
        names: what each request gave for its name.
        ran: the methods of those that ran.
    """

    def __init__(self, *early: httpx.Response, asks: bool = True) -> None:
        self._early = list(early)
        self._asks = asks
        self.names: list[str | None] = []
        self.ran: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.headers.get("x-name")
        self.names.append(name)
        if self._early:
            return self._early.pop(0)
        if self._asks and name is None:
            return httpx.Response(401, content=b"who?")
        self.ran.append(request.method)
        return httpx.Response(200, content=f"for {name}".encode())


class GivesName(httpx.Auth):
    """Changes the request in place once it is asked to, as `httpx.DigestAuth` does."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        if response.status_code == 401:
            request.headers["x-name"] = "me"
            yield request


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("fails_first", [False, True])
@pytest.mark.parametrize("policy", [RetryPolicy(), RetryPolicy(max_elapsed=60.0)])
async def test_a_challenge_whose_body_breaks_off_runs_nothing(
    world: World, clock: FakeClock, policy: RetryPolicy, fails_first: bool, method: str
) -> None:
    # Given a challenge that breaks off, which the client reads once its answer is on the request,
    failed = [httpx.Response(503)] if fails_first else []
    server = Server(*failed, httpx.Response(401, stream=Cut()))

    async with world.client(server, **options(clock, policy=policy)) as client:
        response = await client.request(method, "http://test/", auth=GivesName())

    # then what mends it is as unknown as the first, and what runs, runs once, for the caller.
    assert server.names == [None] * len(failed) + [None, None, "me"]
    assert (server.ran, response.status_code, response.text) == ([method], 200, "for me")


async def test_so_it_is_with_a_digest(world: World, clock: FakeClock) -> None:
    known: list[bool] = []

    def serve(request: httpx.Request) -> httpx.Response:
        known.append("authorization" in request.headers)
        if known[-1]:
            return httpx.Response(204)
        challenge = {"WWW-Authenticate": 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'}
        stream = Cut() if len(known) == 1 else Stream(b"who?")
        return httpx.Response(401, headers=challenge, stream=stream)

    auth = httpx.DigestAuth("me", "secret")
    async with world.client(serve, **options(clock)) as client:
        assert (await client.request("DELETE", "http://test/", auth=auth)).status_code == 204

    assert known == [False, False, True]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_header_that_is_changed_before_the_body_is_read_was_not_sent(
    world: World, clock: FakeClock, method: str
) -> None:
    # Given a POST that may run twice by its key, and a request that is used again,
    server = Server(httpx.Response(200, stream=Cut()), asks=False)
    async with world.client(server, **options(clock)) as client:
        headers = {"Idempotency-Key": "a", "x-name": "first"}
        request = client.build_request(method, "http://test/", headers=headers)
        response = await client.send(request, stream=True)

        # when it is changed before its response is read,
        request.headers["x-name"] = "second"
        del request.headers["Idempotency-Key"]
        body = await world.read(response)

    # then that response is still the one to what was sent.
    assert (server.names, body) == (["first", "first"], b"for first")
    assert request.headers["x-name"] == "second"


async def test_headers_that_are_lent_for_the_call_are_lent_to_what_mends_it(
    world: World, clock: FakeClock
) -> None:
    # Given a transport above that puts other headers in the place of the caller's for the call,
    server = Server(httpx.Response(200, stream=Cut()), asks=False)
    transport = world.transport(server, **options(clock))
    request = httpx.Request("PUT", "http://test/")
    own, request.headers = request.headers, httpx.Headers({"x-name": "lent"})
    response: Any = await world.handle(transport, request)
    request.headers = own

    assert await world.read(response) == b"for lent"
    assert server.names == ["lent", "lent"]


class Probes(httpx.Auth):
    """Asks by a GET who is asked for, before it lets go of what the caller wants done."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        method, request.method = request.method, "GET"
        yield request
        request.method = method
        yield request


async def test_a_method_that_is_changed_before_the_body_is_read_was_not_sent(
    world: World, clock: FakeClock
) -> None:
    methods: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        stream = Cut() if len(methods) == 1 else Stream(b"who?")
        return httpx.Response(401, stream=stream)

    async with world.client(serve, **options(clock)) as client:
        await client.request("DELETE", "http://test/", auth=Probes())

    assert methods == ["GET", "GET", "DELETE"]


async def test_a_request_that_was_sent_without_headers_is_sent_again_without_any(
    world: World, clock: FakeClock
) -> None:
    server = Server(httpx.Response(200, stream=Cut()), asks=False)
    transport = world.transport(server, **options(clock))
    request = httpx.Request("GET", "http://test/")
    request.headers.clear()
    response: Any = await world.handle(transport, request)
    request.headers["x-name"] = "later"

    assert await world.read(response) == b"for None"
    assert server.names == [None, None]


async def test_no_retries_that_are_wished_for_later_leave_the_mending_as_it_is(
    world: World, clock: FakeClock
) -> None:
    class WantsNone(GivesName):
        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            yield request
            request.extensions["retry"] = False
            request.headers["x-name"] = "me"
            yield request

    server = Server(httpx.Response(401, stream=Cut()))
    async with world.client(server, **options(clock)) as client:
        assert (await client.get(auth=WantsNone())).text == "for me"

    assert server.names == [None, None, "me"]


class TakesOut(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A wrapped transport that takes its own out of the extensions in place, as middleware does."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.tenants: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer  # before it looks at anything
        self.tenants.append(request.extensions.pop("tenant", "public"))
        request.extensions["count"] = request.extensions.get("count", 0) + 1
        return answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def answers_of(*failures: str) -> Iterator[httpx.Response]:
    for failure in failures:
        yield httpx.Response(200, stream=Cut()) if failure == "body" else httpx.Response(503)
    yield httpx.Response(200, stream=Stream(b"good"))


@pytest.mark.parametrize(
    "failures", [("status",), ("body",), ("status", "status"), ("status", "body"), ("body", "body")]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("max_elapsed", [None, 60.0])
async def test_what_was_taken_out_of_the_extensions_is_there_again(
    world: World, clock: FakeClock, failures: list[str], method: str, max_elapsed: float | None
) -> None:
    inner = TakesOut(*answers_of(*failures))
    policy = RetryPolicy(max_elapsed=max_elapsed)
    told: dict[str, Any] = {"extensions": {"tenant": "blue"}, "headers": {"Idempotency-Key": "k"}}

    async with world.client(inner, **options(clock, policy=policy)) as client:
        assert (await client.request(method, "http://test/", **told)).text == "good"

    assert inner.tenants == ["blue"] * (len(failures) + 1)


@pytest.mark.parametrize("failures", [("body",), ("status", "body"), ("body", "body")])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_so_it_is_where_a_copy_of_ours_was_sent(
    world: World, clock: FakeClock, failures: list[str], method: str
) -> None:
    class Rewrites(TakesOut):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_with(path="/elsewhere")
            return super().handle_request(request)

    inner = Rewrites(*answers_of(*failures))
    policy = RetryPolicy(generate_idempotency_key=True)
    async with world.client(inner, **options(clock, policy=policy)) as client:
        response = await client.request(method, "http://test/", extensions={"tenant": "blue"})

    assert response.text == "good"
    assert inner.tenants == ["blue"] * (len(failures) + 1)


async def test_what_a_later_attempt_takes_out_is_there_again(
    world: World, clock: FakeClock
) -> None:
    inner = TakesOut(httpx.ReadError("not yet"), *answers_of("status"))
    async with world.client(inner, **options(clock)) as client:
        response = await client.get(extensions={"tenant": "blue"})

    assert response.text == "good"
    assert inner.tenants == ["blue", "blue"]


async def test_what_was_put_in_stays_for_the_caller_to_see(world: World, clock: FakeClock) -> None:
    inner = TakesOut(*answers_of("status"))
    async with world.client(inner, **options(clock)) as client:
        response = await client.get(extensions={"tenant": "blue"})

    # It is what the last attempt left, as over the bare transport.
    assert response.request.extensions["count"] == 2
    assert "tenant" not in response.request.extensions


@pytest.mark.parametrize("left", [None, {}, MappingProxyType({})])
@pytest.mark.parametrize("failure", ["status", "body"])
async def test_other_extensions_that_are_left_behind_have_them_again(
    world: World, clock: FakeClock, left: Any, failure: str
) -> None:
    answers, seen = answers_of(failure), []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["tenant"])
        request.extensions = left
        return next(answers)

    request = httpx.Request("GET", "http://test/", extensions={"tenant": "blue"})
    transport = world.transport(serve, **options(clock))
    assert await world.read(await world.handle(transport, request)) == b"good"
    assert seen == ["blue", "blue"]


async def test_none_that_are_left_behind_are_none(world: World, clock: FakeClock) -> None:
    answers = answers_of("status", "body")

    def serve(request: httpx.Request) -> httpx.Response:
        request.extensions = None  # type: ignore[assignment] # as httpcore takes it
        return next(answers)

    transport = world.transport(serve, **options(clock))
    response = await world.handle(transport, httpx.Request("GET", "http://test/"))
    assert await world.read(response) == b"good"


class TakesKey(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A wrapped transport that takes the key out of the headers.

    Args:
        *answers: of its.
        headers: what it puts in their place, with all other fields in it.
    """

    def __init__(self, *answers: httpx.Response, headers: type[Any] = httpx.Headers) -> None:
        self._answers = list(answers)
        self._headers = headers
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = request.headers.copy()
        self.keys.append(headers.pop("Idempotency-Key", None))
        request.headers = self._headers(headers)
        return self._answers.pop(0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.mark.parametrize("headers", [httpx.Headers, dict])
@pytest.mark.parametrize("is_generated", [False, True])
@pytest.mark.parametrize("max_elapsed", [None, 60.0])
async def test_a_post_whose_key_was_taken_out_is_not_sent_again(
    world: World,
    clock: FakeClock,
    max_elapsed: float | None,
    is_generated: bool,
    headers: type[Any],
) -> None:
    failing = TakesKey(*answers_of("status"), headers=headers)
    breaking = TakesKey(*answers_of("body"), headers=headers)
    policy = RetryPolicy(generate_idempotency_key=is_generated, max_elapsed=max_elapsed)
    key = {} if is_generated else {"Idempotency-Key": "k"}

    async with world.client(failing, **options(clock, policy=policy)) as client:
        assert (await client.post(headers=key)).status_code == 503
    async with world.client(breaking, **options(clock, policy=policy)) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(headers=key)

    assert [len(failing.keys), len(breaking.keys)] == [1, 1]
    assert None not in failing.keys + breaking.keys


async def test_a_key_is_found_in_whatever_headers_are_left_behind(
    world: World, clock: FakeClock
) -> None:
    answers, sends = answers_of("status"), []

    def serve(request: httpx.Request) -> httpx.Response:
        sends.append(request)
        request.headers = {"Idempotency-Key": "k"}  # type: ignore[assignment] # as some do
        return next(answers)

    transport = world.transport(serve, **options(clock))
    request = httpx.Request("POST", "http://test/", headers={"Idempotency-Key": "k"})
    assert (await world.handle(transport, request)).status_code == 200
    assert len(sends) == 2


class MyHeaders(httpx.Headers):
    """Headers that cannot be made as httpx's are."""

    def __init__(self, *, mine: str) -> None:
        super().__init__({"x-name": mine})


async def test_headers_of_the_callers_own_stay_what_they_are(
    world: World, clock: FakeClock
) -> None:
    answers, kinds = answers_of("status"), []

    def serve(request: httpx.Request) -> httpx.Response:
        kinds.append((type(request.headers), request.headers["x-name"]))
        return next(answers)

    request = httpx.Request("GET", "http://test/")
    request.headers = MyHeaders(mine="me")
    transport = world.transport(serve, **options(clock, policy=RetryPolicy(max_elapsed=60)))
    await world.handle(transport, request)

    assert kinds == [(MyHeaders, "me")] * 2


async def test_so_they_are_where_a_body_is_mended(world: World, clock: FakeClock) -> None:
    answers, kinds = answers_of("body"), []

    def serve(request: httpx.Request) -> httpx.Response:
        kinds.append((type(request.headers), request.headers.multi_items()))
        return next(answers)

    request = httpx.Request("GET", "http://test/")
    request.headers = MyHeaders(mine="me")
    response = await world.handle(world.transport(serve, **options(clock)), request)
    request.headers["x-name"] = "someone else"

    assert await world.read(response) == b"good"
    assert kinds == [(MyHeaders, [("x-name", "me")])] * 2


async def test_a_header_beyond_ascii_may_be_set_where_it_may_be_bare(
    world: World, clock: FakeClock
) -> None:
    names = []

    def serve(request: httpx.Request) -> httpx.Response:
        request.headers["x-name"] = "Zoë"
        names.append(request.headers["x-name"])
        return httpx.Response(200)

    # Given headers of which nobody has asked yet how they are encoded,
    request = httpx.Request("POST", "http://test/")
    request.headers = httpx.Headers({"a": "b"})
    transport = world.transport(serve, **options(clock, policy=RetryPolicy(max_elapsed=60)))
    await world.handle(transport, request)

    # then nobody has asked, in the copy that was sent and in the caller's own.
    request.headers["x-name"] = "Zoë"
    assert names == ["Zoë"]

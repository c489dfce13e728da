"""What mends a body is the request that was sent, whatever became of the caller's meanwhile."""

from __future__ import annotations

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


class Rewriting(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A wrapped transport that changes requests in place, as some middleware does.

    It takes out what the caller has told it in the extensions, and the key, to send it under
    another name; and it adds a header and an extension of its own.
    """

    def __init__(self, *answers: httpx.Response) -> None:
        self._answers = list(answers)
        self.tenants: list[str] = []
        self.keys: list[str | None] = []
        self.names: list[list[str]] = []
        self.methods: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.pop("Idempotency-Key", None))
        request.headers = httpx.Headers([*request.headers.multi_items(), ("x-name", "me")])
        self.names.append(request.headers.get_list("x-name"))
        assert "note" not in request.extensions
        request.extensions["note"] = "mine"
        self.tenants.append(request.extensions.pop("tenant", "public"))
        self.methods.append(request.method)
        if request.method == "DELETE":
            request.method = "POST"
        return self._answers.pop(0)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def answers_of(*failures: str) -> Iterator[httpx.Response]:
    for failure in failures:
        yield httpx.Response(200, stream=Cut()) if failure == "body" else httpx.Response(503)
    yield httpx.Response(200, stream=Stream(b"good"))


@pytest.mark.parametrize(
    "failures", [("status",), ("body",), ("status", "status"), ("status", "body"), ("body", "body")]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("max_elapsed", [None, 60.0])
async def test_each_attempt_begins_from_what_the_caller_gave(
    world: World, clock: FakeClock, failures: list[str], method: str, max_elapsed: float | None
) -> None:
    inner = Rewriting(*answers_of(*failures))
    policy = RetryPolicy(max_elapsed=max_elapsed)
    told: dict[str, Any] = {"extensions": {"tenant": "blue"}, "headers": {"Idempotency-Key": "k"}}

    async with world.client(inner, **options(clock, policy=policy)) as client:
        assert (await client.request(method, "http://test/", **told)).text == "good"

    count = len(failures) + 1
    assert inner.tenants == ["blue"] * count
    assert inner.keys == ["k"] * count
    assert inner.names == [["me"]] * count


async def test_a_key_of_ours_that_is_taken_out_is_there_again(
    world: World, clock: FakeClock
) -> None:
    inner = Rewriting(*answers_of("status", "body"))
    policy = RetryPolicy(generate_idempotency_key=True)

    async with world.client(inner, **options(clock, policy=policy)) as client:
        assert (await client.post()).text == "good"

    assert len(inner.keys) == 3
    assert len({*inner.keys}) == 1
    assert None not in inner.keys


async def test_what_is_changed_by_a_later_attempt_is_put_back_too(
    world: World, clock: FakeClock
) -> None:
    class FailsFirst(Rewriting):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if not self.keys:
                self.keys.append("-")
                raise httpx.ReadError("before anything was changed")
            return super().handle_request(request)

    inner = FailsFirst(*answers_of("status"))
    async with world.client(inner, **options(clock)) as client:
        response = await client.get(extensions={"tenant": "blue"})

    assert response.text == "good"
    assert inner.tenants == ["blue", "blue"]


async def test_an_extension_is_not_compared_by_its_own_word(world: World, clock: FakeClock) -> None:
    class Refuses:
        def __eq__(self, other: object) -> bool:
            raise ValueError("the truth value is ambiguous")

        __hash__ = None  # type: ignore[assignment] # as an array is

    class Replaces(Rewriting):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            self.seen.append(request.extensions["array"])
            request.extensions["array"] = Refuses()
            return super().handle_request(request)

        seen: list[object]

    inner, array = Replaces(*answers_of("status")), Refuses()
    inner.seen = []
    async with world.client(inner, **options(clock)) as client:
        await client.get(extensions={"array": array})

    assert [id(each) for each in inner.seen] == [id(array)] * 2


async def test_a_method_that_is_changed_in_place_is_the_callers_again(
    world: World, clock: FakeClock
) -> None:
    inner = Rewriting(*answers_of("status"))
    async with world.client(inner, **options(clock)) as client:
        response = await client.request("DELETE", "http://test/")

    assert response.text == "good"
    assert inner.methods == ["DELETE", "DELETE"]

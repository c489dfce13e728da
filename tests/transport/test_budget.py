"""The budget of a transport: what its requests take, give and are refused."""

from __future__ import annotations

import socket
from inspect import signature
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from h2.events import ConnectionTerminated, StreamReset
from h2.exceptions import TooManyStreamsError

from httpx_retry import (
    Budget,
    ConstantBackoff,
    Load,
    RetryBudget,
    RetryPolicy,
    StopReason,
    retry_history,
)
from httpx_retry._core.budget import Traffic
from httpx_retry._core.outcome import Evidence, Outcome
from httpx_retry._http.load import load_of
from httpx_retry._sync import RetryTransport
from tests.worlds import Stream, World

from .handlers import Server, options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx_retry.testing import FakeClock

POLICY = RetryPolicy(backoff=ConstantBackoff(0))
SITE = "http://test"


class Ledger:
    """A budget of one's own that writes down what it is asked."""

    def __init__(self, *, grants: float | None = 1.0) -> None:
        self._grants = grants
        self.entries: list[tuple[Any, ...]] = []

    def withdraw(self, origin: str, load: Load, now: float) -> float | None:
        self.entries.append(("withdraw", origin, load))
        return self._grants

    def deposit(self, origin: str, tokens: float | None) -> None:
        self.entries.append(("deposit", origin, tokens))


def test_a_budget_is_two_words() -> None:
    budgets: list[Budget] = [RetryBudget(), Ledger()]
    assert len(budgets) == 2


async def test_where_it_is_empty_no_retry_is_made(world: World, clock: FakeClock) -> None:
    server = Server(503)
    more = options(clock, policy=POLICY, budget=RetryBudget(capacity=4))
    async with world.client(server, **more) as client:
        responses = [await client.get() for _ in range(3)]

    assert server.sends == 4 + 2 + 1
    reasons = [retry_history(response)[-1].reason for response in responses]
    assert reasons == [
        StopReason.ATTEMPTS_EXHAUSTED,
        StopReason.BUDGET_EXHAUSTED,
        StopReason.BUDGET_EXHAUSTED,
    ]
    assert responses[-1].content == b"answer 7"


async def test_none_means_no_bound(world: World, clock: FakeClock) -> None:
    server = Server(503)
    async with world.client(server, **options(clock, policy=POLICY, budget=None)) as client:
        for _ in range(20):
            await client.get()

    assert server.sends == 80


async def test_each_transport_has_a_fresh_one_unless_it_is_shared(
    world: World, clock: FakeClock
) -> None:
    async def sends(**budget: Any) -> int:
        server = Server(503)
        for _ in range(2):
            more = options(clock, policy=POLICY.replace(max_attempts=30), **budget)
            async with world.client(server, **more) as client:
                await client.get()
        return server.sends

    assert await sends() == 2 * 21
    assert await sends(budget=RetryBudget()) == 21 + 1


async def test_a_request_that_ends_well_gives_back_all_that_it_took(
    world: World, clock: FakeClock
) -> None:
    ledger = Ledger()
    server = Server(500, httpx.ReadTimeout("slow"), 200)
    async with world.client(server, **options(clock, policy=POLICY, budget=ledger)) as client:
        await client.get("http://test:8080/path?secret=1")

    origin = "http://test:8080"
    assert ledger.entries == [
        ("withdraw", origin, Load.SOME),
        ("withdraw", origin, Load.TIMEOUT),
        ("deposit", origin, 2.0),
    ]


async def test_one_that_fails_gives_nothing_back(world: World, clock: FakeClock) -> None:
    ledger = Ledger()
    policy = POLICY.replace(max_attempts=2)
    async with world.client(Server(503), **options(clock, policy=policy, budget=ledger)) as client:
        await client.get()

    assert ledger.entries == [("withdraw", SITE, Load.SOME)]


async def test_one_whose_time_is_up_after_a_wait_gives_nothing_back(
    world: World, clock: FakeClock
) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        clock.advance(4.0)

    ledger = Ledger()
    policy = POLICY.replace(max_elapsed=6.0)
    more = options(clock, policy=policy, budget=ledger, prepare=prepare)
    async with world.client(Server(503), **more) as client:
        with pytest.raises(httpx.TransportError, match="the deadline passed"):
            await client.get()

    assert ledger.entries == [("withdraw", SITE, Load.SOME)] * 2


async def test_one_whose_hook_raises_gives_it_back(world: World, clock: FakeClock) -> None:
    def prepare(request: httpx.Request, number: int) -> None:
        raise LookupError

    ledger = Ledger()
    more = options(clock, policy=POLICY, budget=ledger, prepare=prepare)
    async with world.client(Server(503), **more) as client:
        with pytest.raises(LookupError):
            await client.get()

    assert ledger.entries[-1] == ("deposit", SITE, 1.0)


@pytest.mark.parametrize(
    ("tokens", "error"),
    [
        (False, TypeError),
        (True, TypeError),
        ("1", TypeError),
        (-1.0, ValueError),
        (1e999, ValueError),
    ],
)
async def test_one_of_your_own_that_takes_what_is_no_number_of_tokens_is_told(
    world: World, clock: FakeClock, tokens: Any, error: type[Exception]
) -> None:
    server = Server(503)
    more = options(clock, policy=POLICY, budget=Ledger(grants=tokens))
    async with world.client(server, **more) as client:
        with pytest.raises(error, match=f"what withdraw returns must be .* not {tokens!r}"):
            await client.get()

    assert server.sends == 1


async def test_one_of_your_own_may_count_in_whole_tokens(world: World, clock: FakeClock) -> None:
    ledger = Ledger(grants=1)
    more = options(clock, policy=POLICY, budget=ledger)
    async with world.client(Server(503, 200), **more) as client:
        assert (await client.get()).status_code == 200

    assert ledger.entries[-1] == ("deposit", SITE, 1)


@pytest.mark.parametrize("status", [200, 404])
async def test_a_good_first_attempt_is_a_deposit(
    world: World, clock: FakeClock, status: int
) -> None:
    ledger = Ledger()
    async with world.client(Server(status), **options(clock, budget=ledger)) as client:
        await client.get()

    assert ledger.entries == [("deposit", SITE, None)]


@pytest.mark.parametrize("in_memory", [True, False])
async def test_what_is_not_to_be_retried_is_no_deposit(
    world: World, clock: FakeClock, in_memory: bool
) -> None:
    ledger = Ledger()
    content = b"body" if in_memory else world.one_shot(iter([b"body"]))
    more: dict[str, Any] = {"content": content, "extensions": {"retry": False}}
    async with world.client(Server(200), **options(clock, budget=ledger)) as client:
        await client.request("PUT", "http://test/", **more)

    assert ledger.entries == []


async def test_what_one_of_your_own_has_beside_the_words_is_its_own_affair(
    world: World, clock: FakeClock
) -> None:
    ledger: Any = Ledger()
    ledger.traffic, ledger.lease, ledger.missing = 0, None, ()
    async with world.client(Server(503, 200), **options(clock, budget=ledger)) as client:
        assert (await client.get()).status_code == 200

    assert ledger.entries == [("withdraw", SITE, Load.SOME), ("deposit", SITE, 1.0)]


async def test_its_traffic_is_counted_where_it_has_one(world: World, clock: FakeClock) -> None:
    ledger: Any = Ledger()
    ledger.traffic = Traffic()  # as a subclass of ours has
    async with world.client(Server(200), **options(clock, budget=ledger)) as client:
        await client.get()

    assert ledger.traffic.count == 1


async def test_origins_are_known_by_one_string_each_and_the_first_of_many_are_forgotten(
    world: World, clock: FakeClock
) -> None:
    ledger = Ledger()
    policy = POLICY.replace(max_attempts=2)
    transport = world.transport(Server(503), **options(clock, policy=policy, budget=ledger))
    for number in range(1025):
        await world.handle(transport, httpx.Request("GET", f"http://host{number}/"))
    known = transport._settings.origins

    assert list(known) == ["http://host1024"]
    assert ledger.entries[-1][1] is known["http://host1024"]


async def test_good_first_attempts_fill_the_bucket_again(world: World, clock: FakeClock) -> None:
    budget = RetryBudget()
    budget.withdraw(SITE, Load.SOME, 0)
    async with world.client(Server(200), **options(clock, budget=budget)) as client:
        for _ in range(5):
            assert budget.missing
            await client.get()

    assert not budget.missing


async def test_traffic_is_counted_and_lets_a_busy_client_hold_more(
    world: World, clock: FakeClock
) -> None:
    server = Server(*[200] * 300, 503)
    more = options(clock, policy=POLICY.replace(max_attempts=100))
    async with world.client(server, **more) as client:
        for _ in range(300):
            await client.get()
            clock.advance(0.03)
        await client.get()

    # As many as it sends in a second, and not the 20 of an idle client.
    assert server.sends == 300 + 1 + 33


async def test_a_body_that_is_mended_takes_and_gives_back_too(
    world: World, clock: FakeClock
) -> None:
    ledger = Ledger()
    broken = httpx.Response(
        200,
        headers={"Content-Length": "5"},
        stream=Stream(httpx.ReadError("reset")),
    )
    async with world.client(Server(broken, 200), **options(clock, budget=ledger)) as client:
        await client.get()

    assert ledger.entries == [
        ("deposit", SITE, None),
        ("withdraw", SITE, Load.SOME),
        ("deposit", SITE, 1.0),
    ]


def breaking(*parts: bytes, length: int = 300_000, **headers: str) -> httpx.Response:
    """Of which these parts come, and then it breaks off."""
    stream = Stream(*parts, httpx.ReadError("reset"))
    return httpx.Response(200, headers={"Content-Length": f"{length}", **headers}, stream=stream)


class Watched(Stream):
    """Writes down how many entries a ledger has, before each chunk is taken."""

    def __init__(self, ledger: Ledger, *parts: bytes) -> None:
        super().__init__(*parts)
        self._ledger = ledger
        self.before_each: list[int] = []

    def __iter__(self) -> Iterator[bytes]:
        for chunk in super().__iter__():
            self.before_each.append(len(self._ledger.entries))
            yield chunk


SMALL, LARGE = {"length": 8}, {"ETag": '"1"'}


@pytest.mark.parametrize("kind", [SMALL, LARGE], ids=["held back", "delivered"])
async def test_an_outage_that_lets_headers_through_and_no_body_is_not_fed(
    world: World, clock: FakeClock, kind: dict[str, Any]
) -> None:
    sends = 0

    def server(request: httpx.Request) -> httpx.Response:
        nonlocal sends
        sends += 1
        if "Range" not in request.headers:
            return breaking(b"a part", **kind)
        span = {"Content-Range": "bytes 6-299999/300000", "ETag": '"1"'}
        return httpx.Response(206, headers=span, stream=Stream(httpx.ReadError("reset")))

    more = options(clock, policy=POLICY, budget=RetryBudget(share=0))
    async with world.client(server, **more) as client:
        for _ in range(100):
            with pytest.raises(httpx.ReadError):
                await client.get()

    # What the bucket holds, and a fifth for each request whose headers were good.
    assert sends == 100 + 20 + 20 - 1


@pytest.mark.parametrize("begun", [[b"x" * 1_000], []], ids=["continued", "from the beginning"])
async def test_a_retry_that_brought_64_kib_of_a_body_has_ended_well(
    world: World, clock: FakeClock, begun: list[bytes]
) -> None:
    ledger = Ledger()
    first, rest = breaking(*begun, ETag='"1"'), 300_000 - sum(map(len, begun))
    span = {"Content-Range": f"bytes {300_000 - rest}-299999/300000"} if begun else {}
    watched = Watched(ledger, b"x" * 65_535, b"x", b"x" * (rest - 65_536))
    second = httpx.Response(
        206 if begun else 200,
        headers={"ETag": '"1"', "Content-Length": f"{rest}", **span},
        stream=watched,
    )
    async with world.client(Server(first, second), **options(clock, budget=ledger)) as client:
        assert len((await client.get()).content) == 300_000

    assert watched.before_each == [2, 2, 3]
    assert ledger.entries[2:] == [("deposit", SITE, 1.0)]


async def test_of_a_feed_anything_is_enough(world: World, clock: FakeClock) -> None:
    ledger = Ledger()
    broken = httpx.Response(200, stream=Stream(httpx.ReadError("reset")))
    watched = Watched(ledger, b"", b"an event", b"another")
    feed = httpx.Response(200, stream=watched)
    async with world.client(Server(broken, feed), **options(clock, budget=ledger)) as client:
        assert (await client.get()).content == b"an eventanother"

    assert watched.before_each == [2, 2, 3]
    assert ledger.entries[2:] == [("deposit", SITE, 1.0)]


async def test_what_a_refused_budget_leaves_of_a_body_is_its_error(
    world: World, clock: FakeClock
) -> None:
    ledger = Ledger(grants=None)
    broken = httpx.Response(200, stream=Stream(httpx.ReadError("reset")))
    async with world.client(Server(broken), **options(clock, budget=ledger)) as client:
        with pytest.raises(httpx.ReadError) as caught:
            await client.get()

    assert retry_history(caught.value)[-1].reason is StopReason.BUDGET_EXHAUSTED


def test_the_signature_says_what_the_default_is() -> None:
    assert "budget: 'Budget | Fresh | None' = RetryBudget()" in str(signature(RetryTransport))


@pytest.mark.parametrize("budget", [3, object(), RetryBudget])
def test_what_is_no_budget_fails_at_once(budget: Any) -> None:
    with pytest.raises(TypeError, match="budget"):
        RetryTransport(budget=budget)


def caused(error: Exception, cause: object) -> Exception:
    error.args = (cause,)
    return error


def reset(code: int) -> StreamReset:
    # Older h2 makes its events empty, newer from their fields.
    event = StreamReset.__new__(StreamReset)
    event.stream_id, event.error_code = 1, code
    return event


GOAWAY = ConnectionTerminated()
REFUSED_STREAM = reset(7)
CANCELLED = reset(8)


async def test_a_poll_takes_nothing_from_those_who_meet_a_failure(
    world: World, clock: FakeClock
) -> None:
    # Given a job that takes fifty polls
    server = Server(*[202] * 50, 200, 503, 200)
    asked = RetryPolicy(
        max_attempts=100,
        backoff=ConstantBackoff(1.0),
        retry_if=lambda outcome: True if outcome.status == 202 else None,
    )
    async with world.client(server, **options(clock, policy=asked)) as client:
        # Then it is waited for to its end, and another request has its retry
        assert (await client.get()).status_code == 200
        assert (await client.get()).status_code == 200

    assert server.sends == 53


@pytest.mark.parametrize(
    ("facts", "load"),
    [
        ({"status": 202}, Load.NONE),
        ({"status": 399}, Load.NONE),
        ({"status": 400}, Load.SOME),
        ({"status": 500}, Load.SOME),
        ({"status": 503}, Load.SOME),
        ({"status": 503, "server_wait": 0.5}, Load.SOME),
        ({"status": 503, "server_wait": 1.0}, Load.NONE),
        ({"status": 429}, Load.SOME),
        ({"status": 429, "server_wait": 0.0}, Load.SOME),  # it names no time to come back
        ({"status": 429, "server_wait": 0.001}, Load.NONE),
        ({"status": 502, "server_wait": 9.0}, Load.SOME),
        ({"error": httpx.ConnectTimeout("")}, Load.TIMEOUT),
        ({"error": httpx.PoolTimeout("")}, Load.TIMEOUT),
        ({"error": TimeoutError()}, Load.TIMEOUT),
        ({"error": httpx.ReadError("")}, Load.SOME),
        ({"error": httpx.ConnectError(""), "connection_refused": True}, Load.NONE),
        ({"error": caused(httpx.ConnectError(""), socket.gaierror())}, Load.NONE),
        ({"error": caused(httpx.ConnectError(""), ConnectionResetError())}, Load.SOME),
        ({"error": caused(httpx.RemoteProtocolError(""), GOAWAY)}, Load.NONE),
        ({"error": caused(httpx.RemoteProtocolError(""), REFUSED_STREAM)}, Load.NONE),
        ({"error": caused(httpx.LocalProtocolError(""), TooManyStreamsError())}, Load.NONE),
        ({"error": caused(httpx.RemoteProtocolError(""), CANCELLED)}, Load.SOME),
    ],
)
def test_the_load_follows_from_what_happened(facts: dict[str, Any], load: Load) -> None:
    outcome = Outcome(None, evidence=Evidence.UNKNOWN, **facts)

    assert load_of(outcome, RetryTransport.family) is load

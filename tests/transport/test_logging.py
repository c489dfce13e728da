"""Log lines: one for each retry, recovery and giving up, and no secret in any of them."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import ConstantBackoff, RetryEvent, RetryPolicy, retry_history
from tests.worlds import Stream, World

from .handlers import Server, options

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock

SITE = "https://test:8443"
URL = "https://user:secret-in-userinfo@test:8443/secret-in-path?key=secret-in-query#secret-too"
POLICY = RetryPolicy(backoff=ConstantBackoff(0.25))


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged under `httpx_retry`, all levels."""
    caplog.set_level(logging.DEBUG, "httpx_retry")
    return caplog


def lines_of(log: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [line for line in log.records if line.name == "httpx_retry"]


def said(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(line.levelname, line.getMessage()) for line in lines_of(log)]


async def test_each_retry_says_why_and_when_next(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    server = Server(503, httpx.ConnectTimeout("slow"), (429, {"Retry-After": "7"}), 200)
    async with world.client(server, **options(clock, policy=POLICY)) as client:
        await client.get(URL)

    failed = f"GET {SITE}: attempt"
    assert said(log) == [
        ("WARNING", f"{failed} 1 failed (503, unknown); next in 0.25 s (idempotent method)"),
        ("WARNING", f"{failed} 2 failed (ConnectTimeout, unsent); next in 0.25 s (never sent)"),
        ("WARNING", f"{failed} 3 failed (429, refused); next in 7.00 s (refused unprocessed)"),
        (
            "INFO",
            f"GET {SITE}: succeeded with attempt 4 after 7.5 s: 503, ConnectTimeout, 429, 200",
        ),
    ]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://bücher.example/secret", "http://bücher.example"),
        ("https://[2001:db8::1]:8443/secret", "https://[2001:db8::1]:8443"),
        ("HTTP://TEST/secret", "http://test"),
    ],
)
async def test_an_origin_is_written_as_people_write_it(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture, url: str, origin: str
) -> None:
    async with world.client(Server(503, 200), **options(clock, policy=POLICY)) as client:
        await client.get(url)

    assert [line.getMessage().split(": ")[0] for line in lines_of(log)] == [f"GET {origin}"] * 2


async def test_giving_up_says_why(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    async with world.client(Server(503), **options(clock, policy=POLICY)) as client:
        await client.post(URL)
        await client.get(URL, extensions={"retry": {"max_attempts": 2}})

    (first, _, last) = said(log)
    assert first == (
        "WARNING",
        f"POST {SITE}: gave up after 1 attempt in 0.0 s (may have been processed): 503",
    )
    assert last == (
        "WARNING",
        f"GET {SITE}: gave up after 2 attempts in 0.2 s (attempts exhausted): 503, 503",
    )


async def test_a_body_that_goes_on_says_so(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    broken = httpx.Response(
        200, headers={"Content-Length": "9"}, stream=Stream(httpx.ReadError(""))
    )
    async with world.client(Server(broken, 200), **options(clock, policy=POLICY)) as client:
        await client.get(URL)

    assert said(log)[-1] == (
        "INFO",
        f"GET {SITE}: body resumed with attempt 2 after 0.2 s: ReadError, 200",
    )


async def test_one_that_does_not_says_which_check_failed(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    broken = httpx.Response(200, stream=Stream(b"some", httpx.ReadError("")))
    async with world.client(Server(broken, 404), **options(clock, policy=POLICY)) as client:
        with pytest.raises(httpx.ReadError):
            await client.get(URL)

    assert "(body cannot be resumed: another status" in said(log)[-1][1]


async def test_the_facts_are_attributes_of_the_record(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    async with world.client(Server(503, 200), **options(clock, policy=POLICY)) as client:
        await client.get(URL)

    facts = {
        name: value for name, value in vars(lines_of(log)[0]).items() if name.startswith("retry_")
    }
    assert facts == {
        "retry_event": "retry-scheduled",
        "retry_method": "GET",
        "retry_origin": SITE,
        "retry_attempt": 1,
        "retry_status": 503,
        "retry_error": None,
        "retry_evidence": "unknown",
        "retry_reason": "idempotent method",
        "retry_wait": 0.25,
        "retry_elapsed": 0.0,
    }


async def test_where_nobody_reads_nothing_is_said(
    world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "httpx_retry")
    async with world.client(Server(503, 200), **options(clock, policy=POLICY)) as client:
        await client.get(URL)

    assert said(caplog) == []


async def test_what_is_good_at_once_is_not_worth_a_line(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    async with world.client(Server(200), **options(clock)) as client:
        await client.get(URL)

    assert said(log) == []


async def test_no_secret_is_in_anything_that_is_kept_or_told(
    world: World, clock: FakeClock, log: pytest.LogCaptureFixture
) -> None:
    events: list[RetryEvent] = []
    answer: dict[str, str] = {"Set-Cookie": "secret-in-answer"}
    broken = httpx.ReadError("secret-in-error")
    server = Server((503, answer), broken, (503, answer), broken)
    more = options(clock, policy=POLICY.replace(max_attempts=3), on_event=events.append)
    async with world.client(server, **more) as client:
        response = await client.request(
            "PUT", URL, headers={"Authorization": "secret-in-header"}, content=b"secret-in-body"
        )
        with pytest.raises(httpx.ReadError) as caught:
            await client.request("PUT", URL)

    error: Any = caught.value
    told = [
        *[line.getMessage() + repr(vars(line)) for line in lines_of(log)],
        *map(repr, events),
        *error.__notes__,
        repr(retry_history(response)),
        repr(retry_history(error)),
        repr(pickle.dumps(retry_history(response))),
        repr(pickle.dumps(retry_history(error))),
    ]
    assert len(told) > 8
    assert [each for each in told if "secret" in each] == []

"""What the small rooms of `_http/` say, each by itself."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from httpx_retry._http.causes import chain_of, was_refused
from httpx_retry._http.deadline import Deadline
from httpx_retry._http.drain import Drain, drain_for
from httpx_retry._http.family import Family
from httpx_retry._http.httpcore_stream import bound_reads
from httpx_retry._http.requests import copied, is_same_origin
from httpx_retry._http.responses import read_copy
from httpx_retry.testing import FakeClock

FAMILY = Family(httpx)


class Group(Exception):  # noqa: N818 - stands in for ExceptionGroup, which 3.10 lacks
    def __init__(self, *exceptions: Exception) -> None:
        super().__init__()
        self.exceptions = exceptions


def test_what_stands_first_is_behind_an_error_and_nothing_beside_it() -> None:
    expired = ssl.SSLCertVerificationError("expired")

    assert chain_of(Exception(expired))[1:] == (expired,)
    assert chain_of(Exception("no exception", expired))[1:] == ()
    assert chain_of(Group(expired, OSError()))[1:] == (expired,)
    assert chain_of(Group())[1:] == ()


def test_an_attribute_of_that_name_is_no_group() -> None:
    error = Exception("batch")
    for members in ({"a": ValueError()}, [ValueError()], 3):
        error.exceptions = members  # type: ignore[attr-defined] # as a user's own class may have it

        assert chain_of(error) == (error,)


def test_refused_is_what_nobody_listened_to() -> None:
    error = httpx.ConnectError("all failed")
    error.__cause__ = Exception(ConnectionRefusedError())

    assert was_refused(error)
    assert not was_refused(httpx.ConnectError("no such name"))


def test_a_deadline_bounds_each_timeout_by_what_is_left() -> None:
    clock = FakeClock()
    clock.advance(10)
    deadline = Deadline({"connect": 1.0, "read": 5.0, "write": None}, 13.0, clock.monotonic)

    for found in (dict(deadline), {phase: deadline.get(phase) for phase in deadline}):
        assert found == {"connect": 1.0, "read": 3.0, "write": 3.0}
    # A phase that the caller did not name.
    assert deadline.get("pool") == 3.0
    assert deadline.get("pool", 2.0) == 2.0
    deadline.move(None)
    assert (deadline["read"], deadline.get("pool", 2.0), deadline.get("pool")) == (5.0, 2.0, None)


def test_a_drain_is_over_past_its_bytes_or_its_second() -> None:
    clock = FakeClock()
    drain = Drain(None, 10, clock.monotonic, ends=1.0)

    clock.advance(1)
    assert not drain.is_over(10)
    assert drain.is_over(1)

    late = Drain(None, 10, clock.monotonic, ends=2.0)
    clock.advance(1.001)
    assert late.is_over(0)


def drain_of(
    length: object = None,
    *,
    left: float | None = None,
    method: str = "GET",
    status: int = 503,
) -> Drain | None:
    headers = {} if length is None else {"Content-Length": str(length)}
    return drain_for(
        httpx.Request(method, "http://test/", extensions={"timeout": {"read": 5.0}}),
        httpx.Response(status, headers=headers),
        FakeClock().monotonic,
        left,
        None,
    )


def ends_after(size: int, drain: Drain | None) -> bool:
    return drain is not None and not drain.is_over(size) and drain.is_over(1)


def test_what_has_no_body_is_read_to_its_end() -> None:
    assert ends_after(0, drain_of(0))
    assert ends_after(0, drain_of(method="HEAD"))
    assert ends_after(0, drain_of(status=304))


def test_a_short_body_is_drained_if_that_cannot_last() -> None:
    assert ends_after(1 << 14, drain_of(1 << 14))
    assert drain_of((1 << 14) + 1) is None
    assert drain_of("none at all") is None
    assert drain_of("0x5") is None
    assert ends_after(5, drain_of(5, left=0.2))
    assert drain_of(5, left=0.199) is None
    assert ends_after(0, drain_of(0, left=0.0))


def test_what_nobody_sees_is_read_where_the_connection_gives_it() -> None:
    given: Any = object()
    outer: Any = SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=given))
    answer = httpx.Response(503, headers={"Content-Length": "9"})
    request = httpx.Request("GET", "http://test/", extensions={"timeout": {"read": 5.0}})

    for stream in (outer, given):
        answer.stream = stream
        drain = drain_for(request, answer, FakeClock().monotonic, None, None)
        assert drain is not None
        assert drain.stream is given


@pytest.mark.parametrize(
    "deadline", [None, Deadline({"read": 7.0}, None, FakeClock().monotonic)], ids=["none", "sent"]
)
def test_it_takes_no_longer_than_the_caller_lets_it(deadline: Deadline | None) -> None:
    """Whatever a wrapped transport has made of the timeouts that it was given."""
    own = {"read": 7.0, "write": 0.25}
    sent = SimpleNamespace(extensions={"timeout": own, "mine": 1})
    stream: Any = SimpleNamespace(_stream=SimpleNamespace(_request=sent))
    stream = SimpleNamespace(_httpcore_stream=stream)
    request = httpx.Request("GET", "http://test/", extensions={"timeout": own})
    answer = httpx.Response(503, headers={"Content-Length": "9"})
    answer.stream = stream
    drain_for(request, answer, FakeClock().monotonic, None, deadline)

    assert {phase: sent.extensions["timeout"].get(phase) for phase in own} == {
        "read": 1.0,
        "write": 0.25,
    }
    assert sent.extensions["mine"] == 1
    assert request.extensions["timeout"] is own


@pytest.mark.parametrize(
    ("left", "may_take"),
    # The last read may begin after a second, and takes as long again.
    [(None, [1.0, 0.75]), (60.0, [1.0, 0.75]), (3.2, [0.8, 0.55])],
)
def test_reading_what_is_thrown_away_has_an_end(left: float | None, may_take: list[float]) -> None:
    clock = FakeClock()
    deadline = Deadline({"read": 7.0}, None, clock.monotonic)
    request = httpx.Request("GET", "http://test/")
    answer = httpx.Response(503, headers={"Content-Length": "9"})
    drain_for(request, answer, clock.monotonic, left, deadline)

    seen = [deadline.get("read")]
    clock.advance(0.25)
    seen.append(deadline.get("read"))

    assert seen == pytest.approx(may_take)


class Receiving:
    """A connection of httpcore's that would read."""

    def _receive_event(self, timeout: float | None = None) -> float | None:
        return timeout


def test_reads_are_bounded_by_whichever_is_sooner_until_they_are_not_any_more() -> None:
    clock = FakeClock()
    ends = [5.0, 5.0, 5.0, None]
    connection = Receiving()
    beneath = SimpleNamespace(_connection=connection, _closed=False)
    stream = SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=beneath))
    assert bound_reads(stream, lambda: ends.pop(0), clock.monotonic)

    assert connection._receive_event(timeout=None) == 5.0
    assert connection._receive_event(timeout=4.0) == 4.0
    clock.advance(6.0)
    assert connection._receive_event(timeout=4.0) == 0.001  # as 0 would not wait at all
    assert connection._receive_event(timeout=None) is None
    assert not vars(connection)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://test/a", "http://test:80/b", True),
        ("https://test/", "https://test:443/", True),
        ("https://test/", "https://test:80/", False),
        ("http://test/", "http://test:443/", False),
        ("http://test/", "https://test/", False),
        # In capitals httpx leaves a default port in.
        ("HTTP://test:80/", "http://test/", True),
        ("HTTPS://test:443/", "https://test/", True),
        ("HTTPS://test:443/", "https://test:80/", False),
        ("http://test:8080/", "http://test/", False),
        ("http://test:8080/", "http://test:8080/", True),
    ],
)
def test_an_origin_has_a_port_said_or_not(one: str, other: str, same: bool) -> None:
    assert is_same_origin(httpx.URL(one), httpx.URL(other)) is same


def test_a_copied_request_may_be_changed_and_shares_what_its_extensions_hold() -> None:
    given = httpx.Request("POST", "http://test/", content=b"x", extensions={"mine": {"a": 1}})

    copy = copied(given)
    copy.headers["X"] = "1"
    copy.extensions["more"] = 3

    assert "X" not in given.headers
    assert given.extensions == {"mine": {"a": 1}}
    assert copy.extensions["mine"] is given.extensions["mine"]
    assert (copy.method, copy.content) == ("POST", b"x")


def test_a_read_copy_is_like_the_response() -> None:
    request = httpx.Request("GET", "http://test/")
    given = httpx.Response(202, headers={"X": "1"}, extensions={"http_version": b"HTTP/2"})

    copy = read_copy(given, b"body", request, FAMILY)

    assert copy is not None
    assert (copy.status_code, copy.headers, copy.content) == (202, given.headers, b"body")
    assert copy.request is request
    assert copy.http_version == "HTTP/2"

"""`RetryPolicy.from_urllib3`: urllib3's own loop and ours go through the same, and do the same."""

from __future__ import annotations

import re
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from httpx_retry import (
    BackoffContext,
    Evidence,
    Outcome,
    RetryPolicy,
    RetryTransport,
)
from httpx_retry._core.from_urllib3 import Urllib3Backoff
from httpx_retry.testing import ScriptedTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL: Any = {"total": 3, "backoff_factor": 1, "status_forcelist": [429, 500, 502, 503, 504]}

# What happens to one attempt: a status, a status with a Retry-After, or an error by its name.
Answer = int | tuple[int, int]
Event = Answer | str


class ScriptedPool(HTTPConnectionPool):
    """urllib3 itself, over connections that do as they are told, and then answer."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__("test")
        self.sends = 0
        self._events: Iterator[Event] = iter(events)

    def _make_request(  # type: ignore[override] # urllib3 names all that it passes
        self, conn: Any, method: str, url: str, **_: Any
    ) -> HTTPResponse:
        self.sends += 1
        event = next(self._events, 200)
        if isinstance(event, str):
            raise {
                "connect": NewConnectionError(conn, "refused"),
                "read": ReadTimeoutError(self, url, "timed out"),
                "reset": ProtocolError("reset"),
            }[event]
        status, headers = as_response(event)
        return HTTPResponse(status=status, headers=headers, request_method=method)


ERRORS = {"connect": httpx.ConnectTimeout, "read": httpx.ReadTimeout, "reset": httpx.ReadError}


def as_response(event: Answer) -> tuple[int, dict[str, str]]:
    if isinstance(event, int):
        return event, {}
    status, seconds = event
    return status, {"Retry-After": str(seconds)}


def status_of(event: Event) -> int | None:
    return None if isinstance(event, str) else as_response(event)[0]


def by_urllib3(retry: Retry, method: str, events: list[Event]) -> tuple[int, list[float]]:
    """How many requests urllib3 sends, and the waits between them."""
    pool = ScriptedPool(events)
    with mock.patch.object(time, "sleep") as sleep, suppress(HTTPError):
        pool.urlopen(method, "/", retries=retry, redirect=False)
    return pool.sends, [float(call.args[0]) for call in sleep.call_args_list]


def by_us(policy: RetryPolicy, method: str, events: list[Event]) -> tuple[int, list[float]]:
    """The same of ours."""
    script = [ERRORS[each] if isinstance(each, str) else as_response(each) for each in events]
    server = ScriptedTransport([*script, *[200] * 20])
    transport = RetryTransport(server, policy=policy, budget=None, clock=server.clock)
    with httpx.Client(transport=transport) as client, suppress(httpx.TransportError):
        client.request(method, "http://test/")
    return len(server.requests), server.clock.sleeps


METHODS = ("GET", "PUT", "POST", "PROPFIND")
STATUSES = (202, 404, 413, 429, 500, 503)
EVENTS = st.one_of(
    st.sampled_from(STATUSES),
    st.tuples(st.sampled_from(STATUSES), st.integers(1, 1_000)),
    st.sampled_from(sorted(ERRORS)),
)


@st.composite
def retries(draw: st.DrawFn) -> Retry:
    """Any whose every option has a counterpart."""
    total = draw(st.sampled_from([4, 1, 2, 3, 6, 0, False]))
    count = st.sampled_from([None, None, total, 9, 0, False])
    methods = st.sets(st.sampled_from(METHODS), min_size=1)
    return Retry(
        total=total,
        connect=draw(count),
        read=draw(count),
        status=draw(count),
        allowed_methods=draw(st.just(Retry.DEFAULT_ALLOWED_METHODS) | methods),
        status_forcelist=draw(st.none() | st.sets(st.sampled_from(STATUSES))),
        backoff_factor=draw(st.floats(0, 5)),
        backoff_max=draw(st.floats(0, 20)),
        raise_on_status=draw(st.booleans()),
    )


@settings(max_examples=500)
@given(
    retry=retries(),
    method=st.sampled_from(METHODS),
    events=st.lists(EVENTS, min_size=1, max_size=8),
)
def test_the_same_attempts_and_the_same_waits(
    retry: Retry, method: str, events: list[Event]
) -> None:
    policy = RetryPolicy.from_urllib3(retry)
    # A 429 says that nothing was processed: we send again what urllib3 does not.
    assume(method in policy.methods or 429 not in map(status_of, events))

    assert by_us(policy, method, events) == by_urllib3(retry, method, events)


def test_the_usual_one() -> None:
    policy = RetryPolicy.from_urllib3(Retry(**USUAL))
    waits = [policy.backoff(context(attempt)) for attempt in range(1, 9)]

    assert policy.max_attempts == 4
    assert policy.statuses == {429, 500, 502, 503, 504}
    assert policy.methods == {"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE"}
    assert policy.max_retry_after == 21_600
    assert waits == [0, 2, 4, 8, 16, 32, 64, 120]


def context(attempt: int, draw: float = 0.5) -> BackoffContext:
    outcome = Outcome(object(), evidence=Evidence.UNKNOWN, status=503)
    return BackoffContext(attempt, None, outcome, lambda: draw)


def test_it_is_a_value_too() -> None:
    one, other = (RetryPolicy.from_urllib3(Retry(**USUAL)) for _ in range(2))

    assert one == other
    assert hash(one) == hash(other)
    assert "backoff=Urllib3Backoff(factor=1, maximum=120, jitter=0.0)" in repr(one)
    assert one != RetryPolicy.from_urllib3(Retry(**USUAL, backoff_jitter=1))


def test_jitter_is_added_before_the_cap_and_never_to_the_first_wait() -> None:
    retry = Retry(backoff_factor=1, backoff_max=5, backoff_jitter=2)
    backoff = RetryPolicy.from_urllib3(retry).backoff

    assert [backoff(context(attempt, 0.25)) for attempt in (1, 2, 3, 4)] == [0, 2.5, 4.5, 5]
    assert backoff(context(3, 0.75)) == 5


def test_without_a_total_a_named_wait_alone_is_no_reason_to_retry() -> None:
    retry = Retry(None, connect=2, read=2, status=2)
    with pytest.warns(UserWarning, match="connect=2, read=2, status=2"):
        policy = RetryPolicy.from_urllib3(retry)

    assert by_us(policy, "GET", [(503, 1)]) == by_urllib3(retry, "GET", [(503, 1)]) == (1, [])


def test_a_huge_attempt_number_does_not_overflow() -> None:
    assert RetryPolicy.from_urllib3(Retry(backoff_factor=1)).backoff(context(10**9)) == 120
    assert RetryPolicy.from_urllib3(Retry()).backoff(context(10**9)) == 0


def test_a_server_that_asks_too_much_is_not_asked_too_early() -> None:
    policy = RetryPolicy.from_urllib3(Retry(**USUAL, retry_after_max=10))

    assert by_us(policy, "GET", [(503, 11)]) == (1, [])
    assert by_urllib3(Retry(**USUAL, retry_after_max=10), "GET", [(503, 11)]) == (2, [10])


def test_what_was_not_processed_is_sent_again_whatever_the_method() -> None:
    assert by_us(RetryPolicy.from_urllib3(Retry(**USUAL)), "POST", [429]) == (2, [])
    assert by_urllib3(Retry(**USUAL), "POST", [429]) == (1, [])


def test_no_read_retries_means_that_bodies_are_not_mended() -> None:
    assert RetryPolicy.from_urllib3(Retry(3)).recover_body
    assert not RetryPolicy.from_urllib3(Retry(3, read=0)).recover_body


def test_good_responses_need_no_judgement() -> None:
    assert RetryPolicy.from_urllib3(Retry(**USUAL)).judged_from == 400
    assert RetryPolicy.from_urllib3(Retry(3, status_forcelist=[202])).judged_from == 202


def test_what_http2_refused_is_no_read_error() -> None:
    rule = RetryPolicy.from_urllib3(Retry(3, read=0)).retry_if
    assert rule is not None
    reset = httpx.RemoteProtocolError("reset")

    assert rule(Outcome(object(), evidence=Evidence.REFUSED, error=reset)) is None
    assert rule(Outcome(object(), evidence=Evidence.UNKNOWN, error=reset)) is False


def test_no_status_retries_means_that_no_status_counts_as_failed() -> None:
    assert RetryPolicy.from_urllib3(Retry(3, status=0, status_forcelist=[503])).statuses == set()


def test_any_method_is_spelt_out() -> None:
    retry = Retry(**USUAL, allowed_methods=None)
    with pytest.warns(UserWarning, match="names its methods: DELETE, GET, HEAD, OPTIONS, PATCH"):
        policy = RetryPolicy.from_urllib3(retry)

    events: list[Event] = [500, "read"]
    assert by_us(policy, "POST", events) == by_urllib3(retry, "POST", events) == (3, [2.0])


@pytest.mark.parametrize("allowed", [[], ()])
def test_an_empty_collection_of_methods_may_mean_two_things(allowed: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # urllib3 itself says that it will change
        retry = Retry(3, allowed_methods=allowed)
    with pytest.raises(
        ValueError, match=re.escape(f"allowed_methods={allowed!r} is any method")
    ) as told:
        RetryPolicy.from_urllib3(retry)
    assert str(told.value).endswith("urllib3 3: say None, or name them")


@pytest.mark.parametrize("allowed", [["GET", "post"], frozenset({"post"})])
def test_a_method_that_urllib3_never_retries_is_named(allowed: Any) -> None:
    retry = Retry(3, status_forcelist=[503], allowed_methods=allowed)
    assert not retry.is_retry("POST", 503)

    said = f"allowed_methods={allowed!r} has 'post', which"
    with pytest.raises(ValueError, match=re.escape(said)) as told:
        RetryPolicy.from_urllib3(retry)
    assert str(told.value).endswith("no request's method: write it in capitals, or leave it out")


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        (True, "allowed_methods must be a collection of methods, not True"),
        ("GET", "allowed_methods must be a collection of methods, not 'GET'"),
        ([1], "each of methods must be a string, not 1"),
    ],
)
def test_what_are_no_methods_is_named(allowed: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        RetryPolicy.from_urllib3(Retry(3, allowed_methods=allowed))


@pytest.mark.parametrize(
    ("options", "attempts", "named"),
    [
        ({"total": 10, "connect": 5, "read": 2}, 3, "connect=5, read=2 (failures are counted tog"),
        ({"total": None, "status": 4, "read": 0}, 5, "status=4 (failures are counted together: 5"),
        ({"total": 3, "other": 0}, 4, "other=0 (TLS failures count as connect, the rest as read)"),
        ({"total": None, "connect": 2, "other": 1}, 3, "other=1 (TLS failures"),
        (
            {"total": 2, "connect": 1},
            2,
            "connect=1 (failures are counted together: 2 attempts in all)",
        ),
        (
            {"allowed_methods": False},
            11,
            "allowed_methods=False (a policy names its methods: DELETE,",
        ),
        (
            {"redirect": 5},
            11,
            "redirect=5, raise_on_redirect=True (redirects are the client's: its max_redirects)",
        ),
        ({"redirect": False}, 11, "redirect=0, raise_on_redirect=False (redirects"),
        (
            {"remove_headers_on_redirect": ["X-Key"]},
            11,
            (
                "remove_headers_on_redirect=['x-key'] (httpx removes Authorization and Cookie where"
                " another origin follows, and no other)"
            ),
        ),
        (
            {"respect_retry_after_header": False},
            11,
            "respect_retry_after_header=False (servers that name a wait are obeyed)",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(
    options: dict[str, Any], attempts: int, named: str
) -> None:
    with pytest.warns(UserWarning, match=re.escape(named)):
        policy = RetryPolicy.from_urllib3(Retry(**options))

    assert policy.max_attempts == attempts


def test_whoever_asks_is_warned() -> None:
    with pytest.warns(UserWarning, match="redirect=5") as warned:
        RetryPolicy.from_urllib3(Retry(redirect=5))

    assert [(each.filename, each.category) for each in warned] == [(__file__, UserWarning)]


@pytest.mark.parametrize("options", [{}, {"total": 3, "other": 3}, {"total": 3, "connect": 3}])
def test_what_says_nothing_more_loses_nothing(options: dict[str, Any]) -> None:
    assert RetryPolicy.from_urllib3(Retry(**options)).methods == Retry.DEFAULT_ALLOWED_METHODS


@pytest.mark.parametrize("name", ["factor", "maximum", "jitter"])
def test_a_curve_out_of_range_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be finite and at least 0, not -1"):
        Urllib3Backoff(**{"factor": 1.0, name: -1})


def test_all_of_it_is_named_at_once() -> None:
    with pytest.warns(UserWarning, match=r"redirect=5.*; respect_retry.*; allowed_meth") as warned:
        RetryPolicy.from_urllib3(
            Retry(redirect=5, respect_retry_after_header=False, allowed_methods=None)
        )

    assert len(warned) == 1


class Patient(Retry):
    DEFAULT_BACKOFF_MAX = 600

    def get_backoff_time(self) -> float:
        return 60.0


class Hopeful(Patient):
    def is_exhausted(self) -> bool:
        return False

    def get_retry_after(self, response: object) -> None:
        return None


@pytest.mark.parametrize(
    ("retry", "named"),
    [
        (Patient(3), r": Patient.get_backoff_time \(no code of a subclass is run\)$"),
        (
            Hopeful(3),
            r": Hopeful.is_exhausted, get_retry_after \(no .* Patient.get_backoff_time \(",
        ),
    ],
)
def test_the_code_of_a_subclass_is_named(retry: Retry, named: str) -> None:
    with pytest.warns(UserWarning, match=named):
        RetryPolicy.from_urllib3(retry)


def test_where_nothing_is_retried_nothing_is_lost() -> None:
    assert RetryPolicy.from_urllib3(Retry(0, read=False)).max_attempts == 1
    assert RetryPolicy.from_urllib3(Retry(False)).max_attempts == 1
    assert RetryPolicy.from_urllib3(Retry(None, connect=0, read=0, status=0)).max_attempts == 1


def test_one_without_a_bound_is_refused() -> None:
    with pytest.raises(ValueError, match=r"total must be a number: Retry\(total=None, connect=Non"):
        RetryPolicy.from_urllib3(Retry(None, redirect=3))


def test_a_number_is_told_what_it_stands_for() -> None:
    with pytest.raises(TypeError, match=r"must be an urllib3.util.Retry, not 3: pass Retry\(3\)"):
        RetryPolicy.from_urllib3(3)


@pytest.mark.parametrize("value", ["3", None, RetryPolicy()])
def test_what_is_no_retry_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"must be an urllib3.util.Retry, not .*: it has no total"):
        RetryPolicy.from_urllib3(value)


def test_the_retry_of_httpx_retries_is_another() -> None:
    from httpx_retries import Retry as Other  # noqa: PLC0415 - its name is taken

    with pytest.raises(TypeError, match=r"it has no connect, read, status, other"):
        RetryPolicy.from_urllib3(Other())


class Former:
    """What urllib3 1.26 has: no `backoff_max`, `backoff_jitter` or `retry_after_max`.

    From 1.26.8 on, the longest wait has another name than before.
    """

    DEFAULT_REMOVE_HEADERS_ON_REDIRECT = frozenset(["Cookie", "Authorization"])
    RETRY_AFTER_STATUS_CODES = frozenset([413, 429, 503])

    def __init__(self, longest_wait: str) -> None:
        setattr(self, longest_wait, 120)
        self.total = 3
        self.connect = self.read = self.status = self.other = self.redirect = None
        self.raise_on_redirect = True
        self.remove_headers_on_redirect = frozenset(["cookie", "authorization"])
        self.allowed_methods = frozenset(["GET"])
        self.status_forcelist = frozenset([503])
        self.respect_retry_after_header = True
        self.backoff_factor = 1


@pytest.mark.parametrize("longest_wait", ["DEFAULT_BACKOFF_MAX", "BACKOFF_MAX"])
def test_a_retry_of_urllib3_1_26_is_one_too(longest_wait: str) -> None:
    retry = Retry(3, allowed_methods=["GET"], status_forcelist=[503], backoff_factor=1)

    assert RetryPolicy.from_urllib3(Former(longest_wait)) == RetryPolicy.from_urllib3(retry)


def test_without_a_longest_wait_it_is_none() -> None:
    with pytest.raises(TypeError, match=r"it has no backoff_max$"):
        RetryPolicy.from_urllib3(Former("another"))

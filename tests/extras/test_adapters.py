"""The wait curves of tenacity and backoff: ours waits as they do, from their own code."""

from __future__ import annotations

import datetime as dt
import pickle
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from unittest import mock

import backoff
import httpx
import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import (
    BackoffContext,
    Evidence,
    ExponentialBackoff,
    Outcome,
    RetryPolicy,
)
from httpx_retry.adapters import TenacityBackoff, WaitGenBackoff
from httpx_retry.testing import ScriptedTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from httpx_retry import Backoff
    from tests.worlds import World

FAILURES = 6


def context(attempt: int, outcome: Outcome | None = None, draw: float = 0.5) -> BackoffContext:
    return BackoffContext(attempt, None, outcome or of_status(503), lambda: draw)


def of_status(status: int, **headers: str) -> Outcome:
    request = httpx.Request("GET", "http://test/")
    response = httpx.Response(status, headers=headers, request=request)
    return Outcome(request, evidence=Evidence.UNKNOWN, response=response, status=status)


def of_error(error: Exception) -> Outcome:
    return Outcome(object(), evidence=Evidence.UNKNOWN, error=error)


def waits(backoff: Backoff) -> list[float]:
    return [backoff(context(attempt)) for attempt in range(1, FAILURES + 1)]


def fail() -> None:
    raise httpx.ReadError("reset")


def slept_by(retried: Callable[[], None]) -> list[float]:
    """The waits of a function that another library retries until it gives up."""
    with mock.patch.object(time, "sleep") as sleep, pytest.raises(httpx.ReadError):
        retried()
    return [call.args[0] for call in sleep.call_args_list]


SECONDS = st.floats(0, 100)
STRATEGIES = st.one_of(
    st.builds(tenacity.wait_fixed, SECONDS),
    st.builds(tenacity.wait_incrementing, SECONDS, SECONDS, SECONDS),
    st.builds(tenacity.wait_exponential, multiplier=SECONDS, max=SECONDS, min=st.floats(0, 1)),
    st.builds(tenacity.wait_random, st.just(0), SECONDS),
    st.builds(tenacity.wait_random_exponential, multiplier=SECONDS, max=SECONDS),
    st.builds(tenacity.wait_exponential_jitter, max=SECONDS),
)


@given(
    STRATEGIES
    | st.builds(tenacity.wait_combine, STRATEGIES, STRATEGIES)
    | st.builds(tenacity.wait_chain, STRATEGIES, STRATEGIES, STRATEGIES),
    st.integers(),
)
def test_the_waits_are_those_of_tenacity(wait: tenacity.wait.wait_base, seed: int) -> None:
    stop = tenacity.stop_after_attempt(FAILURES + 1)
    random.seed(seed)
    theirs = slept_by(tenacity.retry(wait=wait, stop=stop, reraise=True)(fail))
    random.seed(seed)

    assert waits(TenacityBackoff(wait)) == theirs


@given(
    st.one_of(
        st.builds(dict, wait_gen=st.just(backoff.expo), base=st.floats(1, 9), factor=SECONDS),
        st.builds(dict, wait_gen=st.just(backoff.expo), max_value=SECONDS),
        st.builds(dict, wait_gen=st.just(backoff.fibo), max_value=st.none() | st.integers(1, 50)),
        st.builds(dict, wait_gen=st.just(backoff.constant), interval=SECONDS),
    ),
)
@pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction':DeprecationWarning")  # its own
def test_the_waits_are_those_of_backoff(options: dict[str, Any]) -> None:
    retried = backoff.on_exception(
        exception=httpx.ReadError, max_tries=FAILURES + 1, jitter=None, logger=None, **options
    )

    assert waits(WaitGenBackoff(jitter=None, **options)) == slept_by(retried(fail))


def test_jitter_is_full_as_in_backoff_and_drawn_from_the_transports_own_source() -> None:
    assert waits(WaitGenBackoff(backoff.expo)) == [0.5, 1, 2, 4, 8, 16]
    assert waits(WaitGenBackoff(backoff.expo, jitter="equal"))[:2] == [0.75, 1.5]
    assert waits(WaitGenBackoff(backoff.expo)) == waits(ExponentialBackoff(initial=1, maximum=99))


def test_a_jitter_of_backoff_is_a_function_of_the_wait() -> None:
    jittered = WaitGenBackoff(backoff.constant, jitter=backoff.random_jitter, interval=3)

    assert all(3 <= wait < 4 for wait in waits(jittered))
    assert waits(WaitGenBackoff(backoff.constant, jitter=lambda wait: wait * 2)) == [2] * FAILURES


async def test_both_are_waited_for(world: World) -> None:
    for made in (
        TenacityBackoff(tenacity.wait_incrementing(1, 2)),
        WaitGenBackoff(backoff.constant, jitter=None, interval=(1, 3)),
    ):
        server = ScriptedTransport([503, httpx.ReadTimeout, 200] * 2)
        policy = RetryPolicy(backoff=made)
        async with world.client(server, policy=policy, clock=server.clock) as client:
            await client.get()
            await client.get()

        assert server.clock.sleeps == [1, 3, 1, 3]


def test_a_strategy_of_tenacity_is_shown_what_happened() -> None:
    def look(state: tenacity.RetryCallState) -> float:
        seen.append(state)
        return 0.0

    seen: list[Any] = []
    reset = httpx.ReadError("reset")
    for outcome in (of_error(reset), of_status(503), of_status(202), of_status(304)):
        TenacityBackoff(look)(context(3, outcome))

    assert [state.attempt_number for state in seen] == [3, 3, 3, 3]
    assert seen[0].outcome.exception() is reset
    assert seen[1].outcome.exception().response.status_code == 503
    assert [each.outcome.result().status_code for each in seen[2:]] == [202, 304]


def test_a_wait_that_reads_the_exception_reads_it() -> None:
    def asked(error: BaseException) -> float:
        assert isinstance(error, httpx.HTTPStatusError)
        return float(error.response.headers["x-wait"])

    made = TenacityBackoff(tenacity.wait_exception(asked))

    assert made(context(1, of_status(503, **{"x-wait": "7"}))) == 7


def test_a_generator_of_backoff_is_sent_what_happened() -> None:
    by_header = WaitGenBackoff(
        backoff.runtime, jitter=None, value=lambda response: int(response.headers["x-wait"])
    )
    by_error = WaitGenBackoff(backoff.runtime, jitter=None, value=lambda error: len(str(error)))

    assert by_header(context(2, of_status(503, **{"x-wait": "7"}))) == 7
    assert by_error(context(2, of_error(httpx.ReadError("reset")))) == 5


def test_where_a_generator_ends_its_last_wait_goes_on() -> None:
    assert waits(WaitGenBackoff(backoff.constant, jitter=None, interval=[1, 5])) == [1, *[5] * 5]


def test_what_makes_a_generator_is_not_called_before_it_is_asked_for_a_wait() -> None:
    made: list[dict[str, Any]] = []

    def make(**options: Any) -> Generator[float, Any, None]:
        made.append(options)
        return backoff.constant(**options)

    every_3_s = WaitGenBackoff(make, jitter=None, interval=3)
    assert made == []
    assert every_3_s(context(1)) == 3


def test_a_generator_without_a_wait_is_refused() -> None:
    with pytest.raises(ValueError, match=r"wait_gen must yield a wait, and WaitGenBackoff\(const"):
        WaitGenBackoff(backoff.constant, interval=())(context(1))


def silent() -> Generator[float, Any, None]:
    yield from ()


def test_one_that_yields_nothing_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match=r"WaitGenBackoff\(silent, jitter='full'\) yields none"):
        WaitGenBackoff(silent)(context(1))


@pytest.mark.parametrize("wait_gen", [backoff.expo, backoff.fibo])
def test_a_huge_attempt_number_does_not_overflow(wait_gen: Any) -> None:
    made = WaitGenBackoff(wait_gen, jitter=None)

    assert made(context(10**9)) == 1e9


@pytest.mark.parametrize("base", [10**6, 10.0**6])
def test_a_growth_beyond_any_float_is_capped(base: float) -> None:
    assert WaitGenBackoff(backoff.expo, jitter=None, base=base)(context(10**9)) == 1e9


MINUTE = dt.timedelta(minutes=1)


def half_a_second(retry_state: object) -> float:
    return 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda: TenacityBackoff(tenacity.wait_exponential(max=MINUTE) + tenacity.wait_random()),
        lambda: TenacityBackoff(tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_none())),
        lambda: TenacityBackoff(half_a_second),
        lambda: WaitGenBackoff(backoff.expo, max_value=60, base=3),
        lambda: WaitGenBackoff(backoff.expo, base=3, max_value=60),
    ],
)
def test_each_is_a_value(make: Callable[[], Backoff]) -> None:
    one, other = RetryPolicy(backoff=make()), RetryPolicy(backoff=make())

    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes


def test_what_differs_is_not_equal() -> None:
    different = [
        TenacityBackoff(tenacity.wait_fixed(1)),
        TenacityBackoff(tenacity.wait_fixed(2)),
        TenacityBackoff(tenacity.wait_none()),
        TenacityBackoff(tenacity.wait_chain(tenacity.wait_fixed(1))),
        WaitGenBackoff(backoff.expo),
        WaitGenBackoff(backoff.fibo),
        WaitGenBackoff(backoff.expo, jitter=None),
        WaitGenBackoff(backoff.expo, base=3),
    ]

    assert len(set(different)) == len(different)


def test_the_order_of_options_is_no_difference() -> None:
    one = WaitGenBackoff(backoff.expo, base=3, factor=2)

    assert one == WaitGenBackoff(backoff.expo, factor=2, base=3)


def test_they_print_readably() -> None:
    chain = tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_random(0, 2))

    assert repr(TenacityBackoff(chain)) == (
        "TenacityBackoff(wait_chain(strategies=("
        "wait_fixed(wait_fixed=1.0), wait_random(wait_random_min=0.0, wait_random_max=2.0))))"
    )
    assert repr(WaitGenBackoff(backoff.expo, max_value=60)) == (
        "WaitGenBackoff(expo, jitter='full', max_value=60)"
    )


async def later(state: object) -> float:
    return 0.0


async def always() -> AsyncIterator[float]:
    yield 0.0


@pytest.mark.parametrize(
    ("kind", "arguments", "options", "message"),
    [
        (TenacityBackoff, (3,), {}, "wait must be callable, not 3"),
        (TenacityBackoff, (later,), {}, "wait must be a plain function"),
        (TenacityBackoff, (fail,), {}, "wait must take .retry_state., which <function fail"),
        (
            TenacityBackoff,
            (tenacity.wait_fixed,),
            {},
            r"wait must be callable: call wait_fixed\(\)",
        ),
        (WaitGenBackoff, ("expo",), {}, "wait_gen must be callable, not 'expo'"),
        (WaitGenBackoff, (later,), {}, "wait_gen must be a plain function"),
        (
            WaitGenBackoff,
            (always,),
            {},
            "wait_gen must be a plain function, not the async function",
        ),
        (WaitGenBackoff, (backoff.expo,), {"jitter": later}, "jitter must be a plain function"),
        (WaitGenBackoff, (backoff.expo,), {"jitter": fail}, "jitter must take .wait., which"),
        (
            WaitGenBackoff,
            (backoff.expo,),
            {"max_valu": 3},
            r"expo\(\) got an unexpected .*'max_valu'",
        ),
        (WaitGenBackoff, (backoff.runtime,), {}, r"runtime\(\) missing 1 required .*'value'"),
    ],
)
def test_what_cannot_be_asked_for_a_wait_fails_at_construction(
    kind: Any, arguments: Any, options: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        kind(*arguments, **options)


def test_a_jitter_of_another_name_fails_at_construction() -> None:
    with pytest.raises(ValueError, match="jitter must be one of 'full', 'equal', 'none', not 'so"):
        WaitGenBackoff(backoff.expo, jitter="some")  # type: ignore[arg-type] # the point


def test_neither_library_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, httpx_retry.adapters;"
        "assert not {'tenacity', 'backoff', 'urllib3'} & sys.modules.keys();"
        "sys.modules['tenacity'] = None; httpx_retry.adapters.TenacityBackoff(print)"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 1
    assert "ModuleNotFoundError: import of tenacity halted" in ran.stderr

"""The retry budget: what a retry costs, what gives it back, and what a busy client holds."""

from __future__ import annotations

import copy
import ctypes
import os
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import Load, RetryBudget

from .locks import held_by_another_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx_retry.redis import RedisRetryBudget

SITE = "https://example.org"
OTHER = "https://example.com"


def taken(budget: RetryBudget, load: Load = Load.SOME, origin: str = SITE, now: float = 0) -> int:
    """How many retries a budget grants until it is empty, as it is to be."""
    for count in range(10_000):
        if budget.withdraw(origin, load, now) is None:
            return count
    raise AssertionError("it grants for ever")


def busy(budget: RetryBudget | RedisRetryBudget, requests: int, now: float) -> None:
    """Let a budget see requests that are sent at one moment, as a transport counts them."""
    for _ in range(requests):
        if now < budget.traffic.ends:
            budget.traffic.count += 1
        else:
            budget.traffic.roll(now)


def test_a_bucket_starts_full_and_ends_empty() -> None:
    assert taken(RetryBudget()) == 20
    assert taken(RetryBudget(capacity=3)) == 3


@pytest.mark.parametrize(("load", "cost"), [(Load.TIMEOUT, 2.0), (Load.SOME, 1.0), (Load.NONE, 0)])
def test_a_retry_costs_what_it_puts_on_the_server(load: Load, cost: float) -> None:
    assert RetryBudget().withdraw(SITE, load, 0) == cost


def test_what_costs_nothing_is_granted_by_an_empty_bucket_too() -> None:
    budget = RetryBudget()
    taken(budget)

    assert budget.withdraw(SITE, Load.NONE, 0) == 0


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda budget: pickle.loads(pickle.dumps(budget))],  # noqa: S301 - our own bytes
    ids=["deepcopy", "pickle"],
)
def test_a_copy_of_one_in_use_goes_on_from_there_by_itself(
    copied: Callable[[RetryBudget], RetryBudget],
) -> None:
    budget = RetryBudget(capacity=3)
    budget.withdraw(SITE, Load.SOME, 0)

    assert taken(copied(budget)) == taken(budget) == 2


def test_a_refusal_takes_nothing() -> None:
    budget = RetryBudget(capacity=3)
    budget.withdraw(SITE, Load.TIMEOUT, 0)

    assert budget.withdraw(SITE, Load.TIMEOUT, 0) is None
    assert budget.withdraw(SITE, Load.SOME, 0) == 1


def test_each_origin_has_a_bucket_of_its_own() -> None:
    budget = RetryBudget()
    taken(budget)

    assert taken(budget, origin=OTHER) == 20


def test_a_request_that_ends_well_gives_back_what_it_took() -> None:
    budget = RetryBudget(capacity=3)
    tokens = budget.withdraw(SITE, Load.TIMEOUT, 0)

    budget.deposit(SITE, tokens)

    assert taken(budget) == 3


def test_a_good_first_attempt_gives_a_fifth() -> None:
    budget = RetryBudget()
    taken(budget)

    for _ in range(4):
        budget.deposit(SITE, None)
    assert taken(budget) == 0
    budget.deposit(SITE, None)

    assert taken(budget) == 1


def test_a_full_bucket_is_no_entry() -> None:
    budget = RetryBudget()
    budget.deposit(SITE, None)
    assert not budget.missing

    budget.withdraw(SITE, Load.SOME, 0)
    for _ in range(5):
        assert budget.missing
        budget.deposit(SITE, None)

    assert not budget.missing


def test_no_more_than_what_is_missing_is_taken_back() -> None:
    budget = RetryBudget()
    budget.withdraw(SITE, Load.SOME, 0)
    for _ in range(1000):
        budget.deposit(SITE, None)

    assert taken(budget) == 20


def test_a_busy_client_holds_a_share_of_its_traffic() -> None:
    budget = RetryBudget()
    for tenth in range(100):
        busy(budget, 30, tenth / 10)

    assert taken(budget, now=10) == 300


@pytest.mark.parametrize(
    ("now", "held"),
    [(0, 500), (1, 500), (2, 500), (3, 250), (4, 100), (10, 100), (11, 50), (12, 0), (1e9, 0)],
)
def test_traffic_counts_by_its_pace_for_two_seconds_and_is_forgotten_after_ten(
    now: float, held: int
) -> None:
    budget = RetryBudget(capacity=0)
    busy(budget, 1000, 0)

    assert taken(budget, now=now) == held


def test_of_traffic_that_pauses_and_goes_on_each_part_is_remembered_for_its_time() -> None:
    budget = RetryBudget(capacity=0)
    busy(budget, 1000, 0)
    busy(budget, 100, 7)
    busy(budget, 10, 11)

    # The slots are of two seconds each: half of the first one was within ten of second 11.
    assert budget.traffic.of_late(11) == 500 + 100 + 10
    assert budget.traffic.of_late(12) == 100 + 10
    assert budget.traffic.of_late(17) == 50 + 10


def test_a_slot_that_two_threads_begin_at_once_is_begun_once() -> None:
    budget = RetryBudget(capacity=0)
    busy(budget, 100, 0)
    budget.traffic.roll(2)
    budget.traffic.roll(2)

    assert budget.traffic.of_late(2) == 100 + 1
    assert budget.traffic.ends == 4


def test_a_flaky_service_goes_unnoticed_from_the_first_moment_on() -> None:
    budget = RetryBudget()
    busy(budget, 64, 0)

    # A client that has sent 64 requests at once, and nothing before, has 26 of them fail.
    assert [budget.withdraw(SITE, Load.SOME, 0) for _ in range(26)] == [1.0] * 26


def test_what_was_refused_its_retry_makes_no_room_for_more() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        busy(budget, 1, 0)
        budget.withdraw(SITE, Load.SOME, 0)

    assert budget.missing[SITE] == 20
    assert budget.traffic.of_late(0) == 20


def test_a_thousand_origins_are_remembered_and_the_latest_of_them() -> None:
    budget = RetryBudget(capacity=1)
    for number in range(2000):
        budget.withdraw(f"https://{number}.example", Load.SOME, 0)

    assert len(budget.missing) == 1024
    assert budget.withdraw("https://1999.example", Load.SOME, 0) is None
    assert budget.withdraw("https://0.example", Load.SOME, 0) == 1


def test_threads_share_it() -> None:
    budget = RetryBudget(capacity=1000)
    granted: list[int] = []

    def take() -> None:
        granted.append(taken(budget))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(granted) == 1000


def test_who_finds_the_lock_taken_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = RetryBudget()
    found, mine, granted = threading.Event(), os.getpid(), []

    def getpid() -> int:
        found.set()
        return mine

    def take() -> None:
        granted.append(budget.withdraw(SITE, Load.SOME, 0))

    monkeypatch.setattr(os, "getpid", getpid)
    thread = threading.Thread(target=take)
    with held_by_another_thread(budget._lock):
        found.clear()
        thread.start()
        assert found.wait(10)
        assert granted == []
    thread.join(10)

    assert granted == [1]


def test_a_signal_handler_that_sends_is_not_locked_out_by_what_it_interrupts() -> None:
    budget = RetryBudget()
    granted: list[float | None] = []

    def interrupted() -> None:
        with budget._lock.here():
            granted.append(budget.withdraw(SITE, Load.SOME, 0))

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(10)

    assert granted == [1]


def test_a_process_that_was_forked_has_a_lock_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = RetryBudget()
    with held_by_another_thread(budget._lock):
        monkeypatch.setattr(os, "getpid", lambda: -1)

        assert budget.withdraw(SITE, Load.SOME, 0) == 1


def unheard_fork() -> int:
    """A fork of which Python is not told, as uWSGI's are."""
    return int(ctypes.PyDLL(None).fork())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("fork", [getattr(os, "fork", None), unheard_fork])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_is_not_locked_out_by_a_thread_of_its_parent(fork: Callable[[], int]) -> None:
    budget = RetryBudget()
    with held_by_another_thread(budget._lock):
        child = fork()
        if child == 0:  # pragma: no cover - the child's coverage is lost with it
            os._exit(0 if budget.withdraw(SITE, Load.SOME, 0) == 1 else 1)
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"capacity": -1}, ValueError, "capacity must be finite and at least 0, not -1"),
        ({"share": float("nan")}, ValueError, "share must be finite"),
        ({"capacity": 10**400}, ValueError, "capacity must be finite and at least 0, not 1000"),
        ({"deposit": "0.2"}, TypeError, "deposit must be a number, not '0.2'"),
        ({"timeout_cost": None}, TypeError, "timeout_cost must be a number, not None"),
    ],
)
def test_wrong_values_fail_at_once(
    values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        RetryBudget(**values)


def test_it_prints_what_makes_it() -> None:
    shown = "RetryBudget(capacity=20.0, share=0.1, deposit=0.2, timeout_cost=2.0)"
    assert repr(RetryBudget()) == shown


@given(st.lists(st.sampled_from([*Load, None]), max_size=60), st.floats(0, 30))
def test_never_more_is_out_than_the_bucket_holds(steps: list[Load | None], capacity: float) -> None:
    budget = RetryBudget(capacity=capacity, share=0)
    out = 0.0
    for step in steps:
        if step is None:
            budget.deposit(SITE, None)
            out = max(0.0, out - 0.2)
        else:
            out += budget.withdraw(SITE, step, 0) or 0.0
        assert out <= capacity + 1e-6

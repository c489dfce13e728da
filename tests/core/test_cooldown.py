"""The cool-down of one process: how long each origin is left alone."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpx_retry import Cooldown, LocalCooldown
from httpx_retry._core.cooldown import spread_after

from .locks import held_by_another_thread

SITE = "https://example.org"
OTHER = "https://example.com"


def test_a_cool_down_is_two_words() -> None:
    cooldown: Cooldown = LocalCooldown()
    cooldown.impose(SITE, 2, 10)

    assert cooldown.remaining(SITE, 10.5) == 1.5


def test_who_was_not_refused_need_not_wait() -> None:
    cooldown = LocalCooldown()
    cooldown.impose(SITE, 2, 10)

    assert cooldown.remaining(OTHER, 10) == 0


@pytest.mark.parametrize(("second", "now"), [(1, 10), (1, 11), (5, 10), (5, 11)])
def test_a_longer_wait_is_not_shortened(second: float, now: float) -> None:
    cooldown = LocalCooldown()
    cooldown.impose(SITE, 4, 10)
    cooldown.impose(SITE, second, now)

    assert cooldown.remaining(SITE, now) == max(14, now + second) - now


def test_what_is_over_leaves_nothing() -> None:
    cooldown = LocalCooldown()
    cooldown.impose(SITE, 2, 10)
    cooldown.impose(OTHER, 4, 10)

    assert cooldown.remaining(SITE, 12) == 0
    assert list(cooldown.cooling) == [OTHER]
    assert cooldown.remaining(SITE, 13) == 0
    assert cooldown.remaining(SITE, 14) == 0
    assert not cooldown.cooling


def test_what_lingers_is_remembered_past_its_wait() -> None:
    class Lingering(LocalCooldown):
        _linger = 5.0

    cooldown = Lingering()
    cooldown.impose(SITE, 2, 10)
    cooldown.impose(OTHER, 4, 10)

    assert [cooldown.remaining(SITE, now) for now in (12, 16.9)] == [0, 0]
    assert list(cooldown.cooling) == [SITE, OTHER]
    assert cooldown.remaining(SITE, 17) == 0
    assert list(cooldown.cooling) == [OTHER]
    assert cooldown.remaining(SITE, 19) == 0
    assert not cooldown.cooling


def test_of_a_thousand_origins_the_one_that_ends_first_is_forgotten() -> None:
    cooldown = LocalCooldown()
    for number in range(1100):
        cooldown.impose(f"https://{number}.example", 2000 - number, 0)

    assert len(cooldown.cooling) == 1024
    assert cooldown.remaining("https://0.example", 0) == 2000
    assert cooldown.remaining("https://1050.example", 0) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 60), st.floats(0, 5))))
def test_it_is_never_earlier_than_any_asked(steps: list[tuple[str, float, float]]) -> None:
    cooldown = LocalCooldown()
    ends: dict[str, float] = {}
    now = 0.0
    for origin, seconds, passed in steps:
        now += passed
        cooldown.impose(origin, seconds, now)
        ends[origin] = max(ends.get(origin, 0), now + seconds)
        for each, end in ends.items():
            assert cooldown.remaining(each, now) == pytest.approx(max(0, end - now))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_is_not_locked_out_by_a_thread_of_its_parent() -> None:
    cooldown = LocalCooldown()
    with held_by_another_thread(cooldown._lock):
        child = os.fork()
        if child == 0:  # pragma: no cover - the child's coverage is lost with it
            cooldown.impose(SITE, 1, 0)
            os._exit(0 if cooldown.remaining(SITE, 0) == 1 else 1)
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_a_process_that_was_forked_has_a_lock_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    cooldown = LocalCooldown()
    with held_by_another_thread(cooldown._lock):
        monkeypatch.setattr(os, "getpid", lambda: -1)
        cooldown.impose(SITE, 1, 0)

    assert cooldown.remaining(SITE, 0) == 1


@pytest.mark.parametrize(("wait", "seconds"), [(0.2, 1), (1, 1), (30, 3)])
def test_a_release_is_spread_over_a_tenth_of_the_wait_and_a_second_at_least(
    wait: float, seconds: float
) -> None:
    assert spread_after(wait) == pytest.approx(seconds)


def test_it_prints_what_makes_it() -> None:
    assert repr(LocalCooldown()) == "LocalCooldown()"

"""Threads, signals and forks: what is shared is safe to share."""

from __future__ import annotations

import _thread
import os
import signal
import sysconfig
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from httpx_retry import (
    ConstantBackoff,
    ExponentialBackoff,
    RetryBudget,
    RetryPolicy,
    RetryTransport,
    retry_history,
)
from tests.faults.lab import HTTP1Server
from tests.faults.storm import HTTP1_MIX, script

from .handlers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENT = RetryPolicy(max_attempts=50, backoff=ExponentialBackoff(initial=0.001, maximum=0.1))


def test_sixty_four_threads_share_one_transport() -> None:
    # httpcore reads twice when a connection expires, and without a GIL another thread may change it
    # in between: a TypeError, bare too (encode/httpcore#1090).
    limits = httpx.Limits(max_connections=20, keepalive_expiry=None)
    answers: list[httpx.Response] = []

    def work() -> None:
        answers.extend(client.get(f"{server.url}/{number}", timeout=30) for number in range(5))

    with HTTP1Server(script(HTTP1_MIX, seed=9)) as server:
        transport = RetryTransport(policy=PATIENT, budget=None, limits=limits, trust_env=False)
        with httpx.Client(transport=transport) as client:
            threads = [threading.Thread(target=work) for _ in range(64)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    assert [answer.status_code for answer in answers] == [200] * 320
    # Each history tells of its own request alone, and ends with its own good attempt.
    for answer in answers:
        history = retry_history(answer)
        assert [attempt.number for attempt in history] == list(range(1, len(history) + 1))
        assert not history or history[-1].status == 200


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this build of CPython has a GIL"
)
def test_a_budget_is_exact_without_a_gil() -> None:
    budget = RetryBudget(capacity=10_000)
    transport = RetryTransport(
        httpx.MockTransport(Server(503)),
        policy=PATIENT.replace(backoff=ConstantBackoff(0), max_attempts=100_000),
        budget=budget,
    )
    threads = [
        threading.Thread(target=transport.handle_request, args=(httpx.Request("GET", "http://x/"),))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert budget.missing == {"http://x": 10_000}


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Shells that put a job into the background have it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_ends_a_wait() -> None:
    policy = RetryPolicy(backoff=ConstantBackoff(100_000.0))
    transport = RetryTransport(httpx.MockTransport(Server(503)), policy=policy)

    def interrupt() -> None:
        while not transport._waiter._waiters:
            time.sleep(0)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        transport.handle_request(httpx.Request("GET", "http://test/"))
    thread.join()

    assert not transport._waiter._waiters
    assert not transport._missing


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_after_use_is_safe() -> None:
    def get() -> int:
        transport_server._answers = [503, 200]
        transport_server.requests.clear()
        return transport.handle_request(httpx.Request("GET", "http://test/")).status_code

    transport_server = Server(503, 200)
    inner = httpx.MockTransport(transport_server)
    waiting = RetryPolicy(backoff=ConstantBackoff(0.001))
    transport = RetryTransport(inner, policy=waiting)
    assert get() == 200

    # A thread waits for days while the process forks: what it holds is not the child's to wait for.
    for_days = httpx.Request(
        "GET", "http://test/", extensions={"retry": {"backoff": ConstantBackoff(100_000.0)}}
    )
    sleeper = threading.Thread(target=_until_closed, args=(transport, for_days))
    transport_server._answers = [503]
    sleeper.start()
    while not transport._waiter._waiters:
        time.sleep(0)
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            outcome = 0 if get() == 200 else 1
            transport.close()
        finally:
            os._exit(outcome)
    _, status = os.waitpid(child, 0)
    transport.close()
    sleeper.join()

    assert os.waitstatus_to_exitcode(status) == 0


def _until_closed(transport: RetryTransport, request: httpx.Request) -> None:
    with pytest.raises(httpx.TransportError):
        transport.handle_request(request)

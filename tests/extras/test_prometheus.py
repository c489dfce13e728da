"""Prometheus needs no more than `on_event`: the code is the one in docs/observing.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from httpx_retry import ConstantBackoff, RetryPolicy
from tests.faults.lab import Cut, HTTP1Server, Reply, Rst
from tests.snippets import blocks_of

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World

(BLOCK,) = [block for block in blocks_of("docs/observing.md") if "prometheus_client" in block.text]
POLICY = RetryPolicy(backoff=ConstantBackoff(0.25))


@pytest.fixture
def measure(_taken_down: None) -> Any:
    """The document's own function; its own request, good at once, is not measured."""
    with HTTP1Server() as server:
        return BLOCK.run_against(server.url)["measure"]


def sample(name: str, *labels: str) -> float | None:
    """What is measured of the server; None: nothing."""
    names = ("outcome", "reason") if "attempts" in name else ("reason", "error")
    where = {"host": "127.0.0.1", **dict(zip(names, labels, strict=False))}
    return REGISTRY.get_sample_value(f"http_client_{name}", where)


async def test_retries_attempts_and_waits_are_measured(
    world: World, clock: FakeClock, measure: Any
) -> None:
    busy = Reply(429, headers={"retry-after": "7"})
    whole = Reply(200, b"0123456789")
    more = {"policy": POLICY, "clock": clock, "on_event": measure, "trust_env": False}
    with HTTP1Server([Reply(503), busy, Cut(whole, at=4), whole, Rst(), Reply(200)]) as server:
        async with world.client(None, **more) as client:
            await client.get(server.url)
            await client.request("PUT", server.url)
            await client.get(server.url)  # good at once
    with HTTP1Server([Reply(500)]) as server:
        async with world.client(None, **more) as client:
            await client.post(server.url)

    assert sample("retries_total", "idempotent method", "503") == 1
    assert sample("retries_total", "refused unprocessed", "429") == 1
    assert sample("retries_total", "idempotent method", "RemoteProtocolError") == 1
    assert sample("retries_total", "idempotent method", "ReadError") == 1
    assert sample("retry_wait_seconds_count") == 4
    assert sample("retry_wait_seconds_sum") == 7.75
    assert sample("request_attempts_sum", "recovered", "done") == 3 + 2
    assert sample("request_attempts_sum", "body-resumed", "done") == 4
    assert sample("request_attempts_sum", "gave-up", "may have been processed") == 1


async def test_no_secret_is_in_what_prometheus_reads(
    world: World, clock: FakeClock, measure: Any
) -> None:
    more = {"policy": POLICY, "clock": clock, "on_event": measure, "trust_env": False}
    with HTTP1Server([Reply(503)]) as server:
        url = server.url.replace("//", "//user:secret-user@") + "/secret-path?key=secret-query"
        async with world.client(None, **more) as client:
            await client.request("PUT", url, headers={"x-key": "secret"}, content=b"secret")

    told = generate_latest(REGISTRY).decode()
    assert 'host="127.0.0.1"' in told
    assert "secret" not in told

"""Use what one extra is for, in an environment that has no other: `python extras.py NAME`."""

import subprocess
import sys

import httpx

import httpx_retry


def cli():
    demo = subprocess.run(
        [sys.executable, "-m", "httpx_retry", "demo"], capture_output=True, text=True, check=True
    )
    assert "100.0 %" in demo.stdout, demo.stdout
    explained = subprocess.run(
        [sys.executable, "-m", "httpx_retry", "explain", "--policy", "max_attempts=2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Up to 2 attempts" in explained.stdout, explained


def httpx2():
    import httpx2 as family
    from httpx_retry.httpx2 import RetryTransport
    from httpx_retry.testing.httpx2 import ScriptedTransport

    server = ScriptedTransport([503, 200])
    with family.Client(transport=RetryTransport(server, clock=server.clock)) as client:
        response = client.get("http://test/")
    assert isinstance(response, family.Response)
    assert response.status_code == 200, response
    with httpx_retry.add_retries(family.Client(http2=True)) as client:
        assert isinstance(client._transport, RetryTransport)  # noqa: SLF001 - to be sure


def otel():
    from httpx_retry.opentelemetry import RetryTelemetry
    from httpx_retry.testing import ScriptedTransport

    # The API alone measures nothing, and harms nothing.
    telemetry = RetryTelemetry()
    server = ScriptedTransport([503, 200])
    transport = httpx_retry.RetryTransport(
        server, clock=server.clock, on_event=telemetry.on_event, prepare=telemetry.prepare
    )
    with httpx.Client(transport=transport) as client:
        assert client.get("http://test/").status_code == 200


def redis():
    import redis as server
    from httpx_retry.redis import RedisRetryBudget
    from httpx_retry.testing import ScriptedTransport

    # No server is there: nothing fails for that.
    budget = RedisRetryBudget(server.Redis(port=1))
    script = ScriptedTransport([503, 200])
    transport = httpx_retry.RetryTransport(script, clock=script.clock, budget=budget)
    with httpx.Client(transport=transport) as client:
        assert client.get("http://test/").status_code == 200


{each.__name__: each for each in (cli, httpx2, otel, redis)}[sys.argv[1]]()
print("smoke test passed with", sys.argv[1])

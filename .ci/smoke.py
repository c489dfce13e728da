"""Use the installed wheel as a person would, with its run-time dependencies alone."""

import asyncio
import importlib.metadata
import importlib.resources
import importlib.util
import subprocess
import sys

import httpx

import httpx_retry
import httpx_retry.testing


def flaky():
    answers = iter([503, 200])
    return httpx.MockTransport(lambda request: httpx.Response(next(answers)))


POLICY = httpx_retry.RetryPolicy(backoff=httpx_retry.ConstantBackoff(0.01))


def in_a_thread():
    with httpx.Client(transport=httpx_retry.RetryTransport(flaky(), policy=POLICY)) as client:
        return client.get("http://test/")


async def in_a_task():
    transport = httpx_retry.AsyncRetryTransport(flaky(), policy=POLICY)
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get("http://test/")


for response in (in_a_thread(), asyncio.run(in_a_task())):
    assert response.status_code == 200, response
    assert len(httpx_retry.retry_history(response)) == 2

# What is for tests comes with it, the pytest plugin included, and needs nothing more.
with httpx_retry.testing.instant_retries() as waits:
    in_a_thread()
assert waits == [0.01], waits
(plugin,) = importlib.metadata.entry_points(group="pytest11", name="httpx_retry")
assert importlib.util.find_spec(plugin.value), plugin

httpx_retry.RetryTransport(http2=True).close()
assert importlib.metadata.version("httpx-retry-transport") == httpx_retry.__version__
for name in ("py.typed", "httpx2.pyi", "testing/httpx2.pyi"):
    assert importlib.resources.files("httpx_retry").joinpath(name).is_file(), name

# Without the extra, the command says what it needs, in one line.
demo = subprocess.run(
    [sys.executable, "-m", "httpx_retry", "demo"], capture_output=True, text=True, check=False
)
assert demo.returncode == 2, demo
assert "httpx-retry-transport[cli]" in demo.stderr, demo.stderr
assert demo.stderr.count("\n") == 1, demo.stderr

# So does the module for OpenTelemetry.
telemetry = subprocess.run(
    [sys.executable, "-c", "import httpx_retry.opentelemetry"],
    capture_output=True,
    text=True,
    check=False,
)
assert telemetry.returncode == 1, telemetry
assert "httpx-retry-transport[otel]" in telemetry.stderr, telemetry.stderr

# A policy is explained without any extra.
explained = subprocess.run(
    [sys.executable, "-m", "httpx_retry", "explain"], capture_output=True, text=True, check=True
)
assert "Up to 4 attempts" in explained.stdout, explained
print("smoke test passed with", httpx_retry.__version__, "on", sys.version.split()[0])

"""A request meets a fault, once: what comes of it, and how often the server processed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httpx_retry import Attempt, Evidence, RetryPolicy, retry_history
from tests.faults.lab import Early, Received, ResetStream, Stall, client_context

if TYPE_CHECKING:
    import httpx

    from httpx_retry.testing import FakeClock
    from tests.worlds import Client, World

PATIENT = 10.0  # seconds: longer than any machine pauses
TIMEOUT = 0.4  # where one is what is expected
MAY_BE_SENT_AGAIN = (Evidence.UNSENT, Evidence.REFUSED)


def patience(fault: object) -> float:
    """Seconds to wait for a server that does this: not long where nothing will ever come."""
    if isinstance(fault, Early):
        # httpcore overlooks a reset while it waits for the window.
        return TIMEOUT if isinstance(fault.step, Stall | ResetStream) else PATIENT
    return TIMEOUT if isinstance(fault, Stall) else PATIENT


@dataclass
class Met:
    """What a client and its server saw of one request."""

    response: httpx.Response | None
    error: Exception | None
    processed: list[Received]

    @property
    def history(self) -> tuple[Attempt, ...]:
        return retry_history(self.response or self.error)  # type: ignore[arg-type] # one is there

    @property
    def evidence(self) -> Evidence | None:
        return self.history[0].evidence


async def send(
    client: Client, server: Any, method: str, *, url: str | None = None, **request: Any
) -> Met:
    """Send one request with that client to a running server of the lab, or elsewhere."""
    response = error = None
    headers = {"x-id": "request", **request.pop("headers", {})}
    try:
        options = {"timeout": PATIENT, "headers": headers, **request}
        response = await client.request(method, url or server.url, **options)
    except Exception as caught:  # noqa: BLE001 - what it is, is for the test to say
        error = caught
    return Met(response, error, server.processed.get("request", []))


async def meet(
    world: World,
    clock: FakeClock,
    server: Any,
    method: str,
    *,
    policy: RetryPolicy | None = None,
    transport: dict[str, Any] | None = None,
    warm: bool = False,
    **request: Any,
) -> Met:
    """Send one request through a retry transport of its own.

    Args:
        server: its script begins with the request, or after a first one that makes the connection
            if `warm`.
        transport: options of httpx's own transport.
        **request: options of the request.
    """
    made = {"verify": client_context(), "trust_env": False, **(transport or {})}
    retry = {"clock": clock, "random": lambda: 0.5, "policy": policy or RetryPolicy()}
    async with world.client(None, **retry, **made) as client:
        if warm:
            await client.get(server.url, headers={"x-id": "warm"})
        return await send(client, server, method, **request)


async def expect(
    world: World, clock: FakeClock, server: Any, method: str, evidence: Evidence, **more: Any
) -> Met:
    """Send a request that meets a fault of this evidence, and require what follows from it."""
    met = await meet(world, clock, server, method, **more)
    assert met.evidence is evidence, (met.history, met.error)
    bodies = [received.body for received in met.processed]
    if method == "GET" and evidence not in (Evidence.PERMANENT, Evidence.BUG):
        assert met.response is not None, met.error
        assert met.response.status_code == 200
    elif evidence in MAY_BE_SENT_AGAIN:
        assert met.response is not None, met.error
        assert met.response.status_code == 200
        assert bodies == [more.get("content", b"")]
    else:
        assert met.error is not None
        assert len(met.history) == 1
        assert len(bodies) <= 1
    return met

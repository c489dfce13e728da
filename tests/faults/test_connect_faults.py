"""Faults before the request: names, connections, handshakes, proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry import Evidence, retry_history
from tests.faults.lab import (
    ALERT,
    CLIENT_CERTIFICATE,
    PLAINTEXT,
    UNRESOLVABLE,
    WRONG_AUTHORITY,
    WRONG_HOST,
    Fin,
    HTTP1Server,
    HTTP2Server,
    Identity,
    ProxyServer,
    Reply,
    Rst,
    SOCKSRefusal,
    SOCKSServer,
    Stall,
    Tunnel,
    client_context,
    full_backlog,
    refused,
)
from tests.faults.lab.clients import leaves_socket_open

from .meeting import TIMEOUT, expect, meet, patience

if TYPE_CHECKING:
    from httpx_retry.testing import FakeClock
    from tests.worlds import World

UNSENT, PERMANENT = Evidence.UNSENT, Evidence.PERMANENT


@pytest.fixture(params=[HTTP1Server, HTTP2Server], ids=["HTTP/1.1", "HTTP/2"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


def over(kind: Any, **more: Any) -> dict[str, Any]:
    return {"http2": kind is HTTP2Server, **more}


@pytest.mark.parametrize(
    ("place", "timeout", "waits"),
    [(refused, 30.0, [0.19, 0.38, 0.76]), (full_backlog, TIMEOUT, [0.1, 0.2, 0.4])],
    ids=["refused", "full_backlog"],
)
async def test_where_nothing_is_reached_everything_is_tried_again(
    world: World, clock: FakeClock, place: Any, timeout: float, waits: list[float]
) -> None:
    with place() as url, HTTP1Server() as elsewhere:
        met = await meet(world, clock, elsewhere, "POST", url=url, timeout=timeout)

    assert [attempt.evidence for attempt in met.history] == [UNSENT] * 4
    assert clock.sleeps == pytest.approx(waits)


async def test_a_name_that_is_not_found(world: World, clock: FakeClock) -> None:
    with HTTP1Server() as elsewhere:
        met = await meet(world, clock, elsewhere, "POST", url=UNRESOLVABLE)

    assert met.evidence is UNSENT


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "acceptance",
    [Fin(), Rst(), Stall(), Fin(after=ALERT), Fin(after=PLAINTEXT)],
    ids=repr,
)
async def test_a_handshake_that_fails_proves_that_nothing_was_sent(
    world: World, clock: FakeClock, kind: Any, acceptance: Any, method: str
) -> None:
    with kind(accept=[acceptance], tls=Identity()) as server:
        more = {"transport": over(kind), "timeout": patience(acceptance)}
        await expect(world, clock, server, method, UNSENT, **more)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("identity", [WRONG_HOST, WRONG_AUTHORITY], ids=["host", "authority"])
async def test_a_bad_certificate_is_met_once(
    world: World, clock: FakeClock, kind: Any, identity: Any, method: str
) -> None:
    with kind(tls=identity) as server:
        await expect(world, clock, server, method, PERMANENT, transport=over(kind))

        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_certificate_that_is_missing_stays_missing(
    world: World, clock: FakeClock, method: str
) -> None:
    with HTTP1Server(tls=CLIENT_CERTIFICATE) as server:
        await expect(world, clock, server, method, PERMANENT)

        assert server.connections == 1


async def test_a_bad_certificate_that_the_caller_was_busy_with_is_not_ours(
    world: World, clock: FakeClock
) -> None:
    with HTTP1Server(tls=WRONG_HOST) as bad, refused() as url:
        try:
            await meet_or_raise(world, clock, bad.url)
        except httpx.ConnectError:
            with pytest.raises(httpx.ConnectError) as caught:
                await meet_or_raise(world, clock, url)

    assert len(retry_history(caught.value)) == 4


async def meet_or_raise(world: World, clock: FakeClock, url: str) -> None:
    async with world.client(None, clock=clock, trust_env=False) as client:
        await client.get(url)


@pytest.mark.parametrize("status", [502, 503, 429])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_proxy_that_cannot_just_now_is_asked_again(
    world: World, clock: FakeClock, method: str, status: int
) -> None:
    with HTTP1Server(tls=Identity()) as origin, ProxyServer([Reply(status)]) as proxy:
        await expect(world, clock, origin, method, UNSENT, transport={"proxy": proxy.url})


@pytest.mark.parametrize("status", [403, 407])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_proxy_that_will_not_is_asked_once(
    world: World, clock: FakeClock, method: str, status: int
) -> None:
    with HTTP1Server(tls=Identity()) as origin, ProxyServer([Reply(status)]) as proxy:
        await expect(world, clock, origin, method, PERMANENT, transport={"proxy": proxy.url})

        assert proxy.connections == 1


@pytest.mark.parametrize("step", [Fin(), Rst(), Stall()], ids=repr)
async def test_a_post_that_the_proxy_never_passed_on_is_sent_again(
    world: World, clock: FakeClock, step: Any
) -> None:
    with HTTP1Server(tls=Identity()) as origin, ProxyServer([step]) as proxy:
        through: dict[str, Any] = {"transport": {"proxy": proxy.url}, "timeout": patience(step)}
        await expect(world, clock, origin, "POST", UNSENT, **through)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "broken", [Fin(), Rst(), Stall(), Fin(after=ALERT), Fin(after=PLAINTEXT)], ids=repr
)
async def test_tls_that_fails_in_a_tunnel_is_not_tried_again(
    world: World, clock: FakeClock, broken: Any, method: str
) -> None:
    with HTTP1Server(tls=Identity()) as origin, ProxyServer([Tunnel(broken)]) as proxy:
        through: dict[str, Any] = {"transport": {"proxy": proxy.url}, "timeout": patience(broken)}
        await expect(world, clock, origin, method, PERMANENT, **through)

        assert proxy.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("broken", [Fin(), Rst(), Stall()], ids=repr)
async def test_tls_that_fails_to_the_proxy_itself_is_tried_again(
    world: World, clock: FakeClock, broken: Any, method: str
) -> None:
    secured: dict[str, Any] = {"accept": [broken], "tls": Identity()}
    with HTTP1Server(tls=Identity()) as origin, ProxyServer(**secured) as proxy:
        by = httpx.Proxy(proxy.url, ssl_context=client_context())
        through: dict[str, Any] = {"transport": {"proxy": by}, "timeout": patience(broken)}
        await expect(world, clock, origin, method, UNSENT, **through)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("broken", [Fin(), Rst(), Stall()], ids=repr)
async def test_tls_that_fails_behind_a_socks_proxy_is_tried_again(
    world: World, clock: FakeClock, broken: Any, method: str
) -> None:
    # Given a pool of one connection: a slot that was lost would be missed
    one = httpx.Limits(max_connections=1)
    with HTTP1Server(tls=Identity()) as origin, SOCKSServer([Tunnel(broken)]) as proxy:
        through: dict[str, Any] = {
            "transport": {"proxy": proxy.url, "limits": one},
            "timeout": patience(broken),
        }
        await expect(world, clock, origin, method, UNSENT, **through)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_proxy_that_does_not_accept_is_tried_again(
    world: World, clock: FakeClock, method: str
) -> None:
    with HTTP1Server(tls=Identity()) as origin, full_backlog() as proxy:
        through: dict[str, Any] = {"transport": {"proxy": proxy}, "timeout": 0.05}
        met = await meet(world, clock, origin, method, **through)

    assert [attempt.evidence for attempt in met.history] == [UNSENT] * 4


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_proxy_that_is_not_there_is_tried_again(
    world: World, clock: FakeClock, method: str
) -> None:
    with HTTP1Server(tls=Identity()) as origin, refused() as proxy:
        met = await meet(world, clock, origin, method, transport={"proxy": proxy})

    assert [attempt.evidence for attempt in met.history] == [UNSENT] * 4


@leaves_socket_open
@pytest.mark.parametrize("step", [SOCKSRefusal(), Fin()], ids=repr)
async def test_a_socks_proxy_that_refuses_has_sent_nothing(
    world: World, clock: FakeClock, step: Any
) -> None:
    with HTTP1Server(tls=Identity()) as origin, SOCKSServer([step]) as proxy:
        await expect(world, clock, origin, "POST", UNSENT, transport={"proxy": proxy.url})


@leaves_socket_open
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("code", "login"),
    [
        (2, ""),  # its rules forbid it
        (7, ""),  # it knows no CONNECT
        (8, ""),  # nor this type of address
        (0, "user:password@"),  # it takes no logins
    ],
)
async def test_a_socks_proxy_that_will_always_refuse_is_asked_once(
    world: World, clock: FakeClock, code: int, login: str, method: str
) -> None:
    with HTTP1Server(tls=Identity()) as origin, SOCKSServer([SOCKSRefusal(code)]) as proxy:
        through = {"proxy": proxy.url.replace("//", f"//{login}")}
        await expect(world, clock, origin, method, PERMANENT, transport=through)


async def test_a_full_pool_has_sent_nothing(world: World, clock: FakeClock) -> None:
    limits = httpx.Limits(max_connections=1)
    with HTTP1Server() as server:
        async with world.client(None, clock=clock, limits=limits, trust_env=False) as client:
            held = await client.send(client.build_request("GET", server.url), stream=True)
            with pytest.raises(httpx.PoolTimeout) as caught:
                await client.post(server.url, timeout=0.02)
            await world.close(held)

    assert [attempt.evidence for attempt in retry_history(caught.value)] == [UNSENT] * 4

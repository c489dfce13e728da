"""What README's table says of the others, where it can be shown: their own code, real sockets."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import aiohttp
import aiohttp_retry
import httpx
import httpx_retries
import pytest
import tenacity
import trio
import urllib3

from tests.faults.lab import Cut, HTTP1Server, Received, Reply, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.lab import HTTP1Step

BUSY = Reply(503, body=b"busy")
BROKEN = Cut(Reply(body=b"0123456789"), at=4)
PARTS = (b"one", b"two")


def served(server: HTTP1Server) -> list[Received]:
    return [each for requests in server.processed.values() for each in requests]


def httpx_retries_(method: str, *script: HTTP1Step, **options: Any) -> HTTP1Server:
    with HTTP1Server(script) as server:
        transport = httpx_retries.RetryTransport(retry=httpx_retries.Retry(3))
        with httpx.Client(transport=transport) as client:
            client.request(method, server.url, **options)
    return server


def urllib3_(method: str, *script: HTTP1Step, **options: Any) -> HTTP1Server:
    retries = urllib3.Retry(3, status_forcelist=[503])
    with HTTP1Server(script) as server, urllib3.PoolManager(retries=retries) as manager:
        manager.request(method, server.url, **options)
    return server


def aiohttp_retry_(method: str, *script: HTTP1Step, **options: Any) -> HTTP1Server:
    async def main() -> None:
        wait = aiohttp_retry.ExponentialRetry(3, start_timeout=0.0)
        async with (
            aiohttp_retry.RetryClient(retry_options=wait) as client,
            client.request(method, server.url, **options) as response,
        ):
            await response.read()

    with HTTP1Server(script) as server:
        asyncio.run(main())
    return server


async def parts() -> AsyncIterator[bytes]:
    for part in PARTS:
        yield part


def test_a_generator_is_sent_empty_the_second_time_and_nobody_is_told() -> None:
    by_httpx_retries = httpx_retries_("PUT", BUSY, content=iter(PARTS))
    by_urllib3 = urllib3_("PUT", BUSY, body=iter(PARTS))
    by_aiohttp_retry = aiohttp_retry_("PUT", BUSY, data=parts())

    for server in (by_httpx_retries, by_urllib3, by_aiohttp_retry):
        assert [each.body for each in served(server)] == [b"onetwo", b""]


def test_urllib3_goes_back_in_files() -> None:
    server = urllib3_("PUT", BUSY, body=io.BytesIO(b"onetwo"))
    assert [each.body for each in served(server)] == [b"onetwo", b"onetwo"]


def test_a_post_that_was_answered_is_sent_again_by_aiohttp_retry_alone() -> None:
    assert len(served(httpx_retries_("POST", Reply(502)))) == 1
    assert len(served(urllib3_("POST", BUSY))) == 1
    assert len(served(aiohttp_retry_("POST", Reply(500)))) == 2


def test_a_post_that_never_left_is_sent_again_by_urllib3_and_httpx_and_not_by_httpx_retries() -> (
    None
):
    tried = []

    def count(request: httpx.Request) -> httpx.Response:
        tried.append(request)
        raise httpx.ConnectError("refused")

    transport = httpx_retries.RetryTransport(httpx.MockTransport(count))
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
        client.post("http://test/")
    assert len(tried) == 1

    with (
        refused() as url,
        urllib3.PoolManager() as manager,
        pytest.raises(urllib3.exceptions.MaxRetryError) as caught,
    ):
        manager.request("POST", url, retries=urllib3.Retry(1))
    assert isinstance(caught.value.reason, urllib3.exceptions.NewConnectionError)

    connects = []

    def trace(name: str, _: Any) -> None:
        if name == "connection.connect_tcp.started":
            connects.append(name)

    own = httpx.HTTPTransport(retries=1)
    with refused() as url, httpx.Client(transport=own) as client, pytest.raises(httpx.ConnectError):
        client.post(url, extensions={"trace": trace})
    assert len(connects) == 2


def test_a_body_that_breaks_off_is_read_from_the_start_by_urllib3_and_not_mended_by_others() -> (
    None
):
    assert len(served(urllib3_("GET", BROKEN))) == 2
    with pytest.raises(httpx.RemoteProtocolError):
        httpx_retries_("GET", BROKEN)
    with pytest.raises(aiohttp.ClientPayloadError):
        aiohttp_retry_("GET", BROKEN)


def test_connections_are_lost_by_httpx_retries_and_kept_by_the_others() -> None:
    assert httpx_retries_("GET", BUSY, BUSY).connections == 3
    assert urllib3_("GET", BUSY, BUSY).connections == 1
    assert aiohttp_retry_("GET", BUSY, BUSY).connections == 1


def test_a_retry_after_is_cut_short_or_not_read() -> None:
    asked = {"Retry-After": "86400"}

    assert httpx_retries.Retry()._calculate_sleep(asked) == 120
    assert urllib3.Retry().parse_retry_after(asked["Retry-After"]) == 6 * 3600
    late = Reply(503, headers=asked)
    assert len(served(aiohttp_retry_("GET", late))) == 2  # at once


def test_nothing_is_waited_by_default() -> None:
    assert httpx_retries.Retry(attempts_made=3).backoff_strategy() == 0
    assert urllib3.Retry(backoff_factor=0).get_backoff_time() == 0
    assert isinstance(tenacity.Retrying().wait, tenacity.wait_none)


def test_httpx_retries_knows_no_trio_and_no_httpx2() -> None:
    httpx2 = pytest.importorskip("httpx2")

    async def main(url: str) -> None:
        async with httpx.AsyncClient(transport=httpx_retries.RetryTransport()) as client:
            await client.get(url)

    with HTTP1Server([Reply(502)]) as server, pytest.raises(TypeError, match="trio"):
        trio.run(main, server.url)
    with (
        HTTP1Server() as server,
        httpx2.Client(transport=httpx_retries.RetryTransport()) as client,
        pytest.raises(AssertionError),
    ):
        client.get(server.url)

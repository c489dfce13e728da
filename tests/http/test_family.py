"""A family's classes are its module's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from httpx_retry._http.family import Family
from tests.worlds import OVER_HTTPX2, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def family() -> Family:
    """Made in each test: those of the public classes are made as they are imported."""
    return Family(httpx)


def test_its_classes_are_those_of_its_module(family: Family) -> None:
    named = {name: held for name, held in vars(family).items() if hasattr(httpx, name)}

    assert named == {name: getattr(httpx, name) for name in named}
    assert len(named) == 18
    assert family.name == httpx.__name__
    assert family.unsent == (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def test_it_knows_what_bodies_travel_in(family: Family) -> None:
    form = httpx.Request("POST", "http://test/", files={"file": b"x"})
    iterated = httpx.Request("POST", "http://test/", content=iter([b"x"]))

    assert isinstance(form.stream, family.MultipartStream)
    assert isinstance(iterated.stream, family.iterator_streams)
    assert not isinstance(form.stream, family.iterator_streams)


def test_a_stream_class_is_joined_once(family: Family) -> None:
    class Behaviour:
        __slots__ = ()

        def __iter__(self) -> Iterator[bytes]:
            return iter(())

    joined = family.stream_class(Behaviour)

    assert family.stream_class(Behaviour) is joined
    assert joined.__name__ == "Behaviour"


def test_a_stream_class_is_of_the_worlds_in_which_it_can_be_read(family: Family) -> None:
    class InThreads:
        def __iter__(self) -> Iterator[bytes]:
            return iter(())

    class InTasks:
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise NotImplementedError

    class InBoth(InThreads, InTasks):
        pass

    worlds = (httpx.SyncByteStream, httpx.AsyncByteStream)
    found = [
        [issubclass(family.stream_class(kind), world) for world in worlds]
        for kind in (InThreads, InTasks, InBoth)
    ]
    assert found == [[True, False], [False, True], [True, True]]


def test_closing_what_has_nothing_to_close_is_known(family: Family) -> None:
    for _ in range(2):
        assert family.closes_nothing(httpx.ByteStream(b""))
        assert not family.closes_nothing(Stream())


def test_one_way_to_close_it_is_enough(family: Family) -> None:
    class InThreads(httpx.SyncByteStream):
        def close(self) -> None:
            pass

    class InTasks(httpx.AsyncByteStream):
        async def aclose(self) -> None:
            pass

    assert not family.closes_nothing(InThreads())
    assert not family.closes_nothing(InTasks())
    assert family.closes_nothing(httpx.SyncByteStream())
    assert family.closes_nothing(httpx.AsyncByteStream())


def test_what_closing_a_proxy_does_nobody_knows(family: Family) -> None:
    class Proxy:
        """Passes for what it wraps, as instrumentation does: its own class has no close."""

        def __init__(self, wrapped: object) -> None:
            self._wrapped = wrapped

        @property  # type: ignore[misc] # as it is done
        def __class__(self) -> type:
            return type(self._wrapped)

        def __getattr__(self, name: str) -> object:
            return getattr(self._wrapped, name)

    assert isinstance(Proxy(Stream()), httpx.SyncByteStream)
    assert not family.closes_nothing(Proxy(Stream()))


@pytest.mark.skipif(OVER_HTTPX2, reason="there is one family alone")
def test_what_is_of_the_other_family_is_told_where_to_go(family: Family) -> None:
    other = pytest.importorskip("httpx2")
    told = "the transports for httpx2 are those of httpx_retry.httpx2"

    with pytest.raises(TypeError) as of_a_request:
        family.check_request(other.Request("GET", "http://test/"))
    with pytest.raises(TypeError) as of_a_transport:
        family.transport(other.MockTransport(lambda _: other.Response(200)), {})

    assert str(of_a_request.value) == (
        f"this transport is for httpx, and the request is of httpx2: {told}"
    )
    assert str(of_a_transport.value).endswith(f": {told}")
    # Of what is neither, the wrapped transport has its say.
    family.check_request(object())
    family.check_request(httpx.Request("GET", "http://test/"))


@pytest.mark.skipif(OVER_HTTPX2, reason="there is one family alone")
def test_exceptions_of_both_families_are_known_by_their_names(family: Family) -> None:
    other = pytest.importorskip("httpx2")

    class ReadError(Exception):
        """No family's, whatever its name."""

    assert family.exception_like(other.ReadError) is httpx.ReadError
    assert family.exception_like(httpx.ReadError) is httpx.ReadError
    assert family.exception_like(ReadError) is ReadError
    # There is none of that name in httpx.
    assert family.exception_like(other.SSEError) is other.SSEError


@pytest.mark.parametrize("client", [httpx.Client(), httpx.AsyncClient()])
def test_a_client_is_no_transport(family: Family, client: Any) -> None:
    with pytest.raises(TypeError, match="add_retries"):
        family.transport(client, {})

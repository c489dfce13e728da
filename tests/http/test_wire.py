"""What is known of the wrapped transport, and of those that it wraps in turn."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from httpx_retry._http.family import Family
from httpx_retry._http.wire import Wire, transports_in, wire_of
from httpx_retry._http.witness import as_trace

APP: Any = object()


class Wrapper(httpx.BaseTransport):
    """Of a user's own, by whatever name it keeps what it wraps."""

    def __init__(self, inner: object, **more: object) -> None:
        self.delegate = inner
        vars(self).update(more)


class Slotted(httpx.BaseTransport):
    __slots__ = ("inner",)


def wire_to(transport: object) -> Wire:
    return wire_of(transport, Family(httpx), as_trace)


@pytest.mark.parametrize(
    "wrap", [lambda inner: inner, Wrapper, lambda inner: Wrapper(Wrapper(inner))]
)
def test_a_proxy_is_known_however_deep_it_is(wrap: Any) -> None:
    assert wire_to(wrap(httpx.HTTPTransport(proxy="http://127.0.0.1:1"))).has_proxy
    assert wire_to(wrap(httpx.AsyncHTTPTransport(proxy="https://127.0.0.1:1"))).has_proxy
    assert not wire_to(wrap(httpx.AsyncHTTPTransport(proxy="socks5://127.0.0.1:1"))).has_proxy
    assert not wire_to(wrap(httpx.HTTPTransport())).has_proxy
    assert not wire_to(wrap(httpx.MockTransport(lambda _: httpx.Response(200)))).has_proxy


@pytest.mark.parametrize("wrap", [lambda inner: inner, Wrapper])
def test_an_app_is_known_however_deep_it_is(wrap: Any) -> None:
    assert wire_to(wrap(httpx.ASGITransport(app=APP))).runs_app
    assert wire_to(wrap(httpx.WSGITransport(app=APP))).runs_app
    assert not wire_to(wrap(httpx.HTTPTransport())).runs_app


@pytest.mark.parametrize("wrap", [lambda inner: inner, Wrapper])
def test_errors_of_another_librarys_transport_may_have_borrowed_names(wrap: Any) -> None:
    own = (
        httpx.HTTPTransport(),
        httpx.AsyncHTTPTransport(),
        httpx.MockTransport(lambda _: httpx.Response(200)),
    )
    for transport in (*own, httpx.WSGITransport(app=APP), httpx.ASGITransport(app=APP)):
        assert not wire_to(wrap(transport)).renames
    assert wire_to(wrap(Slotted())).renames
    assert wire_to(wrap(Wrapper(httpx.HTTPTransport(), other=Slotted()))).renames


def test_mocks_and_apps_do_not_trace_and_of_others_nobody_knows() -> None:
    mock = httpx.MockTransport(lambda _: httpx.Response(200))
    for transport in (mock, httpx.WSGITransport(app=APP), httpx.ASGITransport(app=APP)):
        assert wire_to(transport).as_trace is None
    for unknown in (httpx.HTTPTransport(), Wrapper(mock)):
        assert wire_to(unknown).as_trace is as_trace


def test_each_transport_is_found_once_even_where_they_hold_each_other() -> None:
    inner = httpx.HTTPTransport()
    outer = Wrapper(inner, again=inner, name="a name")
    outer.myself = outer  # type: ignore[attr-defined] # as one does that hands itself on

    family = Family(httpx)
    two = Wrapper(httpx.HTTPTransport(), other=httpx.HTTPTransport())
    assert {*transports_in(two, family)} == {two, *vars(two).values()}
    assert transports_in(outer, family) == [outer, inner]
    assert transports_in(Slotted(), family)[1:] == []
    assert transports_in(None, family) == [None]

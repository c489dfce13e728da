"""What a URL's origin is called: scheme, host and port, and no secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from httpx_retry._http.requests import copied, origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://test/", "http://test"),
        ("https://EXAMPLE.org:443/path?key=secret", "https://example.org"),
        # In capitals httpx leaves a default port in: a budget would know the origin twice.
        ("HTTPS://example.org:443/", "https://example.org"),
        ("HTTP://example.org:443/", "http://example.org:443"),
        ("https://user:password@example.org:8443/", "https://example.org:8443"),
        ("http://[::1]/", "http://[::1]"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://xn--bcher-kva.example/", "https://bücher.example"),
        ("https://bücher.example:8443/", "https://bücher.example:8443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(httpx.URL(url)) == origin


def test_a_name_below_one_with_accents_is_spelt_as_the_url_spells_it() -> None:
    url = httpx.URL("https://shop.xn--bcher-kva.example/")

    assert origin_of(url) == f"https://{url.host}"


def test_an_origin_is_known_of_a_url_that_shows_its_properties_alone() -> None:
    url: Any = SimpleNamespace(scheme="https", host="xn--bcher-kva.example", port=8443)

    assert origin_of(url) == "https://xn--bcher-kva.example:8443"


def test_headers_that_are_kept_otherwise_are_copied_their_own_way() -> None:
    request = httpx.Request("GET", "http://test/")
    request.headers = {"x-name": "me"}  # type: ignore[assignment] # as a wrapped transport may

    copy = copied(request)

    copy.headers["x-name"] = "someone else"
    assert request.headers["x-name"] == "me"

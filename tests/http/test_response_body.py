"""Which bodies are whole before their first byte is delivered."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from httpx_retry._http.response_body import is_small


class Other:
    """Headers of an httpx that keeps them in another way."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.raw = httpx.Headers(headers).raw


@pytest.mark.parametrize("kind", [httpx.Headers, Other])
@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("0", True),
        ("65536", True),
        ("65537", False),
        ("999999999999999999999999", False),
        ("-1", False),
        ("1 2", False),
        ("", False),
        (None, False),
    ],
)
def test_a_length_of_up_to_64_kib_is_small(kind: Any, length: str | None, expected: bool) -> None:
    headers = {"Server": "x"} | ({} if length is None else {"Content-Length": length})

    assert is_small(kind(headers)) is expected

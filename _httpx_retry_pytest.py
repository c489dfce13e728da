"""The pytest fixture `instant_retries`, and nothing else.

Outside the package, because pytest loads it in every run: importing the package imports httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def instant_retries() -> Iterator[list[float]]:
    """No retry transport waits during the test: the list of the waits that would have been."""
    from httpx_retry.testing import instant_retries as context  # noqa: PLC0415 - as said above

    with context() as waits:
        yield waits

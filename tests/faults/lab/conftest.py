"""What the lab's tests of itself share."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _unfinished_upload() -> Iterator[None]:
    """For tests in which httpcore leaves a body's generator to the garbage collector.

    trio warns of that when the collector comes, and pytest makes an error of it: so it comes now,
    while the test's own filter for that warning is in force.
    """
    yield
    gc.collect()

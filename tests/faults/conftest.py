"""What tests of faults share."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _collected_at_once() -> Iterator[None]:
    """Brings the garbage collector while the test's own filters for warnings are in force."""
    yield
    gc.collect()

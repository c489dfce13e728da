"""Both families of httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

FAMILIES = ("httpx", "httpx2")


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> ModuleType:
    """Each test that asks for it runs over httpx and over httpx2."""
    module: ModuleType = pytest.importorskip(request.param, reason="httpx2 needs Python 3.11")
    return module

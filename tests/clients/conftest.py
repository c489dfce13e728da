"""Both families of httpx, and a client that is generated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

FAMILIES = ("httpx", "httpx2")
SPECIFICATION = Path(__file__).with_name("shop.json")


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> ModuleType:
    """Each test that asks for it runs over httpx and over httpx2."""
    module: ModuleType = pytest.importorskip(request.param)
    return module


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is another: hishel keeps a file there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def _shop_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """While it is in use there is a package `shop_client`, generated from shop.json."""
    pytest.importorskip("openapi_python_client", reason="it needs Python 3.11")
    folder = tmp_path_factory.mktemp("generated")
    settings = folder / "settings.yml"
    settings.write_text("post_hooks: []\n")  # no formatting: nobody reads it
    options = {
        "--path": SPECIFICATION,
        "--config": settings,
        "--meta": "none",
        "--output-path": folder / "shop_client",
    }
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, "-m", "openapi_python_client", "generate", *words]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))

"""The pytest plugin: one fixture, found by its entry point, that costs nothing where not used."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

import _httpx_retry_pytest

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
import httpx
import pytest
from httpx_retry import ConstantBackoff, RetryPolicy, RetryTransport
from httpx_retry.testing import ScriptedTransport

@pytest.mark.parametrize("number", range(8))
def test_nothing_waits(instant_retries, number):
    policy = RetryPolicy(backoff=ConstantBackoff(3_600 + number))
    server = ScriptedTransport([503, 200])
    with httpx.Client(transport=RetryTransport(server, policy=policy)) as client:
        assert client.get("http://test/").status_code == 200
    assert instant_retries == [3_600 + number]
"""


def run(*arguments: str, where: Path) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_entry_point_leads_to_it() -> None:
    (found,) = (each for each in entry_points(group="pytest11") if each.name == "httpx_retry")

    assert found.load() is _httpx_retry_pytest


def test_it_registers_one_fixture_and_nothing_else() -> None:
    # pytest itself adds names of its own, which begin with an @.
    names = {name for name in vars(_httpx_retry_pytest) if not name.startswith(("__", "@"))}

    assert names == {"TYPE_CHECKING", "annotations", "instant_retries", "pytest"}


def test_it_loads_neither_the_library_nor_httpx(tmp_path: Path) -> None:
    code = (
        "import sys, _httpx_retry_pytest;"
        "print([each for each in ('httpx', 'httpx_retry', 'hypothesis') if each in sys.modules])"
    )
    assert run("-c", code, where=tmp_path) == "[]\n"


def test_the_kit_loads_neither_hypothesis_nor_pytest(tmp_path: Path) -> None:
    code = (
        "import sys, httpx_retry.testing;"
        "print([each for each in ('hypothesis', 'pytest') if each in sys.modules])"
    )
    assert run("-c", code, where=tmp_path) == "[]\n"


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_it_works_in_every_worker(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_users_own.py").write_text(FILE)
    said = run("-m", "pytest", "-q", *workers, "-p", "no:cacheprovider", where=tmp_path)

    assert "8 passed" in said

"""The command line: what it runs, what it says, and its exit codes."""

from __future__ import annotations

import runpy
import sys

import pytest

from httpx_retry import RetryPolicy
from httpx_retry.__main__ import main
from httpx_retry._demo import traffic

FEW = ["demo", "--requests", "12", "--seed", "7"]


def test_the_demo_ends_well_and_draws_all_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(FEW) == 0
    picture = capsys.readouterr().out
    assert picture.count("12/12 100.0 %") == 4
    assert "seed 7" in picture


def test_the_demo_fails_where_a_wrapped_request_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traffic, "POLICY", RetryPolicy(max_attempts=1))
    assert main(FEW) == 1
    assert "failed:" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["rich", "trustme"])
def test_without_the_extra_it_says_how_to_install_it(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uninstall(monkeypatch, missing)
    assert main(FEW) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "pip install 'httpx-retry-transport[cli]'" in said.err


def test_another_missing_module_is_no_matter_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    uninstall(monkeypatch, "h11")
    with pytest.raises(ModuleNotFoundError, match="h11"):
        main(FEW)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: COMMAND"),
        (["demo", "--requests", "0"], "at least 1, not '0'"),
        (["demo", "--requests", "many"], "at least 1, not 'many'"),
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_package_runs_as_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "httpx_retry.__main__")
    monkeypatch.setattr(sys, "argv", ["httpx_retry", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("httpx_retry", run_name="__main__")
    assert ended.value.code == 0
    assert "demo" in capsys.readouterr().out


class Absent:
    """Finds that a package is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def uninstall(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Have the demo imported anew, on a machine without this package."""
    for name in [name for name in sys.modules if name.startswith(("httpx_retry._demo", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(package), *sys.meta_path])

"""`python -m httpx_retry explain`: what it draws, what it says, and its exit codes."""

from __future__ import annotations

import os
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from httpx_retry import RetryPolicy, explain
from httpx_retry.__main__ import main
from tests.demo.test_main import uninstall

from . import policies


def test_a_policy_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--policy", "max_attempts=6, max_elapsed=20"]) == 0
    assert capsys.readouterr().out == explain(policies.ROOMY).text(width=80) + "\n"


def test_without_a_policy_the_default_one_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert "Up to 4 attempts." in capsys.readouterr().out


def test_ctrl_c_ends_it_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--policy", "tests.explain.policies:INTERRUPTED"]) == 130
    assert capsys.readouterr() == ("", "")


def test_without_rich_it_is_drawn_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    uninstall(monkeypatch, "rich")
    assert main(["explain"]) == 0
    assert capsys.readouterr().out == explain().text(width=72) + "\n"


def test_without_rich_a_simple_terminal_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    uninstall(monkeypatch, "rich")
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding="ascii"))
    assert main(["explain"]) == 0
    sys.stdout.flush()
    assert b"|--o--|" in written.getvalue()


@pytest.mark.parametrize("width", [40, 64, 200])
def test_with_rich_it_is_folded_no_more_than_without(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["explain"]) == 0
    assert capsys.readouterr().out == explain().text(width=width) + "\n"


def code_of_explain() -> object:
    """Its exit code, whoever exits."""
    try:
        return main(["explain"])
    except SystemExit as ended:
        return ended.code


@pytest.fixture(params=["rich", "no rich"])
def _with_or_without_rich(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no rich":
        uninstall(monkeypatch, "rich")


@pytest.mark.usefixtures("_with_or_without_rich")
def test_a_reader_that_has_gone_is_told_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Closing it writes what is left, as Python does at exit.
    with os.fdopen(writer, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert code_of_explain() == 1

    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.usefixtures("_with_or_without_rich")
def test_a_picture_that_cannot_be_written_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["explain"]) == 2

    assert capsys.readouterr().err == "[Errno 28] No space left on device\n"


def test_an_svg_is_written_to_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.svg"
    policy = "tests.explain.policies:CUT"
    assert main(["explain", "--policy", policy, "--svg", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == explain(policies.CUT).svg()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--policy", "max_atempts=3"], "RetryPolicy has no field 'max_atempts'; its fields are"),
        (["--policy", "a\nb"], "is no policy"),
        (["--policy", "nowhere:POLICY"], "No module named 'nowhere'"),
        (["--svg", "/no/such/folder/policy.svg"], "/no/such/folder/policy.svg"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert complaint in said.err


def test_the_readme_shows_what_is_drawn() -> None:
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    policy = RetryPolicy(max_attempts=6, max_elapsed=4)
    shown, _, _ = explain(policy).text(width=88).partition(" deadline ")
    assert (
        f"$ python -m httpx_retry explain --policy 'max_attempts=6, max_elapsed=4'\n{shown} …"
        in readme
    )

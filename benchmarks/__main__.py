"""All questions, or those that are named: `python -m benchmarks [--quick] [NAME ...]`."""

from __future__ import annotations

import sys
from importlib import import_module
from time import monotonic

from rich.console import Console

from .harness.bench import Bench
from .harness.results import QUICK, RESULTS, keep, main_table

QUESTIONS = (
    "happy_path",
    "one_failure",
    "client_level",
    "loopback",
    "post_http2",
    "streaming",
    "import_time",
    "one_retry",
    "waiters",
    "deadlines",
    "goodput",
    "no_double_processing",
    "mending",
    "body_recovery",
    "storm",
)
# Asked by name alone: it needs valgrind, and minutes.
ALONE = "instructions"
ROOMS = {"storm": "storm.question", ALONE: "instructions.question"}


def ask(name: str, bench: Bench, screen: Console) -> None:
    """Measure, print and keep one question's answer."""
    module = import_module(f".{ROOMS.get(name, name)}", __package__)
    question = (module.__doc__ or name).partition("\n")[0]
    bench.console.print(f"[bold]{name}[/bold]: {question}")
    began = monotonic()
    tables = []
    for answer in module.measure(bench):
        screen.print(answer.screen())
        tables.append(answer)
    folder = RESULTS if bench.keeps else QUICK
    keep(name, question, tables, folder)
    if table := main_table(folder):
        (folder / "table.md").write_text(table, encoding="utf-8")
    bench.console.print(f"  {monotonic() - began:.0f} s")


def main(arguments: list[str]) -> None:
    """Ask what is named, or all."""
    words = arguments[: arguments.index("--only")] if "--only" in arguments else arguments
    names = [word for word in words if not word.startswith("-")] or list(QUESTIONS)
    unknown = [name for name in names if name not in (*QUESTIONS, ALONE)]
    if unknown:
        known = ", ".join((*QUESTIONS, ALONE))
        raise SystemExit(f"no such question: {', '.join(unknown)}; there are {known}")
    # A part of an answer would stand in the place of the whole.
    bench = Bench(quick="--quick" in words, keeps=words == arguments and "--quick" not in words)
    screen = Console(width=None if sys.stdout.isatty() else 170)
    for name in names:
        ask(name, bench, screen)


if __name__ == "__main__":  # processes that are spawned import it again
    main(sys.argv[1:])

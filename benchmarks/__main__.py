"""What retries cost and what they save, measured side by side with others."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
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


def main() -> None:
    """Ask what is named, or all."""
    parser = ArgumentParser("python -m benchmarks", description=__doc__)
    known = ", ".join((*QUESTIONS, ALONE))
    parser.add_argument("name", nargs="*", help=f"of {known}; default: all but the last")
    parser.add_argument("--quick", action="store_true", help="a look, not a figure to keep")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="of instructions: the cases with this text"
    )
    given = parser.parse_args()
    unknown = [name for name in given.name if name not in (*QUESTIONS, ALONE)]
    if unknown:
        parser.error(f"no such question: {', '.join(unknown)}; there are {known}")
    # A part of an answer would stand in the place of the whole.
    bench = Bench(quick=given.quick, keeps=not given.quick and not given.only, only=given.only)
    screen = Console(width=None if sys.stdout.isatty() else 170)
    for name in given.name or QUESTIONS:
        ask(name, bench, screen)


if __name__ == "__main__":  # processes that are spawned import it again
    main()

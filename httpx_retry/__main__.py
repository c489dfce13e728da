"""The command line: `demo`, the library at work, and `explain`, what a policy will do."""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ._explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._explain import Explanation

_EXTRA = frozenset({"rich", "trustme"})
_WITHOUT_EXTRA = "This needs rich and trustme: pip install 'httpx-retry-transport[cli]'\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name and return its exit code.

    Args:
        arguments: what follows the program's name; None for those of this process.

    Returns:
        0 if all went well, 1 if the command found a failure or its reader has gone, 2 if it cannot
        run as things are, 130 if Ctrl-C has ended it.
    """
    parsed = _parser().parse_args(arguments)
    command: Callable[[Namespace], int] = parsed.command
    try:
        return command(parsed)
    except ModuleNotFoundError as missing:
        if missing.name not in _EXTRA:
            raise
        sys.stderr.write(_WITHOUT_EXTRA)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m httpx_retry", description="Retries for httpx, seen.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    summary = "run the same requests bare and wrapped against a flaky server, and draw the outcome"
    demo = commands.add_parser("demo", help=summary, description=summary)
    demo.add_argument("--requests", type=_count, default=200, metavar="N", help="in each row (200)")
    demo.add_argument("--seed", type=int, default=7, metavar="N", help="decides the faults (7)")
    demo.set_defaults(command=_demo)
    summary = "draw what a policy will do: its attempts, its waits, its worst case"
    explained = commands.add_parser("explain", help=summary, description=summary)
    explained.add_argument(
        "--policy",
        default="",
        metavar="P",
        help="'max_attempts=6, max_elapsed=20', or module:attribute (the default policy)",
    )
    explained.add_argument("--svg", type=Path, metavar="FILE", help="draw it to this file instead")
    explained.set_defaults(command=_explain)
    return parser


def _demo(parsed: Namespace) -> int:
    # Here, because rich and trustme are an extra that the other commands do without.
    from rich.console import Console  # noqa: PLC0415 - an extra

    from ._demo import run_demo  # noqa: PLC0415 - needs the extra

    logger = logging.getLogger("httpx_retry")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # the picture tells it
    try:
        return 0 if run_demo(Console(), requests=parsed.requests, seed=parsed.seed) else 1
    finally:
        logger.setLevel(level)


def _explain(parsed: Namespace) -> int:
    from ._explain.given import policy_given  # noqa: PLC0415 - the demo does without

    try:
        explanation = explain(policy_given(parsed.policy))
        if parsed.svg is not None:
            parsed.svg.write_text(explanation.svg(), encoding="utf-8")
            return 0
    except (OSError, TypeError, ValueError) as wrong:
        return _cannot_run(wrong)
    try:
        _show(explanation)
    except OSError as failed:
        _write_no_more()
        # A reader that goes, as `head` does, has seen enough: rich ends as quietly.
        return 1 if isinstance(failed, BrokenPipeError) else _cannot_run(failed)
    return 0


def _cannot_run(error: Exception) -> int:
    """Say in one line what is wrong."""
    sys.stderr.write(f"{' '.join(str(error).split())}\n")
    return 2


def _show(explanation: Explanation) -> None:
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        show = _show_plainly
    else:
        # The picture has a least width: where there is less, rich would fold its lines.
        show = partial(Console().print, soft_wrap=True)
    show(explanation)


def _show_plainly(explanation: Explanation) -> None:
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    width = get_terminal_size().columns
    sys.stdout.write(explanation.text(width=width, ascii_only=ascii_only) + "\n")
    sys.stdout.flush()


def _write_no_more() -> None:
    """Let what is left in the buffer go nowhere: at exit it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

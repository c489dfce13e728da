"""`python -m httpx_retry demo`: the library at work, on this machine alone."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXTRA = frozenset({"rich", "trustme"})
_WITHOUT_EXTRA = "This needs rich and trustme: pip install 'httpx-retry-transport[cli]'\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name and return its exit code.

    Args:
        arguments: what follows the program's name; None for those of this process.

    Returns:
        0 if all went well, 1 if the command found a failure, 2 if it cannot run as things are.
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


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m httpx_retry", description="Retries for httpx, seen.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    summary = "run the same requests bare and wrapped against a flaky server, and draw the outcome"
    demo = commands.add_parser("demo", help=summary, description=summary)
    demo.add_argument("--requests", type=_count, default=200, metavar="N", help="in each row (200)")
    demo.add_argument("--seed", type=int, default=7, metavar="N", help="decides the faults (7)")
    demo.set_defaults(command=_demo)
    return parser


def _demo(parsed: Namespace) -> int:
    # Here, because rich and trustme are an extra that the other commands do without.
    from rich.console import Console  # noqa: PLC0415 - an extra

    from ._demo import run_demo  # noqa: PLC0415 - needs the extra

    return 0 if run_demo(Console(), requests=parsed.requests, seed=parsed.seed) else 1


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

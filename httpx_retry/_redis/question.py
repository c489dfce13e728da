"""What a script is asked, and which replies are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._core._checks import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable


class Question(NamedTuple):
    """What a script is asked.

    Attributes:
        key: the one that it touches.
        arguments: its others.
        book: called with the reply, a number from 0 on, and the seconds since it was asked for; it
            may come late.
        is_news: whether nothing is asked for: what goes wrong with it, the next question finds.
    """

    key: str
    arguments: tuple[float, ...]
    book: Callable[[float, float], None]
    is_news: bool = False


def number_in(reply: Any) -> float:
    """Return the number that a script has replied with.

    Raises:
        ValueError: for what is none from 0 on.
        TypeError: likewise.
    """
    number = float(reply)
    if not 0.0 <= number <= LARGEST:
        raise ValueError(f"{reply!r} is no reply")
    return number


def is_unknown_script(error: Exception) -> bool:
    """Whether the server has to be told the script first."""
    # By its name: forks of the client have exceptions of their own.
    return type(error).__name__ == "NoScriptError"

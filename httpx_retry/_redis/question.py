"""What a script is asked, and which replies are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._core._checks import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

_NEVER = float("-inf")


class Question(NamedTuple):
    """What a script is asked.

    Attributes:
        key: the one that it touches.
        arguments: its others.
        book: called with the reply, a number from 0 on; it may come late.
        is_news: whether nothing is asked for: what goes wrong with it, the next question finds.
    """

    key: str
    arguments: tuple[float, ...]
    book: Callable[[float], None]
    is_news: bool = False


class Draft(NamedTuple):
    """A question before it departs.

    Attributes:
        about: what it is about: of those about the same, the last one is asked.
        question: makes it as it departs; None: there is nothing to ask any more.
        now: the clock's monotonic reading, in seconds.
    """

    about: str
    question: Callable[[], Question | None]
    now: float


class Batch:
    """Questions that go to Redis together.

    Attributes:
        drafts: those that join it, by what they are about.
        questions: what they became.
        departed: when, by the system's monotonic clock; before that, others may join.
        landed: set when all replies are booked, or none will be; on asyncio, the task that does it.
        watch: on asyncio, the task that ends then, too, or after 50 ms.
    """

    __slots__ = ("departed", "drafts", "landed", "questions", "watch")

    landed: Any
    watch: Any

    def __init__(self, draft: Draft) -> None:
        self.drafts = {draft.about: draft}
        self.questions: list[Question] = []
        self.departed = _NEVER

    @property
    def is_open(self) -> bool:
        """Whether others may join."""
        return self.departed == _NEVER

    @property
    def is_news(self) -> bool:
        """Whether it departed, and nothing is asked for."""
        return bool(self.questions) and all(question.is_news for question in self.questions)


def fill(pipeline: Any, command: tuple[str, str], questions: list[Question]) -> Any:
    """Return the pipeline, with a command for each question."""
    for question in questions:
        # That of a cluster refuses the method `evalsha`, as not each server knows the script.
        pipeline.execute_command(*command, 1, question.key, *question.arguments)
    return pipeline


def book(questions: list[Question], replies: list[Any]) -> list[Question]:
    """Book what was answered, and return those whose server has to be told the script first.

    Raises:
        Exception: one of those that Redis replied with otherwise.
        ValueError: for a reply that is no number from 0 on.
        TypeError: likewise.
    """
    unknown: list[Question] = []
    fault: Exception | None = None
    for question, reply in zip(questions, replies, strict=True):
        if not isinstance(reply, Exception):
            question.book(_number_in(reply))
        # By its name: forks of the client have exceptions of their own.
        elif type(reply).__name__ == "NoScriptError":
            unknown.append(question)
        else:
            fault = reply
    if fault is not None:
        raise fault
    return unknown


def _number_in(reply: Any) -> float:
    number = float(reply)
    if not 0.0 <= number <= LARGEST:
        raise ValueError(f"{reply!r} is no reply")
    return number

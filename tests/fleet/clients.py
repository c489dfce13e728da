"""Clients of Redis whose answers are made up: as much of them as is used."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds import World


class Client:
    """One that gives each question the same answer.

    Args:
        answer: called for each round trip; what it returns is the reply to each question.
    """

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self.trips = 0

    def execute_command(self) -> Any:
        """As clients have."""

    def pipeline(self, *, transaction: bool) -> Any:
        assert not transaction
        return Pipeline(self.answer)

    def answer(self) -> Any:
        self.trips += 1
        return self._answer()


class Pipeline:
    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self._size = 0

    def execute_command(self, *_: Any) -> None:
        self._size += 1

    def execute(self, *, raise_on_error: bool) -> Any:
        assert not raise_on_error
        return [self._answer()] * self._size


class AsyncClient(Client):
    """The same in tasks."""

    async def execute_command(self) -> Any:
        pass

    def pipeline(self, *, transaction: bool) -> Any:
        assert not transaction
        return AsyncPipeline(self.answer)


class AsyncPipeline(Pipeline):
    async def execute(self, *, raise_on_error: bool) -> Any:
        assert not raise_on_error
        answer = self._answer()
        return [await answer if isawaitable(answer) else answer] * self._size


def client_for(world: World, answer: Callable[[], Any]) -> Client:
    return AsyncClient(answer) if world.is_async else Client(answer)

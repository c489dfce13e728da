"""The SDKs of openai and anthropic: how they are asked, and what their servers answer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from httpx_retry import add_retries
from tests.faults.lab import Reply, client_context
from tests.worlds import settled

from .flaky import entered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.faults.lab import Server
    from tests.worlds import World

QUESTION: dict[str, Any] = {
    "model": "a-model",
    "messages": [{"role": "user", "content": "Say it"}],
    "max_tokens": 100,
}


def _json(document: object) -> Reply:
    return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _event(document: dict[str, Any]) -> bytes:
    name, data = document.get("type", "message"), json.dumps(document)
    return f"event: {name}\ndata: {data}\n\n".encode()


class SDK(ABC):
    """What the two have in common.

    Attributes:
        name: its package.
        kind: its client, of which there is a twin with "Async" before it.
        path: where its questions go.
        models: the answer to a list of models: there is one, "a-model".
        answer: the answer to a question: "word word".
        begun: the answer as a stream of events, as far as its first word.
        rest: what follows.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    path: ClassVar[str]
    models: ClassVar[Reply]
    answer: ClassVar[Reply]
    begun: ClassVar[bytes]
    rest: ClassVar[bytes]

    @abstractmethod
    def create(self, client: Any, **options: Any) -> Any:
        """Ask a question."""

    @abstractmethod
    def text_of(self, answer: Any) -> str:
        """The text of an answer."""

    @abstractmethod
    def text_in(self, event: Any) -> str:
        """The text that came with an event."""

    @property
    def module(self) -> Any:
        """The package itself."""
        return import_module(self.name)

    @property
    def stream(self) -> Reply:
        """The answer as a stream of events."""
        body = self.begun + self.rest
        return Reply(200, body, {"Content-Type": "text/event-stream"}, chunked=True)

    @asynccontextmanager
    async def client(
        self, world: World, server: Server[Any], *, options: Any = None, **retrying: Any
    ) -> AsyncIterator[Any]:
        """Its client, with retries added to its own default client of httpx2."""
        prefix = "Async" if world.is_async else ""
        http = getattr(self.module, f"Default{prefix}HttpxClient")(verify=client_context())
        add_retries(http, **retrying)
        async with self.client_over(world, server, http, **(options or {})) as client:
            yield client

    @asynccontextmanager
    async def client_over(
        self, world: World, server: Server[Any], http: Any, **options: Any
    ) -> AsyncIterator[Any]:
        """Its client over one of httpx2, with no retries of its own unless they are asked for."""
        kind = getattr(self.module, ("Async" if world.is_async else "") + self.kind)
        options = {
            "base_url": server.url,
            "api_key": "k",
            "max_retries": 0,
            "timeout": 5.0,
            **options,
        }
        async with entered(world, kind(http_client=http, **options)) as client:
            yield client

    async def list_models(self, client: Any) -> list[str]:
        page = await settled(client.models.list())
        return [each.id for each in page.data]

    async def ask(self, client: Any, **options: Any) -> str:
        return self.text_of(await settled(self.create(client, **options)))

    async def words(self, client: Any, hear: Callable[[str], object]) -> None:
        """Ask for a stream, and hear it word by word."""
        stream = await settled(self.create(client, stream=True))
        if hasattr(stream, "__aiter__"):
            async for event in stream:
                hear(self.text_in(event))
        else:
            for event in stream:
                hear(self.text_in(event))


class OpenAI(SDK):
    """Without the version that its base URL would hold."""

    name, kind, path = "openai", "OpenAI", "/chat/completions"
    models = _json({"object": "list", "data": [{"id": "a-model", "object": "model"}]})
    answer = _json({"id": "1", "choices": [{"index": 0, "message": {"content": "word word"}}]})
    begun = _event({"id": "1", "choices": [{"index": 0, "delta": {"content": "word"}}]})
    rest = begun + b"data: [DONE]\n\n"

    def create(self, client: Any, **options: Any) -> Any:
        return client.chat.completions.create(**QUESTION, **options)

    def text_of(self, answer: Any) -> str:
        return str(answer.choices[0].message.content)

    def text_in(self, event: Any) -> str:
        return str(event.choices[0].delta.content)


class Anthropic(SDK):
    """Its paths hold the version."""

    name, kind, path = "anthropic", "Anthropic", "/v1/messages"
    models = _json({"data": [{"type": "model", "id": "a-model"}], "has_more": False})
    answer = _json({"type": "message", "content": [{"type": "text", "text": "word word"}]})
    begun = _event(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word"}}
    )
    rest = begun

    def create(self, client: Any, **options: Any) -> Any:
        return client.messages.create(**QUESTION, **options)

    def text_of(self, answer: Any) -> str:
        return str(answer.content[0].text)

    def text_in(self, event: Any) -> str:
        return str(event.delta.text)


SDKS = (OpenAI(), Anthropic())

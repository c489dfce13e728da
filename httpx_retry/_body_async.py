"""The body of a response, in tasks: read on, where it breaks off, from another response.

`_body_sync.py` is its mirror.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._http.httpcore_stream import abandon_stream
from ._http.response_body import is_small
from ._recovery import Recovery, body_of
from ._streams import async_whole, close_async_stream, end_async_iteration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import httpx

    from ._http.response_body import Body
    from ._recovery import Source


class AsyncBodyStream:
    """A response body that is mended where it breaks off."""

    __slots__ = ("driver", "fields", "inner", "method", "response", "source")

    driver: Any  # a driver: it stands below this room
    fields: Any  # the request's headers as it was sent: `Fields`
    inner: Any  # None: it was left midway
    method: Any  # the request's, as it was sent
    response: Any
    source: Any  # a `Source`; then the `Recovery`, once there is one; None: closed

    async def __aiter__(self) -> AsyncIterator[bytes]:  # noqa: C901, PLR0912 - a second generator would cost each chunk
        # Once, as another thread may close it at any time: which forgets the response first.
        source, response = self.source, self.response
        if type(source) is Recovery or self.inner is None:
            raise self.driver.family.StreamConsumed
        if source is None or response is None:
            async for chunk in self.inner:
                yield chunk
            return
        recovery: Recovery | None = None
        # A small one is whole before its first byte, at the least cost: it is the most common.
        is_whole = is_small(response.headers)
        body = None if is_whole else body_of(self.driver._settings, self.method, response)
        held: Sequence[bytes]
        try:
            while True:
                try:
                    if body is None:
                        held = await async_whole(self.inner)
                    elif recovery is None and body.is_only_counted:
                        async for chunk in self.inner:
                            body.delivered += len(chunk)
                            yield chunk
                    else:
                        chunks = aiter(self.inner)
                        async for chunk in chunks:
                            part = body.take(chunk)
                            if recovery is not None:
                                recovery.brought()
                            if part:
                                yield part
                            if body.is_over:
                                abandon_stream(self.inner)
                                await end_async_iteration(chunks)
                                break
                except Exception as error:
                    if self.source is None:
                        raise
                    body = body or body_of(self.driver._settings, self.method, response)
                    recovery = recovery or self._recovery_of(source, response, body)
                    recovery.broke(error)
                else:
                    if body is not None:
                        held = body.end()
                    if body is None or body.refusal is None:
                        recovery = None  # the frames of its error lead back to this one
                        for part in held:
                            yield part
                        return
                    assert recovery is not None
                    recovery.was_not_the_rest()
                await self._resume(recovery)
        except GeneratorExit:
            # Left midway, and by nobody closed. What was read to its end is not to be read again:
            # its connection may be another request's by now.
            await self.aclose()
            self.inner = None
            raise

    def _recovery_of(self, source: Source, response: httpx.Response, body: Body) -> Recovery:
        settings = self.driver._settings
        recovery = Recovery(settings, source, response, body, self.method, self.fields)
        self.source = recovery
        if self.response is None:
            recovery.abandon()
        return recovery

    async def _resume(self, recovery: Recovery) -> None:
        """Go on with another response, or raise what the body broke off with."""
        inner, self.inner = self.inner, self.driver.family.ByteStream(b"")
        await close_async_stream(inner)
        response = await self.driver._pursue(recovery)
        self.inner = response.stream
        if self.source is None:
            await close_async_stream(self.inner)
            recovery.raise_error()

    async def aclose(self) -> None:
        """Close the stream in use, once; no more is sent for it."""
        self.response = None
        source, self.source = self.source, None
        if source is None:
            return
        if type(source) is Recovery:
            source.abandon()
        await self.inner.aclose()

"""Retries for a client that is there already: its options, its proxies, its HTTP/2 stay."""

from __future__ import annotations

from random import random as system_random
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from ._async import AsyncRetryDriver, AsyncRetryTransport
from ._core.budget import FRESH, Fresh, RetryBudget
from ._core.clock import SYSTEM_CLOCK
from ._core.cooldown import LocalCooldown
from ._core.policy import DEFAULT_POLICY
from ._http.causes import is_a
from ._http.wire import transports_in
from ._sync import RetryDriver, RetryTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._core.budget import Budget
    from ._core.clock import Clock
    from ._core.cooldown import Cooldown
    from ._core.policy import RetryPolicy
    from ._hooks import AsyncPrepare
    from ._http.family import AnyClient, AnyRequest, Family
    from ._observe import EventHook

    Request = TypeVar("Request", bound=AnyRequest)
    AnyPrepare = AsyncPrepare | Callable[[Request, int], Request | Awaitable[Request | None] | None]

Client = TypeVar("Client", bound="AnyClient")


def add_retries(  # noqa: PLR0913 - the transports' own arguments
    client: Client,
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
    budget: Budget | Fresh | None = FRESH,
    cooldown: Cooldown | bool = False,
    on_event: EventHook | None = None,
    prepare: AnyPrepare[Request] | None = None,
    clock: Clock = SYSTEM_CLOCK,
    random: Callable[[], float] = system_random,
) -> Client:
    """Give a client retries, in place, and return it.

    Its transport and those of all its mounts are wrapped, proxies from its arguments or from the
    environment included: requests travel as they did before. One budget holds for all of them.

    Args:
        client: a `Client` or an `AsyncClient` of httpx or httpx2, or of a subclass.
        policy: as for `RetryTransport`, like all that follows.
        budget: a fresh `RetryBudget` unless one is given; None: nothing bounds the retries.
        cooldown: True: one holds for all of them.
        on_event: called with a `RetryEvent` for each retry, giving up and recovery.
        prepare: called with the request before each retry; for an `AsyncClient` it may be a
            coroutine function.
        clock: where the time comes from.
        random: draws from [0, 1) for the jitter.

    Raises:
        ValueError: for a client that has retries already.
        TypeError: for what is no client, and for an argument of the wrong type.
    """
    kind = _transport_for(client)
    options: dict[str, Any] = {
        "policy": policy,
        "budget": RetryBudget() if isinstance(budget, Fresh) else budget,
        "cooldown": LocalCooldown() if cooldown is True else cooldown,
        "on_event": on_event,
        "prepare": prepare,
        "clock": clock,
        "random": random,
    }
    _wrap_transports(client, kind.family, lambda transport: kind(transport, **options))
    return client


def _transport_for(client: object) -> type[Any]:
    if isinstance(client, httpx.Client):
        return RetryTransport
    if isinstance(client, httpx.AsyncClient):
        return AsyncRetryTransport
    # An extra: loaded where it is needed.
    if is_a(client, "httpx2", "Client"):
        from .httpx2 import RetryTransport as RetryTransport2  # noqa: PLC0415 - as said

        return RetryTransport2
    if is_a(client, "httpx2", "AsyncClient"):
        from .httpx2 import AsyncRetryTransport as AsyncRetryTransport2  # noqa: PLC0415 - likewise

        return AsyncRetryTransport2
    raise TypeError(
        f"client must be a Client or an AsyncClient of httpx or httpx2, not {client!r}:"
        " a transport goes to RetryTransport, and an SDK takes such a client, often as http_client="
    )


def _wrap_transports(client: Any, family: Family, wrap: Callable[[Any], Any]) -> None:
    """Put a wrapped transport in the place of each that a client has: all of them, or none.

    What a client sends through is private to it: this is the only place that knows.
    """
    transport, mounts = client._transport, client._mounts  # noqa: SLF001 - as said
    wrapped: dict[int, Any] = {}
    for each in (transport, *mounts.values()):
        for part in transports_in(each, family):
            if isinstance(part, RetryDriver | AsyncRetryDriver):
                raise ValueError(  # noqa: TRY004 - of the right type, and in the wrong state
                    f"client has retries already: it sends through {part!r}"
                )
        # None stands for "no transport of its own"; one transport may be mounted twice.
        if each is not None and id(each) not in wrapped:
            wrapped[id(each)] = wrap(each)
    client._transport = wrapped[id(transport)]  # noqa: SLF001 - likewise
    client._mounts = {  # noqa: SLF001 - likewise
        pattern: wrapped.get(id(each)) for pattern, each in mounts.items()
    }

"""The transports for httpx2, Pydantic's continuation of httpx: all else is shared.

What type checkers read is `httpx2.pyi`: there, requests and responses are httpx2's.
"""

from __future__ import annotations

from typing import ClassVar

from ._async import AsyncRetryDriver
from ._http.family import Family
from ._sync import RetryDriver

try:
    import httpx2
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "httpx_retry.httpx2 needs httpx2: pip install 'httpx-retry-transport[httpx2]'",
        name=missing.name,
    ) from missing

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class RetryTransport(RetryDriver, httpx2.BaseTransport):
    """An `httpx2.BaseTransport` that wraps another and retries what it may.

    Its arguments are those of `httpx_retry.RetryTransport`, with httpx2's classes for httpx's.
    """

    family: ClassVar[Family] = Family(httpx2)


class AsyncRetryTransport(AsyncRetryDriver, httpx2.AsyncBaseTransport):
    """An `httpx2.AsyncBaseTransport` that wraps another and retries what it may.

    Its arguments are those of `httpx_retry.AsyncRetryTransport`, with httpx2's classes for httpx's.
    """

    family: ClassVar[Family] = Family(httpx2)

"""The scripted server for clients of httpx2; the clock and the switch of `testing` serve both.

What type checkers read is `httpx2.pyi`: there, requests and responses are httpx2's.
"""

from __future__ import annotations

from typing import ClassVar

from .._http.family import Family
from ._entries import Entry
from ._script import Received, Script

try:
    import httpx2
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "httpx_retry.testing.httpx2 needs httpx2: pip install 'httpx-retry-transport[httpx2]'",
        name=missing.name,
    ) from missing

__all__ = ["Entry", "Received", "ScriptedTransport"]


class ScriptedTransport(Script, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A transport for httpx2 that answers each request by the next entry of a script.

    Its arguments and attributes are those of `httpx_retry.testing.ScriptedTransport`.
    """

    family: ClassVar[Family] = Family(httpx2)

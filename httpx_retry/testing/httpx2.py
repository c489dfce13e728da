"""The scripted server for clients of httpx2; the clock and the switch of `testing` serve both."""

from __future__ import annotations

from typing import ClassVar

import httpx2

from .._http.family import Family
from ._script import Script

__all__ = ["ScriptedTransport"]


class ScriptedTransport(  # type: ignore[misc]  # the shared code is typed for httpx
    Script, httpx2.BaseTransport, httpx2.AsyncBaseTransport
):
    """A transport for httpx2 that answers each request by the next entry of a script.

    Its arguments and attributes are those of `httpx_retry.testing.ScriptedTransport`.
    """

    family: ClassVar[Family] = Family(httpx2)

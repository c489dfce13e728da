"""For the API reference: a default that is a private name is written as what it stands for."""

from __future__ import annotations

from typing import Any

from griffe import Class, Extension, Function

# Of the signatures that are public: what a reader would write to get the same.
STAND_FOR = {
    "DEFAULT_POLICY": "RetryPolicy()",
    "FRESH": "RetryBudget()",
    "IDEMPOTENT_METHODS": "...",
    "SYSTEM_CLOCK": "SystemClock()",
    "TRANSIENT_STATUSES": "...",
    "_DEFAULT_BACKOFF": "ExponentialBackoff()",
    "system_random": "random.random",
}


class Defaults(Extension):
    """Replaces them in functions, and in the parameters of dataclasses."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Replace them in a function that was just read."""
        _replace(func)

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Replace them in the fields of a class, which become its parameters."""
        for attribute in cls.attributes.values():
            if str(attribute.value) in STAND_FOR:
                attribute.value = STAND_FOR[str(attribute.value)]


def _replace(func: Function) -> None:
    for parameter in func.parameters:
        if str(parameter.default) in STAND_FOR:
            parameter.default = STAND_FOR[str(parameter.default)]

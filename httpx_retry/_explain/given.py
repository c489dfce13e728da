"""A policy as somebody types it on a command line: its fields, or where to find it."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .._core.backoff import ConstantBackoff, DecorrelatedJitterBackoff, ExponentialBackoff
from .._core.policy import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

_REFERENCE = re.compile(r"(?P<module>[\w.]+):(?P<attribute>[\w.]+)")
# All that may be called: whoever passes on a text that is not their own runs nothing else.
_CALLABLE: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (ConstantBackoff, DecorrelatedJitterBackoff, ExponentialBackoff, frozenset, set)
}


def policy_given(text: str) -> RetryPolicy:
    """Return the policy that a text stands for.

    Args:
        text: `max_attempts=6, max_elapsed=20`, the same within `RetryPolicy(...)`, or
            `module:attribute`.

    Raises:
        ValueError: for a text that is neither, and for a value out of range.
        TypeError: for a value of the wrong type, or an unknown field.
    """
    reference = _REFERENCE.fullmatch(text.strip())
    if reference is not None:
        return _found(reference["module"], reference["attribute"])
    try:
        return _read(text.strip())
    except (MemoryError, RecursionError) as error:  # what the parser says of too deep a text
        raise ValueError("a policy cannot be read that is nested as deeply as this") from error


def _found(module: str, attribute: str) -> RetryPolicy:
    try:
        found = attrgetter(attribute)(import_module(module))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{module}:{attribute} cannot be imported: {reason}") from error
    if not isinstance(found, RetryPolicy):
        raise TypeError(f"{module}:{attribute} must be a RetryPolicy, not {found!r}")
    return found


def _read(text: str) -> RetryPolicy:
    try:
        call = _call(text if text.startswith("RetryPolicy(") else f"RetryPolicy({text})")
    except (SyntaxError, ValueError) as error:
        raise ValueError(
            f"{text!r} is no policy: write 'max_attempts=6, max_elapsed=20' or module:attribute"
        ) from error
    if call.args:
        raise TypeError(f"{ast.unparse(call.args[0])} must be given by name: field=value")
    return RetryPolicy(**_named(call))


def _call(text: str) -> ast.Call:
    body = ast.parse(text, mode="eval").body
    # What is called on the policy that the text begins with would take its place.
    if not (isinstance(body, ast.Call) and isinstance(body.func, ast.Name)):
        raise ValueError(f"{text!r} is more than a call")  # noqa: TRY004 - a matter of the text
    return body


def _named(call: ast.Call) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for keyword in call.keywords:
        name = keyword.arg
        if name is None or name in values:
            raise TypeError(f"{ast.unparse(keyword)} must be field=value, each field once")
        values[name] = _value(name, keyword.value)
    return values


def _value(name: str, node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        function = _CALLABLE.get(node.func.id)
        if function is not None:
            arguments = [_value(name, each) for each in node.args]
            return function(*arguments, **_named(node))
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(
            f"{name} must be a literal or one of the backoffs, not {ast.unparse(node)}:"
            " pass module:attribute for what only code can say"
        ) from None

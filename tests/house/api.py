"""The public names and their signatures as a text: `python -m tests.house.api` writes `api.txt`.

Annotations are as the source spells them, so the text is the same on every CPython.
"""

from __future__ import annotations

import inspect
import re
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, ForwardRef, get_args

import httpx_retry

if TYPE_CHECKING:
    from collections.abc import Iterator

FROZEN = Path(__file__).parents[2] / "api.txt"
_WIDTH = 100
_SPECIAL = ("__call__", "__enter__", "__aenter__")


def public_modules() -> list[str]:
    """The package, and the modules below it of which no part is private or a command."""
    found = [each.name for each in walk_packages(httpx_retry.__path__, "httpx_retry.")]
    return ["httpx_retry", *(name for name in sorted(found) if "._" not in name)]


def page(module: str) -> list[str]:
    """A module's names, one after the other: it must list them in `__all__`."""
    held = import_module(module)
    return [line for name in sorted(held.__all__) for line in _told(name, getattr(held, name))]


def _told(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type) and not get_args(value):  # CPython 3.10 takes an alias for a type
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield from _function(f"def {name}", value)
    elif isinstance(value, str):
        yield f"{name}: str"
    else:
        yield f"{name} = {_plain(value)}"


def _class(name: str, kind: type[Any]) -> Iterator[str]:
    bases = [_plain(each) for each in kind.__bases__ if each is not object and not _is_ours(each)]
    yield f"class {name}({', '.join(bases)})" if bases else f"class {name}"
    members: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for owner in filter(_is_ours, reversed(kind.__mro__)):
        members.update(vars(owner))
        fields.update(inspect.get_annotations(owner))
    if "_fields" in members:
        yield from _function("    def __new__", kind)
    elif "__init__" in members and not getattr(kind, "_is_protocol", False):
        yield from _function("    def __init__", members["__init__"])
    for key in sorted({*members, *fields}):
        if not key.startswith("_") or key in _SPECIAL:
            yield from _member(key, members.get(key), fields.get(key))


def _is_ours(kind: type[Any]) -> bool:
    return kind.__module__.startswith("httpx_retry")


def _member(name: str, value: Any, annotation: Any) -> Iterator[str]:
    if annotation is not None:
        yield f"    {name}: {_plain(annotation)}"
    elif isinstance(value, Enum):
        yield f"    {name} = {value.value!r}"
    elif isinstance(value, property):
        assert value.fget is not None
        yield f"    property {name}: {inspect.get_annotations(value.fget)['return']}"
    elif isinstance(value, staticmethod):
        yield from _function(f"    static def {name}", value.__func__)
    elif inspect.iscoroutinefunction(value):
        yield from _function(f"    async def {name}", value)
    elif inspect.isfunction(value):
        yield from _function(f"    def {name}", value)
    else:
        yield f"    {name}"


def _function(start: str, function: Any) -> Iterator[str]:
    """Its signature, in one line, or in one for each parameter."""
    found = inspect.signature(function)
    parameters = [
        each.replace(annotation=_bare(each.annotation), default=_default(each.default))
        for each in found.parameters.values()
    ]
    found = found.replace(parameters=parameters, return_annotation=_bare(found.return_annotation))
    line = f"{start}{found}"
    if len(line) <= _WIDTH:
        yield line
        return
    indent = " " * (len(start) - len(start.lstrip()))
    yield f"{start}("
    by_name = [each for each in parameters if each.kind is each.KEYWORD_ONLY]
    for each in parameters:
        if each in by_name[:1]:
            yield f"{indent}    *,"
        yield f"{indent}    {each},"
    yield f"{indent})" + line.rpartition(")")[2]


def _bare(annotation: Any) -> Any:
    return annotation if annotation is inspect.Signature.empty else _Text(_plain(annotation))


def _default(value: Any) -> Any:
    if value is inspect.Signature.empty:
        return value
    if inspect.isbuiltin(value):
        return _Text(f"{value.__name__}")
    # What is as its class makes it is that: its own fields have their own lines.
    if _is_ours(type(value)) and repr(value) == repr(type(value)()):
        return _Text(f"{type(value).__name__}()")
    return _Text(_in_order(value))


def _in_order(value: Any) -> str:
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(repr, value)))}}}"
    return repr(value)


def _plain(annotation: Any) -> str:
    """An annotation as the source spells it; a type alias without the homes of its parts."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", repr(annotation))


class _Text:
    """What prints as it is told to."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def main() -> None:
    """Write all pages."""
    pages = ["\n".join([f"[{name}]", *page(name)]) for name in public_modules()]
    FROZEN.write_text("\n\n".join(pages) + "\n")


if __name__ == "__main__":
    main()

"""Whether a value is exactly what a type says: no key too many, none missing, everything of its type."""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints


def differences(value: object, kind: Any, where: str = "answer") -> list[str]:
    """What is other than the type says, each with its place."""
    if kind is Any:
        return []
    if typing.is_typeddict(kind):
        return _in_mapping(value, kind, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return [] if value in arguments else [f"{where}: {value!r} is none of {arguments}"]
    if origin in {Union, types.UnionType}:
        each = [differences(value, one, where) for one in arguments]
        return [] if [] in each else each[0]
    if origin is tuple:
        items = value if isinstance(value, list) and len(value) == len(arguments) else None
        if items is None:
            return [f"{where}: not {len(arguments)} items"]
        return [
            found
            for at, one in enumerate(arguments)
            for found in differences(items[at], one, f"{where}[{at}]")
        ]
    if origin is list:
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return [
            found
            for at, item in enumerate(value)
            for found in differences(item, arguments[0], f"{where}[{at}]")
        ]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where}: no dict"]
        return [
            found
            for key, item in value.items()
            for found in differences(item, arguments[1], f"{where}.{key}")
        ]
    plain = type(None) if kind is None else kind
    return [] if type(value) is plain else [f"{where}: {value!r} is no {plain.__name__}"]


def _in_mapping(value: object, kind: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: no dict"]
    hints = get_type_hints(kind)
    # Where annotations are strings, `__required_keys__` does not know of NotRequired.
    extras = get_type_hints(kind, include_extras=True)
    required = {key for key, hint in extras.items() if get_origin(hint) is not NotRequired}
    found = [f"{where}: {key} is not described" for key in value.keys() - hints.keys()]
    found += [f"{where}: {key} is missing" for key in required - value.keys()]
    for key in value.keys() & hints.keys():
        found += differences(value[key], hints[key], f"{where}.{key}")
    return found

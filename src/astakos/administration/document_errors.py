"""Adds the allowed values to the errors of msgspec, which name only the wrong one."""

import re
from typing import Any

import msgspec

AT = " - at `"
STEP = re.compile(r"\.(\w+)|\[[^\]]*\]")
WRONG_VALUE = "Invalid enum value"
NUMBER = "`bool | int`"
"""What a quantity may be. A boolean counts as a number, as it does in Python and for the original service."""
WRONG_KEY = "Object contains unknown field"


def explained(error: msgspec.ValidationError, document: type) -> str:
    """Returns the message of an error with what is allowed at its place.

    Args:
        error: what decoding has raised.
        document: the type that it decoded to.
    """
    message, _, place = str(error).partition(AT)
    found = _types_at(msgspec.inspect.type_info(document), place.rstrip("`"))
    if message.startswith(WRONG_VALUE):
        allowed = [value for part in found for value in _values(part)]
    elif message.startswith(WRONG_KEY):
        allowed = [
            field.encode_name
            for part in found
            if isinstance(part, msgspec.inspect.StructType)
            for field in part.fields
        ]
    else:
        return str(error).replace(NUMBER, "a whole number")
    where = AT + place if place else ""
    return f"{message}; allowed: {', '.join(allowed)}{where}"


def _types_at(kind: msgspec.inspect.Type, path: str) -> list[msgspec.inspect.Type]:
    """Returns the types that a value at a path like `$.users[...].email` may have."""
    found = _alternatives(kind)
    for step in STEP.finditer(path):
        found = [
            deeper for part in found for inner in _below(part, step[1]) for deeper in _alternatives(inner)
        ]
    return found


def _alternatives(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    return list(kind.types) if isinstance(kind, msgspec.inspect.UnionType) else [kind]


def _below(kind: msgspec.inspect.Type, name: str | None) -> list[msgspec.inspect.Type]:
    match kind:
        case msgspec.inspect.StructType() if name is not None:
            return [field.type for field in kind.fields if field.encode_name == name]
        case msgspec.inspect.ListType() if name is None:
            return [kind.item_type]
        case msgspec.inspect.DictType() if name is None:
            return [kind.value_type]
    return []


def _values(kind: msgspec.inspect.Type) -> list[Any]:
    match kind:
        case msgspec.inspect.EnumType():
            return [member.value for member in kind.cls]
        case msgspec.inspect.LiteralType():
            return list(kind.values)
    return []

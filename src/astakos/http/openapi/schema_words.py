"""Describes schemas in one line each, with links to those that have a name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from markupsafe import Markup

Schema = Mapping[str, Any]

LIMITS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "minimum length",
    "maxLength": "maximum length",
    "format": "format",
    "pattern": "pattern",
}
CODE: Final = Markup("<code>{}</code>")


def described(schema: Schema) -> Markup:
    """Returns the description of a schema."""
    if "$ref" in schema:
        name = _name(schema["$ref"])
        return Markup('<a href="#{0}">{0}</a>').format(name)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return Markup(" or ").join(described(one) for one in schema[choice])
    for exact in ("enum", "const"):
        if exact in schema:
            found = schema[exact] if exact == "enum" else [schema[exact]]
            return Markup(" or ").join(CODE.format(repr(value)) for value in found)
    kind = schema.get("type", "any")
    if kind == "array":
        return _array(schema)
    if kind == "object":
        return _object(schema)
    return Markup("{}{}").format(kind, _limits(schema))


def with_code(text: str) -> Markup:
    """Returns text, with the parts between backticks as code."""
    parts = text.replace("``", "`").split("`")
    return Markup("").join(CODE.format(part) if at % 2 else part for at, part in enumerate(parts))


def references(value: object) -> Iterator[str]:
    """Yields the names of all schemas that a part of the document refers to."""
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str) and "/schemas/" in value["$ref"]:
            yield _name(value["$ref"])
        for one in value.values():
            yield from references(one)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for one in value:
            yield from references(one)


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _array(schema: Schema) -> Markup:
    items = schema.get("prefixItems")
    if items:
        return Markup("[{}]").format(Markup(", ").join(map(described, items)))
    return Markup("array of {}").format(described(schema.get("items") or {}))


def _object(schema: Schema) -> Markup:
    if "properties" in schema:
        pairs = [Markup("{}: {}").format(name, described(one)) for name, one in schema["properties"].items()]
        return Markup("{{{}}}").format(Markup(", ").join(pairs))
    values = schema.get("additionalProperties")
    if isinstance(values, dict) and values:
        return Markup("map of strings to {}").format(described(values))
    return Markup("object")


def _limits(schema: Schema) -> Markup:
    found = [
        Markup("{} <code>{}</code>").format(words, schema[key])
        for key, words in LIMITS.items()
        if key in schema
    ]
    return Markup(" ({})").format(Markup(", ").join(found)) if found else Markup("")

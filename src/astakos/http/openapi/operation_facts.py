"""Says what people need to know of an operation: what it takes and answers, in rows of tables.

The page of the service shows these, and so does the documentation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from astakos.http.openapi.schema_words import described, with_code

Document = Mapping[str, Any]


class Row(NamedTuple):
    """A row of a table: what it is about, further facts, and its meaning."""

    name: str
    facts: str
    meaning: Markup


def alike(methods: Document) -> Iterator[tuple[Sequence[str], Document]]:
    """Yields the operations of a path with their methods: those that are described alike are one."""
    found: list[tuple[list[str], Document]] = []
    for method, operation in methods.items():
        told = _told(operation)
        same = next((names for names, one in found if _told(one) == told), None)
        if same is None:
            found.append(([method.upper()], operation))
        else:
            same.append(method.upper())
    yield from found


def _told(operation: Document) -> object:
    """Returns what tells operations apart for people: HEAD has no body, and each has its own ID."""
    return operation["summary"], operation.get("parameters"), operation.get("requestBody")


def tokens_of(operation: Document) -> str:
    """Returns whose token an operation needs, such as `user or service`; empty for none."""
    schemes = [scheme for one in operation.get("security", ()) for scheme in one]
    return " or ".join(kind for kind in ("user", "service") if f"{kind}Token" in schemes)


def requests_of(operation: Document) -> Iterator[Row]:
    """Yields the parameters of an operation, then its bodies."""
    for one in operation.get("parameters", ()):
        needed = ", required" if one["required"] else ""
        meaning = Markup("{} {}").format(with_code(one["description"]), described(one["schema"]))
        yield Row(one["name"], f"{one['in']}{needed}", meaning)
    body = operation.get("requestBody", {})
    for media_type, media in body.get("content", {}).items():
        needed = ", required" if body.get("required") else ""
        yield Row("body", f"{media_type}{needed}", described(media.get("schema", {})))


def answers_of(operation: Document) -> Iterator[Row]:
    """Yields the answers of an operation by status."""
    for status, response in operation["responses"].items():
        bodies = [
            Markup("{}: {}").format(media_type, described(media["schema"]))
            if "schema" in media
            else Markup("{}").format(media_type)
            for media_type, media in response.get("content", {}).items()
        ]
        yield Row(status, response["description"], Markup("<br>").join(bodies) or Markup("No body."))


def properties_of(schema: Document) -> Iterator[Row]:
    """Yields the properties of a schema, and whether they are required."""
    required = schema.get("required", ())
    for key, value in schema.get("properties", {}).items():
        yield Row(key, "yes" if key in required else "no", described(value))

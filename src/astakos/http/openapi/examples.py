"""Makes examples of requests and answers from the schemas of the OpenAPI document."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

Document = Mapping[str, Any]

UUID: Final = "0a0a0a0a-0000-4000-8000-00000000ada0"
LATER: Final = "2031-02-03T04:05:06+00:00"
TEXTS: Final[Mapping[str, str]] = {
    "uuid": UUID,
    "email": "ada@example.org",
    "username": "ada@example.org",
    "holder": f"user:{UUID}",
    "source": f"project:{UUID}",
    "resource": "compute.vm",
    "first_name": "Ada",
    "last_name": "Byron",
    "reason": "No longer needed.",
}
"""Texts for properties by their name. A property that is not here has its own name as text."""
DEEPEST: Final = 6
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


class Examples:
    """Examples of the schemas of one document."""

    def __init__(self, document: Document) -> None:
        """Notes the named schemas, and where the service is."""
        self._schemas: Mapping[str, Document] = document["components"]["schemas"]
        self._base_url: str = document["servers"][0]["url"]

    def of(self, schema: Document, name: str = "", *, whole: bool, depth: int = 0) -> Any:
        """Returns a value that a schema allows.

        Args:
            schema: The schema.
            name: The name of the property that has it.
            whole: Whether objects have the properties that are not required, too.
            depth: In how many other values it is.
        """
        if "$ref" in schema:
            others = {key: value for key, value in schema.items() if key != "$ref"}
            named = self._schemas[schema["$ref"].rpartition("/")[2]]
            return self.of({**named, **others}, name, whole=whole, depth=depth)
        for exact, value in (("const", schema.get("const")), ("enum", (schema.get("enum") or [None])[0])):
            if exact in schema:
                return value
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                kinds = [one for one in schema[choice] if one.get("type") != "null"]
                best = next((one for one in kinds if "$ref" in one), kinds[0])
                # What is beside the choice applies, too.
                rest = {key: value for key, value in schema.items() if key != choice}
                required = [*rest.get("required", ()), *best.get("required", ())]
                return self.of({**rest, **best, "required": required}, name, whole=whole, depth=depth)
        match schema.get("type"):
            case "object":
                return self._object(schema, whole=whole, depth=depth)
            case "array":
                return self._array(schema, name, whole=whole, depth=depth)
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case "boolean":
                return bool(schema.get("default"))
            case "null":
                return None
        return self._text(schema, name)

    def _object(self, schema: Document, *, whole: bool, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties: Mapping[str, Document] = schema.get("properties", {})
        shown = {
            key: self.of(one, key, whole=whole, depth=depth + 1)
            for key, one in properties.items()
            if key in required or (whole and depth < DEEPEST)
        }
        if not shown and schema.get("minProperties") and properties:
            key, one = next(iter(properties.items()))
            return {key: self.of(one, key, whole=whole, depth=depth + 1)}
        values = schema.get("additionalProperties")
        if not properties and isinstance(values, Mapping) and depth < DEEPEST:
            return {"name": self.of(values, whole=whole, depth=depth + 1)}
        return shown

    def _array(self, schema: Document, name: str, *, whole: bool, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.of(one, whole=whole, depth=depth + 1) for one in schema["prefixItems"]]
        items = schema.get("items")
        if not isinstance(items, Mapping) or depth >= DEEPEST:
            return []
        return [self.of(items, name.removesuffix("s"), whole=whole, depth=depth + 1)]

    def _text(self, schema: Document, name: str) -> str:
        if schema.get("format") == "date-time":
            return LATER
        return TEXTS.get(name, name or "text")

    def answer(self, operation: Document) -> str:
        """Returns the document that an operation answers if all goes well; "" if it is not JSON."""
        for status, response in operation["responses"].items():
            schema = response.get("content", {}).get(JSON, {}).get("schema")
            if status.startswith("2") and schema is not None:
                return json.dumps(self.of(schema, whole=True), indent=2)
        return ""

    def body(self, operation: Document) -> tuple[str, Any]:
        """Returns the media type and the value of a request's body; ("", None) if it has none."""
        content = operation.get("requestBody", {}).get("content", {})
        for media_type in (JSON, FORM):
            if "schema" in content.get(media_type, {}):
                return media_type, self.of(content[media_type]["schema"], whole=False)
        return "", None

    def command(self, method: str, path: str, operation: Document) -> str:
        """Returns the command that sends a request with curl. `$TOKEN` stands for the token."""
        # Braces would mean something else to curl.
        address = self._base_url + re.sub(r"{(\w+)}", lambda found: found[1].upper(), path)
        needed = {
            one["name"]: self.of(one["schema"], one["name"], whole=False)
            for one in operation.get("parameters", ())
            if one["in"] == "query" and one["required"]
        }
        parts = ["curl"]
        if method != "GET":
            parts.append(f"--request {method}")
        parts.append(_quoted(f"{address}?{urlencode(needed)}" if needed else address))
        if operation.get("security"):
            parts.append('--header "X-Auth-Token: $TOKEN"')
        media_type, body = self.body(operation)
        if media_type == JSON:
            parts.append(f'--header "Content-Type: {JSON}"')
            parts.append(f"--data {_quoted(json.dumps(body))}")
        elif media_type == FORM:
            parts += [f"--data-urlencode {_quoted(f'{key}={value}')}" for key, value in body.items()]
        lines: list[str] = []
        for part in parts:
            if lines and len(lines[-1]) + len(part) < 90 and len(lines) == 1:
                lines[-1] += f" {part}"
            else:
                lines.append(part)
        return " \\\n  ".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

"""Renders the OpenAPI document as a page: plain HTML, without scripts."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Document = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --link: #8ab4f8; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
section { border-top: 1px solid var(--line); padding: .5rem 0 1rem; }
h3 { margin: .75rem 0 .25rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; overflow-wrap: anywhere; }
tr + tr td { border-top: 1px solid var(--soft); }
"""


def page_of(document: Document) -> str:
    """Renders the whole page."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    url = escape(document["servers"][0]["url"])
    paths: Mapping[str, Document] = document["paths"]
    body = [
        f"<h1>{title}</h1>",
        f"<p>{_text(info['description'])}</p>",
        f"<p>Base URL: <code>{url}</code>.",
        'OpenAPI document: <a href="openapi.json">openapi.json</a>.</p>',
        "<nav><h2>Paths</h2><ul>",
        *(f'<li><a href="#{_anchor(path)}"><code>{escape(path)}</code></a></li>' for path in paths),
        "</ul></nav><main>",
        *(part for path, methods in paths.items() for part in _path(path, methods)),
        "<h2>Schemas</h2>",
        *(
            part
            for name, schema in document["components"]["schemas"].items()
            for part in _named(name, schema)
        ),
        "</main>",
    ]
    content = "\n".join(body)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>{content}</body></html>\n"
    )


def _anchor(path: str) -> str:
    return escape(path.strip("/").replace("/", "-"))


def _path(path: str, methods: Document) -> Iterator[str]:
    """Renders a path. Methods with the same description are shown as one."""
    yield f'<section id="{_anchor(path)}"><h2><code>{escape(path)}</code></h2>'
    alike: dict[str, list[str]] = {}
    for method, operation in methods.items():
        shown = "\n".join(_operation(operation))
        alike.setdefault(shown, []).append(method.upper())
    for shown, names in alike.items():
        yield f"<h3>{escape(', '.join(names))} <code>{escape(path)}</code></h3>{shown}"
    yield "</section>"


def _operation(operation: Document) -> Iterator[str]:
    yield f"<p>{escape(operation['summary'])}</p>"
    schemes = [scheme for one in operation.get("security", ()) for scheme in one]
    needed = [kind for kind in ("user", "service") if kind + "Token" in schemes]
    yield f"<p>Token: {escape(' or '.join(needed) or 'none')}.</p>"
    rows = [
        (f"{parameter['name']} ({parameter['in']})", _meaning(parameter))
        for parameter in operation.get("parameters", ())
    ]
    rows += [
        (f"body, {media_type}", _schema(media.get("schema", {})))
        for media_type, media in operation.get("requestBody", {}).get("content", {}).items()
    ]
    if rows:
        yield "<h4>Request</h4>"
        yield _table(rows)
    yield "<h4>Responses</h4>"
    yield _table(
        [
            (f"{status} {response['description']}", _content(response))
            for status, response in operation["responses"].items()
        ]
    )


def _meaning(parameter: Document) -> str:
    return f"{_text(parameter['description'])} {_schema(parameter['schema'])}"


def _content(response: Document) -> str:
    content = response.get("content", {})
    if not content:
        return "No body."
    shown = [
        f"{escape(media_type)}{': ' + _schema(media['schema']) if 'schema' in media else ''}"
        for media_type, media in content.items()
    ]
    return "<br>".join(shown)


def _table(rows: list[tuple[str, str]]) -> str:
    """Renders a table. The first column is text, which is escaped here; the second is HTML already."""
    lines = [f"<tr><td><code>{escape(name)}</code></td><td>{html}</td></tr>" for name, html in rows]
    return f"<table>{''.join(lines)}</table>"


def _named(name: str, schema: Document) -> Iterator[str]:
    yield f'<section id="{escape(name)}"><h3>{escape(name)}</h3>'
    if "description" in schema:
        yield f"<p>{_text(schema['description'])}</p>"
    required = schema.get("required", ())
    yield _table(
        [
            (key if key in required else f"{key}?", _schema(value))
            for key, value in schema.get("properties", {}).items()
        ]
    )
    yield "</section>"


def _text(text: str) -> str:
    """Renders text, with the parts between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _schema(schema: Document) -> str:
    """Renders a schema in one line. Schemas that have a name become links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(map(_schema, schema[choice]))
    for exact in ("enum", "const"):
        if exact in schema:
            found = schema[exact] if exact == "enum" else [schema[exact]]
            return " or ".join(f"<code>{escape(repr(value))}</code>" for value in found)
    kind = schema.get("type", "any")
    if kind == "array":
        items = schema.get("prefixItems")
        if items:
            return f"[{', '.join(map(_schema, items))}]"
        return f"array of {_schema(schema.get('items') or {})}"
    if kind == "object":
        return _object(schema)
    return escape(kind) + _limits(schema)


def _object(schema: Document) -> str:
    if "properties" in schema:
        pairs = [f"{escape(name)}: {_schema(value)}" for name, value in schema["properties"].items()]
        return f"{{{', '.join(pairs)}}}"
    values = schema.get("additionalProperties")
    return f"map of strings to {_schema(values)}" if isinstance(values, dict) and values else "object"


LIMITS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "minimum length",
    "maxLength": "maximum length",
    "format": "format",
    "pattern": "pattern",
}


def _limits(schema: Document) -> str:
    found = [
        f"{words} <code>{escape(str(schema[key]))}</code>" for key, words in LIMITS.items() if key in schema
    ]
    return f" ({', '.join(found)})" if found else ""

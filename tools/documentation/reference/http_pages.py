"""Pages about the HTTP API, from its OpenAPI document: an index, the calls in groups, and the schemas."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tools.documentation.markdown import block, code, escaped, page, prose, table

from astakos.http.openapi.examples import Examples
from astakos.http.openapi.operation_facts import Row, alike, answers_of, properties_of, requests_of, tokens_of
from astakos.http.openapi.reference_page import GROUPS

Document = Mapping[str, Any]

SCHEMAS = "schemas"
PIECE = re.compile(r'<code>(.*?)</code>|<a href="#(.*?)">(.*?)</a>|(<br>)|(<)|([^<]+)')


class UnknownMarkupError(Exception):
    """The service words something with a tag that these pages cannot show."""


def http_pages(document: Document) -> Mapping[str, str]:
    """Returns the pages by name, with `index` as the first.

    Args:
        document: The OpenAPI document.
    """
    group_of = {tag: name for name, tags in GROUPS for tag in tags}
    examples = Examples(document)
    listed: dict[str, list[str]] = {name: [] for name, _ in GROUPS}
    calls: dict[str, list[str]] = {name: [] for name, _ in GROUPS}
    for path, methods in document["paths"].items():
        for names, operation in alike(methods):
            group = group_of[operation["tags"][0]]
            title = f"{' '.join(names) if len(names) < len(methods) or len(names) == 1 else 'Any'} {path}"
            anchor = operation["operationId"].replace("_", "-")
            summary = prose(operation["summary"])
            listed[group].append(f"- [{code(title)}]({_file(group)}.md#{anchor}): {summary}")
            calls[group].append(_call(title, anchor, names[0], path, operation, examples))
    pages = {_file(group): page(f"# {group}", *found) for group, found in calls.items() if found}
    pages[SCHEMAS] = page(
        "# Schemas",
        "The JSON documents that calls take and answer.",
        *(_schema(name, schema) for name, schema in document["components"]["schemas"].items()),
    )
    groups = [part for group, found in listed.items() if found for part in (f"## {group}", "\n".join(found))]
    words = (
        "A running service shows the same at `<base URL>/docs`, and the document itself at"
        " `<base URL>/openapi.json` ([OpenAPI 3.1](../../openapi.json)). The examples are for a service at"
        f" `{document['servers'][0]['url']}`."
    )
    introduction = prose(document["info"]["description"])
    return {"index": page("# The HTTP API", introduction, words, *groups), **pages}


def _file(group: str) -> str:
    return group.lower().replace(" ", "-")


def _call(title: str, anchor: str, method: str, path: str, operation: Document, examples: Examples) -> str:
    tokens = tokens_of(operation)
    answer = examples.answer(operation)
    rows = _rows(requests_of(operation))
    return page(
        f"({anchor})=",
        f"## {code(title)}",
        f"{prose(operation['summary'])} {prose(operation.get('description', ''))}".strip(),
        f"Needs a {tokens} token." if tokens else "Needs no token.",
        table(("Name", "Where", "Meaning"), rows),
        table(("Status", "Reason", "Body"), _rows(answers_of(operation))),
        block(examples.command(method, path, operation), "sh"),
        f"The answer:\n\n{block(answer, 'json')}" if answer else "",
    )


def _schema(name: str, schema: Document) -> str:
    rows = _rows(properties_of(schema))
    return page(
        f"## {name}", prose(schema.get("description", "")), table(("Name", "Required", "Value"), rows)
    )


def _rows(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        yield code(row.name), escaped(row.facts), markdown_of(str(row.meaning))


def markdown_of(text: str) -> str:
    """Returns the HTML in which the service words things as Markdown.

    Raises:
        UnknownMarkupError: It has other tags than code, links to schemas, and line breaks.
    """
    shown: list[str] = []
    for found in PIECE.finditer(text.replace("\n", " ")):
        snippet, target, label, line, other, plain = found.groups()
        if snippet is not None:
            shown.append(code(html.unescape(snippet)))
        elif target is not None:
            shown.append(f"[{label}]({SCHEMAS}.md#{target.lower()})")
        elif line:
            shown.append("<br>")
        elif other:
            raise UnknownMarkupError(text)
        else:
            shown.append(escaped(html.unescape(plain)))
    return "".join(shown)

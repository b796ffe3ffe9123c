"""Renders the OpenAPI document as a page: calls in groups, with examples, and all schemas.

Everything but the frame is rendered once; a search chooses among the parts.
"""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from astakos.http.openapi.examples import Examples
from astakos.http.openapi.operation_facts import alike, answers_of, properties_of, requests_of, tokens_of
from astakos.http.openapi.schema_words import references, with_code
from astakos.pages.rendering import render
from astakos.pages.site import Site

Document = Mapping[str, Any]

GROUPS: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("Users and tokens", ("account", "identity", "validation", "default_project", "tokens")),
    ("Keys", ("keys", "keys_admin")),
    ("Quotas", ("quotas",)),
    ("Commissions", ("issuing", "commissions", "history", "reconciling")),
    ("Asking from a proxy", ("authz",)),
    ("Projects", ("projects", "memberships")),
    ("Events", ("events",)),
    ("Administration of users", ("users_admin", "user_actions")),
    ("Versions and lists of identity", ("versions", "listings")),
    (
        "OAuth2",
        ("oauth2_auth", "oauth2_token", "oauth2_introspection", "oauth2_revocation", "oauth2_metadata"),
    ),
    ("Pages for browsers", ("login", "landing", "weblogin", "ui")),
    ("The service itself", ("health", "statistics", "documentation")),
)
"""The groups of the index, and the tags of the document that belong to each."""
SCHEMAS: Final = "Schemas"


class Part(NamedTuple):
    """A call or a schema.

    Attributes:
        group: The group that it is in.
        anchor: Its place on the page.
        label: Its entry in the index.
        words: What a search looks at, in lower case.
        refers: The schemas that it refers to.
        shown: Its content.
    """

    group: str
    anchor: str
    label: str
    words: str
    refers: frozenset[str]
    shown: Markup


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of the page of one document.

    Attributes:
        document: The document.
        parts: The parts, in the order of their groups.
    """

    document: Document
    parts: Sequence[Part] = field(init=False)

    def __post_init__(self) -> None:
        """Renders the parts."""
        calls = list(_calls(self.document))
        order = {name: at for at, (name, _) in enumerate(GROUPS)}
        calls.sort(key=lambda part: order[part.group])
        object.__setattr__(self, "parts", [*calls, *_schemas(self.document)])

    def found(self, search: str) -> tuple[Sequence[tuple[str, Sequence[Part]]], int]:
        """Returns the parts that contain all words, in groups, and how many they are.

        The schemas that they refer to are among the parts, so that no link leads nowhere.
        """
        words = search.lower().split()
        matching = [part for part in self.parts if all(word in part.words for word in words)]
        shown = {part.anchor for part in matching}
        by_anchor = {part.anchor: part for part in self.parts}
        further = [name for part in matching for name in part.refers]
        while further:
            name = further.pop()
            if name not in shown:
                shown.add(name)
                further += by_anchor[name].refers
        grouped: dict[str, list[Part]] = {}
        for part in self.parts:
            if part.anchor in shown:
                grouped.setdefault(part.group, []).append(part)
        return list(grouped.items()), len(matching)


def _calls(document: Document) -> Iterator[Part]:
    group_of = {tag: name for name, tags in GROUPS for tag in tags}
    examples = Examples(document)
    for path, methods in document["paths"].items():
        for names, operation in alike(methods):
            anchor = operation["operationId"]
            tag = operation["tags"][0]
            summary = operation["summary"]
            html = render(
                "reference_call.html",
                anchor=anchor,
                methods=names,
                path=path,
                summary=with_code(summary),
                note=operation.get("description", ""),
                tokens=tokens_of(operation),
                requests=list(requests_of(operation)),
                command=examples.command(names[0], path, operation),
                answers=list(answers_of(operation)),
                answer=examples.answer(operation),
            )
            yield Part(
                group_of[tag],
                anchor,
                f"{names[0] if len(names) < len(methods) or len(names) == 1 else 'Any'} {path}",
                " ".join((*names, path, summary, tag.replace("_", " "), group_of[tag])).lower(),
                frozenset(references(operation)),
                Markup(html.decode()),  # noqa: S704 - rendered by a template that escapes
            )


def _schemas(document: Document) -> Iterator[Part]:
    for name, schema in document["components"]["schemas"].items():
        html = render(
            "reference_schema.html",
            name=name,
            meaning=with_code(schema.get("description", "")),
            rows=list(properties_of(schema)),
        )
        words = f"{name} schema".lower()
        shown = Markup(html.decode())  # noqa: S704 - rendered by a template that escapes
        yield Part(SCHEMAS, name, name, words, frozenset(references(schema)), shown)


def page_of(reference: Reference, site: Site, search: str) -> bytes:
    """Renders the page, or what of it contains the words of a search."""
    info = reference.document["info"]
    groups, count = reference.found(search)
    return render(
        "reference.html",
        site=site,
        title=f"{info['title']} {info['version']}",
        url=reference.document["servers"][0]["url"],
        introduction=with_code(info["description"]),
        search=search,
        groups=groups,
        count=count,
    )


def compressed(page: bytes) -> bytes:
    """Returns a page as browsers decompress it: a tenth of its size."""
    return gzip.compress(page, 6, mtime=0)

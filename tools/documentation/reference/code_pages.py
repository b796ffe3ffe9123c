"""Pages about every module of both packages, for those who change them, from the docstrings."""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.documentation.markdown import code, page
from tools.documentation.reference.docstrings import WORDS, facts_of, prose_of, summary_of
from tools.documentation.reference.python_source import (
    PACKAGES,
    annotation_of,
    modules_in,
    own_members,
    packages_in,
    signature_of,
)

SET_APART = "---\nno-search: true\n---\n\n"
"""Keeps the page out of the search of the site, which is for those who use Astakos."""
NOT_SHOWN = ("astakosclient.methods", "astakos.storage.schema.migrations")
"""Packages of which docstrings say nothing more: the pages of the clients have the methods."""


def code_pages(modules: Any) -> Mapping[str, str]:
    """Returns the pages by name, with `index` as the first.

    Args:
        modules: Both packages.
    """
    pages: dict[str, str] = {}
    lists: list[str] = []
    for name in PACKAGES:
        lists.append(f"## The packages of `{name}`")
        entries = []
        for package in packages_in(modules[name]):
            if not package.path.startswith(NOT_SHOWN):
                pages[package.path] = SET_APART + page(
                    f"# `{package.path}`",
                    prose_of(package.docstring),
                    *_members(package),
                    *_sections(package),
                )
                entries.append(f"- [`{package.path}`]({package.path}.md): {summary_of(package.docstring)}")
        lists.append("\n".join(entries))
    words = (
        "For those who change Astakos: each module, and what it defines for others, from the docstrings."
        " [The architecture](../../architecture.md) says how they work together. Programs use"
        " [the client library](../client/index.md)."
    )
    return {"index": SET_APART + page("# Inside the code", words, *lists), **pages}


def _sections(package: Any) -> Iterator[str]:
    for module in modules_in(package):
        yield page(f"## `{module.path}`", prose_of(module.docstring), *_members(module))


def _members(module: Any) -> Iterator[str]:
    for member in own_members(module):
        yield _described(member)
        if member.is_class:
            for one in own_members(member):
                yield _described(one, member.name)


def _described(found: Any, owner: str = "") -> str:
    """Returns an entry of a list of definitions."""
    name = f"{owner}.{found.name}" if owner else found.name
    if found.is_function:
        returns = f" -> {annotation_of(found.returns)}" if found.returns is not None else ""
        head = f"{name}{signature_of(found)}{returns}"
    elif found.is_class:
        head = f"class {name}{signature_of(found)}"
    else:
        head = f"{name}: {annotation_of(found.annotation)}" if found.annotation is not None else name
    facts = [
        f"- {WORDS[fact.kind]} {code(fact.name) + ': ' if fact.name else ''}{_within(fact.text)}"
        for fact in facts_of(found.docstring)
    ]
    text = page(prose_of(found.docstring), "\n".join(facts)).strip()
    return f"{code(head)}\n: {_within(text)}"


def _within(text: str) -> str:
    return text.replace("\n", "\n  ")

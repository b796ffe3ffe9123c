"""Gives each page of the site its place, as docs/navigation.toml says."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

FILE = "docs/navigation.toml"


class NavigationError(Exception):
    """The pages and their places do not fit. The text says what to change, one line for each mistake."""


class Section(NamedTuple):
    """Pages that belong together.

    Attributes:
        caption: What they are, as people read it.
        pages: Their paths without suffix, in order.
    """

    caption: str
    pages: Sequence[str]


class Navigation(NamedTuple):
    """The order of the site.

    Attributes:
        sections: What is at the top.
        below: The pages below a page, for each that has some.
    """

    sections: Sequence[Section]
    below: Mapping[str, Sequence[str]]


def read_navigation(file: Path, pages: Iterable[str]) -> Navigation:
    """Returns the places of all pages.

    Args:
        file: The file with the sections.
        pages: The paths of all pages, without suffix.

    Raises:
        NavigationError: A page has no place, or the file names a page that does not exist.
    """
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    free = sorted(pages)
    mistakes: list[str] = []

    def take(pattern: str) -> list[str]:
        found = [page for page in free if fnmatchcase(page, pattern) and _is_as_deep(page, pattern)]
        for page in found:
            free.remove(page)
        if not found and "*" not in pattern:
            mistakes.append(f"{FILE} names {pattern}, which is no page, or has a place already")
        return found

    # What is named comes first, so that a pattern takes only the rest.
    named = {page for section in document["section"] for page in section["pages"] if "*" not in page}
    places = {page: take(page) for page in sorted(named)}
    sections = [
        Section(
            section["caption"], [page for one in section["pages"] for page in places.get(one) or take(one)]
        )
        for section in document["section"]
    ]
    below = {parent: take(pattern) for parent, pattern in document["below"].items()}
    shown = {page for section in sections for page in section.pages}
    mistakes += [f"{FILE} puts pages below {page}, which has no place" for page in below if page not in shown]
    mistakes += [f"{page}.md has no place in {FILE}" for page in free]
    if mistakes:
        raise NavigationError("\n".join(mistakes))
    return Navigation(sections, {parent: children for parent, children in below.items() if children})


def _is_as_deep(page: str, pattern: str) -> bool:
    """A star stands for one name, as in paths of a shell."""
    return page.count("/") == pattern.count("/")


def with_table(text: str, pages: Sequence[str], caption: str = "") -> str:
    """Returns a page with a table of contents at its end, which only the sidebar shows."""
    options = ":hidden:\n" + (f":caption: {caption}\n" if caption else "")
    listed = "\n".join(f"/{page}" for page in pages)
    return f"{text.rstrip()}\n\n```{{toctree}}\n{options}\n{listed}\n```\n"

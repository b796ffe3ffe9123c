"""Lets all pages of the site share one table of contents in their sidebars.

Sphinx makes that table anew for every page, from the headings and objects of all pages. Here, the first page
of a process makes it, and the others only change its links.
"""

import posixpath
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

BEFORE_THE_THEME = 400
CURRENT = "current"
LINK = re.compile(r'href="([^"]*)"')
NUMBER = re.compile(r" number-(\d+)")


class Table(NamedTuple):
    """A table of contents as a page at the root of the site would have it.

    Attributes:
        html: The table. No page is marked as the current one, but what would be marked has a number.
        marked: What is to be marked for each page, by its address.
    """

    html: str
    marked: Mapping[str, frozenset[str]]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    tables: dict[tuple[tuple[str, Any], ...], Table] = {}

    def share(_app: Sphinx, name: str, _template: str, context: dict[str, Any], _tree: object) -> None:
        make = context.get("toctree")
        if make is None:
            return

        def table(**options: Any) -> str:
            key = tuple(sorted(options.items()))
            if key not in tables:
                tables[key] = table_of(make(**options), name)
            return seen_from(tables[key], name)

        context["toctree"] = table

    app.connect("html-page-context", share, priority=BEFORE_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def table_of(html: str, name: str) -> Table:
    """Returns the table that a page has, for all pages."""
    tree = BeautifulSoup(html, "html.parser")
    for number, element in enumerate(tree.find_all(["a", "li", "ul"])):
        kept = [one for one in element.get("class", []) if one != CURRENT]
        element["class"] = [*(kept or [""]), f"number-{number}"]
    marked: dict[str, frozenset[str]] = {}
    for link in tree.find_all("a"):
        target = str(link["href"])
        from_root = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        link["href"] = f"{name}.html" if target == "#" else from_root
        around = (link, *link.find_parents(["li", "ul"]))
        marked[link["href"]] = frozenset(one["class"][-1].partition("-")[2] for one in around)
    for caption in tree.find_all(role="heading"):
        # What Sphinx leaves out, and readers of screens need.
        caption["aria-level"] = "2"
    return Table(str(tree), marked)


def seen_from(table: Table, name: str) -> str:
    """Returns the table with links from a page, which is marked as the current one."""
    address = f"{name}.html"
    marked = table.marked.get(address, frozenset())
    up = "../" * name.count("/")
    html = LINK.sub(lambda link: f'href="{"#" if link[1] == address else up + link[1]}"', table.html)
    return NUMBER.sub(lambda number: f" {CURRENT}" if number[1] in marked else "", html)

"""Lets all pages of the site share one table of contents in their sidebars.

Sphinx makes that table anew for every page, from the headings and objects of all pages: two thirds of all
time. Here, the first page of a process makes it, and the others only change its links.
"""

import posixpath
from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

BEFORE_THE_THEME = 400
CURRENT = "current"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    tables: dict[tuple[tuple[str, Any], ...], str] = {}

    def share(_app: Sphinx, name: str, _template: str, context: dict[str, Any], _tree: object) -> None:
        make = context.get("toctree")
        if make is None:
            return

        def table(**options: Any) -> str:
            key = tuple(sorted(options.items()))
            if key not in tables:
                tables[key] = _from_the_root(make(**options), name)
            return _as_seen_from(tables[key], name)

        context["toctree"] = table

    app.connect("html-page-context", share, priority=BEFORE_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _from_the_root(table: str, name: str) -> str:
    """Returns the table of a page with links from the root of the site, and no page marked as current."""
    tree = BeautifulSoup(table, "html.parser")
    for link in tree.find_all("a"):
        target = str(link["href"])
        from_root = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        link["href"] = f"{name}.html" if target == "#" else from_root
    for element in tree.find_all(class_=CURRENT):
        element["class"] = [one for one in element["class"] if one != CURRENT]
    for caption in tree.find_all(role="heading"):
        # What Sphinx leaves out, and readers of screens need.
        caption["aria-level"] = "2"
    return str(tree)


def _as_seen_from(table: str, name: str) -> str:
    """Returns the table with links from a page, which is marked as the current one."""
    tree = BeautifulSoup(table, "html.parser")
    here = posixpath.dirname(name) or "."
    for link in tree.find_all("a"):
        if link["href"] == f"{name}.html":
            link["href"] = "#"
            for element in (link, *link.find_parents(["li", "ul"])):
                element["class"] = [*element.get("class", []), CURRENT]
        else:
            link["href"] = posixpath.relpath(str(link["href"]), here)
    return str(tree)

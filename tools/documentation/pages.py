"""The pages of the site: those of the repository, and those that are made from the code."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.documentation.navigation import Navigation, with_table
from tools.documentation.reference.client_pages import client_pages
from tools.documentation.reference.code_pages import code_pages
from tools.documentation.reference.command_pages import command_pages
from tools.documentation.reference.http_pages import http_pages
from tools.documentation.reference.metric_page import metric_page
from tools.documentation.reference.python_source import read_packages
from tools.documentation.reference.setting_page import setting_page

from astakos.cli import main

SHOWN = ("*.md", "docs/**/*", "benchmarks/README.md", "examples/**/*")
"""What of the repository is on the site. A page has the same path there, so links are the same in both."""
KINDS = {".md", ".png", ".svg", ".json", ".py", ".toml"}
START = "README"
"""The page that the site begins with; there its name is `index`."""
REFERENCE = "docs/reference"


def files_of(repository: Path) -> Iterator[Path]:
    """Yields the files of the repository that are on the site, as paths within it."""
    found = {file for pattern in SHOWN for file in repository.glob(pattern)}
    for file in sorted(found):
        if file.is_file() and file.suffix in KINDS and "__pycache__" not in file.parts:
            yield file.relative_to(repository)


def made_pages(repository: Path) -> Mapping[str, str]:
    """Returns the pages that are made from the code, by their path without suffix."""
    document = json.loads((repository / "docs" / "openapi.json").read_text(encoding="utf-8"))
    modules = read_packages(repository / "src")
    folders = {
        "client": client_pages(modules),
        "http": http_pages(document),
        "command-line": command_pages(main),
        "code": code_pages(modules),
    }
    pages = {
        f"{REFERENCE}/{folder}/{name}": text
        for folder, pages in folders.items()
        for name, text in pages.items()
    }
    return pages | {f"{REFERENCE}/settings": setting_page(), f"{REFERENCE}/metrics": metric_page()}


def write_pages(repository: Path, target: Path, made: Mapping[str, str], navigation: Navigation) -> None:
    """Writes all pages for Sphinx, each with its part of the navigation.

    Args:
        repository: Where the pages of the repository are.
        target: A new folder.
        made: The pages that are made from the code.
        navigation: The places of all pages.
    """
    for file in files_of(repository):
        copy = target / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repository / file, copy)
    for name, text in made.items():
        file = target / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for parent, children in navigation.below.items():
        file = target / f"{parent}.md"
        file.write_text(with_table(file.read_text(encoding="utf-8"), children), encoding="utf-8")
    start = (target / f"{START}.md").read_text(encoding="utf-8")
    for section in navigation.sections:
        start = with_table(start, section.pages, section.caption)
    (target / f"{START}.md").unlink()
    (target / "index.md").write_text(start, encoding="utf-8")

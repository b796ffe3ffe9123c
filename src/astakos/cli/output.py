"""Prints results as a table for people, or as JSON for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

WIDE = 200
"""The width of a table without a terminal."""


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(function)


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows as a table of the given columns, or with all their values as a JSON list."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2))
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and not needed for JSON
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        # Text, because a name may look like markup.
        table.add_row(*(Text(_text(row[column])) for column in columns))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def print_facts(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the facts about one thing, one per line, or as a JSON object."""
    if as_json:
        click.echo(json.dumps(dict(facts), indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' ').ljust(width)}  {_text(value)}")


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case [*items]:
            return ", ".join(map(_text, items)) or "-"
    return _printable(str(value))


def _printable(text: str) -> str:
    """Replace unprintable characters, because stored text must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)

"""Prints results as a table for people, or as JSON for programs."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from astakos.cli.shown_values import exact, shown
from astakos.counted_nouns import counted

F = TypeVar("F", bound=Callable[..., Any])

GAP = "  "


def json_option(function: F) -> F:
    """Adds `--json`, for a command that prints facts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, with exact times.")(function)


def token_only_option(function: F) -> F:
    """Adds `--token-only`, for a command that prints a new token among other facts."""
    return click.option(
        "--token-only", is_flag=True, help="Print nothing but the token, for a variable of the shell."
    )(function)


def table_options(function: F) -> F:
    """Adds `--json` and `--wide`, for a command that prints a table."""
    with_wide = click.option(
        "--wide", is_flag=True, help="Print all columns, even if they do not fit into the terminal."
    )(function)
    return json_option(with_wide)


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    wide: bool,
    droppable: Sequence[str] = (),
) -> None:
    """Prints rows as a table of the given columns, or with all their values as a JSON list.

    No value is ever broken over two lines, because nobody could copy it. If the table is too wide for the
    terminal, `droppable` columns are left out, in the order in which they are named.
    """
    if as_json:
        click.echo(json.dumps(exact(list(rows)), indent=2))
        return
    cells = {column: [shown(row[column]) for row in rows] for column in columns}
    widths = {column: max(map(width, [_title(column), *cells[column]])) for column in columns}
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() and not wide else None
    kept = columns if room is None else fitting(widths, droppable, room)
    click.secho(_line([_title(column) for column in kept], [widths[column] for column in kept]), bold=True)
    for position in range(len(rows)):
        click.echo(_line([cells[column][position] for column in kept], [widths[column] for column in kept]))
    if len(kept) < len(columns):
        left_out = [_title(column) for column in columns if column not in kept]
        told = f"(not shown: {', '.join(left_out)}; use --wide)"
        if room is not None and len(told) > room:
            told = f"({counted(len(left_out), 'column is', 'columns are')} not shown; use --wide)"
        click.secho(told, dim=True)


def fitting(widths: Mapping[str, int], droppable: Sequence[str], room: int) -> list[str]:
    """Returns the columns to show in a terminal of `room` characters."""
    kept = list(widths)
    # A table can lack a column that only some of its rows would fill.
    for column in filter(widths.__contains__, droppable):
        if sum(widths[name] + len(GAP) for name in kept) - len(GAP) <= room:
            break
        kept.remove(column)
    return kept


def width(text: str) -> int:
    """Returns how many columns of a terminal a text takes up."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - slow to import

    return cell_len(text)


def _title(column: str) -> str:
    return column.removesuffix("_seconds").replace("_", " ")


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text + " " * (size - width(text)) for text, size in zip(texts, widths, strict=True))
    return GAP.join(padded).rstrip()


def print_facts(facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints the facts about one thing, one per line, or as a JSON object."""
    if as_json:
        click.echo(json.dumps(exact(facts), indent=2))
        return
    size = max(len(_title(name)) for name in facts)
    for name, value in facts.items():
        click.echo(f"{_title(name).ljust(size)}  {shown(value)}")

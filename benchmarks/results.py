"""Results as tables: on a terminal, or as Markdown for README.md."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One table: its first column names the case, all others hold figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def show(results: Sequence[Result], *, markdown: bool) -> None:
    """Prints tables."""
    # A Markdown row is one line, however long; a pipe has no width of its own.
    width = 400 if markdown else None if sys.stdout.isatty() else 110
    console = Console(width=width, highlight=False)
    for result in results:
        console.print(f"\n### {result.title}\n" if markdown else f"\n[bold]{result.title}[/bold]")
        table = Table(box=box.MARKDOWN if markdown else box.SIMPLE_HEAD)
        for position, column in enumerate(result.columns):
            table.add_column(column, justify="right" if position else "left")
        for row in result.rows:
            table.add_row(*row)
        console.print(table)
        if result.note:
            console.print(f"\n{result.note}" if markdown else result.note)


def ratio(value: float, reference: float) -> str:
    """How many times the reference."""
    return f"{value / reference:.2f} ×"


def rate(per_second: float) -> str:
    """So many a second."""
    return f"{per_second:,.0f}"


def milliseconds(seconds: float) -> str:
    """A latency."""
    return f"{seconds * 1000:.2f}"

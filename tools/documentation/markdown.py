"""Writes Markdown for the pages that are made from the code."""

import re
from collections.abc import Iterable, Sequence

SPECIAL = re.compile(r"([\\*_\[\]<>#|`])")
CODE_SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)


def escaped(text: str) -> str:
    """Returns plain text as Markdown that shows it as it is."""
    return SPECIAL.sub(r"\\\1", text)


def prose(text: str) -> str:
    """Returns text as Markdown; only what is between backticks keeps its meaning, as code."""
    shown = []
    last = 0
    for span in CODE_SPAN.finditer(text):
        shown += [escaped(text[last : span.start()]), code(span[2])]
        last = span.end()
    return "".join((*shown, escaped(text[last:])))


def code(text: str) -> str:
    """Returns text as code within a line."""
    flat = " ".join(text.split())
    fence = "``" if "`" in flat else "`"
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def block(text: str, language: str = "text") -> str:
    """Returns lines of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table; its cells are Markdown. Empty if there are no rows."""
    cells = [["<br>".join(cell.split("\n")).replace("|", r"\|") for cell in row] for row in rows]
    if not cells:
        return ""
    lines = [header, ["---"] * len(header), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(*parts: str) -> str:
    """Returns a page of parts, without those that are empty."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"

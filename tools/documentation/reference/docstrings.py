"""Turns docstrings, in Google's style, into Markdown."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

DIRECTIVE = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1 +.*\n|\n)+)", re.MULTILINE)
LITERAL = re.compile(r"^( *)(.*?)::\n\n((?:\1 +.*\n|\n)+)", re.MULTILINE)
FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"(?<![`\w])(`{1,2})([^`\n]+(?:\n[^`\n]+)?)\1(?!`)")
NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
SPECIAL = re.compile(r"(?<![\w*])(\*[^*\n]+\*)(?![\w*])|(?<!^)(?<!^ )([*<])|^( *)([<#>])", re.MULTILINE)
"""Emphasis, which stays, and what Markdown would take for its own."""
WORDS = {
    "parameters": "Takes",
    "attributes": "Has",
    "raises": "Raises",
    "returns": "Returns",
    "warns": "Warns",
}
"""The sections of docstrings with one entry for each fact, and how such a fact begins."""


class UnknownSectionError(Exception):
    """A docstring has a section that the pages would not show."""


class Fact(NamedTuple):
    """What a docstring says of one parameter, attribute, exception or result.

    Attributes:
        kind: The section that it is in, such as `parameters`.
        name: What it is called; empty for results.
        text: Its meaning, in Markdown.
    """

    kind: str
    name: str
    text: str


def prose_of(docstring: Any, reference: Callable[[str], str] | None = None) -> str:
    """Returns what a docstring says in sentences, as Markdown.

    Args:
        docstring: The docstring as griffe parses it; None for none.
        reference: Makes a link of a name between single backticks; without it, names are code.
    """
    parts: list[str] = []
    for section in docstring.parsed if docstring is not None else ():
        if section.kind.value == "text":
            parts.append(_text(section.value, reference))
        elif section.kind.value == "admonition":
            parts += [f"*{section.title}:*", _text(section.value.description, reference)]
    return "\n\n".join(parts)


def facts_of(docstring: Any, reference: Callable[[str], str] | None = None) -> Iterator[Fact]:
    """Yields what a docstring says of parameters, results, exceptions and attributes.

    Raises:
        UnknownSectionError: It has a section that nobody has foreseen.
    """
    for section in docstring.parsed if docstring is not None else ():
        kind = section.kind.value
        if kind in ("text", "admonition"):
            continue
        if kind not in WORDS:
            raise UnknownSectionError(kind)
        for one in (
            [section.value] if kind == "returns" and not isinstance(section.value, list) else section.value
        ):
            name = str(one.annotation) if kind in ("raises", "warns") else getattr(one, "name", "")
            yield Fact(kind, name or "", _text(one.description, reference))


def summary_of(docstring: Any) -> str:
    """Returns the first paragraph of a docstring, in one line."""
    return " ".join(prose_of(docstring).partition("\n\n")[0].split())


def _text(text: str, reference: Callable[[str], str] | None) -> str:
    """Escapes what is not meant as Markdown."""
    found = DIRECTIVE.sub(lambda block: _fence(block, block[2], ""), f"{text}\n")
    found = LITERAL.sub(
        lambda block: _fence(block, "text", f"{block[1]}{block[2]}:" if block[2] else ""), found
    )
    shown: list[str] = []
    last = 0
    for fenced in FENCED.finditer(found):
        shown += [_inline(found[last : fenced.start()], reference), fenced[0]]
        last = fenced.end()
    return "".join((*shown, _inline(found[last:], reference))).rstrip()


def _fence(block: re.Match[str], language: str, before: str) -> str:
    lines = block[3].rstrip("\n").split("\n")
    indent = min(len(line) - len(line.lstrip()) for line in lines if line)
    body = "\n".join(block[1] + line[indent:] for line in lines)
    return f"{before}\n\n{block[1]}```{language}\n{body}\n{block[1]}```\n\n".lstrip("\n")


def _inline(text: str, reference: Callable[[str], str] | None) -> str:
    shown: list[str] = []
    last = 0
    for span in CODE_SPAN.finditer(text):
        shown.append(SPECIAL.sub(_escape, text[last : span.start()]))
        words = " ".join(span[2].split())
        is_name = reference is not None and len(span[1]) == 1 and NAME.fullmatch(words)
        shown.append(reference(words) if reference is not None and is_name else f"`{words}`")
        last = span.end()
    return "".join((*shown, SPECIAL.sub(_escape, text[last:])))


def _escape(found: re.Match[str]) -> str:
    emphasis, sign, indent, at_start = found.groups()
    if emphasis:
        return emphasis
    return f"\\{sign}" if sign else f"{indent}\\{at_start}"

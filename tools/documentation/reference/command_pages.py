"""Pages about the command line, from the help of its commands."""

import re
from collections.abc import Iterator, Mapping

import click
from tools.documentation.markdown import block, code, page, prose

from astakos.cli.lazy_group import LazyGroup

VERBATIM = "\b"
"""The line with which click's help marks a paragraph that is not to be wrapped."""
CODE = re.compile(r"(?<![\w`-])(--?[a-z][a-z-]*|[A-Z]+(?:_[A-Z]+)+)")
"""Options and variables of the environment."""
PAGE = re.compile(r"(?<!`)\b(docs/[\w/-]+\.md)\b")
PROGRAM = "astakos"


def command_pages(command: LazyGroup) -> Mapping[str, str]:
    """Returns the pages by name, with `index` as the first.

    Args:
        command: The command as a whole.
    """
    root = click.Context(command, info_name=PROGRAM)
    pages: dict[str, str] = {}
    parts = ["# The command line", *_help(command), options_of(root, command)]
    for title, names in command.sections.items():
        entries = []
        for name in sorted(names):
            one = command.get_command(root, name)
            assert one is not None
            pages[name] = page(*_sections(one, name, root, 1))
            entries.append(f"- [{code(f'{PROGRAM} {name}')}]({name}.md): {prose(_short(one))}")
        parts += [f"## {title}", "\n".join(entries)]
    return {"index": page(*parts), **pages}


def _sections(command: click.Command, name: str, parent: click.Context, level: int) -> Iterator[str]:
    """Yields the parts of the section about a command, and of those about its commands."""
    context = click.Context(command, info_name=name, parent=parent)
    yield f"{'#' * min(level, 3)} {code(context.command_path)}"
    yield block(" ".join((context.command_path, *command.collect_usage_pieces(context))), "text")
    yield from _help(command)
    yield options_of(context, command)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            one = command.get_command(context, inner)
            if one is not None and not one.hidden:
                yield from _sections(one, inner, context, level + 1)


def _help(command: click.Command) -> Iterator[str]:
    """Yields the paragraphs of a help text."""
    for paragraph in (command.help or "").split("\n\n"):
        first, _, rest = paragraph.strip("\n").partition("\n")
        if first.strip() == VERBATIM:
            title, _, lines = rest.partition("\n")
            has_title = title.rstrip().endswith(":")
            if has_title:
                yield prose(title.strip())
            yield block(lines if has_title else rest)
        else:
            yield _linked(paragraph)


def options_of(context: click.Context, command: click.Command) -> str:
    """Returns a list of the options of a command with their meanings, in Markdown."""
    found = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        is_told_once = parameter.name == "help" and context.parent is not None
        if record is not None and record[1] and not is_told_once:
            names, meaning = record
            text = _linked(meaning)
            found.append(f"{code(names)}\n: {text}")
    return "\n\n".join(found)


def _linked(text: str) -> str:
    """Returns text of a help as Markdown, in which options are code, and pages of the documentation links."""
    shown = prose(CODE.sub(r"`\1`", " ".join(text.split())))
    return PAGE.sub(r"[\1](/\1)", shown)


def _short(command: click.Command) -> str:
    return command.get_short_help_str(limit=200)

"""The commands that pages show in `console` and `sh` blocks, and whether what they name exists."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from astakos.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.joinpath("docs").rglob("*.md")),
    *sorted(ROOT.joinpath("examples").rglob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
SHELL_BLOCK = re.compile(r"^ *```(console|sh)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
END = re.compile(r"\s(?:\||&&|>|<|#|&)\s|;|\$\(|\)|`")
PROGRAM = re.compile(
    r"(?:^\s*(?:\w+=\S*\s+)*(?:sudo (?:-\S+ )*(?:\w+ )?)?|\s--\s)(?:\S*/)?astakos\s+(?=[a-z])"
)
OPTION = re.compile(r"--?[a-zA-Z][\w-]*")
REQUEST = re.compile(r"(?:\$BASE|https://accounts\.example\.org/astakos)(/[\w./$-]+)")


def commands(text: str) -> Iterator[str]:
    """The command lines of a page, each in one line."""
    for language, block in SHELL_BLOCK.findall(text):
        for line in re.sub(r" *\\\n\s*", " ", block).splitlines():
            stripped = line.strip()
            if language == "sh" or stripped.startswith("$ "):
                yield stripped.removeprefix("$ ")


def calls(command: str) -> Iterator[list[str]]:
    """The words after `astakos` of each call of it in a command line."""
    for part in END.split(command):
        found = PROGRAM.search(part)
        if found is not None:
            yield shlex.split(part[found.end() :].replace("…", "x"), comments=True)


def mistake(words: list[str]) -> str:
    """What of a call does not exist; empty if all does."""
    command: click.Command = main
    context = click.Context(main, info_name="astakos")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        inner = command.get_command(context, rest.pop(0))
        if inner is None:
            return f"there is no command astakos {' '.join(words)}"
        command, context = inner, click.Context(inner, parent=context)
    options = {name for one in command.get_params(context) for name in (*one.opts, *one.secondary_opts)}
    given = [word.partition("=")[0] for word in rest if OPTION.fullmatch(word.partition("=")[0])]
    unknown = [name for name in given if name not in options]
    return f"astakos {' '.join(words)}: there is no option {', '.join(unknown)}" if unknown else ""


def paths_of_requests(text: str) -> Iterator[str]:
    """The paths that the `curl` commands of a page ask."""
    for command in commands(text):
        if command.startswith("curl "):
            yield from REQUEST.findall(command)


def is_path(path: str) -> bool:
    """Whether the API has a path; names in capitals and numbers stand for variables."""
    return any(pattern.fullmatch(path) for pattern in _PATHS)


_PATHS = [
    re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?")
    for path in json.loads(ROOT.joinpath("docs", "openapi.json").read_text(encoding="utf-8"))["paths"]
]

"""What docs/guide/projects.md shows in a terminal happens as it is shown.

In `console` blocks, lines that begin with `$` are commands, and the lines after them are what they print; `…`
stands for what is different each time, and the width of columns does not matter.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from docs.pages import exported, shell_script_of
from service.command import astakos

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "projects.md"
CONSOLE_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.*?[^\\])\n", re.DOTALL | re.MULTILINE)
ANYTHING = "…"


def sessions(text: str) -> Iterator[tuple[list[str], str]]:
    """Each command of a page, in words, and what is shown below it."""
    for block in CONSOLE_BLOCK.findall(text):
        _, *parts = COMMAND.split(block)
        for command, output in zip(parts[::2], parts[1::2], strict=True):
            yield shlex.split(command.replace("\\\n", " ")), output


def is_as_shown(printed: str, shown: str) -> bool:
    lines = [[" ".join(line.split()) for line in text.splitlines()] for text in (printed, shown)]
    return len(lines[0]) == len(lines[1]) and all(
        re.fullmatch(".+".join(map(re.escape, pattern.split(ANYTHING))), line)
        for line, pattern in zip(*lines, strict=True)
    )


@pytest.fixture
def set_up(empty: SQLiteDatabase, tmp_path: Path) -> SQLiteDatabase:
    exported(shell_script_of(GUIDE.read_text(encoding="utf-8")), empty, tmp_path)
    return empty


def test_the_life_of_a_project_is_as_told(set_up: SQLiteDatabase) -> None:
    told = list(sessions(GUIDE.read_text(encoding="utf-8")))
    assert len(told) > 15
    for (program, *arguments), shown in told:
        assert program == "astakos"
        done = astakos(set_up, *arguments)
        assert is_as_shown(done.output + done.errors, shown), f"{arguments}: {done}"


@pytest.mark.parametrize(
    ("shown", "is_shown"),
    [("a  b\n", True), ("a …\n", True), ("a\n", False), ("a b\nc\n", False), ("a b.\n", False)],
)
def test_what_is_printed_is_compared_but_for_widths_and_what_varies(shown: str, is_shown: bool) -> None:
    assert is_as_shown("a     b\n", shown) == is_shown

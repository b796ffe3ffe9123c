"""The examples in the docstrings of the client."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import textwrap
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PATHS = sorted(SOURCE.joinpath("astakosclient").rglob("*.py"))
WITH_SESSIONS = [path for path in PATHS if ">>> " in path.read_text()]
BLOCK = re.compile(r"^( *)\.\. code-block:: python\n\n((?:\1    .*\n|\n)+)", re.MULTILINE)
BLOCKS = [
    pytest.param(textwrap.dedent(found[2]), id=f"{path.stem}-{number}")
    for path in PATHS
    for number, found in enumerate(BLOCK.finditer(path.read_text()))
]


@pytest.mark.parametrize("path", WITH_SESSIONS, ids=lambda path: path.stem)
def test_a_session_shows_what_happens(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("code", BLOCKS)
def test_an_example_is_python(code: str) -> None:
    ast.parse("async def example():\n" + textwrap.indent(code, "    "))

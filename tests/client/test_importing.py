"""What `import astakosclient` brings in with it: each process that uses the client waits for all of that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import astakosclient

SOURCE = Path(__file__).parents[2] / "src"

WANTED = """
    abc array collections contextlib contextvars copy copyreg enum errno functools genericpath
    ipaddress itertools json keyword math operator os posixpath re reprlib select selectors socket
    stat types typing urllib warnings weakref zlib
"""
"""What comes from the standard library, by first names. To let another in, know what it costs:
``python -X importtime -c 'import astakosclient'``."""

SLOW = ("asyncio", "dataclasses", "email", "hashlib", "http.client", "inspect", "ssl", "urllib.request")
"""Parts of the standard library that only some need, and only they shall pay for."""


def brought_in(program: str) -> set[str]:
    """The modules that a program loads beyond those that are loaded anyhow; without site-packages."""
    lines = [
        "import sys",
        f"sys.path.insert(0, {str(SOURCE)!r})",
        "before = set(sys.modules)",
        program,
        "print(*sorted(set(sys.modules) - before))",
    ]
    done = subprocess.run(
        [sys.executable, "-S", "-c", "\n".join(lines)], env={}, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def first_names(modules: set[str]) -> set[str]:
    """Without what begins with an underscore: those are parts of others, and differ between versions."""
    return {name.partition(".")[0] for name in modules if not name.startswith("_")}


def test_importing_the_client_loads_what_it_needs_and_no_more() -> None:
    assert first_names(brought_in("import astakosclient")) - {*WANTED.split()} == {"astakosclient"}


@pytest.mark.parametrize(
    "program",
    [
        "import astakosclient",
        "import astakosclient; astakosclient.AstakosClient('http://localhost')",
    ],
)
def test_what_only_some_need_is_not_loaded_for_all(program: str) -> None:
    # From Python 3.14 on, `logging` itself takes two of them, by way of `traceback`.
    assert not (brought_in(program) - brought_in("import logging")).intersection(SLOW)


def test_adapters_are_loaded_by_those_who_name_them() -> None:
    assert not {name for name in brought_in("import astakosclient") if "adapters" in name}


def test_what_is_loaded_on_first_use_can_be_completed() -> None:
    assert {*astakosclient.__all__, "__version__"} <= {*dir(astakosclient)}

"""Running the Python blocks of a page of the documentation, with pytest."""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import httpcore2  # noqa: F401 - kept for later tests: pytester forgets what a page imports, and httpx2 does so late
import pytest

from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import environment
from service.warm_command import warm_folder

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
OF_SHELLS = ("PWD", "OLDPWD", "SHLVL", "_")
NOT_RUN = "# not run: "
SCRIPT_SECONDS = 120
"""How long all commands of a page may take, however busy the machine is."""


def module_of(text: str) -> str:
    """The blocks of a page, each on the lines on which it stands there, so that tracebacks name them."""
    module = ""
    for block in BLOCK.finditer(text):
        if not block[1].startswith(NOT_RUN):
            module += "\n" * (text.count("\n", 0, block.start(1)) - module.count("\n")) + block[1]
    return module


def shell_script_of(text: str) -> str:
    """The shell blocks of a page, one after the other."""
    return "".join(block[1] for block in SHELL_BLOCK.finditer(text))


def run(
    name: str, text: str, pytester: pytest.Pytester, expected_warnings: Iterable[type[Warning]] = ()
) -> pytest.RunResult:
    """Runs a page; what is warned of is an error, but for the kinds that are expected."""
    ignoring = [part for kind in expected_warnings for part in ("-W", f"ignore::{kind.__name__}")]
    file = pytester.path / f"test_{name}.py"
    file.write_text(module_of(text), encoding="utf-8")
    # Importing the plugins of others, of which no page needs one, takes longer than most pages.
    # A page without tests has been run when it has been collected.
    # Where plugins are not loaded automatically, the tests may have imported one before.
    ignoring += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return pytester.runpytest_inprocess(
        file,
        "--disable-plugin-autoload",
        "-p",
        "astakosclient.testing.fixtures",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        *ignoring,
        "-rA",
    )


def exported(script: str, database: SQLiteDatabase, folder: Path) -> dict[str, str]:
    """Runs a script of the shell as people would type it, and returns the variables that it leaves."""
    file = folder / "variables"
    given = environment(database) | {"PATH": f"{warm_folder()}:{os.environ['PATH']}"}
    # A login shell does not stop at a command that fails, and neither does this one.
    subprocess.run(
        ["/bin/sh", "-c", f'{script}\nenv -0 >"$0"', file],
        env=given,
        capture_output=True,
        timeout=SCRIPT_SECONDS,
        check=True,
    )
    variables = (line.partition("=") for line in file.read_text().split("\0") if line)
    left = {name: value for name, _, value in variables if name not in OF_SHELLS}
    return {name: value for name, value in left.items() if given.get(name) != value}

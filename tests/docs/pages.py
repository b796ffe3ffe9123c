"""Running the Python blocks of a page of the documentation, with pytest."""

import re
from collections.abc import Iterable

import pytest

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
NOT_RUN = "# not run: "


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
    """Run a page; what is warned of is an error, but for the kinds that are expected."""
    ignoring = [part for kind in expected_warnings for part in ("-W", f"ignore::{kind.__name__}")]
    pytester.path.joinpath(f"test_{name}.py").write_text(module_of(text), encoding="utf-8")
    # A page without tests has been run when it has been collected.
    # Where plugins are not loaded automatically, the tests may have imported one before.
    ignoring += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return pytester.runpytest_inprocess(
        "-p", "astakosclient.testing.fixtures", "-p", "no:cacheprovider", "-W", "error", *ignoring, "-rA"
    )

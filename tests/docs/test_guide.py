"""What the pages of docs/guide, the tutorial and the README show works as it is written.

The shell blocks (`sh`) of a page run first, on the database of a real service; what they export, the Python
blocks can read. Those are one module, in which they run one after the other; then pytest runs the tests among
them, with the fixtures of `astakosclient.testing`. Every page runs by itself, and twice, on a service that
other pages have used. A block that begins with the line `# not run: <why>` is for people alone.
"""

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.pages import module_of, run, shell_script_of
from lengths import length
from service.command import EXECUTABLE, Serving

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *ROOT.joinpath("docs", "guide").glob("*.md")]
# Pages with the same shell blocks come together; see `set_up`.
PAGES.sort(key=lambda page: (shell_script_of(page.read_text(encoding="utf-8")), page))
TURNS = ("first", "second")[: length(2, 1)]
URL = "http://127.0.0.1:8000"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_works_by_itself_and_again_on_the_service_that_it_has_used(
    page: Path,
    used_service: Serving,
    set_up: Callable[[str], dict[str, str]],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = page.read_text(encoding="utf-8")
    monkeypatch.setenv("PATH", f"{EXECUTABLE.parent}:{os.environ['PATH']}")
    for turn in TURNS:
        for name, value in set_up(shell_script_of(text)).items():
            monkeypatch.setenv(name, value)
        name = f"{page.stem.lower()}_{turn}"
        result = run(name, text.replace(URL, used_service.base_url), pytester)
        assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), result.stdout.str()


def test_a_page_that_reads_a_variable_says_where_it_comes_from() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in ("ADA_TOKEN", "COMPUTE_TOKEN"):
            if f'os.environ["{name}"]' in module_of(text):
                assert f"export {name}=" in shell_script_of(text), page


def test_a_module_has_the_blocks_on_their_lines_without_those_for_people() -> None:
    text = textwrap.dedent(
        """\
        # A page
        ```python
        x = 1
        ```
        ```console
        $ true
        ```
        ```python
        # not run: it would never end
        while True: ...
        ```
        ```python
        y = x
        ```
        """
    )
    assert module_of(text) == "\n\nx = 1\n" + "\n" * 9 + "y = x\n"


def test_a_page_that_is_wrong_fails_where_it_is_wrong(pytester: pytest.Pytester) -> None:
    result = run("page", "```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n", pytester)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["test_page.py:6: in <module>*"])


def test_the_tests_of_a_page_are_run_with_the_fixtures(pytester: pytest.Pytester) -> None:
    page = """
        ```python
        names = ["ada"]
        ```
        ```python
        def test_that_passes(astakos_service):
            assert astakos_service.add_user(names[0]).username == "ada@example.org"

        def test_that_fails(astakos_service):
            assert astakos_service.add_user().username == "ada@example.org"
        ```
        """
    run("page", textwrap.dedent(page), pytester).assert_outcomes(passed=1, failed=1)

"""What the pages of docs/guide show works as it is written.

The Python blocks of a page are one module, in which they run one after the other; then pytest runs the tests
among them, with the fixtures of `astakosclient.testing`. A page that speaks of a service at
`http://127.0.0.1:8000` meets a real one, and may read the environment variables that `world` sets. A block
that begins with the line `# not run: <why>` is for people alone.
"""

import textwrap
from pathlib import Path

import pytest

from astakosclient.testing import RunningService
from docs.pages import module_of, run

PAGES = sorted(Path(__file__).parents[2].joinpath("docs", "guide").glob("*.md"))
URL = "http://127.0.0.1:8000"


@pytest.fixture
def world(astakos_service: RunningService, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a service that knows the user ada@example.org and the component compute."""
    compute = astakos_service.add_service(
        "compute", endpoints="https://compute.example.org/v2", resources={"compute.vm": 4}
    )
    ada = astakos_service.add_user("ada@example.org", first_name="Ada", last_name="Byron")
    monkeypatch.setenv("ASTAKOS_URL", astakos_service.url)
    monkeypatch.setenv("ADA_TOKEN", ada.token)
    monkeypatch.setenv("ADA_UUID", ada.uuid)
    monkeypatch.setenv("COMPUTE_TOKEN", compute.token)
    return astakos_service.url


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_page_shows_works(page: Path, world: str, pytester: pytest.Pytester) -> None:
    result = run(page.stem, page.read_text(encoding="utf-8").replace(URL, world), pytester)
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), result.stdout.str()


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

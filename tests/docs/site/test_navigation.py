"""Each page of the site has one place in its navigation."""

import subprocess
import tomllib
from pathlib import Path

import pytest
from tools.documentation.navigation import FILE, NavigationError, read_navigation, with_table

ROOT = Path(__file__).parents[3]
NAVIGATION = """
[[section]]
caption = "Learn"
pages = ["start"]

[[section]]
caption = "Look up"
pages = ["guide/first", "guide/*", "list/README"]

[below]
"list/README" = "list/*"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "navigation.toml"
    file.write_text(NAVIGATION, encoding="utf-8")
    return file


def test_what_is_named_comes_before_what_a_pattern_takes(file: Path) -> None:
    pages = ["guide/a", "guide/first", "guide/z", "list/1", "list/2", "list/README", "start"]
    navigation = read_navigation(file, pages)
    assert [(section.caption, section.pages) for section in navigation.sections] == [
        ("Learn", ["start"]),
        ("Look up", ["guide/first", "guide/a", "guide/z", "list/README"]),
    ]
    assert navigation.below == {"list/README": ["list/1", "list/2"]}


def test_a_pattern_may_take_nothing(file: Path) -> None:
    navigation = read_navigation(file, ["guide/first", "list/README", "start"])
    assert navigation.below == {}


@pytest.mark.parametrize(
    ("pages", "mistake"),
    [
        (["guide/first", "list/README", "start", "lost"], f"lost.md has no place in {FILE}"),
        (["guide/first", "list/README", "start", "guide/deeper/x"], "guide/deeper/x.md has no place"),
        (["guide/first", "list/README"], f"{FILE} names start"),
        (["guide/first", "start", "list/1"], f"{FILE} names list/README"),
    ],
)
def test_a_page_without_a_place_and_a_place_without_a_page_are_refused(
    file: Path, pages: list[str], mistake: str
) -> None:
    with pytest.raises(NavigationError, match=mistake.replace(".", r"\.")):
        read_navigation(file, pages)


def test_each_page_of_the_repository_has_its_place() -> None:
    listed = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, text=True
    )
    pages = {name.removesuffix(".md") for name in listed.split() if (ROOT / name).exists()} - {"README"}
    document = tomllib.loads(ROOT.joinpath(FILE).read_text(encoding="utf-8"))
    named = {page for section in document["section"] for page in section["pages"]}
    made = {page for page in named if page.startswith("docs/reference/")}
    navigation = read_navigation(ROOT / FILE, pages | made)
    assert len(navigation.sections) >= 4


def test_a_table_of_contents_is_added_at_the_end() -> None:
    assert (
        with_table("# A\n", ["b/c"], "More") == "# A\n\n```{toctree}\n:hidden:\n:caption: More\n\n/b/c\n```\n"
    )

"""Links, file names and lists in the documentation are current."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.joinpath("docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("benchmarks", "examples")),
]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^\s*```.*?^\s*```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.<>-]+(/[\w.<>-]+)*\.(py|md|toml|txt|yaml|json|service)")
BASES = (
    "",
    "src",
    "src/astakos",
    "src/astakosclient",
    "src/astakos/http",
    "src/astakos/http/web",
    "tests/simulation",
    "tests/docs",
)
"""Directories that file names in a page may be relative to, besides the page's own."""
PASSWORD_IN_URL = re.compile(r"\w://[^\s/:@\"`]+:[^\s/@\"`]+@")
PASSWORD_OPTION = re.compile(r"--[a-z-]*(?:password|token|secret)[= ](?!FILE|only|file)[\w$\"'<]")
VARIABLE = re.compile(r"[A-Z_]+=")
"""A line of an environment file, where passwords may be."""
EXAMPLES = {"clouds.yaml"}
"""Files that a reader creates."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """The anchors that repository hosts generate for the headings of a page."""
    headings = HEADING.findall(BLOCK.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def named_files(text: str) -> Iterator[str]:
    for code in CODE.findall(BLOCK.sub("", text)):
        found = FILE.fullmatch(code)
        if found is not None and "<" not in code:
            yield code


def is_there(page: Path, file: str) -> bool:
    if any((base / file).exists() for base in (page.parent, *(ROOT / base for base in BASES))):
        return True
    # A module can be named without its package where the text has named that.
    return "/" not in file and next(ROOT.joinpath("src").rglob(file), None) is not None


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(BLOCK.sub("", text)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    missing = {
        file
        for file in named_files(page.read_text(encoding="utf-8"))
        if file not in EXAMPLES and not is_there(page, file)
    }
    assert not missing


def test_the_tree_of_the_architecture_names_every_package() -> None:
    tree = "\n".join(BLOCK.findall(ROOT.joinpath("docs", "architecture.md").read_text(encoding="utf-8")))
    for package in ("astakos", "astakosclient"):
        for folder in sorted(ROOT.joinpath("src", package).rglob("__init__.py")):
            parts = folder.parent.relative_to(ROOT / "src" / package).parts
            if parts and "migrations" not in parts:
                assert re.search(rf"\b{parts[-1]}/", tree), "/".join((package, *parts))


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = folder.joinpath("README.md").read_text(encoding="utf-8")
    for record in sorted(folder.glob("0*.md")):
        assert f"]({record.name})" in index


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_shows_a_password_on_a_command_line(page: Path) -> None:
    for line in page.read_text(encoding="utf-8").splitlines():
        if not VARIABLE.match(line):
            assert not PASSWORD_IN_URL.search(line), line
            assert not PASSWORD_OPTION.search(line), line


@pytest.mark.parametrize(
    "line",
    ['serve --database "postgresql://ada:secret@db1,db2/n?x=y"', "whoami --token abc", "--os-password=x"],
)
def test_a_password_on_a_command_line_is_found(line: str) -> None:
    assert PASSWORD_IN_URL.search(line) or PASSWORD_OPTION.search(line)

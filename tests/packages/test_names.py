"""Whoever is told to install something can: by the distribution's name, with an extra that there is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(
        path
        for folder in ("src", "docs", "examples", "deploy")
        for path in ROOT.joinpath(folder).rglob("*")
        if path.suffix in {".py", ".md", ".yaml", ".html", ".txt", ""} and path.is_file()
    ),
]
WITH_EXTRAS = re.compile(r"\bastakos(?P<client>client)?\[(?P<extras>[a-z0-9,]+)\]")
INSTALLED_AS_ITS_PACKAGE = re.compile(r"pip install ['\"]?astakosclient")


def told() -> list[tuple[str, str, bool]]:
    """Each file that names extras, the extras, and whether it names them of a package that is imported."""
    return [
        (str(path.relative_to(ROOT)), found["extras"], found["client"] is not None)
        for path in FILES
        for found in WITH_EXTRAS.finditer(path.read_text(encoding="utf-8"))
    ]


def test_extras_are_named_and_exist() -> None:
    named = {extra for _, extras, _ in told() for extra in extras.split(",")}
    assert {"server", "cli", "mcp", "httpx2", "opentelemetry", "litellm"} <= named
    assert named <= set(PROJECT["optional-dependencies"])


def test_they_are_those_of_the_distribution() -> None:
    assert [file for file, _, of_the_package in told() if of_the_package] == []


def test_nothing_installs_the_distribution_by_the_name_of_a_package() -> None:
    assert [path for path in FILES if INSTALLED_AS_ITS_PACKAGE.search(path.read_text(encoding="utf-8"))] == []

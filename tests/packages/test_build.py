"""What the packages contain, and that everybody who builds them gets the same bytes."""

import os
import re
import subprocess
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from packages.built import ROOT, built

LARGEST_WHEEL = 1_600_000
"""Bytes. It had 1.4 MB at 1.0.0rc1, all but a tenth of it Python; more than this has something else in it."""


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a packager has: the source archive, unpacked with other rights and at another time."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    for path in root.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
    return root


def test_the_source_archive_has_every_file_of_the_repository(sdist: Path) -> None:
    if not ROOT.joinpath(".git").exists():
        pytest.skip("this is not a clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(filter(None, listed.stdout.split("\0"))) <= names


def test_building_again_from_the_source_archive_gives_the_same_wheel(
    wheel: Path, unpacked: Path, tmp_path: Path
) -> None:
    again = built("wheel", tmp_path, source=unpacked)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_building_again_from_the_source_archive_gives_the_same_source_archive(
    sdist: Path, unpacked: Path, tmp_path: Path
) -> None:
    again = built("sdist", tmp_path, source=unpacked)
    assert again.name == sdist.name
    assert again.read_bytes() == sdist.read_bytes()


def test_the_wheel_is_pure_python_and_small(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_the_wheel_has_every_file_of_both_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    source = ROOT / "src"
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    assert names == {str(path) for path in files if "__pycache__" not in path.parts}
    assert {"astakos/py.typed", "astakosclient/py.typed", "astakos/pages/templates/base.html"} <= names


def said_by(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_says_what_pyproject_says(wheel: Path) -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = said_by(wheel)
    assert (said["Name"], said["Version"]) == ("astakos", project["version"])
    assert set(said.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    assert [need for need in said.get_all("Requires-Dist", []) if "extra ==" not in need] == []


def test_the_page_of_the_package_says_what_the_readme_says_to_those_without_a_clone(wheel: Path) -> None:
    said = said_by(wheel)
    readme = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    page = said.get_payload()
    assert isinstance(page, str)
    assert said["Description-Content-Type"] == "text/markdown"
    for heading, next_heading in (("# Astakos", "## Try it"), ("## In a program", "## Where to go")):
        assert readme[readme.index(heading) : readme.index(next_heading)] in page
    assert "## Where to go" not in page
    assert ".venv" not in page
    # They would be sought at the index.
    assert re.findall(r"\]\((?!https?://)[^)]*\)", page) == []


def test_the_changelog_tells_what_is_new_in_this_version() -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\n## [{project['version']}] - " in ROOT.joinpath("CHANGELOG.md").read_text(encoding="utf-8")

"""The workflows for public hosting: they are read as what they say, and may do no more than they need."""

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(ROOT.joinpath(".github", "workflows").glob("*.yml"))
SCRIPTS = Path(sysconfig.get_path("scripts"))


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def read(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_the_linters_have_nothing_to_say() -> None:
    run(SCRIPTS / "yamllint", "--strict", "-c", ROOT / "deploy" / "yamllint.yaml", ROOT / ".github")
    # The schema comes with the first, the rules of security with the second.
    run(SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    run(SCRIPTS / "zizmor", "--offline", "--no-progress", "--quiet", ROOT / ".github")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_writes_only_where_its_purpose_is_to_write(path: Path) -> None:
    workflow = read(path)
    rights = [("", workflow["permissions"])] + [
        (name, job.get("permissions", {})) for name, job in workflow["jobs"].items()
    ]
    writing = {(name, what) for name, given in rights for what, right in given.items() if right == "write"}
    of_releases = {("publish", "id-token"), ("announce", "contents")}
    assert writing == (of_releases if path.name == "release.yml" else set())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_targets_that_it_makes_exist(path: Path) -> None:
    makefile = ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    made = re.findall(r"run: (?:sudo )?make ([a-z-]+)", path.read_text(encoding="utf-8"))
    assert made
    assert [target for target in made if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_every_python_that_the_package_names_is_tested() -> None:
    text = ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    (suite,) = (read(path)["jobs"]["suite"] for path in WORKFLOWS if path.name == "tests.yml")
    assert suite["strategy"]["matrix"]["python"] == named

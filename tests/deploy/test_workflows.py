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
SHELLCHECK = SCRIPTS / "shellcheck"
ACTIONLINT = (SCRIPTS / "actionlint", "-no-color", "-shellcheck", SHELLCHECK, "-pyflakes", "")
"""It reads expressions, the needs of jobs, and the shell of steps."""


def run(*command: str | Path) -> None:
    done = told(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def told(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def read(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_the_linters_have_nothing_to_say() -> None:
    run(SCRIPTS / "yamllint", "--strict", "-c", ROOT / "deploy" / "yamllint.yaml", ROOT / ".github")
    # The schema comes with the first, the rules of security with the second.
    run(SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    run(SCRIPTS / "zizmor", "--offline", "--no-progress", "--quiet", ROOT / ".github")
    run(*ACTIONLINT, *WORKFLOWS)
    run(SHELLCHECK, ROOT / ".ci" / "run")


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        ("${{ matrix.python }}", "${{ matrix.pyton }}", 'property "pyton" is not defined'),
        ("needs: build", "needs: bulid", 'needs job "bulid" which does not exist'),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-1804", 'label "ubuntu-1804" is unknown'),
        ('create "$GITHUB_REF_NAME"', "create $GITHUB_REF_NAME", "SC2086"),
    ],
    ids=["expression", "needs", "runner", "shell"],
)
def test_a_fault_in_an_expression_a_job_or_a_script_is_found(
    right: str, wrong: str, finding: str, tmp_path: Path
) -> None:
    # Copies with the fault alone; the call of another workflow needs the same folders.
    copies = tmp_path.joinpath(".github", "workflows")
    copies.mkdir(parents=True)
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        copies.joinpath(path.name).write_text(text.replace(right, wrong), encoding="utf-8")
    done = told(*ACTIONLINT, *copies.iterdir())
    assert done.returncode == 1
    assert finding in done.stdout


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

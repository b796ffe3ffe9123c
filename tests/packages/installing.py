"""The packages as strangers get them, in environments of their own: `make test-packages`.

Separate from `make test`, because what the service needs is installed from the package index.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import urllib.parse
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages.built import ROOT, built

SECONDS = 300
"""An index can be slow."""

READY = re.compile(r"astakos is ready at (\S+)\n")
PART_OF_THE_SUITE = (
    "tests/client/core",
    "tests/client/calls",
    "tests/client/test_public_imports.py",
    "tests/service/ledger/test_rules.py",
    "tests/service/storage/schema",
    "tests/service/pages",
)

STORY = """
import os, sys
from astakosclient import AstakosClient, errors

with AstakosClient(sys.argv[1], retry=2) as client:
    user = client.get_user_info(os.environ["ADA_TOKEN"])
    service_token = os.environ["COMPUTE_TOKEN"]
    charge = lambda: client.issue_one_commission(
        service_token, user["uuid"], "system", {"compute.vm": 1}, auto_accept=True
    )
    charge()
    try:
        charge()
    except errors.QuotaLimit as error:
        print(user["username"], error.resource, error.available)
"""


class Environment:
    """A new virtual environment, and nothing of the one that the tests run in."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.folder = folder
        self.python = folder / "bin" / "python"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ASTAKOS_", "PYTHON"))
        }
        self.variables = kept | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}

    def install(self, *arguments: str | Path) -> None:
        """Installs with the pip of this environment."""
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "--python", self.python, "install", *arguments], check=True, timeout=SECONDS)

    def run(self, *command: str | Path, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.folder / "bin" / command[0], *command[1:]],
            cwd=cwd,
            env=self.variables | more,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @contextlib.contextmanager
    def serving(self, cwd: Path) -> Iterator[str]:
        """`astakos serve` on a new database in `cwd`, which has nothing to complain about; yields its URL."""
        with subprocess.Popen(
            [self.folder / "bin" / "astakos", "serve", "--port", "0"],
            cwd=cwd,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                lines = iter(process.stdout.readline, "")
                yield next(found[1] for line in lines if (found := READY.fullmatch(line)))
                process.terminate()
                _, errors = process.communicate(timeout=30)
                assert (process.returncode, errors) == (0, f"Created a new database: {cwd / 'astakos.db'}\n")
            finally:
                process.kill()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with what `pip install astakos` installs; no index, because nothing else is needed."""
    environment = Environment(tmp_path_factory.mktemp("alone"))
    environment.install("--no-index", wheel)
    return environment


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with what `pip install "astakos[server]"` installs."""
    environment = Environment(tmp_path_factory.mktemp("server"))
    environment.install("--constraint", ROOT / "constraints.txt", f"{wheel}[server]")
    return environment


def test_the_source_archive_tests_itself(tmp_path: Path) -> None:
    with tarfile.open(built("sdist", tmp_path / "archive")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = tmp_path.joinpath("unpacked").iterdir()
    environment = Environment(tmp_path / "environment")
    environment.install("--no-index", "--no-deps", built("wheel", tmp_path / "wheel", source=unpacked))
    # What the tests need is that of this environment; in a .pth file, its own (to this source) are not read.
    (site,) = environment.folder.glob("lib/python*/site-packages")
    site.joinpath("others.pth").write_text(sysconfig.get_path("purelib") + "\n")

    found = environment.run("python", "-c", "import astakos; print(astakos.__file__)", cwd=unpacked)
    assert Path(found.stdout.strip()).is_relative_to(environment.folder)
    tested = environment.run(
        "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *PART_OF_THE_SUITE, cwd=unpacked
    )
    assert tested.returncode == 0, tested.stdout[-5000:] + tested.stderr


def test_the_client_is_installed_without_anything_else(alone: Environment, tmp_path: Path) -> None:
    listed = alone.run(
        "python",
        "-c",
        "from importlib.metadata import distributions as all; print(*sorted(one.name for one in all()))",
        cwd=tmp_path,
    )
    assert listed.stdout.split() == ["astakos"]
    command = alone.run("astakos", "--version", cwd=tmp_path)
    assert (command.returncode, command.stdout) == (1, "")
    assert 'pip install "astakos[server]"' in command.stderr


def test_the_service_that_is_installed_answers_the_client_that_is(
    alone: Environment, server: Environment, tmp_path: Path
) -> None:
    def astakos(*arguments: str) -> str:
        done = server.run("astakos", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with server.serving(tmp_path) as url:
        astakos("component", "add", "compute", "--url", "https://compute.example.org/v2", "--version", "v2")
        astakos("resource", "set", "compute.vm", "--service", "compute", "--default", "1")
        astakos("user", "add", "ada@example.org", "--first-name", "Ada", "--last-name", "Byron")
        told = alone.run(
            "python",
            "-W",
            "error",
            "-c",
            STORY,
            url,
            cwd=tmp_path,
            ADA_TOKEN=astakos("user", "token", "ada@example.org", "--token-only").strip(),
            COMPUTE_TOKEN=astakos("component", "token", "compute", "--token-only").strip(),
        )
        assert (told.stdout, told.stderr) == ("ada@example.org compute.vm 0\n", "")

        with urllib.request.urlopen(f"{url}/ui/login", timeout=30) as answer:
            page = answer.read().decode()
        assets = re.findall(r'(?:href|src)="([^"]*/ui/static/[^"]+)"', page)
        assert any(asset.endswith(".css") for asset in assets)
        for asset in assets:
            with urllib.request.urlopen(urllib.parse.urljoin(url, asset), timeout=30) as answer:
                assert answer.read()
        with urllib.request.urlopen(f"{url}/openapi.json", timeout=30) as answer:
            version = json.load(answer)["info"]["version"]
        assert astakos("--version") == f"astakos, version {version}\n"
        assert astakos("migrate", "--check")
        examined = server.run("astakos", "doctor", cwd=tmp_path)
        assert "Traceback" not in examined.stderr

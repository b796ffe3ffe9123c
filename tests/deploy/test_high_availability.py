"""The files for an installation that survives the loss of a host; `make test-high-availability` runs them."""

import configparser
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = DEPLOY / "high-availability"
PLACEHOLDERS = {
    "host",
    "folder",
    "programs",
    "network",
    "superuser_password",
    "replication_password",
    "rewind_password",
    "database_password",
}
PATRONI: dict[str, Any] = yaml.safe_load((FILES / "patroni.yaml").read_text(encoding="utf-8"))
DYNAMIC = PATRONI["bootstrap"]["dcs"]


def test_each_placeholder_is_one_that_the_documentation_names() -> None:
    found = set()
    for path in FILES.iterdir():
        template = Template(path.read_text(encoding="utf-8"))
        assert template.is_valid(), path
        found.update(template.get_identifiers())
    assert found == PLACEHOLDERS


def test_yamllint_has_nothing_to_say() -> None:
    linter = Path(sysconfig.get_path("scripts"), "yamllint")
    done = subprocess.run(
        [linter, "--strict", "-c", DEPLOY / "yamllint.yaml", FILES / "patroni.yaml"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


def test_patroni_loses_nothing_and_steps_down_in_time() -> None:
    assert DYNAMIC["synchronous_mode"] == "quorum"
    assert DYNAMIC["postgresql"]["parameters"]["synchronous_commit"] == "on"
    assert DYNAMIC["loop_wait"] + 2 * DYNAMIC["retry_timeout"] <= DYNAMIC["ttl"]


def test_pgbouncer_takes_the_service_and_lets_nobody_wait_for_longer_than_it_does() -> None:
    parser = configparser.ConfigParser()
    parser.read(FILES / "pgbouncer.ini")
    settings = parser["pgbouncer"]
    assert (settings["pool_mode"], settings["ignore_startup_parameters"]) == ("transaction", "options")
    assert int(settings["query_wait_timeout"]) < 6
    (line,) = re.findall("(?m)^ASTAKOS_DATABASE=(.*)$", (FILES / "astakos.env").read_text(encoding="utf-8"))
    assert f"@{settings['listen_addr']}:{settings['listen_port']}/astakos" in line


def test_haproxy_understands_its_file(tmp_path: Path) -> None:
    if shutil.which("haproxy") is None:
        pytest.skip("there is no HAProxy")
    text = (FILES / "haproxy.cfg").read_text(encoding="utf-8")
    # It looks names up when it starts.
    written = tmp_path / "haproxy.cfg"
    written.write_text(re.sub(r"^( +server \w+) \w+:", r"\1 127.0.0.1:", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["haproxy", "-c", "-f", written], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr

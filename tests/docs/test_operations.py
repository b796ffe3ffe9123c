"""What the pages about running the service name is there, and what there is stands in them."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from astakos.cli import COMMANDS
from astakos.cli.migrate_command import migrate
from astakos.cli.resource_commands import set_ as set_resource
from astakos.cli.serve_command import serve
from astakos.cli.usage_commands import usage
from astakos.cli.user_adding import add as add_user
from astakos.doctor.checks import CHECKS, REVISION_CHECK
from astakos.service import readiness
from astakos.storage.protocol import Database
from service.command import serving
from service.metrics.scraping import families

ROOT = Path(__file__).parents[2]
TEXT = "\n".join(
    ROOT.joinpath("docs", f"{page}.md").read_text(encoding="utf-8")
    for page in ("operations", "tls", "monitoring", "upgrades", "administration", "backup")
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_each_metric_is_documented_and_each_that_is_documented_is_told(database: Database) -> None:
    with serving(database, "--metrics-port", "0") as served:
        served.caller.get("/healthz")
        told = {name for name, _, _ in families(served) if name.startswith("astakos_")}
    rows = re.findall(r"^\| (`astakos_\w+`(?:, `astakos_\w+`)*) \|", TEXT, re.MULTILINE)
    assert set(re.findall(r"astakos_\w+", " ".join(rows))) == told


@pytest.mark.parametrize("block", blocks("yaml"))
def test_what_is_yaml_can_be_read(block: str) -> None:
    assert yaml.safe_load(block)


def test_the_example_of_a_log_is_one() -> None:
    (example,) = blocks("json")
    assert set(json.loads(example)) >= {"time", "level", "logger", "message", "process", "request_id"}


def test_the_commands_and_options_that_it_names_exist() -> None:
    assert set(re.findall(r"bin/astakos (\w+)", TEXT)) <= set(COMMANDS)
    options = {name for parameter in serve.params for name in parameter.opts}
    named = set(re.findall(r"`(--[a-z-]+)", TEXT))
    others = {
        name
        for command in (add_user, set_resource, usage, migrate)
        for one in command.params
        for name in one.opts
    }
    assert {"--drain", "--metrics-port", "--log-format"} <= named <= options | others
    variables = {str(parameter.envvar) for parameter in serve.params if getattr(parameter, "envvar", None)}
    of_files = {
        name
        for file in ("compose.yaml", "astakos")
        for name in re.findall(
            r"\$\{(ASTAKOS_[A-Z_]+)", ROOT.joinpath("deploy", file).read_text(encoding="utf-8")
        )
    }
    assert set(re.findall(r"ASTAKOS_[A-Z_]+", TEXT)) <= variables | of_files


def test_the_files_that_it_names_exist() -> None:
    for name in set(re.findall(r"deploy/[\w./-]*\w", TEXT)) - {"deploy/.env"}:
        assert ROOT.joinpath(name).exists(), name


def test_what_readyz_can_miss_is_named() -> None:
    text = " ".join(TEXT.split())
    for missing in (readiness.NO_DATABASE, readiness.NO_LEDGER, readiness.LEDGER_STOPPED, readiness.ENDING):
        assert f"`{missing}`" in text


def test_the_checks_of_the_doctor_are_those_that_there_are() -> None:
    told = re.findall(r"^\| ([a-z ]+) \| ([A-Z].+) \|$", TEXT, re.MULTILINE)
    assert told == [(check.name, check.text) for check in (REVISION_CHECK, *CHECKS)]


def test_a_shell_reads_the_values_of_the_environment_file_as_they_stand(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```\n(ASTAKOS_.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    written = dict(line.split("=", 1) for line in block.splitlines())
    assert any("&" in value for value in written.values())
    assert any(" " in value for value in written.values())
    file = tmp_path / "environment"
    file.write_text(block, encoding="utf-8")
    done = subprocess.run(
        ["/bin/sh", "-c", f"set -a; . {file}; set +a; env"],
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    read = dict(line.split("=", 1) for line in done.stdout.splitlines())
    for name, value in written.items():
        assert value == f"'{read[name]}'"

"""The files for containers, as far as they can be tried where no container can run."""

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from astakos.cli.serve_command import serve
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.processes.supervisor import longest_end
from astakos.server.limits import Limits
from astakos.storage.protocol import Database
from service.command import Serving, serving

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = Path(sysconfig.get_path("scripts"))
COMPOSE: dict[str, Any] = yaml.safe_load(DEPLOY.joinpath("compose.yaml").read_text(encoding="utf-8"))
INSTRUCTIONS = re.sub(
    r"\\\n\s*", "", DEPLOY.joinpath("Containerfile").read_text(encoding="utf-8")
).splitlines()


def run(*command: str | Path) -> None:
    """Runs a linter, which must have nothing to say."""
    done = subprocess.run([*command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def instructions(keyword: str) -> list[str]:
    return [line.removeprefix(keyword).strip() for line in INSTRUCTIONS if line.startswith(keyword)]


def options_of(arguments: list[str]) -> dict[str, Any]:
    """The options that `astakos serve` is given."""
    command, *options = arguments
    assert command == "serve"
    return serve.make_context("serve", options).params


def test_the_linters_have_nothing_to_say() -> None:
    run(SCRIPTS / "hadolint", DEPLOY / "Containerfile")
    run(SCRIPTS / "yamllint", "--strict", "-c", DEPLOY / "yamllint.yaml", DEPLOY)
    # The schema comes with the linter.
    run(SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_the_image_serves_by_itself_and_as_nobody_special() -> None:
    (entry,) = instructions("ENTRYPOINT")
    (command,) = instructions("CMD")
    assert json.loads(entry) == ["astakos"]
    options = options_of(json.loads(command))
    assert (options["host"], options["port"], options["metrics_port"]) == ("0.0.0.0", 8000, None)
    (user,) = instructions("USER")
    assert all(int(number) > 0 for number in user.split(":"))
    for copied in instructions("COPY"):
        *sources, _ = shlex.split(copied)
        for source in sources:
            is_built = source.startswith("--from=") or source in {"/opt/astakos", "/package"}
            assert is_built or ROOT.joinpath(source).exists()


def test_what_the_image_is_built_from_is_sent_to_be_built_and_nothing_else() -> None:
    ignored, *sent = [
        line
        for line in ROOT.joinpath(".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert ignored == "*"
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from=")
        for source in shlex.split(line)[:-1]
    }
    assert {name.removeprefix("!") for name in sent if name.startswith("!")} == copied


def test_the_password_of_the_composed_database_stays_out_of_the_repository() -> None:
    assert "deploy/.env" in ROOT.joinpath(".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_what_a_container_logs_is_bounded_and_its_rights_do_not_grow(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert "no-new-privileges:true" in service["security_opt"]


def test_the_root_of_the_service_is_read_only_and_it_has_no_capability() -> None:
    service = COMPOSE["services"]["astakos"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]


def test_the_composed_service_has_the_health_check_of_the_image() -> None:
    (line,) = instructions("HEALTHCHECK")
    options, _, command = line.partition(" CMD ")
    composed = dict(COMPOSE["services"]["astakos"]["healthcheck"])
    assert composed.pop("test") == ["CMD", *json.loads(command)]
    named = dict(option.removeprefix("--").split("=") for option in options.split())
    assert {name.replace("-", "_"): value for name, value in named.items()} == {
        name: str(value) for name, value in composed.items()
    }


def test_a_change_of_the_source_leaves_the_layer_with_what_it_needs_as_it_was() -> None:
    stages = "\n".join(INSTRUCTIONS).split("\nFROM ")
    (needs,) = (stage for stage in stages if " AS dependencies\n" in stage)
    assert re.findall(r"(?m)^COPY (.+)$", needs) == ["pyproject.toml constraints.txt ./"]
    copied = [line for line in instructions("COPY") if line.startswith("--from=")]
    assert copied == ["--from=dependencies /opt/astakos /opt/astakos", "--from=package /package /"]


def health_check(served: Serving, base_url: str) -> int:
    (line,) = instructions("HEALTHCHECK")
    python, *arguments = json.loads(line[line.index("[") :])
    assert python == "python"
    port = served.address.rpartition(":")[2]
    arguments = [argument.replace(":8000", f":{port}") for argument in arguments]
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"ASTAKOS_BASE_URL": base_url},
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode


def test_the_health_check_of_the_image_tells_whether_the_service_lives(database: Database) -> None:
    with serving(database) as served:
        assert health_check(served, "https://accounts.example.org/astakos") == 0
        assert health_check(served, "https://accounts.example.org/astakos/") == 0
        assert health_check(served, "") != 0, "there is nothing at the root of this one"
        served.end()
        assert health_check(served, "https://accounts.example.org/astakos") != 0


def test_the_composed_service_has_options_that_there_are_and_is_given_time_to_end() -> None:
    service = COMPOSE["services"]["astakos"]
    options = options_of(service["command"])
    assert (options["host"], options["port"], options["metrics_port"]) == ("0.0.0.0", 8000, 9464)
    seconds = int(service["stop_grace_period"].removesuffix("s"))
    assert seconds > longest_end(options["drain_seconds"], Limits().grace_seconds)
    assert all(port.startswith("127.0.0.1:") for port in service["ports"]), "the TLS proxy is on this host"
    assert not [port for port in service["ports"] if "9464" in port], "the metrics are not published"
    assert (ROOT / "deploy" / service["build"]["context"]).resolve() == ROOT
    assert ROOT.joinpath(service["build"]["dockerfile"]).is_file()


def test_the_composed_service_trusts_the_proxy_that_comes_through_its_own_network() -> None:
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert COMPOSE["services"]["astakos"]["environment"]["ASTAKOS_TRUSTED_PROXIES"] == network["subnet"]
    (subnet,) = re.findall(r"^\$\{ASTAKOS_NETWORK:-(.+)\}$", network["subnet"])
    proxies = TrustedProxies([subnet])
    gateway = str(next(ip_network(subnet).hosts()))
    assert str(proxies.caller((gateway, 1234), "198.51.100.1")) == "198.51.100.1"


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_password_stands_in_the_file(name: str) -> None:
    for variable, value in COMPOSE["services"][name]["environment"].items():
        if "PASSWORD" in variable:
            assert value.startswith("${ASTAKOS_DATABASE_PASSWORD:?")
        assert not re.search(r"://[^@/]*:[^@/]*@", value)

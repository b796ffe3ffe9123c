"""The unit for systemd: it is well formed, fits the command, and shuts the service in."""

import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from astakos.cli.serve_command import serve
from astakos.server.limits import Limits
from service.command import EXECUTABLE

UNIT = Path(__file__).parents[2] / "deploy" / "astakos.service"
INSTALLED = "/opt/astakos/bin/astakos"
STRICT = {
    "CapabilityBoundingSet": "",
    "DynamicUser": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "ProtectHome": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "StateDirectory": "astakos",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
}
MOST_EXPOSED = 1.5


def sections() -> dict[str, dict[str, list[str]]]:
    """The settings of the unit, each as often as it stands there."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), defaultdict(list))
        elif line and not line.startswith("#"):
            name, separator, value = line.partition("=")
            assert separator, line
            section[name].append(value)
    return found


def test_it_starts_the_command_with_options_that_there_are_and_gives_it_time_to_end() -> None:
    settings = sections()["Service"]
    (start,) = settings["ExecStart"]
    program, command, *options = shlex.split(start)
    assert (program, command) == (INSTALLED, "serve")
    given = serve.make_context("serve", options).params
    assert (given["host"], given["metrics_host"]) == ("127.0.0.1", "127.0.0.1")
    (seconds,) = settings["TimeoutStopSec"]
    assert int(seconds) > given["drain_seconds"] + Limits().grace_seconds
    # If all processes were told to end at once, none would drain.
    assert settings["KillMode"] == ["mixed"]
    (database,) = settings["Environment"]
    assert database == "ASTAKOS_DATABASE=sqlite:////var/lib/astakos/astakos.db"


@pytest.mark.parametrize("name", STRICT)
def test_it_is_shut_in(name: str) -> None:
    assert sections()["Service"][name] == [STRICT[name]]


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    assert set(sections()) == {"Unit", "Service", "Install"}
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd here; what the other tests say of the unit is all that can be known")
    unit = tmp_path / "astakos.service"
    unit.write_text(UNIT.read_text(encoding="utf-8").replace(INSTALLED, str(EXECUTABLE)), encoding="utf-8")
    for arguments in (
        ["verify", "--man=no"],
        ["security", "--offline=true", f"--threshold={int(10 * MOST_EXPOSED)}"],
    ):
        done = subprocess.run(
            [analyze, *arguments, unit], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Unknown" not in done.stderr

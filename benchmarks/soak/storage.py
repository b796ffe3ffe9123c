"""Where the database of a soak is: on a disk that can be filled, or on a PostgreSQL server."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tools.postgres_server import PostgresServer, own_server

from benchmarks.population import database_url
from benchmarks.postgresql_databases import SETTINGS, url_of

DATABASE = "soak"
FILE_SYSTEM_BYTES = 64 * 2**30
"""Of a sparse file: it takes up what is stored."""
SMALLEST_PIECE = 4096


class Storage(Protocol):
    """What a soak has to know about its database."""

    url: str

    def faults(self) -> Mapping[str, "Fault"]:
        """What can happen to it, by name."""

    def sizes(self) -> tuple[int, int]:
        """Bytes of the database, and of its write-ahead log."""


class Fault(Protocol):
    """Something that goes wrong. It returns when it is over."""

    def __call__(self) -> None: ...


class SQLiteStorage:
    """A file. With `can_be_filled`, nothing else is in its file system."""

    def __init__(self, folder: Path, *, can_be_filled: bool) -> None:
        self.path = folder / "astakos.db"
        self.url = database_url(self.path)
        self._can_be_filled = can_be_filled

    def faults(self) -> Mapping[str, Fault]:
        return {"full disk": self._fill} if self._can_be_filled else {}

    def sizes(self) -> tuple[int, int]:
        return _size(self.path), _size(Path(f"{self.path}-wal"))

    def _fill(self) -> None:
        """Fills the disk for ten seconds."""
        filler = self.path.parent / "filler"
        with filler.open("wb") as file:
            offset, piece = 0, FILE_SYSTEM_BYTES
            while piece >= SMALLEST_PIECE:
                try:
                    os.posix_fallocate(file.fileno(), offset, piece)
                except OSError:
                    piece //= 2
                else:
                    offset += piece
        try:
            time.sleep(10)
        finally:
            filler.unlink()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextlib.contextmanager
def sqlite_storage(folder: Path) -> Iterator[SQLiteStorage]:
    """A file system of its own if that can be had, which root alone may make; otherwise the folder."""
    image, point = folder / "disk.img", folder / "disk"
    point.mkdir()
    mounted = os.geteuid() == 0 and _mount(image, point)
    try:
        yield SQLiteStorage(point, can_be_filled=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", str(point)], check=True)
            image.unlink()
            point.rmdir()


def _mount(image: Path, point: Path) -> bool:
    if shutil.which("mkfs.ext4") is None:
        return False
    with image.open("wb") as file:
        file.truncate(FILE_SYSTEM_BYTES)
    # -m: otherwise root has a reserve when the disk is full.
    commands = (
        ["mkfs.ext4", "-q", "-m", "0", str(image)],
        ["mount", "-o", "loop", str(image), str(point)],
    )
    return all(
        subprocess.run(command, check=False, capture_output=True).returncode == 0 for command in commands
    )


class PostgreSQLStorage:
    """A database on a server of its own, set as operators are told to."""

    def __init__(self, server: PostgresServer) -> None:
        server.execute(f"CREATE DATABASE {DATABASE}")
        self.url = url_of(server, DATABASE)
        self._server = server

    def faults(self) -> Mapping[str, Fault]:
        return {
            "database restarted": self._restart,
            "database crashed": self._crash,
            "connections cut": self._cut,
        }

    def sizes(self) -> tuple[int, int]:
        statement = f"SELECT pg_database_size('{DATABASE}'), (SELECT sum(size) FROM pg_ls_waldir())"
        ((database, log),) = self._server.execute(statement)
        return int(database), int(log)

    def _restart(self) -> None:
        self._server.stop()
        self._server.start()

    def _crash(self) -> None:
        self._server.stop(signal.SIGQUIT)
        self._server.start()

    def _cut(self) -> None:
        self._server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'"
        )


@contextlib.contextmanager
def postgresql_storage() -> Iterator[PostgreSQLStorage]:
    """A server that is gone with the context."""
    with own_server(SETTINGS) as server:
        yield PostgreSQLStorage(server)

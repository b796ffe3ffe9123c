"""Services under load, each in a process of its own on a fresh database."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.child_process import ASTAKOS, HOST, Server, serving
from benchmarks.population import database_url, make_database


class Databases:
    """Copies of one database, made once since that takes seconds; all are gone with the context."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="astakos-benchmark-")
        self._original = Path(self._folder.name) / "original.db"
        self._copies = 0

    def __enter__(self) -> "Databases":
        make_database(database_url(self._original))
        return self

    def __exit__(self, *exception: object) -> None:
        self._folder.cleanup()

    def copy(self) -> str:
        """The URL of a database that nobody has used yet."""
        self._copies += 1
        copy = self._original.with_name(f"copy{self._copies}.db")
        shutil.copy(self._original, copy)
        return database_url(copy)


@contextlib.contextmanager
def astakos_service(database: str) -> Iterator[Sequence[int]]:
    """The port of `astakos serve`, as a user would start it."""
    with astakos_server(database) as server:
        yield [server.port]


@contextlib.contextmanager
def astakos_service_of_two_workers(database: str) -> Iterator[Sequence[int]]:
    """The port of one that answers HTTP with two processes."""
    with astakos_server(database, "--workers", "2") as server:
        yield [server.port]


@contextlib.contextmanager
def astakos_service_twice(database: str) -> Iterator[Sequence[int]]:
    """The ports of two that work on one database."""
    with astakos_server(database) as first, astakos_server(database) as second:
        yield [first.port, second.port]


@contextlib.contextmanager
def astakos_server(database: str, *options: str) -> Iterator[Server]:
    """One `astakos serve`, with what else there is to know of the process."""
    command = [*ASTAKOS, "serve", "--host", HOST, "--port", "0", *options]
    with serving([*command, "--database", database]) as server:
        yield server


@contextlib.contextmanager
def usual_service(database: str) -> Iterator[Sequence[int]]:
    """The port of the service in `benchmarks/usual_service.py`."""
    with serving([sys.executable, "-m", "benchmarks.usual_service", database]) as server:
        yield [server.port]

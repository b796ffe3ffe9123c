"""A PostgreSQL for benchmarks, set as operators are told to, and databases on it."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tools.postgres_server import PostgresServer, own_server

from benchmarks.population import make_database

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
}
"""What `docs/postgresql.md` tells operators to set; all else is PostgreSQL's default, so what is committed
is on disk."""
ORIGINAL = "original"
KEPT = 6


class PostgreSQLDatabases:
    """Copies of one database, as `benchmarks.service_process.Databases` makes them of a file."""

    def __init__(self, server: PostgresServer) -> None:
        """Makes the database that is copied."""
        self._server = server
        self._copies = 0
        server.execute(f"CREATE DATABASE {ORIGINAL}")
        make_database(url_of(server, ORIGINAL))
        prepare(server, ORIGINAL)

    def copy(self) -> str:
        """The URL of a database that nobody has used yet; of those before only the last one is left."""
        if self._copies >= KEPT:
            self._server.execute(f"DROP DATABASE copy{self._copies - KEPT + 1} WITH (FORCE)")
        self._copies += 1
        name = f"copy{self._copies}"
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE {ORIGINAL} STRATEGY file_copy")
        # So that no measurement pays for what those before it have written.
        self._server.execute("CHECKPOINT")
        return url_of(self._server, name)

    def run(self, program: str, database: str, *arguments: str) -> str:
        """What one of PostgreSQL's own programs writes that works on the database of that URL."""
        name = urlsplit(database).path.removeprefix("/")
        return self._server.run(program, *arguments, *_connecting(self._server, name))

    @contextlib.contextmanager
    def script(self, text: str) -> Iterator[Path]:
        """A file that these programs can read."""
        path = self._server.folder / "script.sql"
        path.write_text(text, encoding="ascii")
        try:
            yield path
        finally:
            path.unlink()


@contextlib.contextmanager
def postgresql_databases() -> Iterator[PostgreSQLDatabases]:
    """Databases on a server that is gone with the context."""
    with own_server(SETTINGS) as server:
        yield PostgreSQLDatabases(server)


def prepare(server: PostgresServer, name: str) -> None:
    """Does for a database that was just filled what the server would do by itself within minutes."""
    server.run("vacuumdb", "--analyze", "-q", *_connecting(server, name))
    server.execute("CHECKPOINT")


def url_of(server: PostgresServer, name: str) -> str:
    """The URL of a database on a server."""
    return urlunsplit(urlsplit(server.url)._replace(path=f"/{name}"))


def _connecting(server: PostgresServer, name: str) -> list[str]:
    return ["-h", str(server.folder), "-U", "postgres", name]

"""The kinds of database that the tests run on: each makes databases for single tests, quickly."""

import itertools
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.storage.postgresql.connection import PostgreSQLConnection
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.installation import copy_world, database_at
from service.world import BASE_URL, LOADED, world

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ENGINES = (SQLITE, POSTGRESQL)
LEDGER_ENGINES = ENGINES
"""Those on which commissions can be written."""


def changed_url(url: str, name: str | None = None, **parameters: str) -> str:
    """A URL of PostgreSQL with another name of the database, and with more parameters."""
    parts = urlsplit(url)
    more = "&".join(f"{key}={quote(value, safe='')}" for key, value in parameters.items())
    query = "&".join(filter(None, (parts.query, more)))
    return urlunsplit(parts._replace(path=parts.path if name is None else f"/{name}", query=query))


class Engine(Protocol):
    """One kind of database."""

    name: str

    def new(self, folder: Path) -> Database:
        """A database in which there is nothing, not even tables; a file stands in that folder."""
        ...

    def empty(self, folder: Path) -> Database:
        """An installation in which there is nothing yet, opened."""
        ...

    def world(self, folder: Path) -> Database:
        """A database that holds the world, opened."""
        ...

    def discard(self, database: Database) -> None:
        """Closes a database, and lets go of what it takes."""
        ...


class SQLiteEngine:
    """Files; the world and the tables are copied."""

    name = SQLITE

    def __init__(self, world_file: Path) -> None:
        self._world_file = world_file

    def new(self, folder: Path) -> Database:
        return SQLiteDatabase(f"sqlite:///{folder}/new.db")

    def empty(self, folder: Path) -> Database:
        # Making the tables takes six times as long.
        template = self._world_file.with_name("tables.db")
        if not template.exists():
            database_at(template).close()
        return copy_world(template, folder / "new.db")

    def world(self, folder: Path) -> Database:
        return copy_world(self._world_file, folder / "astakos.db")

    def discard(self, database: Database) -> None:
        database.close()


class PostgreSQLEngine:
    """Databases of their own on one server; the world and the tables are templates where it has templates."""

    name = POSTGRESQL

    def __init__(self, url: str) -> None:
        self._url = url
        self._administration = psycopg.connect(url, autocommit=True)
        self._numbers = itertools.count(1)
        self._world: str | None = None
        self._tables: str | None = None

    def new(self, folder: Path) -> Database:
        name = self._new_name()
        self._administer("CREATE DATABASE {}", name)
        return PostgreSQLDatabase(self._url_of(name))

    def empty(self, folder: Path) -> Database:
        # Making the tables takes four times as long.
        if self._tables is None:
            self._tables = self._made_tables()
        return self._opened(self._copy(self._tables) or self._made_tables())

    def world(self, folder: Path) -> Database:
        if self._world is None:
            self._world = self._made_world()
        return self._opened(self._copy(self._world) or self._made_world())

    def discard(self, database: Database) -> None:
        database.close()
        self._drop(urlsplit(database.url).path.removeprefix("/"))

    def close(self) -> None:
        for template in filter(None, (self._world, self._tables)):
            self._drop(template)
        self._administration.close()

    def _copy(self, template: str) -> str | None:
        """Makes a database of a template, and returns its name; None where there are no templates."""
        name = self._new_name()
        try:
            self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        except (psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported):
            return None
        return name

    def _made_tables(self) -> str:
        name = self._new_name()
        self._administer("CREATE DATABASE {}", name)
        self._opened(name).close()
        return name

    def _made_world(self) -> str:
        name = self._made_tables()
        database = self._opened(name)
        load(database, world(), LOADED)
        register_own_services(database, BASE_URL, LOADED)
        database.close()
        return name

    def _opened(self, name: str) -> Database:
        database = PostgreSQLDatabase(self._url_of(name))
        database.open()
        return database

    def _new_name(self) -> str:
        return f"astakos_test_{os.getpid()}_{next(self._numbers)}"

    def _url_of(self, name: str) -> str:
        return changed_url(self._url, name)

    def _drop(self, name: str) -> None:
        try:
            self._administer("DROP DATABASE {} WITH (FORCE)", name)
        except psycopg.errors.SyntaxError:
            self._administer("DROP DATABASE {}", name)

    def _administer(self, statement: str, *names: str) -> None:
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        self._administration.execute(composed)


def connected(database: Database) -> PostgreSQLConnection:
    """A new connection to a database that is on PostgreSQL."""
    assert isinstance(database, PostgreSQLDatabase)
    return database.connect()

"""The kinds of database that the tests run on: each makes databases for single tests, quickly."""

import itertools
import os
import shutil
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

    def install(self, database: Database) -> None:
        """Make the tables of a database in which there is nothing, and open it."""
        ...

    def world(self, folder: Path) -> Database:
        """A database that holds the world, opened."""
        ...

    def discard(self, database: Database) -> None:
        """Close a database, and let go of what it takes."""
        ...


class SQLiteEngine:
    """Files; the world and the tables are copied."""

    name = SQLITE

    def __init__(self, world_file: Path) -> None:
        self._world_file = world_file

    def new(self, folder: Path) -> Database:
        return SQLiteDatabase(f"sqlite:///{folder}/new.db")

    def install(self, database: Database) -> None:
        # Making the tables takes six times as long.
        template = self._world_file.with_name("tables.db")
        if not template.exists():
            database_at(template).close()
        shutil.copyfile(template, database.url.removeprefix("sqlite:///"))
        database.open()

    def world(self, folder: Path) -> Database:
        return copy_world(self._world_file, folder / "astakos.db")

    def discard(self, database: Database) -> None:
        database.close()


class PostgreSQLEngine:
    """Databases of their own on one server; the world is a template of them where it has templates."""

    name = POSTGRESQL

    def __init__(self, url: str) -> None:
        self._url = url
        self._administration = psycopg.connect(url, autocommit=True)
        self._numbers = itertools.count(1)
        self._template: str | None = None

    def new(self, folder: Path) -> Database:
        name = self._new_name()
        self._administer("CREATE DATABASE {}", name)
        return PostgreSQLDatabase(self._url_of(name))

    def install(self, database: Database) -> None:
        database.open()

    def world(self, folder: Path) -> Database:
        if self._template is None:
            self._template = self._made_world(folder)
        name = self._new_name()
        try:
            self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, self._template)
        except (psycopg.errors.SyntaxError, psycopg.errors.FeatureNotSupported):
            return PostgreSQLDatabase(self._url_of(self._made_world(folder)))
        database = PostgreSQLDatabase(self._url_of(name))
        database.open()
        return database

    def discard(self, database: Database) -> None:
        database.close()
        self._drop(urlsplit(database.url).path.removeprefix("/"))

    def close(self) -> None:
        if self._template is not None:
            self._drop(self._template)
        self._administration.close()

    def _made_world(self, folder: Path) -> str:
        database = self.new(folder)
        database.open()
        load(database, world(), LOADED)
        register_own_services(database, BASE_URL, LOADED)
        database.close()
        return urlsplit(database.url).path.removeprefix("/")

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

"""SQLAlchemy's engines for databases, for whatever changes or looks at the tables themselves."""

import sqlite3

import sqlalchemy as sa

from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Database
from astakos.storage.schema.alone import EXCLUSIVELY
from astakos.storage.sqlite.sqlite_database import BUSY_SECONDS, SQLiteDatabase


def engine_of(database: Database, *, exclusively: bool = False) -> sa.Engine:
    """Returns an engine for a database.

    Args:
        database: the database.
        exclusively: whether a transaction fails if another process has the SQLite file open.
    """
    if isinstance(database, PostgreSQLDatabase):
        return _postgresql_engine(database)
    if isinstance(database, SQLiteDatabase):
        return _sqlite_engine(database, exclusively=exclusively)
    raise TypeError(f"no migrations for {type(database).__name__}")


def _postgresql_engine(database: PostgreSQLDatabase) -> sa.Engine:
    def connect() -> object:
        connection = database.connect(patient=True)
        connection.raw.autocommit = False
        return connection.raw

    return sa.create_engine("postgresql+psycopg://", creator=connect, poolclass=sa.NullPool)


def _sqlite_engine(database: SQLiteDatabase, *, exclusively: bool) -> sa.Engine:
    """Creates an engine that does not enforce foreign keys, so that migrations can rebuild tables."""

    def connect() -> object:
        return sqlite3.connect(database.path, timeout=BUSY_SECONDS, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)

    # The driver would begin a transaction only before the first change of a row, not for changes of tables.
    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if exclusively:
            connection.exec_driver_sql(EXCLUSIVELY)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine

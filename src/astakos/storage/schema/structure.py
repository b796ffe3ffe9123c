"""Compares the tables and indexes of a database with those that the schema defines."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Index, Table, UniqueConstraint

from astakos.storage.protocol import Connection
from astakos.storage.schema.definition.all_tables import index_statement, metadata
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection

COLUMNS = "SELECT name FROM pragma_table_info(?)"
INDEXES = 'SELECT name, "unique" FROM pragma_index_list(?)'
INDEXED = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
SERVER_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = ?
"""
# A name of null stands for an expression. What is only included in an index comes after its keys.
SERVER_INDEXES = """
SELECT c.relname, i.indisunique, i.indisvalid AND i.indisready, (
    SELECT array_agg(a.attname ORDER BY k.place)
    FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts
)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relname = ? AND t.relnamespace = CAST(current_schema() AS regnamespace)
"""


class Missing(NamedTuple):
    """Something that the schema defines and the database does not have.

    Attributes:
        what: it, in words.
        is_needed: whether nothing works without it; an index only makes reads fast.
        remedy: the statements that create it, while the service runs; "" if that needs more than a statement.
    """

    what: str
    is_needed: bool
    remedy: str = ""


class FoundIndex(NamedTuple):
    """An index as it is in the database.

    Attributes:
        is_unique: whether it refuses rows with the same values.
        is_valid: whether the database uses it.
        columns: the names of its columns.
    """

    is_unique: bool
    is_valid: bool
    columns: tuple[str, ...]


def missing_parts(connection: Connection) -> Iterator[Missing]:
    """Yields what is missing, or is otherwise than the schema defines it."""
    for table in metadata.sorted_tables:
        there = _columns(connection, table.name)
        if not there:
            yield Missing(f"The table {table.name} is missing.", is_needed=True)
            continue
        for column in table.columns:
            if column.name not in there:
                yield Missing(f"The column {column.name} of {table.name} is missing.", is_needed=True)
        found = _indexes(connection, table.name)
        yield from _missing_indexes(table, found, is_server=not isinstance(connection, SQLiteConnection))
        yield from _missing_uniqueness(table, found)


def _missing_indexes(table: Table, found: Mapping[str, FoundIndex], *, is_server: bool) -> Iterator[Missing]:
    for wanted in sorted(table.indexes, key=str):
        name, columns = str(wanted.name), _names(wanted)
        there = found.get(name)
        if there is None:
            told = "is missing"
        elif there.columns != columns:
            told = f"is of {', '.join(there.columns)}, and not of {', '.join(columns)}"
        elif not there.is_valid:
            told = "is not valid, and not used"
        else:
            continue
        creating = _creating(wanted, is_server=is_server)
        remedy = creating if there is None else f"DROP INDEX {name}; {creating}"
        yield Missing(f"The index {name} of {table.name} {told}.", is_needed=False, remedy=remedy)
    for name in sorted(found.keys() - {str(index.name) for index in table.indexes}):
        if not found[name].is_valid:
            told = f"The index {name} of {table.name} is not valid, and not used."
            # One that belongs to no constraint was left by an interrupted REINDEX CONCURRENTLY.
            remedy = "REINDEX INDEX CONCURRENTLY" if found[name].is_unique else "DROP INDEX"
            yield Missing(told, is_needed=False, remedy=f"{remedy} {name}")


def _creating(index: Index, *, is_server: bool) -> str:
    if not is_server:
        return index_statement(index, "sqlite")
    # Otherwise nobody could write to the table meanwhile.
    return index_statement(index, "postgresql").replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY")


def _missing_uniqueness(table: Table, found: Mapping[str, FoundIndex]) -> Iterator[Missing]:
    kept = {frozenset(index.columns) for index in found.values() if index.is_unique and index.is_valid}
    for constraint in sorted(table.constraints, key=str):
        if isinstance(constraint, UniqueConstraint):
            columns = [column.name for column in constraint.columns]
            if frozenset(columns) not in kept:
                told = f"Nothing keeps {', '.join(columns)} of {table.name} unique: a constraint is missing."
                yield Missing(told, is_needed=True)


def _names(index: Index) -> tuple[str, ...]:
    return tuple(column.name for column in index.columns)


def _columns(connection: Connection, table: str) -> set[str]:
    statement = COLUMNS if isinstance(connection, SQLiteConnection) else SERVER_COLUMNS
    return {name for (name,) in connection.execute(statement, (table,)).fetchall()}


def _indexes(connection: Connection, table: str) -> dict[str, FoundIndex]:
    if not isinstance(connection, SQLiteConnection):
        return {
            name: FoundIndex(is_unique, is_valid, tuple(columns))
            for name, is_unique, is_valid, columns in connection.execute(SERVER_INDEXES, (table,)).fetchall()
        }
    return {
        name: FoundIndex(
            bool(is_unique),
            is_valid=True,
            columns=tuple(column for (column,) in connection.execute(INDEXED, (name,)).fetchall()),
        )
        for name, is_unique in connection.execute(INDEXES, (table,)).fetchall()
    }

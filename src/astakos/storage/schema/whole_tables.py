"""Reading and writing whole tables, as the schema describes them; archives consist of these."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any

import msgspec
from sqlalchemy import Boolean, Column, LargeBinary, Table, Text

from astakos.storage.protocol import Connection
from astakos.storage.schema.definition.all_tables import metadata

LEFT_OUT = {"engines", "usage_leaders"}
"""Tables that coordinate the processes running on a database, and mean nothing elsewhere, or that are found
out again."""
ALL_BUT = {"settings": "name NOT IN ('last_serial', 'clock_anchor', 'clock_hold', 'usage_leaders_refreshed')"}
"""Each kind of database counts serials in its own way, so the last serial is transferred separately. What is
recorded about the clock of one machine means nothing on another."""
AT_A_TIME = 1000
"""How many rows are read and written at a time; more are not faster and take more memory."""

Row = Sequence[Any]
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Identifier = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**62)]
"""A number of a primary key: what is new gets a larger one, for which there must be room."""
Flag = Annotated[int, msgspec.Meta(ge=0, le=1)]


@dataclass(frozen=True)
class WholeTable:
    """A table and the statements that read and write all of it.

    Attributes:
        name: the name of the table.
        columns: the names of the columns, in the order of the values in a row.
        key: the positions of the primary key's columns in `columns`.
        row_type: the type of a row, for msgspec; flags are 0 or 1 on every database.
        counting: the statement that counts the rows.
        first_page: the statement that reads the first rows by primary key; its parameter is their number.
        next_page: the same for the rows after a key; the key comes before the number.
        looking: the statement that finds a row if the table has any.
        inserting: the statement that inserts a row.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]
    row_type: Any
    counting: str
    first_page: str
    next_page: str
    looking: str
    inserting: str

    def count(self, connection: Connection) -> int:
        """Counts the rows."""
        (count,) = connection.execute(self.counting).fetchone()
        return int(count)

    def is_empty(self, connection: Connection) -> bool:
        """Whether the table has no rows."""
        return connection.execute(self.looking).fetchone() is None

    def pages(self, connection: Connection) -> Iterator[list[Row]]:
        """Yields all rows in the order of the primary key, in lists of up to `AT_A_TIME`."""
        rows = connection.execute(self.first_page, (AT_A_TIME,)).fetchall()
        while rows:
            yield rows
            last = rows[-1]
            behind = [last[place] for place in self.key]
            rows = connection.execute(self.next_page, (*behind, AT_A_TIME)).fetchall()


def whole_tables() -> list[WholeTable]:
    """Returns all tables of an installation; each comes after the tables that it refers to."""
    return [whole_table(table) for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def whole_table(table: Table, names: Sequence[str] = ()) -> WholeTable:
    """Returns a table with its statements, and its columns in the order of their names, if that is given."""
    columns = [table.columns[name] for name in names] or list(table.columns)
    names = [str(column.name) for column in columns]
    quoted = ", ".join(map(_quoted, names))
    values = ", ".join(map(_read, columns))
    key = [str(column.name) for column in table.primary_key]
    order = ", ".join(map(_quoted, key))
    places = ", ".join("?" * len(key))
    behind = f"({order}) > ({places})" if len(key) > 1 else f"{order} > {places}"
    source = f"FROM {table.name}"
    kept = ALL_BUT.get(table.name)
    where, also = (f" WHERE {kept}", f" AND {kept}") if kept else ("", "")
    return WholeTable(
        name=str(table.name),
        columns=tuple(names),
        key=tuple(map(names.index, key)),
        row_type=GenericAlias(tuple, tuple(map(_type_of, columns))),
        counting=f"SELECT count(*) {source}{where}",
        first_page=f"SELECT {values} {source}{where} ORDER BY {order} LIMIT ?",
        next_page=f"SELECT {values} {source} WHERE {behind}{also} ORDER BY {order} LIMIT ?",
        looking=f"SELECT 1 {source}{where} LIMIT 1",
        inserting=f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))})",
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _read(column: Column[Any]) -> str:
    """Selects a flag as a number, because SQLite stores it as one and PostgreSQL as a boolean."""
    quoted = _quoted(column.name)
    return f"CAST({quoted} AS INTEGER)" if isinstance(column.type, Boolean) else quoted


def _type_of(column: Column[Any]) -> Any:
    value: Any = Identifier if column.primary_key else Number
    if isinstance(column.type, Boolean):
        value = Flag
    elif isinstance(column.type, LargeBinary):
        value = bytes
    elif isinstance(column.type, Text):
        value = str
    return value | None if column.nullable else value

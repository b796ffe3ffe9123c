"""Whole tables, row by row, as the schema describes them: what an archive is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any

import msgspec
from sqlalchemy import Boolean, Column, LargeBinary, Table, Text

from astakos.storage.protocol import Connection
from astakos.storage.schema.definition import metadata

LEFT_OUT = {"engines"}
"""What only processes at work on a database need to know of each other; it means nothing elsewhere."""
ALL_BUT = {"settings": "name <> 'last_serial'"}
"""Serials are counted otherwise on each kind of database, so that the last one is moved by itself."""
AT_A_TIME = 1000
"""How many rows are read and written together: more are not faster, and take more memory."""

Row = Sequence[Any]
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Flag = Annotated[int, msgspec.Meta(ge=0, le=1)]


@dataclass(frozen=True)
class WholeTable:
    """One table, and how all of it is read and written.

    Attributes:
        name: its name.
        columns: their names, in the order of the values of a row.
        key: which of them make up the primary key, by place.
        row_type: what a row consists of, for msgspec; a flag is 0 or 1 everywhere.
        counting: the statement that counts the rows.
        first_page: that finds the first rows by primary key; a number says how many.
        next_page: the same, of the rows behind a key.
        looking: that finds something if there is a row.
        inserting: that adds a row.
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
        """How many rows there are."""
        (count,) = connection.execute(self.counting).fetchone()
        return int(count)

    def is_empty(self, connection: Connection) -> bool:
        """Whether there is no row."""
        return connection.execute(self.looking).fetchone() is None

    def pages(self, connection: Connection, at_a_time: int = AT_A_TIME) -> Iterator[list[Row]]:
        """All rows by primary key, some at a time."""
        rows = connection.execute(self.first_page, (at_a_time,)).fetchall()
        while rows:
            yield rows
            last = rows[-1]
            behind = [last[place] for place in self.key]
            rows = connection.execute(self.next_page, (*behind, at_a_time)).fetchall()


def whole_tables() -> list[WholeTable]:
    """All tables of an installation, each behind those that it refers to."""
    return [_whole(table) for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def _whole(table: Table) -> WholeTable:
    names = [str(column.name) for column in table.columns]
    quoted = ", ".join(map(_quoted, names))
    values = ", ".join(map(_read, table.columns))
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
        row_type=GenericAlias(tuple, tuple(map(_type_of, table.columns))),
        counting=f"SELECT count(*) {source}{where}",
        first_page=f"SELECT {values} {source}{where} ORDER BY {order} LIMIT ?",
        next_page=f"SELECT {values} {source} WHERE {behind}{also} ORDER BY {order} LIMIT ?",
        looking=f"SELECT 1 {source}{where} LIMIT 1",
        inserting=f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))})",
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _read(column: Column[Any]) -> str:
    """A flag is a number in one kind of database and a kind of its own in another."""
    quoted = _quoted(column.name)
    return f"CAST({quoted} AS INTEGER)" if isinstance(column.type, Boolean) else quoted


def _type_of(column: Column[Any]) -> Any:
    value: Any = Number
    if isinstance(column.type, Boolean):
        value = Flag
    elif isinstance(column.type, LargeBinary):
        value = bytes
    elif isinstance(column.type, Text):
        value = str
    return value | None if column.nullable else value

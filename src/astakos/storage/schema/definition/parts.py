"""What tables are defined with: kinds of columns and indexes, for all databases."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    true,
)
from sqlalchemy import text as sql
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

# SQLite's STRICT tables have no BIGINT and no BOOLEAN; INTEGER holds both.
NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
FLAG: TypeEngine[bool] = Boolean().with_variant(Integer(), "sqlite")

metadata = MetaData()
"""What all tables belong to. Import it from `all_tables`, which imports every module that defines some."""


def table(name: str, *parts: SchemaItem, has_rowid: bool = True, **options: Any) -> Table:
    """Defines a table.

    Args:
        name: the name.
        *parts: columns, constraints and indexes.
        has_rowid: whether SQLite stores the rows in the order of a number of its own; otherwise, in that of
            the primary key, which saves an index if that key is not an integer.
        **options: what only one database knows, as SQLAlchemy names it.
    """
    if not has_rowid:
        options["sqlite_with_rowid"] = False
    return Table(name, metadata, *parts, sqlite_strict=True, **options)


def partial_index(name: str, *columns: str, where: str) -> Index:
    """Defines an index of those rows alone that fulfill the condition `where`, in SQL."""
    return Index(name, *columns, sqlite_where=sql(where), postgresql_where=sql(where))


def identifier() -> Column[Any]:
    """Defines the primary key `id`, which the database numbers."""
    return Column("id", NUMBER, Identity(), primary_key=True)


def reference(
    name: str, target: str, *, nullable: bool = False, primary_key: bool = False, ends_with_it: bool = False
) -> Column[Any]:
    """Defines a column that refers to the row of a table, such as ``users.id``.

    With `ends_with_it`, the database deletes the row that refers together with the one it refers to.
    """
    rule = "CASCADE" if ends_with_it else None
    return Column(name, NUMBER, ForeignKey(target, ondelete=rule), nullable=nullable, primary_key=primary_key)


def text(
    name: str, *, nullable: bool = False, unique: bool = False, primary_key: bool = False
) -> Column[Any]:
    """Defines a column of text."""
    return Column(name, Text, nullable=nullable, unique=unique, primary_key=primary_key)


def number(
    name: str,
    *,
    nullable: bool = False,
    unique: bool = False,
    primary_key: bool = False,
    default: int | None = None,
) -> Column[Any]:
    """Defines a column of integers, up to 64 bits; instants are microseconds."""
    return Column(
        name,
        NUMBER,
        nullable=nullable,
        unique=unique,
        primary_key=primary_key,
        autoincrement=False,
        server_default=None if default is None else sql(str(default)),
    )


def flag(name: str, *, nullable: bool = False, default: bool | None = None) -> Column[Any]:
    """Defines a column that is true or false."""
    value = None if default is None else true() if default else false()
    return Column(name, FLAG, nullable=nullable, server_default=value)


def binary(
    name: str, *, nullable: bool = False, unique: bool = False, primary_key: bool = False
) -> Column[Any]:
    """Defines a column of bytes, such as the hash of a secret."""
    return Column(name, LargeBinary, nullable=nullable, unique=unique, primary_key=primary_key)


def own_token() -> tuple[Column[Any], ...]:
    """Defines the columns of the one token that a row has; a hash of null is no token."""
    return (
        binary("token_hash", nullable=True, unique=True),
        number("token_created", nullable=True),
        number("token_expires", nullable=True),
    )

"""Finds holdings, and sets their limits."""

from collections.abc import Iterable
from typing import NamedTuple

from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Connection

COLUMNS = 'id, holder, source, resource, "limit", usage_min, usage_max'
FIND = f"SELECT {COLUMNS} FROM holdings WHERE holder = ? AND source = ? AND resource = ?"
FIND_BY_ID = f"SELECT {COLUMNS} FROM holdings WHERE id = ?"
SET_LIMIT = """
INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max) VALUES (?, ?, ?, ?, 0, 0)
ON CONFLICT (holder, source, resource) DO UPDATE SET "limit" = excluded."limit"
WHERE holdings."limit" <> excluded."limit"
"""


class Row(NamedTuple):
    """A holding with its id; holdings are never deleted, so an id always means the same key."""

    id: int
    key: Key
    holding: Holding


def stored_source(source: str | None) -> str:
    """Return the stored form of a source; null is stored as ''."""
    return "" if source is None else source


def read_source(stored: str) -> str | None:
    """Return the source for its stored form."""
    return stored or None


def find(connection: Connection, key: Key) -> Row | None:
    """Find a holding by its key."""
    # No holding can have a source of ""; the query would match the one whose source is null.
    if key.source == "":
        return None
    where = (key.holder, stored_source(key.source), key.resource)
    row = connection.execute(FIND, where).fetchone()
    return None if row is None else _row(row)


def find_by_id(connection: Connection, identifier: int) -> Row:
    """Return the holding with an id that a commission refers to."""
    return _row(connection.execute(FIND_BY_ID, (identifier,)).fetchone())


def _row(row: tuple[int, str, str, str, int, int, int]) -> Row:
    identifier, holder, source, resource, *figures = row
    return Row(identifier, Key(holder, read_source(source), resource), Holding(*figures))


def set_limits(connection: Connection, limits: Iterable[tuple[Key, int]]) -> None:
    """Set limits; create missing holdings without usage. Never changes usage (`quota-semantics.md` §5)."""
    connection.executemany(
        SET_LIMIT, ((key.holder, stored_source(key.source), key.resource, limit) for key, limit in limits)
    )

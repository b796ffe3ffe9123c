"""Finds holdings, with the limits that apply."""

from collections.abc import Iterable
from typing import NamedTuple

from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Connection

# A project's holding stores what each member may use, and a member's whether the member draws
# (`projects/limits.py`). In statements, `h` is the one and `p` the other; without `p`, `h` stands alone.
LIMIT = 'CASE WHEN p.member_limit < h."limit" THEN p.member_limit ELSE h."limit" END'
PROJECT_LEVEL = "LEFT JOIN holdings p ON p.holder = h.source AND p.source = '' AND p.resource = h.resource"

FINDING = f"""
SELECT h.id, h.holder, h.source, h.resource, {LIMIT}, h.usage_min, h.usage_max, h.mark, h.parent_id
FROM holdings h {PROJECT_LEVEL}
"""
FIND = f"{FINDING} WHERE h.holder = ? AND h.source = ? AND h.resource = ?"
FIND_BY_ID = f"{FINDING} WHERE h.id = ?"

IDS_AT_A_TIME = 50
"""How many ids one statement looks up."""
FIND_KEYS = (
    f"SELECT id, holder, source, resource FROM holdings WHERE id IN ({', '.join('?' * IDS_AT_A_TIME)})"
)

IDS_OF_HOLDER = "SELECT id FROM holdings WHERE holder = ?"


class Row(NamedTuple):
    """A holding with its id; holdings are never deleted, so an id always means the same key.

    `mark` is set for holdings of meters only; see `astakos.ledger.meters.Forgiven`. `parent` is the id of the
    holding above a project's, if the project has a parent.
    """

    id: int
    key: Key
    holding: Holding
    mark: int | None = None
    parent: int | None = None


def stored_source(source: str | None) -> str:
    """Returns the stored form of a source; null is stored as ''."""
    return "" if source is None else source


def read_source(stored: str) -> str | None:
    """Returns the source for its stored form."""
    return stored or None


def find(connection: Connection, key: Key) -> Row | None:
    """Finds a holding by its key."""
    # No holding can have a source of ""; the query would match the one whose source is null.
    if key.source == "":
        return None
    where = (key.holder, stored_source(key.source), key.resource)
    row = connection.execute(FIND, where).fetchone()
    return None if row is None else _row(row)


def find_by_id(connection: Connection, identifier: int) -> Row:
    """Returns the holding with an id that a commission refers to."""
    return _row(connection.execute(FIND_BY_ID, (identifier,)).fetchone())


def ids_of_holder(connection: Connection, holder: str) -> list[int]:
    """Returns the ids of all holdings of a holder."""
    return [identifier for (identifier,) in connection.execute(IDS_OF_HOLDER, (holder,)).fetchall()]


def keys_by_id(connection: Connection, identifiers: Iterable[int]) -> dict[int, Key]:
    """Returns the keys of holdings with some ids."""
    wanted = list(dict.fromkeys(identifiers))
    found: dict[int, Key] = {}
    for start in range(0, len(wanted), IDS_AT_A_TIME):
        part = wanted[start : start + IDS_AT_A_TIME]
        part += part[-1:] * (IDS_AT_A_TIME - len(part))
        for identifier, holder, source, resource in connection.execute(FIND_KEYS, part).fetchall():
            found[identifier] = Key(holder, read_source(source), resource)
    return found


def _row(row: tuple[int, str, str, str, int, int, int, int | None, int | None]) -> Row:
    identifier, holder, source, resource, limit, usage_min, usage_max, mark, parent = row
    key = Key(holder, read_source(source), resource)
    return Row(identifier, key, Holding(limit, usage_min, usage_max), mark, parent)

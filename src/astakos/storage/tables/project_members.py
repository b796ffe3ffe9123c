"""The members of one project, and who has asked to be one, as owners look for them, page by page."""

from collections.abc import Collection
from typing import NamedTuple

from astakos.projects.project import MembershipRecord, MembershipState
from astakos.storage.protocol import Connection
from astakos.storage.tables.memberships import record_of
from astakos.storage.texts import is_storable

MOST_LOOKED_AT = 20_000
"""How many memberships one page examines at most."""
WINDOW = f"""
SELECT id, user_id, state, entered FROM memberships
WHERE project_id = (SELECT id FROM projects WHERE uuid = ?) AND id > ? ORDER BY id LIMIT {MOST_LOOKED_AT}
"""
BOUND = f"SELECT MAX(id), COUNT(*) FROM ({WINDOW}) AS looked_at"
LIST = f"""
SELECT m.id, u.uuid, m.state, m.entered, u.email, u.first_name || ' ' || u.last_name
FROM ({WINDOW}) AS m JOIN users u ON u.id = m.user_id
"""
MATCHING = (
    "(u.username LIKE ? ESCAPE '!' OR lower(u.first_name || ' ' || u.last_name) LIKE lower(?) ESCAPE '!')"
)


class FoundMember(NamedTuple):
    """A membership, with the address and the name of the user."""

    record: MembershipRecord
    email: str
    name: str


class MemberPage(NamedTuple):
    """Memberships, and the id after which the next page begins; None on the last page."""

    found: list[FoundMember]
    end: int | None


def find_members(
    connection: Connection,
    project: str,
    states: Collection[MembershipState],
    *,
    search: str,
    after: int,
    most: int,
) -> MemberPage:
    """Returns a page of the memberships of a project, in the order of their ids.

    Args:
        connection: where to read.
        project: the uuid of the project.
        states: only memberships in these states.
        search: part of an address or of a name, in any case; "" for all.
        after: the `end` of the page before.
        most: how many memberships at most.
    """
    if not is_storable(search):
        return MemberPage([], None)
    pattern = f"%{search.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
    places = ", ".join("?" * len(states))
    rows = connection.execute(
        f"{LIST} WHERE {MATCHING} AND m.state IN ({places}) ORDER BY m.id LIMIT ?",
        (project, after, pattern.lower(), pattern, *states, most + 1),
    ).fetchall()
    found = [
        FoundMember(record_of(identifier, user, project, state, entered), email, name.strip())
        for identifier, user, state, entered, email, name in rows
    ]
    if len(found) > most:
        return MemberPage(found[:most], found[most - 1].record.id)
    (last, looked_at) = connection.execute(BOUND, (project, after)).fetchone()
    return MemberPage(found, last if looked_at == MOST_LOOKED_AT else None)

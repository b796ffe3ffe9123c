"""Finds users by what administrators know of them, page by page.

No page examines more rows than a bound, so that a search with few matches is not one long read.
"""

from typing import Any, NamedTuple

from astakos.directory.account_states import AccountState, state_of
from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from astakos.storage.tables.users import COLUMNS, read_user
from astakos.storage.texts import is_storable

MOST_LOOKED_AT = 50_000
"""How many users one page examines at most: some 30 ms on SQLite. It then ends even if it is not full."""

OF_STATE = {
    AccountState.UNVERIFIED: "NOT is_active AND NOT email_verified",
    AccountState.WAITING: "NOT is_active AND email_verified AND NOT moderated",
    AccountState.REJECTED: "NOT is_active AND email_verified AND moderated AND is_rejected",
    AccountState.ACTIVE: "is_active",
    AccountState.INACTIVE: "NOT is_active AND email_verified AND moderated AND NOT is_rejected",
}
"""The conditions of `directory.account_states.state_of`."""
RARE = "NOT is_active"
"""What the index of users who are not active contains; see `storage/schema/definition/users.py`."""
# Usernames are stored in lower case. Of names, only the database knows how it makes them lower case.
MATCHING = "(username LIKE ? ESCAPE '!' OR lower(first_name || ' ' || last_name) LIKE lower(?) ESCAPE '!')"


class UserPage(NamedTuple):
    """Users in the order in which they were added.

    Attributes:
        users: the users.
        end: the id after which the next page begins; None on the last page. A page can end before it is full.
    """

    users: list[User]
    end: int | None


def find_users(
    connection: Connection,
    *,
    search: str = "",
    state: AccountState | None = None,
    after: int = 0,
    most: int = 50,
) -> UserPage:
    """Returns a page of users.

    Args:
        connection: where to read.
        search: a UUID or an email address, which only finds that user; or part of an address or of a name,
            in any case.
        state: only users in this state.
        after: the `end` of the page before.
        most: how many users at most.
    """
    text = search.strip()
    if not is_storable(text):
        return UserPage([], None)
    exact = users.find_by_uuid(connection, text.lower()) or users.find_by_username(connection, text)
    if text and exact is not None:
        found = after == 0 and state in (None, state_of(exact))
        return UserPage([exact] if found else [], None)
    if not text and state is None:
        every = f"SELECT {COLUMNS} FROM users WHERE id > ? ORDER BY id LIMIT ?"
        return _page(connection.execute(every, (after, most + 1)).fetchall(), most, None)
    conditions: list[str] = []
    values: list[Any] = []
    rare = state is not None and state is not AccountState.ACTIVE
    if state is not None:
        conditions.append(OF_STATE[state])
    if text:
        conditions.append(MATCHING)
        values += [f"%{_escaped(text.lower())}%", f"%{_escaped(text)}%"]
    where = " AND ".join(conditions)
    # The inner condition is the index's own, so that rare states are found without reading the others.
    looked_at = f"SELECT id FROM users WHERE {RARE + ' AND ' if rare else ''}id > ? ORDER BY id LIMIT ?"
    (last, number) = connection.execute(
        f"SELECT max(id), count(*) FROM ({looked_at}) AS page", (after, MOST_LOOKED_AT)
    ).fetchone()
    if not number:
        return UserPage([], None)
    inner = f"{RARE} AND id > ? AND id <= ?" if rare else "id > ? AND id <= ?"
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM users WHERE {inner} AND {where} ORDER BY id LIMIT ?",
        (after, last, *values, most + 1),
    ).fetchall()
    return _page(rows, most, last if number == MOST_LOOKED_AT else None)


def _page(rows: list[tuple[Any, ...]], most: int, looked_at: int | None) -> UserPage:
    page = [read_user(row) for row in rows[:most]]
    return UserPage(page, page[-1].id if len(rows) > most else looked_at)


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")

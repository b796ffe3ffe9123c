"""`ui/admin/users`: finds users by name, address or UUID, and by the state of their account."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.directory.account_states import AccountState, state_of
from astakos.directory.entities import User
from astakos.http.pages.filters import chosen_of
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.users.visited_user import USERS
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages import tables
from astakos.storage.protocol import Connection
from astakos.storage.tables import user_records
from astakos.storage.tables.user_search import find_users

ROWS: Final = 50
LARGEST_ID: Final = 2**63 - 1
STATES: Final = (
    (AccountState.WAITING, "Waiting"),
    (AccountState.ACTIVE, "Active"),
    (AccountState.INACTIVE, "Inactive"),
    (AccountState.REJECTED, "Rejected"),
    (AccountState.UNVERIFIED, "Not verified"),
)


class ShownUser(NamedTuple):
    """A row of the table."""

    uuid: str
    name: str
    email: str
    state: AccountState
    joined: int | None


class Found(NamedTuple):
    """The users of a page; and where the next page begins, None on the last one."""

    users: Sequence[ShownUser]
    end: int | None


async def user_list(visit: UserVisit) -> Answer:
    """Shows the page."""
    query = visit.request.query
    errors: dict[str, str] = {}
    chosen = chosen_of([state.value for state, _ in STATES], query.get("state", ""), "state", errors)
    wanted = AccountState(chosen) if chosen else None
    kept = {} if wanted is None else {"state": wanted.value}
    after = _position(query.get("after", ""))
    if query.get("q", "").strip():
        kept["q"] = query["q"].strip()[: tables.LONGEST_SEARCH]
    state = tables.state_of(kept, f"{visit.site.base}{USERS}", [], sort="", size=ROWS)
    if errors:
        return _page(visit, state, Found([], None), wanted, error=errors["state"])
    # A search looks through up to 50,000 users.
    found = await visit.service.read_much(_find, state.search, wanted, after)
    return _page(visit, state, found, wanted, is_later=after > 0)


def _page(
    visit: UserVisit,
    state: tables.TableState,
    found: Found,
    wanted: AccountState | None,
    *,
    is_later: bool = False,
    error: str = "",
) -> Answer:
    return visit.page(
        "users/list.html",
        state=state,
        found=found,
        error=error,
        is_later=is_later,
        choices=[
            (label, state.address(state=value), not error and value == (wanted.value if wanted else ""))
            for value, label in (("", "All"), *((one.value, label) for one, label in STATES))
        ],
    )


def _position(text: str) -> int:
    return min(int(text), LARGEST_ID) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _find(connection: Connection, search: str, state: AccountState | None, after: int) -> Found:
    page = find_users(connection, search=search, state=state, after=after, most=ROWS)
    return Found([_shown(connection, user) for user in page.users], page.end)


def _shown(connection: Connection, user: User) -> ShownUser:
    joined = user_records.find(connection, user.id).date_joined
    return ShownUser(user.uuid, user.name.strip(), user.email, state_of(user), joined)


ROUTES = (administrator_page(USERS, user_list),)

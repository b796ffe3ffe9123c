"""Projects and members are found page by page, and each page looks at a bounded number of rows."""

import pytest

from astakos.projects.project import MembershipState, ProjectState
from astakos.storage.protocol import Database
from astakos.storage.tables import project_search
from astakos.storage.tables.project_members import find_members
from astakos.storage.tables.project_search import Order, find_joinable, find_projects
from astakos.storage.tables.user_search import find_users
from service.installation import rows
from service.world import ALICE, LAB

pytestmark = pytest.mark.every_engine


def names(
    database: Database, *, order: Order, search: str = "", state: ProjectState | None = None
) -> list[str]:
    """All pages, of two projects each."""
    found: list[str] = []
    after = None
    with database.snapshot() as reader:
        for _ in range(100):
            page = find_projects(reader, search=search, state=state, order=order, after=after, most=2)
            found += [one.name for one in page.found]
            after = page.end
            if after is None:
                return found
    raise AssertionError("the pages have no end")


def test_pages_have_every_project_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = [str(name) for (name,) in rows(database, "SELECT name FROM projects WHERE NOT system_project")]
    assert len(stored) > 2
    for bound in (1, 3, 20_000):
        monkeypatch.setattr(project_search, "MOST_LOOKED_AT", bound)
        assert names(database, order=Order.NAME) == sorted(stored)
        assert sorted(names(database, order=Order.NEWEST)) == sorted(stored)
        for order in Order:
            active = names(database, order=order, state=ProjectState.ACTIVE)
            assert 0 < len(active) < len(stored)
            assert set(active) <= set(stored)
            assert names(database, order=order, search=stored[0][1:].upper()) == [
                name for name in names(database, order=order) if stored[0][1:] in name
            ]


def test_what_one_belongs_to_is_not_there_to_join(database: Database) -> None:
    ((number,),) = rows(database, "SELECT id FROM users WHERE uuid = ?", ALICE.uuid)
    with database.snapshot() as reader:
        found = find_joinable(reader, int(number), search="", after=None, most=100)  # type: ignore[call-overload]
        assert found.end is None
        assert LAB not in [one.uuid for one in found.found]
        assert all(one.state is ProjectState.ACTIVE and one.join_policy != "closed" for one in found.found)
        nobody = find_joinable(reader, 0, search="", after=None, most=100)
        assert LAB in [one.uuid for one in nobody.found]


def test_members_are_found_by_address_and_name(database: Database) -> None:
    states = list(MembershipState)
    with database.snapshot() as reader:
        everybody = find_members(reader, LAB, states, search="", after=0, most=100)
        assert len(everybody.found) > 1
        first = everybody.found[0]
        found: list[str] = []
        after: int | None = 0
        while after is not None:
            page = find_members(reader, LAB, states, search="", after=after, most=1)
            found += [one.email for one in page.found]
            after = page.end
        assert found == [one.email for one in everybody.found]
        for search in (first.email.upper(), first.email[:4]):
            page = find_members(reader, LAB, states, search=search, after=0, most=100)
            assert first in page.found
        assert find_members(reader, LAB, states, search="%", after=0, most=100).found == []


@pytest.mark.parametrize("search", ["äPFEL", "ÄPFEL & söhne", "&"])
def test_letters_beyond_ascii_are_found_in_any_case(database: Database, search: str) -> None:
    rows(database, "UPDATE projects SET name = 'ÄPFEL & Söhne' WHERE uuid = ?", LAB)
    rows(database, "UPDATE users SET first_name = 'ÄPFEL &', last_name = 'Söhne' WHERE uuid = ?", ALICE.uuid)
    with database.snapshot() as reader:
        assert [one.uuid for one in find_projects(reader, search=search).found] == [LAB]
        assert [one.uuid for one in find_users(reader, search=search).users] == [ALICE.uuid]
        members = find_members(reader, LAB, list(MembershipState), search=search, after=0, most=9)
        assert [one.record.user for one in members.found] == [ALICE.uuid]

"""Moving projects whose parents were reconciled to less than their children use: levels agree afterwards."""

import contextlib

import pytest

from astakos.administration.load import load
from astakos.administration.nesting import move_project
from astakos.administration.state_document import CapacityEntry, MemberEntry, ProjectEntry, StateDocument
from astakos.doctor.figures import look_at_levels
from astakos.doctor.findings import Examined
from astakos.events.event import OPERATOR
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Outcome, Reconcile, Resolve
from astakos.ledger.rules import Key, Provision
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Connection, Database
from service.installation import holdings
from service.world import ALICE, FAR, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

COMPUTE = 1
ORGANIZATION, DEPARTMENT, TEAM, OTHER = (
    f"000000c{number}-0000-4000-8000-0000000000c{number}" for number in range(4)
)
PARENTS = {ORGANIZATION: None, DEPARTMENT: ORGANIZATION, TEAM: DEPARTMENT, OTHER: DEPARTMENT}
TREE = [project_key(uuid) for uuid in PARENTS]
MEMBER = member_key(ALICE, DEPARTMENT)


@pytest.fixture
def tree(database: Database) -> Database:
    """A department of an organization has two teams, which use 6 and 4, and a member."""
    capacity = CapacityEntry(project_capacity=12, member_capacity=12)
    projects = [
        ProjectEntry(
            uuid=uuid,
            name=f"p{number}.example.org",
            end_date=FAR,
            parent=parent,
            resources={VM: capacity},
            members=[MemberEntry(ALICE.uuid)] if uuid == DEPARTMENT else [],
        )
        for number, (uuid, parent) in enumerate(PARENTS.items())
    ]
    load(database, StateDocument(projects=projects), LOADED)
    charge(database, (project_key(TEAM), 6))
    charge(database, (project_key(OTHER), 4))
    assert usage(database) == [10, 10, 6, 4]
    return database


def carried_out(database: Database, operation: Issue | Reconcile | Resolve) -> Outcome:
    with contextlib.closing(ledger_storage(database)) as store:
        (outcome,) = perform(store, [operation], LOADED)
    return outcome


def charge(database: Database, *provisions: tuple[Key, int], auto_accept: bool = True) -> None:
    asked = tuple(Provision(*one) for one in provisions)
    carried_out(database, Issue(COMPUTE, asked, auto_accept=auto_accept))


def tell(database: Database, **usage: int) -> None:
    """Reconcile the usage of some projects, by name."""
    keys = dict(zip(("organization", "department", "team", "other"), TREE, strict=True))
    told = tuple(Provision(keys[name], actual) for name, actual in usage.items())
    carried_out(database, Reconcile(COMPUTE, told, mend=True))


def usage(database: Database) -> list[int]:
    found = holdings(database)
    return [found[key].usage_max for key in TREE]


def move(database: Database, project: str, parent: str | None, *, force: bool = False) -> None:
    def change(connection: Connection) -> None:
        move_project(connection, OPERATOR, project, parent, "", LOADED, force=force)

    database.change(change)


def apart(database: Database) -> list[str]:
    """What the doctor says of levels that do not agree."""
    with database.snapshot() as connection:
        examined = Examined(database, connection, LOADED, None, lambda *_: None)
        return [finding.text for finding in look_at_levels(examined)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # Two were released at the department alone. They are of what leaves, since four stay.
        ({"department": 8}, [4, 4, 6, 4]),
        # Even less than stays.
        ({"department": 3}, [4, 4, 6, 4]),
        ({"organization": 1}, [4, 4, 6, 4]),
        ({"department": 5, "organization": 3}, [4, 4, 6, 4]),
        # What was charged to a project itself stays there.
        ({"department": 11}, [5, 5, 6, 4]),
        ({"organization": 12}, [6, 4, 6, 4]),
    ],
)
def test_what_was_released_above_is_taken_from_what_leaves(
    tree: Database, told: dict[str, int], expected: list[int]
) -> None:
    tell(tree, **told)
    move(tree, TEAM, None)
    assert usage(tree) == expected
    assert apart(tree) == []


def test_what_moves_up_is_charged_there_in_full(tree: Database) -> None:
    tell(tree, department=3)
    assert usage(tree) == [3, 3, 6, 4]
    move(tree, TEAM, ORGANIZATION)
    assert usage(tree) == [10, 4, 6, 4]
    assert apart(tree) == []


def test_where_a_project_enters_what_is_already_below_is_charged_with_it(tree: Database) -> None:
    move(tree, TEAM, None)
    tell(tree, department=1)
    move(tree, TEAM, DEPARTMENT)
    assert usage(tree) == [10, 10, 6, 4]
    assert apart(tree) == []


def test_what_members_use_stays_with_their_project(tree: Database) -> None:
    charge(tree, (MEMBER, 2), (project_key(DEPARTMENT), 2))
    tell(tree, department=7)
    assert apart(tree)
    move(tree, TEAM, None)
    assert usage(tree) == [6, 6, 6, 4]
    assert apart(tree) == []


def test_where_nothing_changes_above_nothing_is_corrected_there(tree: Database) -> None:
    tell(tree, department=0)
    charge(tree, (project_key(OTHER), 8))
    charge(tree, (project_key(DEPARTMENT), 4))
    tell(tree, organization=1)
    # The other team uses 12, so all that leaves was released at the department before.
    move(tree, TEAM, None)
    assert usage(tree) == [1, 12, 6, 12]


def test_a_parent_without_room_for_those_that_stay_refuses_until_it_is_forced(tree: Database) -> None:
    tell(tree, department=1)
    charge(tree, (project_key(OTHER), 8))
    tell(tree, department=0, organization=0)
    charge(tree, (MEMBER, 12), (project_key(DEPARTMENT), 12))
    # 12 of the member and 12 of the other team would stay.
    before = usage(tree)
    with pytest.raises(ProjectRefusedError, match=r"has no room for 12 of compute\.vm: 12 of 12 are in use"):
        move(tree, TEAM, None)
    assert usage(tree) == before
    move(tree, TEAM, None, force=True)
    assert usage(tree) == [24, 24, 6, 12]
    assert apart(tree) == []


def test_what_is_released_above_and_pending_is_not_taken_away_twice(tree: Database) -> None:
    charge(tree, (project_key(ORGANIZATION), 2))
    charge(tree, (project_key(DEPARTMENT), -9), auto_accept=False)
    move(tree, TEAM, None)
    # One of the six was left at the department, and so no more leaves the organization.
    assert [holdings(tree)[key].usage_max for key in TREE] == [11, 9, 6, 4]
    assert apart(tree) == []

from concurrent.futures import ThreadPoolExecutor

import pytest

from astakos.administration.load import load
from astakos.administration.membership_changes import act, enroll, join
from astakos.administration.state_document import ProjectEntry, StateDocument
from astakos.events.event import OPERATOR, Actor
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import MembershipRecord, MembershipState
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Database
from astakos.storage.tables import memberships, users
from service.installation import all_rows, holdings, rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    EDGAR,
    FAY,
    HALTED,
    IVAN,
    LAB,
    LOADED,
    UNKNOWN_UUID,
    Person,
    member_key,
    projects,
)

pytestmark = pytest.mark.every_engine

S = MembershipState
NOW = 2_000_000_000_000_000
OWNER = Actor(ALICE.uuid, "192.0.2.1")


def joined(database: Database, person: Person, project: str = LAB, now: int = NOW) -> int:
    return database.change(
        lambda connection: join(connection, Actor(person.uuid, "192.0.2.7"), project, person.uuid, now)
    )


def acted(
    database: Database, membership: int, action: MembershipAction, now: int = NOW, actor: Actor = OWNER
) -> MembershipState:
    return database.change(lambda connection: act(connection, actor, membership, action, now, reason="so"))


def record(database: Database, membership: int) -> MembershipRecord:
    found = database.read(lambda connection: memberships.find(connection, membership))
    assert found is not None
    return found


def limit(database: Database, person: Person) -> int | None:
    found = holdings(database).get(member_key(person))
    return None if found is None else found.limit


def events(database: Database) -> list[tuple[object, ...]]:
    return rows(
        database,
        "SELECT kind, actor, origin, project, subject, reason, before, after FROM events WHERE time <> ? "
        "ORDER BY id",
        LOADED,
    )


def test_a_member_comes_and_goes(database: Database) -> None:
    membership = joined(database, EDGAR)
    assert record(database, membership) == MembershipRecord(
        membership, EDGAR.uuid, LAB, S.REQUESTED, {S.REQUESTED: NOW}
    )
    assert limit(database, EDGAR) is None
    assert acted(database, membership, MembershipAction.ACCEPT, NOW + 1) is S.ACCEPTED
    assert limit(database, EDGAR) == 10
    assert acted(database, membership, MembershipAction.REMOVE, NOW + 2) is S.REMOVED
    assert limit(database, EDGAR) == 0
    assert joined(database, EDGAR, now=NOW + 3) == membership
    assert record(database, membership).entered == {
        S.REQUESTED: NOW,
        S.ACCEPTED: NOW + 1,
        S.REMOVED: NOW + 2,
    }


def test_each_change_is_told_in_the_audit_log(database: Database) -> None:
    membership = joined(database, EDGAR)
    acted(database, membership, MembershipAction.ACCEPT, actor=OPERATOR)
    assert events(database) == [
        (
            "membership.requested",
            EDGAR.uuid,
            "192.0.2.7",
            LAB,
            EDGAR.uuid,
            "",
            None,
            '{"state": "requested"}',
        ),
        (
            "membership.accepted",
            None,
            "command",
            LAB,
            EDGAR.uuid,
            "so",
            '{"state": "requested"}',
            '{"state": "accepted"}',
        ),
    ]


def test_where_everybody_may_join_a_request_is_accepted_at_once(database: Database) -> None:
    rows(database, "UPDATE projects SET join_policy = 'auto' WHERE uuid = ?", LAB)
    membership = joined(database, EDGAR)
    assert record(database, membership).entered == {S.REQUESTED: NOW, S.ACCEPTED: NOW}
    assert [kind for kind, *_ in events(database)] == ["membership.requested", "membership.accepted"]
    assert limit(database, EDGAR) == 10


def test_without_room_it_stays_a_request(database: Database) -> None:
    rows(database, "UPDATE projects SET join_policy = 'auto', max_members = 2 WHERE uuid = ?", LAB)
    assert record(database, joined(database, EDGAR)).state is S.REQUESTED


def test_suspended_members_take_up_a_place(database: Database) -> None:
    rows(database, "UPDATE projects SET join_policy = 'auto', max_members = 2 WHERE uuid = ?", LAB)
    suspended = (
        "UPDATE memberships SET state = 'suspended' WHERE user_id IN (SELECT id FROM users WHERE uuid = ?)"
    )
    rows(database, suspended, BOB.uuid)
    assert record(database, joined(database, EDGAR)).state is S.REQUESTED


def test_enrolled_users_are_members_without_asking(database: Database) -> None:
    membership = database.change(
        lambda connection: enroll(connection, OWNER, LAB, EDGAR.email, NOW, reason="needed")
    )
    assert record(database, membership).entered == {S.ACCEPTED: NOW}
    assert limit(database, EDGAR) == 10
    ((kind, *_, reason, before, after),) = events(database)
    assert (kind, reason, before, after) == ("membership.enrolled", "needed", None, '{"state": "accepted"}')


@pytest.mark.parametrize("address", [BOB.email.lower(), "nobody@example.org", "no\0body"])
def test_only_the_exact_address_enrolls(database: Database, address: str) -> None:
    with pytest.raises(ProjectRefusedError, match="exactly this email address"):
        database.change(lambda connection: enroll(connection, OWNER, HALTED, address, NOW))


def test_projects_have_numbers_too(database: Database) -> None:
    ((number,),) = rows(database, "SELECT id FROM projects WHERE uuid = ?", LAB)
    assert record(database, joined(database, CHLOE, str(number))).project == LAB


def test_whoever_leaves_draws_from_their_own_project_again(database: Database) -> None:
    rows(database, "UPDATE users SET default_project = ? WHERE uuid = ?", LAB, BOB.uuid)
    ((membership,),) = rows(
        database,
        "SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id "
        "JOIN projects p ON p.id = m.project_id WHERE u.uuid = ? AND p.uuid = ?",
        BOB.uuid,
        LAB,
    )
    assert isinstance(membership, int)
    acted(database, membership, MembershipAction.LEAVE, actor=Actor(BOB.uuid, "192.0.2.1"))
    bob = database.read(lambda connection: users.find_by_uuid(connection, BOB.uuid))
    assert bob is not None
    assert bob.default_project == BOB.uuid
    assert limit(database, BOB) == 0


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("project", [UNKNOWN_UUID, "", "0", "9" * 18, "9" * 5000, "²", "a\0b"])
def test_an_unknown_project_is_refused_and_nothing_changes(database: Database, project: str) -> None:
    before = all_rows(database)
    with pytest.raises(ProjectRefusedError, match="no such project"):
        joined(database, EDGAR, project)
    assert all_rows(database) == before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("membership", [0, -1, 10**9, 2**63 - 1, 2**63, 2**70])
def test_an_unknown_membership_is_refused(database: Database, membership: int) -> None:
    with pytest.raises(ProjectRefusedError, match=f"no membership {membership}"):
        acted(database, membership, MembershipAction.ACCEPT)


def lab_of(*people: Person) -> ProjectEntry:
    (entry,) = (entry for entry in projects() if entry.uuid == LAB)
    entry.members = [person.uuid for person in people]
    return entry


def user_number(database: Database, person: Person) -> int:
    ((number,),) = rows(database, "SELECT id FROM users WHERE uuid = ?", person.uuid)
    return int(str(number))


def counted(database: Database) -> list[tuple[object, ...]]:
    return rows(
        database,
        "SELECT project_id, COUNT(*) FROM memberships "
        "WHERE state IN ('accepted', 'leave_requested', 'suspended') GROUP BY project_id ORDER BY project_id",
    )


def kept(database: Database) -> list[tuple[object, ...]]:
    return rows(
        database, "SELECT project_id, members FROM member_counts WHERE members <> 0 ORDER BY project_id"
    )


def test_the_number_of_members_is_kept(database: Database) -> None:
    assert kept(database) == counted(database)
    membership = joined(database, EDGAR)
    assert kept(database) == counted(database)
    for action in (MembershipAction.ACCEPT, MembershipAction.SUSPEND, MembershipAction.REMOVE):
        acted(database, membership, action)
        assert kept(database) == counted(database)
    database.change(lambda connection: enroll(connection, OWNER, LAB, EDGAR.email, NOW))
    load(database, StateDocument(projects=[lab_of(ALICE, IVAN)]), NOW)
    assert kept(database) == counted(database)
    database.change(lambda connection: users.delete(connection, user_number(database, IVAN)))
    assert kept(database) == counted(database)


def test_of_all_who_join_at_once_the_last_place_goes_to_one(database: Database) -> None:
    rows(database, "UPDATE projects SET join_policy = 'auto', max_members = 3 WHERE uuid = ?", LAB)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda person: joined(database, person), (CHLOE, EDGAR, FAY)))
    states = sorted(record(database, membership).state for membership in found)
    assert states == [S.ACCEPTED, S.REQUESTED, S.REQUESTED]

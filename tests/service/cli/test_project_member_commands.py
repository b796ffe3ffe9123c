from dataclasses import replace

import pytest

from astakos.projects.project import Policy
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import projects
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows, last_event
from service.world import ALICE, BOB, CHLOE, CLOSED, DORA, FAY, HALTED, HUGO, LAB, UNKNOWN_UUID, VM

pytestmark = pytest.mark.every_engine

LAB_NAME = "lab.example.org"


def set_policies(database: Database, *, joining: Policy, leaving: Policy) -> None:
    def change(connection: Connection) -> None:
        project = projects.find(connection, LAB)
        assert project is not None
        projects.save(connection, replace(project, join_policy=joining, leave_policy=leaving))

    database.change(change)


def done(database: Database, *arguments: str) -> list[str]:
    ended = astakos(database, "project", *arguments)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output.splitlines()


def states(database: Database, *options: str) -> dict[str, str]:
    listed = astakos(database, "project", "members", LAB, "--json", *options).document
    return {one["email"]: one["state"] for one in listed}


def limit_of(service: Caller, token: str) -> int | None:
    quotas = service.get(f"{ACCOUNT}/quotas", token).document
    return quotas[LAB][VM]["limit"] if LAB in quotas else None


def test_a_user_asks_is_admitted_and_leaves(database: Database, service: Caller) -> None:
    assert done(database, "join", LAB_NAME, "--as", CHLOE.email) == [
        f"{CHLOE.email} has asked to join {LAB_NAME}."
    ]
    assert states(database)[CHLOE.email] == "requested"
    assert done(database, "accept", LAB_NAME, CHLOE.email, "--as", ALICE.email) == [
        f"{CHLOE.email} is a member of {LAB_NAME}."
    ]
    assert limit_of(service, CHLOE.token) == 10
    assert done(database, "leave", LAB, "--as", CHLOE.uuid) == [
        f"{CHLOE.email} is no longer a member of {LAB_NAME}."
    ]
    assert limit_of(service, CHLOE.token) is None
    assert CHLOE.email not in states(database)
    assert states(database, "--all")[CHLOE.email] == "removed"


def test_who_has_only_asked_withdraws_by_leaving(database: Database) -> None:
    done(database, "join", LAB, "--as", CHLOE.email)
    assert done(database, "leave", LAB, "--as", CHLOE.email) == [
        f"{CHLOE.email} no longer asks to join {LAB_NAME}."
    ]


def test_who_asks_can_be_refused(database: Database) -> None:
    done(database, "join", LAB, "--as", CHLOE.email)
    assert done(database, "reject", LAB, CHLOE.email, "--reason", "full") == [
        f"{CHLOE.email} was not admitted to {LAB_NAME}."
    ]


def test_policies_decide_what_becomes_of_a_request(database: Database) -> None:
    set_policies(database, joining=Policy.AUTO, leaving=Policy.MODERATED)
    assert done(database, "join", LAB, "--as", CHLOE.email) == [f"{CHLOE.email} is a member of {LAB_NAME}."]
    assert done(database, "leave", LAB, "--as", CHLOE.email) == [
        f"{CHLOE.email} has asked to leave {LAB_NAME}."
    ]
    assert done(database, "remove", LAB, CHLOE.email) == [
        f"{CHLOE.email} is no longer a member of {LAB_NAME}."
    ]


def test_several_are_enrolled_and_removed_at_once(database: Database, service: Caller) -> None:
    people = (CHLOE.email, FAY.uuid)
    assert done(database, "enroll", LAB, *people) == [
        f"{CHLOE.email} is a member of {LAB_NAME}.",
        f"{FAY.email} is a member of {LAB_NAME}.",
    ]
    assert limit_of(service, CHLOE.token) == 10
    assert len(done(database, "remove", LAB, *people)) == 2


def test_if_one_of_several_cannot_be_changed_none_is(database: Database) -> None:
    before = all_rows(database)
    line = refused(database, "project", "enroll", LAB, CHLOE.email, ALICE.email)
    assert line.startswith(f"{ALICE.email}: ")
    assert "already; no membership was changed" in line
    assert all_rows(database) == before


def test_members_are_listed_with_what_they_are_since_when(database: Database) -> None:
    done(database, "join", LAB, "--as", CHLOE.email)
    alice, bob, chloe = astakos(database, "project", "members", LAB, "--json").document
    assert (alice["email"], alice["uuid"], alice["state"]) == (ALICE.email, ALICE.uuid, "accepted")
    assert (bob["email"], bob["state"]) == (BOB.email, "accepted")
    assert chloe["since"].endswith("+00:00")
    assert chloe["id"] > bob["id"] > alice["id"]
    table = astakos(database, "project", "members", LAB_NAME).output
    assert len(table.splitlines()) == 4


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("join", "nothing", "--as", CHLOE.email), "there is no project 'nothing'"),
        (("join", LAB, "--as", "nobody"), "there is no user 'nobody'"),
        (("join", LAB, "--as", ALICE.email), "already"),
        (("join", LAB, "--as", HUGO.email), f"{HUGO.email} is not active, and so can do nothing"),
        (("join", CLOSED, "--as", CHLOE.email), "terminated"),
        (("leave", LAB, "--as", CHLOE.email), f"{CHLOE.email} has no membership in {LAB_NAME}"),
        (("accept", LAB, BOB.email), "accepted"),
        (("accept", LAB, UNKNOWN_UUID), "there is no user"),
        (("remove", LAB, ALICE.email, "--as", BOB.email), "owner"),
        (("enroll", LAB, DORA.email), "accepted user"),
        (("enroll", HALTED, CHLOE.email, "--as", ALICE.email), "owner"),
        (("members", UNKNOWN_UUID), "there is no project"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    database: Database, arguments: tuple[str, ...], reason: str
) -> None:
    before = all_rows(database)
    assert reason in refused(database, "project", *arguments)
    assert all_rows(database) == before


def test_a_project_administrator_has_their_rights_in_their_own_name(database: Database) -> None:
    done(database, "remove", LAB, BOB.email, "--as", CHLOE.email, "--reason", "moved")
    kind, actor, origin, _, _, reason, *_ = last_event(database)[2:]
    assert (kind, actor, origin, reason) == ("membership.removed", CHLOE.uuid, "command", "moved")


def test_joining_needs_a_name(database: Database) -> None:
    asked = astakos(database, "project", "join", LAB)
    assert asked.status == 2
    assert "--as" in asked.errors

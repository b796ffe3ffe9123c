from typing import Any

import pytest

from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows
from service.world import ALICE, BOB, CHLOE, CLOSED, DORA, HALTED, HUGO, LAB, VM

pytestmark = pytest.mark.every_engine

NAME = "new.example.org"
END = ("--end", "2090-01-02")


def done(database: Database, *arguments: str) -> str:
    ended = astakos(database, "project", *arguments)
    assert (ended.status, ended.errors) == (0, "")
    return ended.output


def shown(database: Database, name: str = NAME) -> Any:
    return astakos(database, "project", "show", name, "--json").document


def created(database: Database, *options: str) -> Any:
    ended = astakos(database, "project", "create", NAME, *END, "--json", *options)
    assert (ended.status, ended.errors) == (0, "")
    return ended.document


def test_what_is_applied_for_becomes_a_project_when_it_is_approved(
    database: Database, service: Caller
) -> None:
    properties = ("--resource", VM, "8", "3", "--max-members", "2K", "--private", "--join-policy", "auto")
    texts = (
        "--description",
        "d",
        "--homepage",
        "https://h.example",
        "--comments",
        "c",
        "--start",
        "2080-01-02T03:04:05Z",
    )
    applied = created(database, "--as", BOB.email, *properties, *texts)
    assert applied["name"] == NAME
    found = shown(database)
    assert (found["uuid"], found["state"], found["owner"]) == (applied["uuid"], "uninitialized", BOB.email)
    assert found["last_application"]["id"] == applied["application"]
    assert found["last_application"]["start_date"] == "2080-01-02T03:04:05+00:00"
    told = done(database, "approve", NAME, "--application", str(applied["application"]))
    assert told == f"Approved application {applied['application']}: {NAME} is active.\n"
    found = shown(database)
    assert (found["state"], found["max_members"], found["private"]) == ("active", 2048, True)
    assert (found["join_policy"], found["leave_policy"], found["description"]) == ("auto", "auto", "d")
    done(database, "join", NAME, "--as", BOB.email)
    assert service.get(f"{ACCOUNT}/quotas", BOB.token).document[applied["uuid"]][VM]["limit"] == 3


def test_an_operator_creates_a_project_for_its_owner_at_once(database: Database) -> None:
    created(database, "--owner", BOB.email, "--approve")
    found = shown(database)
    assert (found["state"], found["owner"], found["max_members"]) == ("active", BOB.email, UNLIMITED)
    assert found["last_application"]["applicant"] == BOB.email


def test_the_facts_are_shown_to_people_too(database: Database) -> None:
    name, uuid, application, state = done(database, "create", NAME, *END, "--as", BOB.email).splitlines()
    assert name.split() == ["name", NAME]
    assert len(uuid.split()[1]) == 36
    assert application.split()[0] == "application"
    assert state.split() == ["state", "uninitialized"]


def test_an_application_is_denied_and_put_away(database: Database) -> None:
    number = created(database, "--as", BOB.email)["application"]
    assert done(database, "deny", NAME, "--reason", "no") == f"Denied application {number} for {NAME}.\n"
    assert shown(database)["last_application"]["state"] == "denied"
    assert (
        done(database, "dismiss", NAME, "--as", BOB.email) == f"Dismissed application {number} for {NAME}.\n"
    )
    assert shown(database)["state"] == "deleted"


def test_an_applicant_withdraws(database: Database) -> None:
    number = created(database, "--as", BOB.email)["application"]
    told = done(database, "cancel", NAME, "--as", BOB.email)
    assert told == f"Cancelled application {number} for {NAME}.\n"
    assert shown(database)["state"] == "deleted"


def test_an_owner_applies_for_changes(database: Database) -> None:
    told = done(database, "modify", LAB, "--as", ALICE.email, "--max-members", "9", "--owner", BOB.email)
    number = shown(database, LAB)["last_application"]["id"]
    assert told == f"Application {number} for changes to lab.example.org waits for a decision.\n"
    assert shown(database, LAB)["max_members"] == 5
    done(database, "approve", LAB, "--as", CHLOE.email)
    assert (shown(database, LAB)["max_members"], shown(database, LAB)["owner"]) == (9, BOB.email)


def test_an_operator_changes_a_project_at_once(database: Database, service: Caller) -> None:
    changes = ("--max-members", "9", "--resource", VM, "20", "5", "--name", NAME, "--end", "2091-01-01")
    assert done(database, "modify", LAB, *changes, "--reason", "more") == f"Changed {NAME}.\n"
    found = shown(database)
    assert (found["uuid"], found["max_members"], found["end_date"][:4]) == (LAB, 9, "2091")
    assert service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM]["limit"] == 5
    before = all_rows(database)
    assert done(database, "modify", LAB, *changes) == f"{NAME} is like that already. Nothing has changed.\n"
    assert all_rows(database) == before


def test_a_homepage_can_be_taken_away(database: Database) -> None:
    for homepage, shows in (("https://lab.example.org", "https://lab.example.org"), ("", None)):
        done(database, "modify", LAB, "--homepage", homepage)
        assert shown(database, LAB)["homepage"] == shows


def test_a_change_keeps_the_state_of_a_project(database: Database) -> None:
    done(database, "modify", HALTED, "--description", "still")
    assert shown(database, HALTED)["state"] == "suspended"
    assert done(database, "modify", ALICE.uuid, "--resource", VM, "9", "9").startswith("Changed system:")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("create", "lab", *END, "--as", BOB.email), "domain name"),
        (("create", NAME, "--end", "2001-01-01", "--as", BOB.email), "future"),
        (("create", NAME, *END, "--as", "nobody"), "there is no user 'nobody'"),
        (("create", NAME, *END, "--owner", DORA.email), "accepted user"),
        (("create", NAME, *END, "--owner", HUGO.email), "not active"),
        (("create", NAME, *END, "--as", BOB.email, "--owner", HUGO.email), "not active"),
        (("modify", LAB, "--owner", HUGO.email), "not active"),
        (("modify", LAB, "--as", ALICE.email, "--owner", HUGO.email), "not active"),
        (("create", NAME, *END, "--as", BOB.email, "--resource", "nothing", "1", "1"), "no resource"),
        (("create", NAME, *END, "--as", BOB.email, "--resource", VM, "1", "2"), "member_capacity"),
        (("create", NAME, *END, "--as", BOB.email, "--approve"), "cannot --approve"),
        (("approve", ALICE.uuid), f"there is no application for system:{ALICE.uuid}"),
        (("approve", LAB), "the application is approved, not pending"),
        (("approve", "nothing"), "there is no project 'nothing'"),
        (("modify", LAB, "--max-members", "3", "--as", BOB.email), "owner"),
        (("modify", LAB, "--name", "halted.example.org"), HALTED),
        (("modify", ALICE.uuid, "--name", NAME), "system project"),
        (("modify", LAB, "--description", "x" * 4097), "4096"),
        (("suspend", HALTED), "suspended"),
        (("unsuspend", LAB), "active"),
        (("reinstate", LAB), "active"),
        (("terminate", CLOSED), "terminated"),
        (("terminate", ALICE.uuid), "system project"),
        (("terminate", LAB, "--as", ALICE.email), "administrator"),
        (("suspend", LAB, "--reason", "x" * 4097), "reason"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    database: Database, arguments: tuple[str, ...], reason: str
) -> None:
    before = all_rows(database)
    assert reason in refused(database, "project", *arguments)
    assert all_rows(database) == before


def test_an_application_that_is_not_the_last_one_is_not_decided(database: Database) -> None:
    first, _ = (
        done(database, "modify", LAB, "--as", ALICE.email, "--max-members", number) for number in ("7", "8")
    )
    number = first.split()[1]
    assert "last" in refused(database, "project", "approve", LAB, "--application", number)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("create", NAME, *END), "--owner"),
        (("create", NAME, "--as", BOB.email), "--end"),
        (("modify", LAB), "at least one option"),
        (("modify", LAB, "--end", "tomorrow"), "'tomorrow' is not a time"),
        (("create", NAME, *END, "--as", BOB.email, "--join-policy", "never"), "moderated"),
        (("create", NAME, *END, "--as", BOB.email, "--homepage", "h"), "'--homepage'"),
        (("modify", LAB, *(2 * ("--resource", VM, "9", "3"))), f"only once for {VM}"),
    ],
)
def test_what_is_missing_is_told(database: Database, arguments: tuple[str, ...], missing: str) -> None:
    asked = astakos(database, "project", *arguments)
    assert asked.status == 2
    assert missing in asked.errors

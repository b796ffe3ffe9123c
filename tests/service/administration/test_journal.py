from typing import Any

import pytest

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.events.event import OPERATOR, RecordedEvent
from astakos.storage.protocol import Database
from astakos.storage.tables import events
from service.command import astakos
from service.installation import all_rows, rows
from service.world import ALICE, BASE_URL, BOB, CHLOE, HALTED, HUGO, LAB, LOADED, PEOPLE, VM, world

pytestmark = pytest.mark.every_engine
LATER = LOADED + 1
TOKEN = "user.token_renewed"


def told_later(database: Database) -> list[RecordedEvent]:
    return events.read(database.reader(), events.Wanted(since=LATER), 100)


def documents(database: Database) -> list[tuple[str, Any, Any]]:
    return [(one.event.kind, one.event.before, one.event.after) for one in told_later(database)]


def test_everything_that_a_document_creates_is_recorded_once(database: Database) -> None:
    found = [one.event for one in events.read(database.reader(), events.Wanted(until=LATER), 1000)]
    created = [event.subject for event in found if event.kind == "user.created"]
    assert created == [person.uuid for person in PEOPLE]
    assert {event.project for event in found if event.kind == "project.created"} >= {LAB, HALTED}
    assert {event.actor for event in found if event.kind.startswith("user")} == {
        OPERATOR._replace(is_project_admin=False)
    }
    load(database, world(), LATER)
    register_own_services(database, BASE_URL, LATER)
    assert told_later(database) == []


def test_changed_values_are_recorded_and_no_others(database: Database) -> None:
    document = world()
    (bob,) = (entry for entry in document.users if entry.uuid == BOB.uuid)
    bob.first_name, bob.quotas, bob.groups = "Robert", {VM: 9}, ["staff"]
    (lab,) = (entry for entry in document.projects if entry.uuid == LAB)
    lab.description, lab.members = "changed", [ALICE.uuid]
    changed = StateDocument(
        settings=Settings(history_days=30, helpdesk=document.settings.helpdesk), users=[bob], projects=[lab]
    )
    load(database, changed, LATER)
    assert documents(database) == [
        ("settings.changed", {"history_days": None}, {"history_days": 30}),
        (
            "user.changed",
            {"first_name": "Bob", "groups": [], "quotas": {VM: 7}},
            {"first_name": "Robert", "groups": ["staff"], "quotas": {VM: 9}},
        ),
        ("project.modified", {"description": "Where things are tried"}, {"description": "changed"}),
        ("membership.changed", {"state": "accepted"}, {"state": "removed"}),
    ]
    assert [(one.event.project, one.event.subject) for one in told_later(database)] == [
        (None, None),
        (None, BOB.uuid),
        (LAB, None),
        (LAB, BOB.uuid),
    ]


def test_a_user_is_deactivated_and_activated_by_documents_as_by_commands(database: Database) -> None:
    (hugo,) = (entry for entry in world().users if entry.uuid == HUGO.uuid)
    for active, kind in ((True, "user.activated"), (False, "user.deactivated")):
        before = len(told_later(database))
        hugo.is_active = active
        load(database, StateDocument(users=[hugo]), LATER)
        told = [one.event for one in told_later(database)][before:]
        assert [event.kind for event in told if event.kind.startswith("user.") and event.kind != TOKEN] == [
            kind
        ]


def test_secrets_are_recorded_as_changed_and_never_themselves(database: Database) -> None:
    document = world()
    (chloe,) = (entry for entry in document.users if entry.uuid == CHLOE.uuid)
    chloe.password, chloe.token = "a new password that is long", "a-new-token-of-chloe"
    compute = replace_token(document, "a-new-token-of-compute")
    load(database, StateDocument(users=[chloe], components=[compute]), LATER)
    assert [kind for kind, _, _ in documents(database)] == [
        "component.token_renewed",
        "user.password_changed",
        "user.token_renewed",
    ]
    stored = repr(all_rows(database)["events"])
    for secret in ("a new password", "a-new-token", "$argon2", "sha256:"):
        assert secret not in stored


def replace_token(document: StateDocument, token: str) -> Any:
    (compute,) = (entry for entry in document.components if entry.name == "compute")
    compute.token = token
    return compute


def test_nothing_is_recorded_of_a_document_with_an_error(database: Database) -> None:
    document = world()
    document.users[0].first_name = "Changed"
    document.users[1].email = document.users[0].email
    before = all_rows(database)
    with pytest.raises(Exception, match="already has this address"):
        load(database, document, LATER)
    assert all_rows(database) == before


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        (("user", "add", "zoe@example.org"), ["user.created", "user.token_renewed"]),
        (("user", "token", BOB.email), ["user.token_renewed"]),
        (("user", "password", BOB.email), ["user.password_changed"]),
        (("component", "add", "new"), ["component.created", "service.created", "component.token_renewed"]),
        (("component", "token", "compute"), ["component.token_renewed"]),
        (("component", "set", "compute", "--ui-url", "https://x.example.org"), ["component.changed"]),
        (("resource", "set", VM, "--default", "5"), ["resource.changed"]),
        (("quota", "set", BOB.email, VM, "5"), ["capacity.changed"]),
        (("quota", "set", BOB.email, VM, "7"), []),
    ],
)
def test_every_command_that_changes_something_is_recorded(
    database: Database, arguments: tuple[str, ...], kinds: list[str]
) -> None:
    rows(database, "DELETE FROM events")
    assert astakos(database, *arguments, stdin="a long new password\n").status == 0
    found = [one.event for one in events.read(database.reader(), events.Wanted(), 100)]
    assert [event.kind for event in found] == kinds
    assert {event.actor.origin for event in found} <= {"command"}


def test_an_accepted_clock_is_recorded(database: Database) -> None:
    rows(database, "INSERT INTO settings (name, value) VALUES ('clock_hold', 'true')")
    for _ in range(2):
        assert astakos(database, "clock", "accept").status == 0
    assert [one.event.kind for one in told_later_by_clock(database)] == ["clock.accepted"]


def told_later_by_clock(database: Database) -> list[RecordedEvent]:
    return events.read(database.reader(), events.Wanted(kind="clock"), 10)


def test_the_service_records_where_it_is_served(database: Database) -> None:
    register_own_services(database, "http://localhost:8000", LATER)
    found = told_later(database)
    assert {one.event.kind for one in found} == {"component.changed", "service.changed"}
    assert {one.event.actor.origin for one in found} == {"service"}

from typing import Any

import pytest

from astakos.ledger.rules import Key
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.http.projects.lives import PROJECTS, act, activated, create, done, modified, modify, show
from service.installation import holdings, rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    HALTED,
    LAB,
    STORAGE_TOKEN,
    UNKNOWN_UUID,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine
PENDING = "astakos.pending_app"


def pending_of(database: Database, person: Person) -> int:
    """How many pending applications are counted for a user."""
    found = holdings(database)
    member = found[Key(f"user:{person.uuid}", f"project:{person.uuid}", PENDING)]
    project = found[Key(f"project:{person.uuid}", None, PENDING)]
    assert member.usage_min == member.usage_max == project.usage_min == project.usage_max
    return member.usage_max


def limits_of(database: Database, project: str, *members: Person) -> list[int]:
    """The limits that the API shows: of the project, and of members."""
    found = holdings(database)
    keys = [project_key(project), *(member_key(member, project) for member in members)]
    return [found[key].limit for key in keys]


def kinds(database: Database) -> list[str]:
    return [str(kind) for (kind,) in rows(database, "SELECT kind FROM events ORDER BY id")]


def test_an_application_is_counted_until_it_is_decided(service: Caller, database: Database) -> None:
    project, application = create(service)
    assert pending_of(database, ALICE) == 1
    done(service, project, "approve", app_id=application, reason="fine")
    assert pending_of(database, ALICE) == 0
    application = modified(service, project, comments="1")
    assert pending_of(database, ALICE) == 1
    application = modified(service, project, CHLOE, comments="2")
    assert (pending_of(database, ALICE), pending_of(database, CHLOE)) == (0, 1)
    done(service, project, "deny", app_id=application)
    assert pending_of(database, CHLOE) == 0
    done(service, project, "dismiss", app_id=application)
    assert show(service, project)["last_application"]["state"] == "dismissed"
    assert show(service, project)["state"] == "active"


@pytest.mark.parametrize(("steps", "state"), [(["cancel"], "cancelled"), (["deny", "dismiss"], "dismissed")])
def test_a_project_whose_application_is_taken_back_is_deleted(
    service: Caller, steps: list[str], state: str
) -> None:
    project, application = create(service)
    for step in steps:
        assert show(service, project)["state"] == "uninitialized"
        done(service, project, step, ALICE if step != "deny" else CHLOE, app_id=application)
    document = show(service, project)
    assert (document["state"], document["last_application"]["state"]) == ("deleted", state)
    assert act(service, project, "suspend").status == 409


def test_limits_follow_the_state(service: Caller, database: Database) -> None:
    member = member_key(ALICE, LAB)
    assert service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM]["limit"] == 10
    for action, limit in (("suspend", 0), ("unsuspend", 10), ("terminate", 0), ("reinstate", 10)):
        done(service, LAB, action)
        figures = service.get(f"{ACCOUNT}/quotas", ALICE.token).document[LAB][VM]
        assert (figures["limit"], figures["project_limit"]) == (limit, 12 if limit else 0)
    assert member in holdings(database)


def test_approving_a_modification_revives_whatever_the_project_was(service: Caller) -> None:
    for action in ("suspend", "terminate"):
        done(service, LAB, action)
        application = modified(service, LAB, comments=action)
        done(service, LAB, "approve", app_id=application)
        assert show(service, LAB)["state"] == "active"


def test_names_are_held_from_activation_to_termination(service: Caller) -> None:
    first = activated(service)
    second, application = create(service, BOB)
    for _ in range(2):
        reply = act(service, second, "approve", app_id=application)
        assert (reply.status, reply.fault) == (409, "conflict")
        assert first in reply.message
        done(service, first, "suspend") if show(service, first)["state"] == "active" else None
    done(service, first, "terminate")
    done(service, second, "approve", app_id=application)
    assert act(service, first, "reinstate").status == 409
    again = modified(service, first, comments="again")
    assert act(service, first, "approve", app_id=again).status == 409
    renamed = modified(service, first, name="other.example.org")
    done(service, first, "approve", app_id=renamed)
    assert show(service, first)["name"] == "other.example.org"


def test_the_time_of_the_last_deactivation_is_kept(service: Caller) -> None:
    assert "deactivation_date" not in show(service, LAB)
    done(service, LAB, "suspend")
    suspended = show(service, LAB)["deactivation_date"]
    done(service, LAB, "unsuspend")
    assert show(service, LAB)["deactivation_date"] == suspended
    done(service, LAB, "terminate")
    assert show(service, LAB)["deactivation_date"] > suspended


def test_the_default_project_of_members_is_reset_when_it_is_terminated(
    service: Caller, database: Database
) -> None:
    chosen = service.post(f"{ACCOUNT}/myaccount/default_project", BOB.token, {"project_id": LAB})
    assert chosen.status == 200
    default = f"SELECT default_project FROM users WHERE uuid = '{BOB.uuid}'"
    done(service, LAB, "suspend")
    assert rows(database, default) == [(LAB,)]
    done(service, LAB, "terminate")
    assert rows(database, default) == [(BOB.uuid,)]


def test_what_an_administrator_decides_outlives_the_activation_of_the_owner(
    service: Caller, database: Database
) -> None:
    note = f"""
    INSERT INTO deactivations (user_id, project_id, suspended)
    SELECT u.id, p.id, 'project' FROM users u, projects p WHERE u.uuid = '{BOB.uuid}' AND p.uuid = '{HALTED}'
    """
    rows(database, note)
    done(service, HALTED, "unsuspend")
    done(service, HALTED, "suspend")
    of_halted = f"""
    SELECT 1 FROM deactivations d JOIN projects p ON p.id = d.project_id
    WHERE p.uuid = '{HALTED}' AND d.suspended = 'project'
    """
    assert rows(database, of_halted) == []


@pytest.mark.parametrize("action", ["suspend", "unsuspend", "terminate", "reinstate"])
def test_only_administrators_change_the_state(standing_service: Caller, action: str) -> None:
    reply = act(standing_service, LAB, action, ALICE)
    assert (reply.status, reply.fault) == (403, "forbidden")
    assert act(standing_service, UNKNOWN_UUID, action).status == 404


def test_a_project_can_be_named_by_its_number_unless_an_application_is_decided(
    service: Caller, database: Database
) -> None:
    project, application = create(service)
    ((number,),) = rows(database, f"SELECT id FROM projects WHERE uuid = '{project}'")
    reply = act(service, str(number), "approve", app_id=application)
    assert (reply.status, reply.message) == (
        409,
        "The project has no application; name the project by its UUID.",
    )
    done(service, project, "approve", app_id=application)
    done(service, str(number), "suspend")


def test_a_system_project_can_be_suspended_but_not_terminated(service: Caller) -> None:
    assert act(service, ALICE.uuid, "terminate").status == 409
    done(service, ALICE.uuid, "suspend")
    assert (
        service.post(
            PROJECTS, ALICE.token, {"name": "a.example.org", "end_date": "2098-01-01T00:00:00Z"}
        ).status
        == 409
    )
    done(service, ALICE.uuid, "unsuspend")
    create(service)


MALFORMED: list[Any] = [
    [],
    "suspend",
    {},
    {"suspend": {}, "unsuspend": {}},
    {"suspend": {}, "unknown": {}},
    {"unknown": {}},
    {"suspend": "why"},
    {"suspend": None},
    {"suspend": []},
    {"suspend": {"reason": 5}},
    {"suspend": {"reason": "\0"}},
    {"suspend": {"reason": "r" * 4097}},
    {"approve": {}},
    {"approve": "why"},
    {"approve": {"app_id": None}},
    {"approve": {"app_id": "7"}},
    {"approve": {"app_id": 1.5}},
    {"approve": {"app_id": True}},
]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body)[:50])
def test_malformed_actions_are_refused_first(standing_service: Caller, body: Any) -> None:
    reply = standing_service.post(f"{PROJECTS}/{UNKNOWN_UUID}/action", BOB.token, body)
    assert (reply.status, reply.fault) == (400, "badRequest")


@pytest.mark.parametrize("number", [0, -1, 10**9, 2**63, 2**70])
def test_unknown_applications_are_not_found(standing_service: Caller, number: int) -> None:
    for project in (LAB, UNKNOWN_UUID):
        reply = act(standing_service, project, "approve", app_id=number)
        assert (reply.status, reply.fault) == (404, "itemNotFound")


def test_a_null_reason_says_nothing(service: Caller, database: Database) -> None:
    done(service, LAB, "suspend", reason=None)
    done(service, LAB, "unsuspend", reason="paid")
    assert rows(database, "SELECT reason FROM events ORDER BY id DESC LIMIT 2") == [("paid",), ("",)]


def test_every_change_is_recorded_with_who_and_from_where(service: Caller, database: Database) -> None:
    before = len(kinds(database))
    project, application = create(service)
    done(service, project, "approve", app_id=application, reason="fine")
    done(service, project, "terminate", reason="over")
    assert kinds(database)[before:] == [
        "project.created",
        "application.submitted",
        "application.approved",
        "project.activated",
        "project.terminated",
    ]
    found = "SELECT actor, origin, project, subject, reason FROM events ORDER BY id DESC LIMIT 3"
    assert rows(database, found) == [
        (CHLOE.uuid, "127.0.0.1", project, None, "over"),
        (CHLOE.uuid, "127.0.0.1", project, None, "fine"),
        (CHLOE.uuid, "127.0.0.1", project, ALICE.uuid, "fine"),
    ]


def test_what_is_refused_changes_and_records_nothing(service: Caller, database: Database) -> None:
    tables = ("events", "projects", "project_applications", "holdings", "resolved_commissions")
    before = [rows(database, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    for reply in (
        act(service, LAB, "suspend", ALICE),
        act(service, LAB, "unsuspend"),
        modify(service, LAB, BOB, comments="c"),
        modify(service, ALICE.uuid, CHLOE, name="mine.example.org"),
        service.post(PROJECTS, BOB.token, {"name": "x", "end_date": "2098-01-01T00:00:00Z"}),
        act(service, LAB, "suspend", Person(BOB.uuid, BOB.email, STORAGE_TOKEN)),
    ):
        assert reply.status in (400, 401, 403, 409)
    assert [rows(database, f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables] == before

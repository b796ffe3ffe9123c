import json
from pathlib import Path

import pytest

from astakos.storage.protocol import Database
from astakos.storage.tables import feedback
from service.browser import Browser
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows, holdings, last_event, rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    LAB,
    LOADED,
    PASSWORD,
    VM,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine


def handed_over(database: Database, *projects: str) -> None:
    for project in projects:
        assert astakos(database, "project", "handover", project, CHLOE.email).status == 0


def rows_with(database: Database, *texts: str) -> set[str]:
    """The tables that contain one of the texts."""
    return {
        name
        for name, found in all_rows(database).items()
        if any(text.lower() in repr(found).lower() for text in texts)
    }


def test_an_export_has_all_that_is_known_and_no_secret(
    database: Database, service: Caller, tmp_path: Path
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (member_key(ALICE), 2), (project_key(), 2), auto_accept=True)
    Browser(service).log_in(ALICE.email, PASSWORD)
    astakos(database, "key", "add", ALICE.email, "--name", "laptop")
    with database.transaction() as connection:
        feedback.save(connection, 1, LOADED, "It is slow.", "")
    file = tmp_path / "alice.json"
    assert astakos(database, "user", "export", ALICE.email, str(file)).status == 0
    found = json.loads(file.read_text())
    assert (found["account"]["email"], found["account"]["state"]) == (ALICE.email, "active")
    assert found["groups"] == ["staff", "admin-api"]
    assert {LAB, ALICE.uuid} <= {one["project"] for one in found["memberships"]}
    assert [one["name"] for one in found["owned_projects"]] == ["lab.example.org"]
    assert [one["message"] for one in found["feedback"]] == ["It is slow."]
    assert [one["name"] for one in found["keys"]] == ["laptop"]
    assert [one["serial"] for one in found["history"]] == [serial]
    quotas = {(one["project"], one["resource"]): one["usage_max"] for one in found["quotas"]}
    assert quotas[LAB, VM] == 2
    assert (len(found["sessions"]), found["incomplete"]) == (1, [])
    assert "user.created" in {event["kind"] for event in found["events_about"]}
    assert last_event(database)[2:6] == ("user.exported", None, "command", None)
    for secret in (ALICE.token, PASSWORD, "argon2", "secret_hash"):
        assert secret not in file.read_text()


def test_nothing_but_the_audit_log_names_who_was_erased_and_the_sums_stay(
    database: Database, service: Caller
) -> None:
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 2), (project_key(), 2), auto_accept=True)
    Browser(service).log_in(ALICE.email, PASSWORD)
    assert "lab.example.org" in refused(database, "user", "delete", ALICE.email, "--yes")
    handed_over(database, LAB)
    assert astakos(database, "project", "admins", "--add", ALICE.email).status == 0
    asked = astakos(database, "user", "delete", ALICE.email)
    assert (asked.status, "--yes" in asked.errors) == (1, True)
    for words in ("This stays:", "They still use 2 compute.vm.", "their password, tokens, sessions"):
        assert words in asked.output
    sums = {key: holding.usage_max for key, holding in holdings(database).items()}
    erased = astakos(database, "user", "delete", ALICE.email, "--yes", "--reason", "asked for it")
    assert erased.output == f"Erased {ALICE.uuid}.\n"
    assert rows_with(database, ALICE.email, "Archer") == {"events"}
    assert last_event(database)[2:8] == ("user.erased", None, "command", None, ALICE.uuid, "asked for it")
    assert {key: holding.usage_max for key, holding in holdings(database).items()} == sums
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 401
    statement = """
        SELECT m.state FROM memberships m JOIN users u ON u.id = m.user_id
        JOIN projects p ON p.id = m.project_id WHERE u.uuid = ? AND p.uuid = ?
    """
    assert rows(database, statement, ALICE.uuid, LAB) == [("removed",)]
    assert ALICE.uuid not in json.dumps(astakos(database, "project", "admins", "--json").document)
    for again in (["delete", "--yes"], ["activate"], ["accept"], ["invite"], ["grant-admin"]):
        refused(database, "user", again[0], ALICE.uuid, *again[1:])
    assert astakos(database, "user", "add", ALICE.email).status == 0


def test_who_was_never_accepted_is_deleted_altogether(database: Database) -> None:
    asked = astakos(database, "user", "delete", DORA.email)
    assert ("their UUID, with the usage" in asked.output, "audit log" in asked.output) == (False, True)
    assert astakos(database, "user", "delete", DORA.email, "--yes").status == 0
    assert rows_with(database, DORA.uuid) == {"events"}


def test_applications_that_wait_are_denied(database: Database, service: Caller) -> None:
    asked = {"name": "more.example.org", "end_date": "2090-01-01T00:00:00Z", "resources": {}}
    assert (
        service.post(f"{ACCOUNT}/projects", BOB.token, asked | {"comments": "Call Bob Builder"}).status == 201
    )
    assert "halted.example.org" in refused(database, "user", "delete", BOB.email, "--yes")
    handed_over(database, "halted.example.org")
    assert astakos(database, "user", "delete", BOB.email, "--yes").status == 0
    assert rows_with(database, "Builder", BOB.email) == {"events"}
    (told,) = astakos(database, "audit", "--kind", "application.denied", "--json").document
    assert told["user"] == BOB.uuid

"""Users join projects by invitation, over HTTP."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import StateDocument, UserEntry
from astakos.clock import DAY
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller, Reply
from service.http.projects.lives import PROJECTS, create, done
from service.installation import all_rows, holdings, rows, running
from service.timing import Clock
from service.world import ALICE, BOB, CHLOE, FAR, HALTED, LAB, LOADED, UNKNOWN_UUID, Person, member_key

pytestmark = pytest.mark.every_engine

MEMBERSHIPS = f"{ACCOUNT}/projects/memberships"
CROWD = [
    Person(
        f"000000c{number:x}-0000-4000-8000-0000000000c{number:x}", f"c{number}@example.org", f"{number}" * 43
    )
    for number in range(16)
]


def invite(service: Caller, project: str = LAB, person: Person = ALICE, **given: Any) -> dict[str, Any]:
    reply = service.post(f"{PROJECTS}/{project}/invitations", person.token, given)
    assert reply.status == 201, reply.content
    document: dict[str, Any] = reply.document
    return document


def join(service: Caller, code: str, person: Person = CHLOE, **further: Any) -> Reply:
    return service.post(MEMBERSHIPS, person.token, {"join": {"invitation": code, **further}})


def listed(service: Caller, project: str = LAB, person: Person = ALICE) -> list[dict[str, Any]]:
    reply = service.get(f"{PROJECTS}/{project}/invitations", person.token)
    assert reply.status == 200, reply.content
    found: list[dict[str, Any]] = reply.document
    return found


def revoke(service: Caller, number: object, person: Person = ALICE) -> int:
    return service("DELETE", f"{PROJECTS}/invitations/{number}", person.token).status


def crowd(database: Database) -> None:
    entries = [UserEntry(uuid=one.uuid, email=one.email, token=one.token, token_expires=FAR) for one in CROWD]
    load(database, StateDocument(users=entries), LOADED)


def close(database: Database) -> None:
    rows(database, "UPDATE projects SET join_policy = 'closed' WHERE uuid = ?", LAB)


def test_a_closed_project_is_joined_at_once(service: Caller, database: Database) -> None:
    close(database)
    made = invite(service)
    code = made.pop("invitation")
    assert code.startswith(f"{made['id']}-")
    wanted = {"project": LAB, "state": "open", "max_uses": 1, "uses": 0, "creator": ALICE.uuid}
    assert made.items() >= wanted.items()
    assert datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created"]) == timedelta(
        days=7
    )
    assert service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": LAB}}).status == 409
    joined = join(service, code)
    assert joined.status == 200
    membership = service.get(f"{MEMBERSHIPS}/{joined.document['id']}", CHLOE.token).document
    assert (membership["project"], membership["state"]) == (LAB, "accepted")
    assert holdings(database)[member_key(CHLOE)].limit == 10
    assert listed(service) == [made | {"uses": 1, "state": "used_up"}]


def test_the_audit_log_tells_of_it_without_the_code(service: Caller, database: Database) -> None:
    made = invite(service, max_uses=2)
    assert join(service, made["invitation"]).status == 200
    assert revoke(service, made["id"]) == 204
    found = rows(
        database,
        "SELECT kind, actor, project, subject, reason, before, after FROM events "
        "WHERE kind LIKE 'invitation.%' OR kind = 'membership.accepted' ORDER BY id",
    )
    number = made["id"]
    told = {"invitation": number, "max_uses": 2, "uses": 0, "expires": made["expires"]}
    read = [(*row[:5], *(row[i] and json.loads(str(row[i])) for i in (5, 6))) for row in found]
    assert read == [
        ("invitation.created", ALICE.uuid, LAB, None, "", None, told),
        (
            "invitation.used",
            CHLOE.uuid,
            LAB,
            CHLOE.uuid,
            "",
            {"invitation": number, "uses": 0},
            {"invitation": number, "uses": 1},
        ),
        (
            "membership.accepted",
            CHLOE.uuid,
            LAB,
            CHLOE.uuid,
            f"invitation {number}",
            None,
            {"state": "accepted"},
        ),
        ("invitation.revoked", ALICE.uuid, LAB, None, "", told | {"uses": 1}, None),
    ]


def test_the_code_is_neither_stored_nor_logged(
    service: Caller, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    code = invite(service)["invitation"]
    assert join(service, code).status == 200
    assert join(service, code).status == 409
    secret = code.partition("-")[2]
    assert secret not in caplog.text
    assert secret not in str(all_rows(database))


def test_a_request_that_waits_becomes_the_membership(service: Caller) -> None:
    requested = service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": LAB}}).document["id"]
    code = invite(service)["invitation"]
    assert join(service, code).document["id"] == requested
    assert service.get(f"{MEMBERSHIPS}/{requested}", CHLOE.token).document["state"] == "accepted"


def test_what_is_refused_spends_no_use(service: Caller, database: Database) -> None:
    made = invite(service)
    code = made["invitation"]
    assert "already" in join(service, code, BOB).message
    rows(database, "UPDATE projects SET max_members = 2 WHERE uuid = ?", LAB)
    full = join(service, code)
    assert (full.status, "full" in full.message) == (409, True)
    rows(database, "UPDATE projects SET max_members = 3 WHERE uuid = ?", LAB)
    done(service, LAB, "terminate")
    assert "terminated" in join(service, code).message
    done(service, LAB, "reinstate")
    assert listed(service)[0]["uses"] == 0
    assert join(service, code).status == 200


def test_a_suspended_project_can_be_joined(service: Caller) -> None:
    code = invite(service, HALTED, BOB)["invitation"]
    assert join(service, code).status == 200


def test_the_project_can_be_named_as_well(service: Caller) -> None:
    code = invite(service)["invitation"]
    for project in (HALTED, UNKNOWN_UUID, "\0"):
        reply = join(service, code, project=project)
        assert (reply.status, "no such invitation to this project" in reply.message) == (404, True)
    assert join(service, code, project=LAB).status == 200


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "body",
    [{}, {"invitation": None}, {"invitation": ""}, {"invitation": 5}, {"project": LAB, "invitation": []}],
)
def test_what_names_neither_project_nor_invitation_is_refused(service: Caller, body: object) -> None:
    reply = service.post(MEMBERSHIPS, CHLOE.token, {"join": body})
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_sixteen_at_once_with_one_use_are_one(service: Caller, database: Database) -> None:
    crowd(database)
    code = invite(service)["invitation"]
    with ThreadPoolExecutor(len(CROWD)) as threads:
        statuses = Counter(threads.map(lambda one: join(service, code, one).status, CROWD))
    assert statuses == {200: 1, 409: 15}
    assert listed(service)[0]["uses"] == 1


def test_sixteen_at_once_for_three_places_are_three(service: Caller, database: Database) -> None:
    crowd(database)
    code = invite(service, max_uses=10)["invitation"]
    with ThreadPoolExecutor(len(CROWD)) as threads:
        statuses = Counter(threads.map(lambda one: join(service, code, one).status, CROWD))
    assert statuses == {200: 3, 409: 13}
    assert listed(service)[0]["uses"] == 3


def test_a_revoked_invitation_admits_nobody_and_removes_nobody(service: Caller) -> None:
    made = invite(service, max_uses=5)
    joined = join(service, made["invitation"]).document["id"]
    assert revoke(service, made["id"], BOB) == 403
    assert revoke(service, made["id"], CHLOE) == 204
    assert revoke(service, made["id"]) == 404
    assert join(service, made["invitation"], BOB).status == 404
    assert service.get(f"{MEMBERSHIPS}/{joined}", CHLOE.token).document["state"] == "accepted"
    assert listed(service) == []


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("number", [0, 999, 10**18, 10**19 - 1, 10**40])
def test_there_is_nothing_to_revoke(service: Caller, number: int) -> None:
    assert revoke(service, number) == 404


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(database: Database, clock: Clock) -> Iterator[Caller]:
    with running(database, now=clock) as caller:
        yield caller


def test_it_expires(timed: Caller, clock: Clock) -> None:
    code = invite(timed)["invitation"]
    clock.ahead = 7 * DAY
    refused = join(timed, code)
    assert (refused.status, "expired" in refused.message) == (409, True)
    assert listed(timed)[0]["state"] == "expired"


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "given",
    [
        {"max_uses": 0},
        {"max_uses": 10**6 + 1},
        {"max_uses": "many"},
        {"max_uses": None},
        {"expires": "tomorrow"},
        {"expires": "2031-01-01T00:00:00"},
        {"expires": "2001-01-01T00:00:00Z"},
        {"expires": "2999-01-01T00:00:00Z"},
        {"expires": 5},
        {"days": 5},
    ],
)
def test_what_is_no_invitation_is_refused(service: Caller, given: dict[str, object]) -> None:
    reply = service.post(f"{PROJECTS}/{LAB}/invitations", ALICE.token, given)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert listed(service) == []


def test_its_end_can_be_chosen(service: Caller) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert invite(service, expires=tomorrow)["expires"] == tomorrow


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("project", "person", "status"),
    [
        (LAB, BOB, 403),
        (ALICE.uuid, ALICE, 403),
        (ALICE.uuid, CHLOE, 409),
        (UNKNOWN_UUID, ALICE, 404),
        ("invitations", ALICE, 404),
    ],
)
def test_who_may_not_invite_is_refused(service: Caller, project: str, person: Person, status: int) -> None:
    assert service.post(f"{PROJECTS}/{project}/invitations", person.token, {}).status == status
    if status != 409:
        assert service.get(f"{PROJECTS}/{project}/invitations", person.token).status == status


def test_nobody_is_invited_to_what_has_not_begun(service: Caller) -> None:
    new, _ = create(service)
    assert service.post(f"{PROJECTS}/{new}/invitations", ALICE.token, {}).status == 409


def test_what_is_over_makes_room_for_new_ones(service: Caller, database: Database) -> None:
    first = invite(service)["id"]
    copies = """
    INSERT INTO project_invitations (project_id, secret_hash, max_uses, uses, created, expires)
    SELECT project_id, ?, max_uses, ?, created, expires FROM project_invitations WHERE id = ?
    """
    for number in range(99):
        rows(database, copies, b"copy %d" % number, number % 2, first)
    open_ones = [one["id"] for one in listed(service) if one["state"] == "open"]
    more = [invite(service)["id"] for _ in range(49)]
    assert [one["id"] for one in listed(service)] == [*open_ones, *more]
    refused = service.post(f"{PROJECTS}/{LAB}/invitations", ALICE.token, {})
    assert (refused.status, "revoke some first" in refused.message) == (409, True)


def test_codes_are_not_guessed_and_the_right_one_is_always_accepted(service: Caller) -> None:
    code = invite(service)["invitation"]
    wrong = code[:-1] + ("a" if code[-1] != "a" else "b")
    here = replace(service, headers={"X-Forwarded-For": "192.0.2.1"})
    statuses = [join(here, wrong).status for _ in range(11)]
    assert statuses == [404] * 10 + [429]
    assert join(here, "nonsense").status == 429
    assert join(here, code).status == 200
    assert service.get(f"{ACCOUNT}/authenticate", CHLOE.token).status == 200


def test_a_new_owner_revokes_what_the_old_one_made(service: Caller) -> None:
    made = invite(service)
    done(service, LAB, "handover", ALICE, owner=BOB.uuid)
    assert [one["creator"] for one in listed(service, person=BOB)] == [ALICE.uuid]
    assert revoke(service, made["id"], ALICE) == 403
    assert revoke(service, made["id"], BOB) == 204

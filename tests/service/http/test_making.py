"""Calls that make something: with an `Idempotency-Key`, they make it once, however often they are sent."""

import contextlib
import http.client
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any, NamedTuple

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.administrators import grant_admin, revoke_admin
from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.clock import DAY, now
from astakos.events.event import OPERATOR
from astakos.http.openapi.document import operations
from astakos.http.routes import all_methods
from astakos.storage import opening
from astakos.storage.protocol import Database
from astakos.storage.tables.retention import KEYS_KEPT
from lengths import length
from service.caller import ACCOUNT, Caller, Reply
from service.command import serving
from service.http.keyed import KEYS, made
from service.http.projects.lives import NEW, PROJECTS
from service.installation import all_rows, opened, rows, running
from service.world import ALICE, BASE_URL, BOB, CHLOE, LAB, LOADED, PASSWORD, UNKNOWN_UUID, Person

pytestmark = pytest.mark.every_engine

ADMIN_KEYS = f"{ACCOUNT}/admin/keys"
FEEDBACK = f"{ACCOUNT}/feedback"
MEMBERSHIPS = f"{PROJECTS}/memberships"
USERS = "/identity/v2.0/users"
NINA = {"username": "nina@example.org", "first_name": "Nina", "last_name": "Newcomer"}
COUNT_KEYS = "SELECT count(*) FROM idempotency_keys"
SENDERS = 8
PATIENCE = 30


class Case(NamedTuple):
    """A call that makes something: who makes it, where and what.

    `path` makes what the call needs. `secrets` are what its answer shows only once, below `within`.
    """

    person: Person
    path: Callable[[Caller], str]
    body: Any
    other: Any
    operation: str
    status: int = 201
    method: str = "POST"
    secrets: tuple[str, ...] = ()
    within: str = ""

    def send(self, service: Caller, path: str, key: str | None = "k", **changed: Any) -> Reply:
        person, body = changed.get("person", self.person), changed.get("body", self.body)
        headers = {} if key is None else {"Idempotency-Key": key}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return service(self.method, path, person.token, body=body, headers=headers)
        return service(self.method, path, person.token, document=body, headers=headers)

    def told(self, reply: Reply) -> Any:
        assert reply.status == self.status, reply.content
        if not reply.content:
            return {}
        return reply.document[self.within] if self.within else reply.document


def at(path: str) -> Callable[[Caller], str]:
    return lambda _: path


def a_key(below: str) -> Callable[[Caller], str]:
    return lambda service: f"{below}/{made(service, ALICE.token)['prefix']}/action"


def invitation(service: Caller) -> str:
    reply = service.post(f"{PROJECTS}/{LAB}/invitations", ALICE.token, {"max_uses": 1})
    return str(reply.document["invitation"])


ROTATE: dict[str, Any] = {"rotate": {}}
SOONER: dict[str, Any] = {"rotate": {"overlap_seconds": 60}}
CASES = {
    "a key": Case(ALICE, at(KEYS), {"name": "ci"}, {"name": "cd"}, "keys.make_key", secrets=("key",)),
    "a rotated key": Case(
        ALICE, a_key(KEYS), ROTATE, SOONER, "keys.act_on_key", status=200, secrets=("key",)
    ),
    "a key of a user": Case(
        CHLOE,
        at(ADMIN_KEYS),
        {"user": BOB.uuid, "name": "ci"},
        {"user": ALICE.uuid, "name": "ci"},
        "keys_admin.make_key_of_user",
        secrets=("key",),
    ),
    "a rotated key of a user": Case(
        CHLOE,
        a_key(ADMIN_KEYS),
        ROTATE,
        SOONER,
        "keys_admin.act_on_key_of_user",
        status=200,
        secrets=("key",),
    ),
    "a project": Case(
        ALICE, at(PROJECTS), NEW, {**NEW, "name": "other.example.org"}, "projects.create_project"
    ),
    "a changed project": Case(
        ALICE,
        at(f"{PROJECTS}/{LAB}"),
        {"max_members": 7},
        {"max_members": 8},
        "projects.modify_project",
        method="PUT",
    ),
    "a request to join": Case(
        CHLOE,
        at(MEMBERSHIPS),
        {"join": {"project": LAB}},
        {"join": {"project": UNKNOWN_UUID}},
        "memberships.add_membership",
        status=200,
    ),
    "a member": Case(
        ALICE,
        at(MEMBERSHIPS),
        {"enroll": {"project": LAB, "user": CHLOE.email}},
        {"enroll": {"project": LAB, "user": BOB.email}},
        "memberships.add_membership",
        status=200,
    ),
    "an invitation": Case(
        ALICE,
        at(f"{PROJECTS}/{LAB}/invitations"),
        {},
        {"max_uses": 2},
        "projects.create_invitation",
        secrets=("invitation",),
    ),
    "a user": Case(
        ALICE,
        at(USERS),
        {"user": NINA},
        {"user": {**NINA, "first_name": "Nora"}},
        "users_admin.user_create",
        status=200,
        secrets=("password", "auth_token"),
        within="user",
    ),
    "a user with a password": Case(
        ALICE,
        at(USERS),
        {"user": {**NINA, "password": PASSWORD}},
        {"user": {**NINA, "password": f"{PASSWORD}s"}},
        "users_admin.user_create",
        status=200,
        secrets=("auth_token",),
        within="user",
    ),
    "a token": Case(
        ALICE,
        at(f"{USERS}/{BOB.uuid}/action"),
        {"renewToken": {}},
        {"signTerms": {}},
        "user_actions.user_action",
        status=200,
        secrets=("auth_token",),
        within="user",
    ),
    "feedback": Case(
        BOB, at(FEEDBACK), b"feedback_msg=Hello", b"feedback_msg=Bye", "account.feedback", status=200
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture
def database(database: Database) -> Database:
    """Chloe is an administrator, and users are administered over HTTP."""
    load(database, StateDocument(settings=Settings(admin_users=True)), LOADED)
    database.change(
        lambda connection: grant_admin(connection, OPERATOR, find_user(connection, CHLOE.uuid), LOADED)
    )
    return database


def without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def things(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is stored, except what is noted of the uses of the service."""
    found = all_rows(database)
    del found["engines"]
    return found


@every_case
def test_a_repeated_call_makes_nothing_and_has_the_same_answer_without_secrets(
    service: Caller, database: Database, case: Case
) -> None:
    path = case.path(service)
    first = case.send(service, path)
    before = things(database)
    again = case.send(service, path)
    assert things(database) == before
    document, repeated = case.told(first), case.told(again)
    assert [document[name] for name in case.secrets if not document[name]] == []
    assert {name: repeated[name] for name in case.secrets} == dict.fromkeys(case.secrets)
    assert without(repeated, "message", *case.secrets) == without(document, *case.secrets)
    assert ("message" in repeated) == bool(case.secrets)
    for name in case.secrets:
        assert name in repeated["message"]
    assert (first.headers["idempotency-key"], again.headers["idempotency-key"]) == ("k", "k")
    assert (first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]) == ("false", "true")


@every_case
def test_no_secret_and_no_key_is_stored(service: Caller, database: Database, case: Case) -> None:
    document = case.told(case.send(service, case.path(service), "a-telling-key"))
    stored = repr(rows(database, "SELECT * FROM idempotency_keys"))
    for secret in ("a-telling-key", PASSWORD, *(document[name] for name in case.secrets)):
        assert secret not in stored


@every_case
def test_a_key_is_for_one_request(service: Caller, database: Database, case: Case) -> None:
    path = case.path(service)
    case.told(case.send(service, path))
    before = things(database)
    otherwise = case.send(service, path, body=case.other)
    elsewhere = CASES["an invitation"].send(
        service, f"{PROJECTS}/{UNKNOWN_UUID}/invitations", person=case.person
    )
    for refused in (otherwise, elsewhere):
        assert (refused.status, refused.fault) == (422, "unprocessableEntity")
        assert refused.message == (
            "The Idempotency-Key 'k' was used for another call, or with a different body. Use a new key."
        )
    assert things(database) == before


@every_case
def test_many_at_once_in_two_processes_make_it_once(database: Database, case: Case) -> None:
    with running(database) as one, running(opened(database)) as other:
        path = case.path(one)
        together = Barrier(SENDERS)

        def send(service: Caller) -> Reply:
            together.wait()
            return case.send(service, path)

        with ThreadPoolExecutor(SENDERS) as threads:
            replies = list(threads.map(send, [one, other] * (SENDERS // 2)))
    told = [without(case.told(reply), "message", *case.secrets) for reply in replies]
    assert [document for document in told if document != told[0]] == []
    replayed = Counter(reply.headers["idempotency-replayed"] for reply in replies)
    assert replayed == {"false": 1, "true": SENDERS - 1}
    with_secrets = [reply for reply in replies if all(case.told(reply)[name] for name in case.secrets)]
    assert len(with_secrets) == (1 if case.secrets else SENDERS)


@every_case
def test_without_a_key_nothing_is_remembered(service: Caller, database: Database, case: Case) -> None:
    reply = case.send(service, case.path(service), None)
    case.told(reply)
    assert "idempotency-key" not in reply.headers
    assert rows(database, COUNT_KEYS) == [(0,)]


@every_case
@pytest.mark.first_on_every_engine
def test_a_malformed_key_is_refused(service: Caller, database: Database, case: Case) -> None:
    path = case.path(service)
    before = things(database)
    for key in ("", "k" * 256, "a\tb"):
        reply = case.send(service, path, key)
        assert (reply.status, "Idempotency-Key must be 1 to 255" in reply.message) == (400, True)
    assert things(database) == before


def test_a_key_belongs_to_its_caller(service: Caller) -> None:
    case = CASES["a key"]
    mine, theirs = case.send(service, KEYS), case.send(service, KEYS, person=BOB)
    assert (mine.status, theirs.status) == (201, 201)
    assert theirs.headers["idempotency-replayed"] == "false"
    assert case.told(theirs)["prefix"] != case.told(mine)["prefix"]


def test_bodies_are_compared_by_what_they_say(service: Caller) -> None:
    case = CASES["a key"]
    first = case.send(service, KEYS, body={"name": "ci", "calls": ["quotas"]})
    same = {"limits": None, "calls": ["quotas"], "project": None, "name": "ci"}
    again = case.send(service, KEYS, body=same)
    assert case.told(again)["prefix"] == case.told(first)["prefix"]
    rotation = f"{KEYS}/{case.told(first)['prefix']}/action"
    for body in (ROTATE, {"rotate": {"overlap_seconds": DAY // 1_000_000}}):
        assert CASES["a rotated key"].send(service, rotation, "r", body=body).status == 200


def test_a_body_that_nests_deeply_is_compared_or_refused(service: Caller) -> None:
    path, statuses = f"{USERS}/{BOB.uuid}/action", set[int]()
    for depth in (1, 100, *range(800, 1010, length(1, 15))):
        nested = b"[" * depth + b"]" * depth
        headers = {"Idempotency-Key": str(depth), "Content-Type": "application/json"}
        body = b'{"signTerms": {"a": %b}}' % nested
        statuses.add(service("POST", path, ALICE.token, body=body, headers=headers).status)
    assert statuses == {200, 400}


def test_what_is_refused_is_not_remembered(service: Caller, database: Database) -> None:
    case = CASES["a user"]
    taken = {"user": {**NINA, "username": ALICE.email}}
    assert case.send(service, USERS, body=taken).status == 409
    assert rows(database, COUNT_KEYS) == [(0,)]
    assert case.told(case.send(service, USERS))["id"]


def test_a_joining_with_an_invitation_is_repeated_after_that_is_used_up(
    service: Caller, database: Database
) -> None:
    case = CASES["a request to join"]
    body = {"join": {"invitation": invitation(service)}}
    first = case.send(service, MEMBERSHIPS, body=body)
    rows(database, "DELETE FROM project_invitations")
    again = case.send(service, MEMBERSHIPS, body=body)
    assert case.told(again) == case.told(first)
    assert again.headers["idempotency-replayed"] == "true"
    assert case.send(service, MEMBERSHIPS, "another", body=body).status == 404


def test_who_may_no_longer_call_is_told_nothing(service: Caller, database: Database) -> None:
    case = CASES["a key of a user"]
    case.told(case.send(service, ADMIN_KEYS))
    database.change(
        lambda connection: revoke_admin(connection, OPERATOR, find_user(connection, CHLOE.uuid), LOADED)
    )
    assert case.send(service, ADMIN_KEYS).status == 403


def test_whose_project_it_was_is_told_what_they_had_made_then(service: Caller, database: Database) -> None:
    case, path = CASES["an invitation"], f"{PROJECTS}/{LAB}/invitations"
    first = case.send(service, path)
    handover = {"handover": {"owner": BOB.uuid, "reason": ""}}
    assert service.post(f"{PROJECTS}/{LAB}/action", ALICE.token, handover).status == 200
    before = things(database)
    again = case.send(service, path)
    assert case.told(again)["id"] == case.told(first)["id"]
    assert case.told(again)["invitation"] is None
    assert case.send(service, path, "another").status == 403
    assert things(database) == before


def test_an_answer_outlives_the_service(database: Database) -> None:
    case = CASES["a project"]
    with running(database) as service:
        first = case.send(service, PROJECTS)
    with running(opened(database)) as service:
        assert case.told(case.send(service, PROJECTS)) == case.told(first)


def test_it_is_forgotten_after_its_time(service: Caller, database: Database) -> None:
    case = CASES["a project"]
    case.told(case.send(service, PROJECTS))
    store = opening.ledger_storage(database)
    for later, count in ((DAY, 1), (KEYS_KEPT + DAY, 0)):
        store.tidy(now() + later)
        assert rows(database, COUNT_KEYS) == [(count,)]
    store.close()


REPEATED_SAFELY = {
    "account.user_catalogs": "reads",
    "default_project.set_default_project": "sets the same again",
    "oauth2_revocation.revoke": "does nothing",
    "tokens.revoke": "404",
    "keys.change_key": "sets the same again",
    "keys.revoke_key": "404",
    "keys_admin.change_key_of_user": "sets the same again",
    "keys_admin.revoke_key_of_user": "404",
    "memberships.act_on_membership": "409",
    "projects.act_on_project": "409, or sets the same again",
    "projects.revoke_invitation": "404",
    "users_admin.user_update": "sets the same again",
}
"""The calls of users that change something and take no key, and what a repetition does."""


def test_every_call_that_makes_something_takes_a_key() -> None:
    with_key: set[str] = set()
    without_key: set[str] = set()
    for operation in operations(all_methods()):
        description = operation.description
        if description is None or "user" not in operation.tokens or operation.method in ("GET", "HEAD"):
            continue
        has_key = any(parameter.name == "Idempotency-Key" for parameter in description.parameters)
        (with_key if has_key else without_key).add(description.name)
    assert with_key == {case.operation for case in CASES.values()}
    assert without_key - {"authz.authorize"} == set(REPEATED_SAFELY)


def test_what_was_sent_before_a_kill_is_repeated_after_it(database: Database) -> None:
    case, path = CASES["an invitation"], f"{PROJECTS}/{LAB}/invitations"
    keys = [f"k{number}" for number in range(32)]
    with serving(database, "--base-url", BASE_URL) as served:
        (worker,) = served.workers()
        some_made = Event()

        def send(key: str) -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                case.send(served.caller, path, key)
                some_made.set()

        with ThreadPoolExecutor(SENDERS) as threads:
            sent = threads.map(send, keys)
            assert some_made.wait(PATIENCE)
            os.kill(worker, signal.SIGKILL)
            list(sent)
        answers: dict[str, Any] = {}
        deadline = time.monotonic() + PATIENCE
        while len(answers) < len(keys):
            assert time.monotonic() < deadline
            for key in [key for key in keys if key not in answers]:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answers[key] = case.told(case.send(served.caller, path, key))["id"]
    assert sorted(rows(database, "SELECT id FROM project_invitations")) == sorted(
        (number,) for number in answers.values()
    )

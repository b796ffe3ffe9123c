import re
from typing import Any

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.administrators import grant_admin
from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.directory.password_hashes import password_matches
from astakos.events.event import OPERATOR
from astakos.service.password_pool import PasswordPool
from astakos.storage.protocol import Connection, Database
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.http.identity.administered_users import NEWCOMER, USERS, act, create, update, user_of
from service.installation import all_rows, rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAY,
    GREG,
    HUGO,
    IVAN,
    LOADED,
    PEOPLE,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")
ISO_LOADED = "2031-02-03T04:05:06.789012+00:00"
ALICES = {
    "id": ALICE.uuid,
    "email": ALICE.email,
    "first_name": "Alice",
    "last_name": "Archer",
    "is_active": True,
    "is_rejected": False,
    "deactivated_reason": None,
    "rejected_reason": None,
    "accepted_policy": None,
    "roles": ["staff", "admin-api"],
    "authentication_methods": [
        {"backend": "astakos", "identifier": None, "active": True, "affiliation": None, "metadata": {}}
    ],
}
ALICES_DETAIL = ALICES | {
    "date_joined": ISO_LOADED,
    "moderated_at": ISO_LOADED,
    "verified_at": ISO_LOADED,
    "auth_token_expires": "2099-01-02T03:04:05.000678+00:00",
}
CALLS = {
    USERS: "GET,POST",
    f"{USERS}/detail": "GET",
    f"{USERS}/{ALICE.uuid}": "GET,PUT",
    f"{USERS}/{ALICE.uuid}/action": "POST",
}
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


@pytest.mark.parametrize("path", CALLS)
def test_unless_it_is_turned_on_there_is_no_such_call(standing_service: Caller, path: str) -> None:
    for method in METHODS:
        for token in (None, ALICE.token):
            reply = standing_service(method, path, token)
            assert (reply.status, reply.fault) == (400, "badRequest")


def test_it_can_be_turned_off_again(administered: Caller, database: Database) -> None:
    assert administered.get(USERS, ALICE.token).status == 200
    load(database, StateDocument(settings=Settings(admin_users=False)), LOADED)
    assert administered.get(USERS, ALICE.token).status == 400


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("path", CALLS)
def test_other_methods_are_refused_whoever_asks_and_the_right_ones_are_named(
    administered: Caller, path: str
) -> None:
    for method in METHODS:
        if method not in CALLS[path].split(","):
            reply = administered(method, path)
            assert (reply.status, reply.fault, reply.headers["allow"]) == (405, "notAllowed", CALLS[path])


def test_it_is_for_members_of_a_permitted_group(administered: Caller, database: Database) -> None:
    for path, methods in CALLS.items():
        for method in methods.split(","):
            reply = administered(method, path)
            assert (reply.status, reply.fault) == (401, "unauthorized"), "there is no token"
            for token in (UNKNOWN_TOKEN, COMPUTE_TOKEN, EDGAR.token, HUGO.token, FAY.token):
                reply = administered(method, path, token)
                assert (reply.status, reply.fault) == (401, "fault"), "the token does not count"
                assert reply.document["fault"]["code"] == 401
            reply = administered(method, path, BOB.token)
            assert (reply.status, reply.fault) == (403, "forbidden")
    load(database, StateDocument(settings=Settings(admin_users_groups=["helpdesk"])), LOADED)
    assert administered.get(USERS, ALICE.token).status == 403


@pytest.mark.parametrize("suffix", ["", "/", ".json", ".xml", "?format=xml"])
def test_whatever_is_asked_for_it_is_json(administered: Caller, suffix: str) -> None:
    for path in (USERS, f"{USERS}/detail", f"{USERS}/{ALICE.uuid}"):
        reply = administered.get(path + suffix, ALICE.token, Accept="application/xml")
        assert reply.status == 200
        assert reply.headers["content-type"] == "application/json; charset=UTF-8"
        assert set(reply.document) <= {"user", "users"}
    assert administered.get(USERS + suffix, BOB.token).fault == "forbidden"
    acted = administered.post(f"{USERS}/{BOB.uuid}/action{suffix}", ALICE.token, {"signTerms": {}})
    assert acted.status == 200


def test_paths_below_that_are_no_call(administered: Caller) -> None:
    for path in (f"{USERS}//", f"{USERS}/x/y", f"{USERS}/x/action/y", f"{USERS}.txt/x/y", f"{USERS}x"):
        assert administered.get(path, ALICE.token).status == 400, path


def test_all_users_are_listed(administered: Caller) -> None:
    listed = administered.get(USERS, ALICE.token).document["users"]
    assert [user["id"] for user in listed] == [person.uuid for person in PEOPLE]
    assert listed[0] == ALICES
    by_id = {user["id"]: user for user in listed}
    assert by_id[GREG.uuid]["is_rejected"]
    assert (by_id[CHLOE.uuid]["first_name"], by_id[BOB.uuid]["email"]) == ("Chloé", BOB.email)
    assert [(by_id[BOB.uuid][key]) for key in ("roles", "authentication_methods")] == [[], []]
    detailed = administered.get(f"{USERS}/detail", ALICE.token).document["users"]
    assert detailed[0] == ALICES_DETAIL
    times = ("date_joined", "moderated_at", "verified_at", "auth_token_expires")
    assert [{key: value for key, value in user.items() if key not in times} for user in detailed] == listed
    ivan = detailed[PEOPLE.index(IVAN)]
    assert (ivan["moderated_at"], ivan["verified_at"]) == (None, None)


def test_one_user_is_shown_in_detail(administered: Caller) -> None:
    assert user_of(administered, ALICE) == ALICES_DETAIL


def test_of_users_of_before_there_were_records_what_is_known_is_shown(
    administered: Caller, database: Database
) -> None:
    rows(database, "DELETE FROM user_records")
    shown = user_of(administered, BOB)
    assert (shown["date_joined"], shown["verified_at"]) == ("2031-01-02T03:04:05.000678+00:00", None)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("uuid", [UNKNOWN_UUID, "action", "%00", "alice@example.org"])
def test_a_user_who_is_not_there_is_not_found(administered: Caller, uuid: str) -> None:
    for reply in (
        administered.get(f"{USERS}/{uuid}", ALICE.token),
        administered("PUT", f"{USERS}/{uuid}", ALICE.token, document={"user": {}}),
        administered.post(f"{USERS}/{uuid}/action", ALICE.token, {"activate": {}}),
    ):
        assert (reply.status, reply.fault) == (404, "itemNotFound")


def test_a_new_user_can_call_and_charge_at_once_though_others_are_moderated(
    administered: Caller, database: Database
) -> None:
    reply = create(administered, password="a pass phrase", affiliation="The lab", metadata={"eppn": ["n"]})
    assert reply.status == 200
    created = reply.document["user"]
    assert set(created) == {"id", "password", "auth_token"}
    assert created["password"] is None, "the caller knows it"
    assert b"a pass phrase" not in reply.content
    token = created["auth_token"]
    access = administered.post(TOKENS, None, {"auth": {"token": {"id": token}}}).document["access"]
    assert access["user"]["id"] == access["token"]["tenant"]["id"] == created["id"]
    assert access["user"]["projects"] == [created["id"]]
    assert access["user"]["name"] == "Nina Newcomer"
    quotas = administered.get(f"{ACCOUNT}/quotas", token).document
    assert quotas[created["id"]][VM]["limit"] == 4
    own = Person(created["id"], "", token)
    charge = (member_key(own, own.uuid), 1), (project_key(own.uuid), 1)
    assert administered.issue(COMPUTE_TOKEN, *charge).status == 201
    ((stored,),) = rows(database, "SELECT password_hash FROM users WHERE uuid = ?", created["id"])
    assert password_matches(str(stored), "a pass phrase")
    shown = user_of(administered, created["id"])
    for time in ("date_joined", "moderated_at", "verified_at", "auth_token_expires"):
        assert TIME.fullmatch(shown.pop(time))
    assert shown == {
        "id": created["id"],
        "email": "Nina@Example.org",
        "first_name": "Nina",
        "last_name": "Newcomer",
        "is_active": True,
        "is_rejected": False,
        "deactivated_reason": None,
        "rejected_reason": None,
        "accepted_policy": "manual",
        "roles": [],
        "authentication_methods": [
            {
                "backend": "astakos",
                "identifier": None,
                "active": True,
                "affiliation": "The lab",
                "metadata": {"eppn": ["n"]},
            }
        ],
    }


@pytest.mark.parametrize("given", [{}, {"password": None}, {"password": ""}])
def test_a_password_is_made_if_none_is_given(
    administered: Caller, database: Database, given: dict[str, Any]
) -> None:
    created = create(administered, **given).document["user"]
    assert len(created["password"]) == 43
    ((stored,),) = rows(database, "SELECT password_hash FROM users WHERE uuid = ?", created["id"])
    assert password_matches(str(stored), created["password"])


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "document",
    [
        {},
        None,
        [],
        {"user": None},
        {"user": [NEWCOMER]},
        *({"user": {key: value for key, value in NEWCOMER.items() if key != name}} for name in NEWCOMER),
        *({"user": NEWCOMER | {name: wrong}} for name in NEWCOMER for wrong in ("", None, 5, "a\0@b.org")),
        *(
            {"user": NEWCOMER | {"username": wrong}}
            for wrong in ("nina", "@", "a b@example.org", "<b>@example.org", f"{'x' * 65}@example.org")
        ),
        *(
            {"user": NEWCOMER | {"password": wrong}}
            for wrong in (5, ["x"], "a pass\0phrase", "1", "x" * 7, "x" * 1025)
        ),
        *({"user": NEWCOMER | {"affiliation": wrong}} for wrong in (5, "a\0b")),
        *({"user": NEWCOMER | {"metadata": wrong}} for wrong in (5, "x", [1])),
    ],
)
def test_what_can_be_no_user_is_refused_and_nothing_is_made(
    administered: Caller, database: Database, document: Any
) -> None:
    before = all_rows(database)
    reply = administered.post(USERS, ALICE.token, document)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert all_rows(database) == before


def test_bodies_must_be_said_to_be_json(administered: Caller) -> None:
    for method, path in (
        ("POST", USERS),
        ("PUT", f"{USERS}/{BOB.uuid}"),
        ("POST", f"{USERS}/{BOB.uuid}/action"),
    ):
        reply = administered(method, path, ALICE.token, body=b"{}", headers={"Content-Type": "text/plain"})
        assert (reply.status, reply.fault) == (400, "badRequest")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("person", [ALICE, BOB, DORA, GREG, HUGO])
def test_nobody_is_given_the_address_of_a_verified_user(
    administered: Caller, database: Database, person: Person
) -> None:
    before = all_rows(database)
    for email in (person.email, person.email.swapcase()):
        reply = create(administered, username=email)
        assert (reply.status, reply.fault) == (409, "conflict")
    assert all_rows(database) == before


def test_an_unverified_user_makes_way(administered: Caller, database: Database) -> None:
    rows(database, "INSERT INTO user_groups SELECT u.id, 1 FROM users u WHERE u.uuid = ?", IVAN.uuid)
    created = create(administered, username=IVAN.email).document["user"]
    assert administered.get(f"{USERS}/{IVAN.uuid}", ALICE.token).status == 404
    assert user_of(administered, created["id"])["roles"] == []
    assert create(administered, username=IVAN.email).status == 409


def test_what_an_update_names_is_changed_and_nothing_else(administered: Caller, database: Database) -> None:
    before = user_of(administered, BOB)
    reply = update(administered, BOB, first_name="Robert")
    assert (reply.status, reply.document) == (200, {"user": before | {"first_name": "Robert"}})
    reply = update(
        administered,
        BOB,
        username="Robert@example.org",
        last_name="Baumeister",
        password="another pass phrase",
        affiliation="The lab",
        metadata={"a": 1},
    )
    shown = reply.document["user"]
    assert (shown["email"], shown["last_name"], shown["id"]) == ("Robert@example.org", "Baumeister", BOB.uuid)
    (method,) = shown["authentication_methods"]
    assert (method["affiliation"], method["metadata"]) == ("The lab", {"a": 1})
    ((stored,),) = rows(database, "SELECT password_hash FROM users WHERE uuid = ?", BOB.uuid)
    assert password_matches(str(stored), "another pass phrase")
    assert administered.get(f"{ACCOUNT}/authenticate", BOB.token).status == 401, "the password is new"
    token = act(administered, BOB, "renewToken").document["user"]["auth_token"]
    information = administered.get(f"{ACCOUNT}/authenticate", token).document
    assert (information["username"], information["name"]) == ("robert@example.org", "Robert Baumeister")
    reply = update(administered, BOB, affiliation=None, metadata=None)
    (method,) = reply.document["user"]["authentication_methods"]
    assert (method["affiliation"], method["metadata"]) == (None, {})
    assert update(administered, BOB).status == 200, "nothing is changed"


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "changes",
    [
        {"username": "robert"},
        {"username": "<robert>@example.org"},
        {"username": None},
        {"first_name": ""},
        {"last_name": 5},
        {"password": ""},
        {"password": None},
        {"password": "1"},
        {"affiliation": []},
    ],
)
def test_a_wrong_update_changes_nothing(
    administered: Caller, database: Database, changes: dict[str, Any]
) -> None:
    before = all_rows(database)
    reply = update(administered, BOB, **{"first_name": "Robert"} | changes)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert all_rows(database) == before


def test_an_update_takes_nobodys_address(administered: Caller) -> None:
    reply = update(administered, BOB, username=IVAN.email.upper())
    assert (reply.status, reply.fault) == (409, "conflict")
    assert update(administered, BOB, username=BOB.email.upper()).status == 200, "one's own is free"


@pytest.mark.first_on_every_engine
def test_an_address_that_is_stored_stays_whatever_it_looks_like(
    administered: Caller, database: Database
) -> None:
    statement = "UPDATE users SET username = 'b,ob@example.org', email = 'B,ob@example.org' WHERE uuid = ?"
    rows(database, statement, BOB.uuid)
    reply = update(administered, BOB, username="B,ob@example.org", first_name="Robert")
    assert (reply.status, reply.document["user"]["email"]) == (200, "B,ob@example.org")


def test_whoever_is_no_administrator_any_more_is_refused_at_once(administered: Caller) -> None:
    assert act(administered, ALICE, "deactivate").status == 200
    assert administered.get(USERS, ALICE.token).status == 401
    assert administered.get(COMMISSIONS, COMPUTE_TOKEN).status == 200


@pytest.mark.parametrize("makes", [True, False])
def test_a_right_that_ends_while_a_password_is_hashed_has_ended(
    administered: Caller, database: Database, monkeypatch: pytest.MonkeyPatch, makes: bool
) -> None:
    hash_password = PasswordPool.hash

    async def hash_while_the_right_ends(pool: PasswordPool, account: str, password: str) -> str:
        rows(database, "DELETE FROM user_groups")
        return await hash_password(pool, account, password)

    before = rows(database, "SELECT * FROM users ORDER BY id")
    monkeypatch.setattr(PasswordPool, "hash", hash_while_the_right_ends)
    reply = create(administered) if makes else update(administered, BOB, password="a new password")
    assert (reply.status, reply.fault) == (403, "forbidden")
    assert rows(database, "SELECT * FROM users ORDER BY id") == before


def nested(levels: int) -> Any:
    value: Any = "é"
    for _ in range(levels):
        value = [value]
    return value


def test_metadata_nests_no_deeper_than_everybody_can_read(administered: Caller) -> None:
    assert update(administered, ALICE, metadata={"a": nested(63)}).status == 200
    reply = update(administered, ALICE, metadata={"a": nested(64)})
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert "must not nest deeper than 64" in reply.message
    found = administered.get(f"{USERS}/{ALICE.uuid}", ALICE.token)
    (method,) = found.document["user"]["authentication_methods"]
    assert method["metadata"] == {"a": nested(63)}


@pytest.mark.parametrize("is_active", [True, False])
def test_who_manages_users_cannot_become_an_administrator(
    administered: Caller, database: Database, is_active: bool
) -> None:
    grant_to(database, BOB)
    rows(database, "UPDATE users SET is_active = ? WHERE uuid = ?", is_active, BOB.uuid)
    before = all_rows(database)
    for reply in (
        update(administered, BOB, password="a new password"),
        update(administered, BOB, username="mine@example.org"),
        act(administered, BOB, "renewToken"),
        act(administered, BOB, "activate"),
        act(administered, BOB, "deactivate"),
    ):
        assert (reply.status, reply.fault) == (403, "forbidden")
        assert reply.message == "Only administrators may change the account of an administrator."
    assert all_rows(database) == before
    assert update(administered, CHLOE, first_name="Other").status == 200
    grant_to(database, ALICE)
    assert act(administered, BOB, "activate" if not is_active else "renewToken").status == 200


def grant_to(database: Database, person: Person) -> None:
    def grant(connection: Connection) -> None:
        grant_admin(connection, OPERATOR, find_user(connection, person.uuid), LOADED)

    database.change(grant)

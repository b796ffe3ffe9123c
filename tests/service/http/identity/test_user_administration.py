import re
from collections.abc import Iterator
from typing import Any

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.directory.password_hashes import password_matches
from astakos.directory.tokens import token_hash
from astakos.ledger.rules import Holding
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller, Reply
from service.installation import all_rows, holdings, rows, running
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
    LAB,
    LOADED,
    PEOPLE,
    SPACE,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine

USERS = "/identity/v2.0/users"
TURNED_ON = StateDocument(settings=Settings(admin_users=True))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")
ISO_LOADED = "2031-02-03T04:05:06.789012+00:00"
NEWCOMER: dict[str, Any] = {"username": "Nina@Example.org", "first_name": "Nina", "last_name": "Newcomer"}

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


@pytest.fixture
def administered(database: Database) -> Iterator[Caller]:
    """A service in which administrators may manage users over HTTP."""
    load(database, TURNED_ON, LOADED)
    with running(database) as caller:
        yield caller


def user_of(caller: Caller, person: Person | str) -> Any:
    uuid = person if isinstance(person, str) else person.uuid
    return caller.get(f"{USERS}/{uuid}", ALICE.token).document["user"]


def create(caller: Caller, **changes: Any) -> Reply:
    return caller.post(USERS, ALICE.token, {"user": NEWCOMER | changes})


def act(caller: Caller, person: Person, action: str, **details: Any) -> Reply:
    return caller.post(f"{USERS}/{person.uuid}/action", ALICE.token, {action: details})


def update(caller: Caller, person: Person, **changes: Any) -> Reply:
    return caller("PUT", f"{USERS}/{person.uuid}", ALICE.token, document={"user": changes})


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
        *({"user": NEWCOMER | {"username": wrong}} for wrong in ("nina", "@", "a b@example.org")),
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


def test_the_reason_of_a_deactivation_has_a_bound(administered: Caller) -> None:
    reply = act(administered, BOB, "deactivate", reason="x" * 4097)
    assert (reply.status, reply.message) == (400, "The reason must have at most 4096 characters.")
    assert act(administered, BOB, "deactivate", reason="x" * 4096).status == 200


def test_a_deactivated_user_is_locked_out_and_comes_back_with_everything_but_their_token(
    administered: Caller, database: Database
) -> None:
    before = holdings(database)
    administered.issued(COMPUTE_TOKEN, (member_key(BOB), 1), (project_key(), 1))
    reply = act(administered, BOB, "deactivate", reason="On leave")
    assert reply.status == 200
    shown = reply.document["user"]
    assert (shown["is_active"], shown["deactivated_reason"]) == (False, "On leave")
    assert administered.get(f"{ACCOUNT}/quotas", BOB.token).status == 401
    while_away = holdings(database)
    for key in (
        member_key(BOB),
        member_key(BOB, BOB.uuid),
        project_key(BOB.uuid),
        member_key(BOB, LAB, SPACE),
    ):
        assert before[key].limit > 0
        assert while_away[key].limit == 0
    assert while_away[member_key(BOB)].usage_max == 1, "what is in use is known still"
    assert while_away[member_key(ALICE)] == before[member_key(ALICE)]

    reply = act(administered, BOB, "activate")
    shown = reply.document["user"]
    assert (shown["is_active"], shown["deactivated_reason"]) == (True, None)
    assert shown["auth_token_expires"] is None
    assert administered.get(f"{ACCOUNT}/quotas", BOB.token).status == 401
    token = act(administered, BOB, "renewToken").document["user"]["auth_token"]
    assert administered.get(f"{ACCOUNT}/quotas", token).status == 200
    limits = {key: holding.limit for key, holding in holdings(database).items()}
    assert limits == {key: holding.limit for key, holding in before.items()}


def test_the_active_projects_that_a_user_owns_are_suspended_with_them(
    administered: Caller, database: Database
) -> None:
    assert act(administered, CHLOE, "signTerms").status == 200
    rows(database, "UPDATE projects SET owner = ? WHERE uuid = ?", CHLOE.uuid, LAB)
    assert act(administered, CHLOE, "deactivate").status == 200
    assert rows(database, "SELECT state FROM projects WHERE uuid = ?", LAB) == [("suspended",)]
    assert holdings(database)[member_key(BOB)] == Holding(0)
    quotas = administered.get(f"{ACCOUNT}/quotas", BOB.token).document
    assert (quotas[LAB][VM]["limit"], quotas[LAB][VM]["project_limit"]) == (0, 0)
    assert act(administered, CHLOE, "activate").status == 200
    assert holdings(database)[member_key(BOB)] == Holding(10)


def test_the_times_of_what_is_suspended_with_a_user_are_shown(administered: Caller) -> None:
    assert act(administered, BOB, "deactivate").status == 200
    own = administered.get(f"{ACCOUNT}/projects/{BOB.uuid}", CHLOE.token).document
    assert own["state"] == "suspended"
    path = f"{ACCOUNT}/projects/memberships?project={LAB}"
    (membership,) = (
        found for found in administered.get(path, CHLOE.token).document if found["user"] == BOB.uuid
    )
    assert membership["state"] == "suspended"
    assert membership["suspended"] == own["deactivation_date"]
    assert act(administered, BOB, "activate").status == 200
    after = administered.get(f"{ACCOUNT}/projects/memberships/{membership['id']}", CHLOE.token).document
    assert (after["state"], after["accepted"]) == ("accepted", membership["accepted"])


def test_what_was_suspended_for_another_reason_stays_so(administered: Caller, database: Database) -> None:
    of_lab = "project_id = (SELECT id FROM projects WHERE uuid = ?)"
    rows(database, f"UPDATE memberships SET state = 'suspended' WHERE {of_lab}", LAB)
    for action in ("deactivate", "activate"):
        assert act(administered, BOB, action).status == 200
    states = "SELECT m.state FROM memberships m JOIN projects p ON p.id = m.project_id WHERE p.uuid = ?"
    assert set(rows(database, states, LAB)) == {("suspended",)}
    assert rows(database, states, BOB.uuid) == [("accepted",)]


def test_whoever_had_asked_to_leave_is_accepted_again(administered: Caller, database: Database) -> None:
    states = """
    SELECT m.state FROM memberships m JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id
    WHERE u.uuid = ? AND p.state = 'suspended' AND p.uuid <> u.uuid
    """
    assert rows(database, states, BOB.uuid) == [("leave_requested",)]
    for action, state in (("deactivate", "suspended"), ("activate", "accepted")):
        assert act(administered, BOB, action).status == 200
        assert rows(database, states, BOB.uuid) == [(state,)]


def test_one_who_was_declared_inactive_comes_back_but_for_a_token(
    administered: Caller, database: Database
) -> None:
    assert holdings(database)[member_key(HUGO, HUGO.uuid)].limit == 0
    assert act(administered, HUGO, "activate").status == 200
    assert holdings(database)[member_key(HUGO, HUGO.uuid)].limit == 4
    assert administered.get(f"{ACCOUNT}/quotas", HUGO.token).status == 401


def test_doing_it_twice_is_like_doing_it_once(administered: Caller, database: Database) -> None:
    for action in ("deactivate", "activate"):
        act(administered, BOB, action)
        once = all_rows(database)
        assert act(administered, BOB, action).status == 200
        assert all_rows(database) == once


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("person", [DORA, GREG, IVAN])
def test_only_who_was_accepted_can_be_activated(
    administered: Caller, database: Database, person: Person
) -> None:
    before = all_rows(database)
    reply = act(administered, person, "activate")
    assert (reply.status, reply.fault) == (409, "conflict")
    assert all_rows(database) == before


def test_a_renewed_token_is_answered_and_the_old_one_ceases_to_work(
    administered: Caller, database: Database
) -> None:
    reply = act(administered, EDGAR, "renewToken")
    token = reply.document["user"]["auth_token"]
    assert administered.get(f"{ACCOUNT}/quotas", token).status == 200
    renewed = act(administered, EDGAR, "renewToken").document["user"]["auth_token"]
    assert renewed != token
    assert administered.get(f"{ACCOUNT}/quotas", token).status == 401
    assert administered.get(f"{ACCOUNT}/quotas", renewed).status == 200
    assert rows(database, "SELECT count(*) FROM oauth2_tokens") == [(1,)], "Alice's"


def test_with_the_token_the_access_tokens_of_oauth2_end(administered: Caller, database: Database) -> None:
    assert act(administered, ALICE, "renewToken").status == 200
    assert rows(database, "SELECT count(*) FROM oauth2_tokens") == [(0,)]


def test_terms_can_be_signed_for_a_user(administered: Caller) -> None:
    assert administered.get(f"{ACCOUNT}/quotas", FAY.token).status == 401
    assert act(administered, FAY, "signTerms").status == 200
    assert administered.get(f"{ACCOUNT}/quotas", FAY.token).status == 200


def test_the_default_project_can_be_set_by_the_rules_for_users(administered: Caller) -> None:
    assert act(administered, BOB, "setDefaultProject", project_id=LAB).status == 200
    access = administered.post(TOKENS, None, {"auth": {"token": {"id": BOB.token}}}).document["access"]
    assert access["token"]["tenant"]["id"] == LAB
    assert act(administered, BOB, "setDefaultProject").status == 403
    assert act(administered, BOB, "setDefaultProject", project_id=ALICE.uuid).status == 404
    assert act(administered, BOB, "setDefaultProject", project_id=5).status == 400


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "document",
    [
        {},
        None,
        [],
        {"explode": {}},
        {"activate": {}, "signTerms": {}},
        {"activate": {}, "explode": {}},
        {"activate": None},
        {"deactivate": "reason"},
        {"deactivate": {"reason": 5}},
        {"deactivate": {"reason": None}},
        {"deactivate": {"reason": "a\0b"}},
    ],
)
def test_what_is_no_action_is_refused(administered: Caller, database: Database, document: Any) -> None:
    before = all_rows(database)
    reply = administered.post(f"{USERS}/{BOB.uuid}/action", ALICE.token, document)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert all_rows(database) == before


def test_whoever_is_no_administrator_any_more_is_refused_at_once(administered: Caller) -> None:
    assert act(administered, ALICE, "deactivate").status == 200
    assert administered.get(USERS, ALICE.token).status == 401
    assert administered.get(COMMISSIONS, COMPUTE_TOKEN).status == 200


def test_an_administrator_whose_token_ends_at_that_moment_changes_nothing(
    administered: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashing(_password: str) -> str:
        rows(database, "UPDATE users SET token_hash = NULL WHERE uuid = ?", ALICE.uuid)
        return "$argon2id$another"

    monkeypatch.setattr("astakos.service.password_pool.password_hash", hashing)
    for is_new in (False, True):
        declare = "UPDATE users SET token_hash = ? WHERE uuid = ?"
        rows(database, declare, token_hash(ALICE.token), ALICE.uuid)
        given = {"password": "another pass phrase"}
        reply = create(administered, **given) if is_new else update(administered, BOB, **given)
        assert (reply.status, reply.fault) == (401, "fault")
    assert rows(database, "SELECT count(*) FROM users WHERE password_hash = '$argon2id$another'") == [(0,)]


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

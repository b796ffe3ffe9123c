"""What administrators do to users over HTTP: deactivate and activate them, renew tokens, and the like."""

from typing import Any

import pytest

from astakos.directory.tokens import token_hash
from astakos.ledger.rules import Holding
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, TOKENS, Caller
from service.http.identity.administered_users import USERS, act, create, update
from service.installation import all_rows, holdings, rows
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
    SPACE,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine


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

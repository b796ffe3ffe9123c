"""Keys of all users, in the hands of administrators over HTTP."""

from typing import Any

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.administrators import grant_admin, revoke_admin
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Database
from astakos.storage.tables import events
from service.caller import ACCOUNT, Caller
from service.http.keyed import KEYS, made, text_of
from service.installation import running
from service.world import ALICE, BOB, CHLOE, LAB, LOADED, UNKNOWN_UUID, VM

pytestmark = pytest.mark.every_engine
ALL = f"{ACCOUNT}/admin/keys"
QUOTAS = f"{ACCOUNT}/quotas"


@pytest.fixture
def administrated(database: Database) -> Database:
    """Chloe is an administrator."""
    database.change(
        lambda connection: grant_admin(connection, OPERATOR, find_user(connection, CHLOE.uuid), LOADED)
    )
    return database


def make_for(caller: Caller, user: str, **wanted: Any) -> dict[str, Any]:
    reply = caller.post(ALL, CHLOE.token, {"user": user, "name": "for a program", **wanted})
    assert reply.status == 201, reply.content
    document: dict[str, Any] = reply.document
    return document


def test_the_life_of_a_key_that_an_administrator_has_made(administrated: Database) -> None:
    with running(administrated) as caller:
        key = make_for(caller, ALICE.email, limits={VM: 1}, calls=["quotas"], project=LAB)
        assert (key["user"], key["creator"], key["limits"]) == (ALICE.uuid, CHLOE.uuid, {VM: 1})
        assert caller.get(QUOTAS, key["key"]).status == 200
        one = f"{ALL}/{key['prefix']}"
        shown = caller.get(one, CHLOE.token).document
        assert {**shown, "last_used": None} == {name: value for name, value in key.items() if name != "key"}
        changed = caller("PUT", one, CHLOE.token, document={"name": "another", "limits": None}).document
        assert (changed["name"], changed["limits"], changed["calls"]) == ("another", {}, ["quotas"])
        rotated = caller.post(f"{one}/action", CHLOE.token, {"rotate": {"overlap_seconds": 0}}).document
        assert rotated["user"] == ALICE.uuid
        assert [caller.get(QUOTAS, text).status for text in (key["key"], rotated["key"])] == [401, 200]
        # The user has it, too: nothing is made behind their back.
        assert [mine["prefix"] for mine in caller.get(KEYS, ALICE.token).document] == [key["prefix"]]
        for reason in ("a%00b", "x" * 4097):
            refused = caller("DELETE", f"{one}?reason={reason}", CHLOE.token)
            assert (refused.status, "The reason must" in refused.message) == (400, True), refused.content
        assert caller("DELETE", f"{one}?reason=leaked", CHLOE.token).status == 204
        assert caller.get(QUOTAS, rotated["key"]).status == 401
        assert caller.get(one, CHLOE.token).status == 404
    found = events.read(administrated.reader(), events.Wanted(kind="key"), 10)
    assert [(one.event.kind, one.event.actor.user, one.event.subject, one.event.reason) for one in found] == [
        ("key.created", CHLOE.uuid, ALICE.uuid, ""),
        ("key.changed", CHLOE.uuid, ALICE.uuid, ""),
        ("key.rotated", CHLOE.uuid, ALICE.uuid, ""),
        ("key.revoked", CHLOE.uuid, ALICE.uuid, "leaked"),
    ]


def test_keys_are_listed_page_by_page(administrated: Database) -> None:
    with running(administrated) as caller:
        prefixes = [make_for(caller, user)["prefix"] for user in (ALICE.uuid, BOB.uuid, ALICE.uuid)]
        first = caller.get(f"{ALL}?limit=2", CHLOE.token).document
        assert [key["prefix"] for key in first["keys"]] == prefixes[:2]
        last = caller.get(f"{ALL}?limit=2&after={first['next']}", CHLOE.token).document
        assert ([key["prefix"] for key in last["keys"]], last["next"]) == (prefixes[2:], None)
        of_alice = caller.get(f"{ALL}?user={ALICE.email}", CHLOE.token).document
        assert [key["prefix"] for key in of_alice["keys"]] == prefixes[::2]
        assert all("key" not in key for key in of_alice["keys"])


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("GET", ALL, None),
        ("POST", ALL, {"user": ALICE.uuid, "name": "mine"}),
        ("GET", f"{ALL}/PREFIX", None),
        ("PUT", f"{ALL}/PREFIX", {"name": "mine"}),
        ("POST", f"{ALL}/PREFIX/action", {"rotate": {}}),
        ("DELETE", f"{ALL}/PREFIX", None),
    ],
)
def test_these_calls_are_for_administrators_and_their_tokens_alone(
    administrated: Database, method: str, path: str, document: Any
) -> None:
    with running(administrated) as caller:
        path = path.replace("PREFIX", made(caller, BOB.token)["prefix"])
        key = text_of(caller, CHLOE.token)
        sent = {} if document is None else {"document": document}
        # Alice decides about all projects, and is no administrator. Not even her own key is hers here.
        for token, status in ((ALICE.token, 403), (BOB.token, 403), (key, 403), ("unknown", 401)):
            assert caller(method, path, token, **sent).status == status
        administrated.change(
            lambda connection: revoke_admin(connection, OPERATOR, find_user(connection, CHLOE.uuid), LOADED)
        )
        assert caller(method, path, CHLOE.token, **sent).status == 403
        assert caller.get(KEYS, BOB.token).document[0]["name"] == "a key"


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"user": UNKNOWN_UUID}, 400),
        ({"user": ""}, 400),
        ({"user": BOB.uuid, "project": UNKNOWN_UUID}, 400),
        ({"user": BOB.uuid, "networks": ["nonsense"]}, 400),
        ({}, 400),
    ],
)
def test_what_cannot_be_is_refused(administrated: Database, wanted: dict[str, Any], status: int) -> None:
    with running(administrated) as caller:
        assert caller.post(ALL, CHLOE.token, {"name": "a key", **wanted}).status == status
        for query in ("limit=0", "limit=1001", "after=x", f"after={2**63}", f"user={UNKNOWN_UUID}"):
            assert caller.get(f"{ALL}?{query}", CHLOE.token).status == 400, query

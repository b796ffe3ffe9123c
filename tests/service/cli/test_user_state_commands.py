import pytest

from astakos.storage.protocol import Database
from astakos.storage.tables import sessions
from service.browser import Browser
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import last_event, rows
from service.world import ALICE, BOB, DORA, GREG, HUGO, IVAN, LOADED, PASSWORD

pytestmark = pytest.mark.every_engine


def state(database: Database, name: str) -> str:
    found: str = astakos(database, "user", "show", name, "--json").document["state"]
    return found


def test_a_user_is_stopped_and_revived(database: Database, service: Caller) -> None:
    told = astakos(database, "user", "deactivate", BOB.email, "--reason", "left")
    assert told.output.startswith(f"Deactivated {BOB.email}.")
    assert service.get(f"{ACCOUNT}/authenticate", BOB.token).status == 401
    shown = astakos(database, "user", "show", BOB.email, "--json").document
    assert (shown["state"], shown["deactivated_reason"]) == ("inactive", "left")
    assert astakos(database, "user", "activate", BOB.email).status == 0
    assert state(database, BOB.email) == "active"


def test_who_waits_is_rejected_and_then_accepted(database: Database) -> None:
    assert "not been verified" in refused(database, "user", "accept", IVAN.email)
    assert state(database, DORA.email) == "waiting"
    assert astakos(database, "user", "reject", DORA.email, "--reason", "unknown").status == 0
    assert last_event(database)[2:8] == ("user.rejected", None, "command", None, DORA.uuid, "unknown")
    assert state(database, DORA.email) == "rejected"
    assert "rejected already" in refused(database, "user", "reject", DORA.email)
    assert astakos(database, "user", "accept", DORA.email).status == 0
    assert state(database, DORA.email) == "active"
    quotas = astakos(database, "quota", "show", DORA.email, "--json").document
    assert {row["resource"]: row["limit"] for row in quotas}["compute.vm"] == 4
    assert "accepted already" in refused(database, "user", "accept", DORA.email)
    assert "accepted already" in refused(database, "user", "reject", DORA.email)


@pytest.mark.parametrize("name", [GREG.email, IVAN.email])
def test_who_was_not_accepted_cannot_be_activated(database: Database, name: str) -> None:
    refused(database, "user", "activate", name)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--state", "waiting"], [DORA.uuid]),
        (["--state", "inactive"], [HUGO.uuid]),
        (["--state", "rejected"], [GREG.uuid]),
        (["--state", "unverified", "--search", "ivan"], [IVAN.uuid]),
        (["--state", "active", "--search", "ivan"], []),
        (["--search", "LICE Arch"], [ALICE.uuid]),
        (["--search", ALICE.uuid], [ALICE.uuid]),
        (["--search", ALICE.uuid, "--state", "rejected"], []),
        (["--search", "%"], []),
    ],
)
def test_users_are_found(database: Database, options: list[str], found: list[str]) -> None:
    listed = astakos(database, "user", "list", *options, "--json").document
    assert [user["uuid"] for user in listed] == found


def test_logins_are_listed_and_ended(database: Database, service: Caller) -> None:
    for number in (1, 2):
        browser = Browser(service)
        browser.headers["User-Agent"] = f"Browser {number}"
        browser.log_in(ALICE.email, PASSWORD)
    listed = astakos(database, "user", "sessions", ALICE.email, "--json").document
    assert [one["agent"] for one in listed] == ["Browser 2", "Browser 1"]
    assert {one["origin"] for one in listed} == {"127.0.0.1"}
    ended = astakos(database, "user", "sessions", ALICE.email, "--end", str(listed[1]["id"]), "--json")
    assert [one["id"] for one in ended.document] == [listed[0]["id"]]
    assert last_event(database)[2] == "user.sessions_ended"
    assert "has no session" in refused(database, "user", "sessions", BOB.email, "--end", str(listed[0]["id"]))
    assert astakos(database, "user", "sessions", ALICE.email, "--end-all", "--json").document == []
    assert rows(database, "SELECT count(*) FROM sessions") == [(0,)]


def test_the_use_of_sessions_is_noted_and_one_can_be_kept(database: Database) -> None:
    with database.transaction() as connection:
        for number in (1, 2):
            hashes = (bytes([number]) * 32, bytes([number + 9]) * 32)
            sessions.begin(connection, 2, *hashes, LOADED, LOADED + 10, agent="x" * 999)
        newer, older = sessions.list_of_user(connection, 2, LOADED)
        sessions.note_uses(connection, {newer.id: LOADED + 5, older.id: LOADED - 5, 999: LOADED})
        found = sessions.list_of_user(connection, 2, LOADED)
        assert [(one.last_used, len(one.agent or "")) for one in found] == [(LOADED + 5, 300), (LOADED, 300)]
        assert sessions.list_of_user(connection, 2, LOADED + 11) == []
        assert sessions.end_all_of_user(connection, 2, but=newer.secret_hash) == 1
        assert [one.id for one in sessions.list_of_user(connection, 2, LOADED)] == [newer.id]

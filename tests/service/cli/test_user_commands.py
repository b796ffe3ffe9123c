import re

import pytest

from astakos.directory.password_hashes import password_matches
from astakos.storage.protocol import Database
from astakos.storage.tables.users import find_password_hash
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows, opened, running
from service.world import ALICE, BOB, CHLOE, PEOPLE, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
COMMANDS_ON_A_USER = (["user", "show"], ["user", "token"], ["user", "password"])


def test_a_user_who_is_added_can_call_at_once(database: Database, service: Caller) -> None:
    names = ("--first-name", "Zoë", "--last-name", "Zander", "--group", "staff", "--group", "new")
    added = astakos(database, "user", "add", "Zoe@example.org", *names, "--json")
    assert (added.status, added.errors) == (0, "")
    assert added.document.keys() == {"email", "uuid", "token", "token_expires"}
    found = service.get(f"{ACCOUNT}/authenticate", added.document["token"]).document
    assert (found["name"], found["username"]) == ("Zoë Zander", "zoe@example.org")
    assert found["groups"] == ["staff", "new"]
    quotas = service.get(f"{ACCOUNT}/quotas", added.document["token"]).document
    assert quotas[found["uuid"]]["compute.vm"]["limit"] == 4


def test_the_token_is_shown_to_people_too(database: Database) -> None:
    added = astakos(database, "user", "add", "zoe@example.org")
    email, _, token, _ = added.output.splitlines()
    assert email.split() == ["email", "zoe@example.org"]
    assert TOKEN.fullmatch(token.split()[1])


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("email", ["zoe", "", "a@b c", "@", "zoe@", 'x"><script>@example.org'])
def test_what_is_no_address_is_refused(database: Database, email: str) -> None:
    before = all_rows(database)
    assert "mail address" in refused(database, "user", "add", email)
    assert all_rows(database) == before


def test_an_address_that_is_taken_is_refused(database: Database) -> None:
    line = refused(database, "user", "add", BOB.email.upper())
    assert "already" in line
    assert "astakos user token" in line


def test_all_users_are_listed(database: Database) -> None:
    listed = astakos(database, "user", "list", "--json").document
    assert [user["uuid"] for user in listed] == [person.uuid for person in PEOPLE]
    assert listed[0]["token_created"] == "2031-01-02T03:04:05.000678+00:00"
    assert (listed[2]["name"], listed[7]["is_active"], listed[7]["moderated"]) == (
        "Chloé Ångström",
        False,
        True,
    )
    table = astakos(database, "user", "list").output
    assert len(table.splitlines()) == 1 + len(PEOPLE)
    for person in PEOPLE:
        assert person.email in table
        assert person.token not in table


@pytest.mark.parametrize("name", [ALICE.uuid, ALICE.email, ALICE.email.upper()])
def test_one_user_is_shown(database: Database, name: str) -> None:
    facts = astakos(database, "user", "show", name, "--json").document
    assert (facts["uuid"], facts["groups"]) == (ALICE.uuid, ["staff", "admin-api"])
    text = astakos(database, "user", "show", name).output
    assert "staff, admin-api" in text
    assert "is active" in text
    assert ALICE.token not in text


def test_a_new_token_replaces_the_old_one(database: Database, service: Caller) -> None:
    given = astakos(database, "user", "token", CHLOE.email, "--json").document
    assert service.get(f"{ACCOUNT}/authenticate", CHLOE.token).status == 401
    assert service.get(f"{ACCOUNT}/authenticate", given["token"]).document["uuid"] == CHLOE.uuid


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("command", COMMANDS_ON_A_USER)
@pytest.mark.parametrize("name", ["nobody@example.org", UNKNOWN_UUID, ""])
def test_a_user_who_is_not_there_is_named(database: Database, command: list[str], name: str) -> None:
    assert refused(database, *command, name).startswith(f"there is no user {name!r};")


def test_a_user_is_given_a_password(database: Database) -> None:
    given = astakos(database, "user", "password", CHLOE.email, stdin="Größe – × 123\n")
    assert (given.status, given.errors) == (0, "")
    assert given.output == f"{CHLOE.email} has a new password. All their tokens have ended.\n"
    stored = find_password_hash(database.reader(), CHLOE.uuid)
    assert stored is not None
    assert password_matches(stored, "Größe – × 123")
    assert not password_matches(stored, "Größe – × 123\n")


def test_a_new_password_ends_the_token_unless_told_to_keep_it(database: Database, service: Caller) -> None:
    kept = astakos(database, "user", "password", CHLOE.email, "--keep-tokens", stdin="first password\n")
    assert kept.output == f"{CHLOE.email} has a new password. Their tokens are still valid.\n"
    assert service.get(f"{ACCOUNT}/authenticate", CHLOE.token).status == 200
    astakos(database, "user", "password", CHLOE.email, stdin="second password\n")
    with running(opened(database)) as another:
        assert another.get(f"{ACCOUNT}/authenticate", CHLOE.token).status == 401


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("typed", ["", "\n", "7 chars\n", "x" * 1025 + "\n"])
def test_a_password_that_is_easily_guessed_or_endless_is_refused(database: Database, typed: str) -> None:
    before = all_rows(database)
    line = refused(database, "user", "password", ALICE.uuid, stdin=typed)
    assert line == "a password must have 8 to 1024 characters"
    assert all_rows(database) == before


def test_a_token_alone_is_printed_for_a_variable_of_the_shell(database: Database, service: Caller) -> None:
    for arguments in (("add", "new@example.org"), ("token", "new@example.org")):
        done = astakos(database, "user", *arguments, "--token-only")
        assert (done.status, done.errors) == (0, "")
        (token,) = done.output.splitlines()
        assert service.get(f"{ACCOUNT}/quotas", token).status == 200

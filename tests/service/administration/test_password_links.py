"""Links with which users set a password: they work once, for a while, and only mail has them."""

import asyncio
import re
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from astakos.administration.accounts import find_user
from astakos.administration.load import load
from astakos.administration.password_links import ask_for_recovery, make_link, new_secret_of, user_of_link
from astakos.administration.state_document import StateDocument
from astakos.administration.user_registration import (
    Particulars,
    UserRefusedError,
    change_user,
    deactivate_user,
)
from astakos.clock import DAY, MICROSECONDS
from astakos.directory.attempt_limits import TooManyAttemptsError
from astakos.directory.network_addresses import parse_address
from astakos.directory.password_hashes import password_matches
from astakos.directory.password_links import RECOVERY_LIFETIME, RECOVERY_PAUSE
from astakos.events.event import OPERATOR
from astakos.service.password_links import PasswordRefusedError, request_recovery, set_password_with_link
from astakos.service.service import Service
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables.users import find_password_hash
from service.command import astakos, refused
from service.installation import all_rows, last_event, rows
from service.world import ALICE, BASE_URL, BOB, HUGO, LOADED, UNKNOWN_UUID, users

NEW = "a new password"
SOON = LOADED + DAY
HERE = parse_address("192.0.2.7")


def linked(database: Database, expires: int = SOON) -> str:
    return database.change(
        lambda connection: make_link(connection, OPERATOR, find_user(connection, ALICE.uuid), expires, LOADED)
    )


def used(database: Database, secret: str, password: str = NEW, now: int = LOADED) -> bool:
    async def use() -> bool:
        service = Service(database, BASE_URL, now=lambda: now)
        return await set_password_with_link(service, "192.0.2.7", secret, password) is not None

    return asyncio.run(use())


@pytest.mark.every_engine
def test_a_link_works_once_and_logs_the_user_out(database: Database) -> None:
    first, secret = linked(database), linked(database)
    assert secret not in repr(all_rows(database))
    assert not used(database, first), "it was replaced"
    with pytest.raises(PasswordRefusedError, match="8 to"):
        used(database, secret, "short")
    assert used(database, secret)
    stored = find_password_hash(database.reader(), ALICE.uuid)
    assert stored is not None
    assert password_matches(stored, NEW)
    assert last_event(database)[2:5] == ("user.password_changed", ALICE.uuid, "192.0.2.7")
    assert rows(database, "SELECT token_hash FROM users WHERE uuid = ?", ALICE.uuid) == [(None,)]
    assert not used(database, secret)


def test_a_link_ends_with_its_time_and_with_its_user(database: Database) -> None:
    secret = linked(database)
    assert user_of_link(database.reader(), secret, SOON - 1) is not None
    assert not used(database, secret, now=SOON)
    assert not used(database, "x")
    assert not used(database, "\0")
    database.change(
        lambda connection: deactivate_user(
            connection, OPERATOR, find_user(connection, ALICE.uuid), "left", LOADED
        )
    )
    assert not used(database, secret)
    for expires in (LOADED, LOADED + 91 * DAY):
        with pytest.raises(UserRefusedError):
            linked(database, expires)


def renamed(database: Database, email: str) -> None:
    database.change(
        lambda connection: change_user(
            connection, OPERATOR, find_user(connection, ALICE.uuid), Particulars(email=email), LOADED
        )
    )


def loaded(database: Database, email: str) -> None:
    (alice,) = (one for one in users() if one.uuid == ALICE.uuid)
    load(database, StateDocument(users=[msgspec.structs.replace(alice, email=email)]), LOADED)


@pytest.mark.parametrize("change", [renamed, loaded])
def test_a_link_ends_with_the_address_that_it_was_mailed_to(
    database: Database, change: Callable[[Database, str], None]
) -> None:
    secret = linked(database)
    change(database, ALICE.email)
    assert user_of_link(database.reader(), secret, LOADED) is not None
    change(database, "alice@elsewhere.example.org")
    assert not used(database, secret)


@pytest.mark.every_engine
def test_who_asks_for_recovery_changes_nothing_unless_the_address_is_that_of_an_active_user(
    database: Database,
) -> None:
    def ask(address: str, now: int) -> int:
        database.change(partial(ask_for_recovery, origin="192.0.2.7", address=address, now=now))
        return len(rows(database, "SELECT id FROM events WHERE kind = 'user.recovery_requested'"))

    for address in ("nobody@example.org", HUGO.email, "", "\0", "x" * 9999):
        assert ask(address, LOADED) == 0
    assert ask(f" {BOB.email.upper()} ", LOADED) == 1
    assert last_event(database)[2:5] == ("user.recovery_requested", None, "192.0.2.7")
    assert ask(BOB.email, LOADED + RECOVERY_PAUSE - 1) == 1
    assert ask(BOB.email, LOADED + RECOVERY_PAUSE) == 2
    (number,) = (int(str(found)) for (found,) in rows(database, "SELECT id FROM password_links"))
    ends = LOADED + RECOVERY_PAUSE + RECOVERY_LIFETIME
    secrets = [
        database.change(partial(new_secret_of, number=number, now=now)) for now in (LOADED, ends - 1, ends)
    ]
    assert [secret is not None for secret in secrets] == [True, True, False]
    assert not used(database, str(secrets[0])), "sending it again has replaced it"
    assert used(database, str(secrets[1]))


def test_recovery_is_limited_and_tells_nobody_who_is_a_user(database: Database) -> None:
    async def asked(address: str) -> int:
        service = Service(database, BASE_URL, now=lambda: LOADED)
        for number in range(1000):
            try:
                await request_recovery(service, HERE, "192.0.2.7", address)
            except TooManyAttemptsError:
                return number
        return -1

    allowed = {asyncio.run(asked(address)) for address in (BOB.email, "nobody@example.org")}
    assert allowed == {10}


def test_the_command_line_invites_old_and_new_users(database: Database) -> None:
    asked = ["--json", "--valid-for", "2h"]
    made = astakos(database, "user", "invite", "zoe@example.org", "--first-name", "Zoë", *asked).document
    secret = re.fullmatch(rf"{re.escape(BASE_URL)}/ui/password\?link=([A-Za-z0-9_-]{{43}})", made["link"])
    assert secret is not None
    shown = astakos(database, "user", "show", "zoe@example.org", "--json").document
    assert (shown["state"], shown["name"]) == ("active", "Zoë")
    (expires,) = rows(database, "SELECT expires - created FROM password_links")
    assert expires == (7200 * MICROSECONDS,)
    assert last_event(database)[2] == "user.link_made"
    mailed = astakos(database, "user", "invite", BOB.email, "--mail")
    assert (mailed.status, "link=" in mailed.output) == (0, False)
    assert last_event(database)[2] == "user.invited"
    assert "not active" in refused(database, "user", "invite", HUGO.email)
    assert "no user" in refused(database, "user", "invite", UNKNOWN_UUID)
    astakos(database, "setting", "unset", "base_url")
    assert "--base-url" in refused(database, "user", "invite", BOB.email)


def test_an_invitation_leads_to_where_the_variable_of_the_service_says(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTAKOS_BASE_URL", "https://elsewhere.example.org/astakos/")
    made = astakos(database, "user", "invite", BOB.email, "--json").document
    assert made["link"].startswith("https://elsewhere.example.org/astakos/ui/password?link=")


def test_a_request_for_recovery_is_one_transaction_whoever_it_is_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = 0
    change = database.change

    def counted(work: Callable[[Connection], object]) -> object:
        nonlocal changes
        changes += 1
        return change(work)

    monkeypatch.setattr(database, "change", counted)
    for number, email in enumerate((ALICE.email, "nobody@example.org", HUGO.email), start=1):
        service = Service(database, BASE_URL, now=lambda: LOADED)
        asyncio.run(request_recovery(service, HERE, "192.0.2.7", email))
        assert changes == number

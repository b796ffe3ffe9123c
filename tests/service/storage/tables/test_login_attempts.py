from ipaddress import ip_address

import pytest

from astakos.directory.attempt_limits import MOST_ON_ACCOUNT, WINDOW, Attempt, TooManyAttemptsError
from astakos.storage.protocol import Database
from astakos.storage.tables import login_attempts
from service.installation import rows
from service.world import LOADED

pytestmark = pytest.mark.every_engine

UNKNOWN = Attempt("ada", None)
HERE = Attempt("ada", ip_address("192.0.2.1"))


def counts(database: Database) -> list[int]:
    return [int(str(count)) for (count,) in rows(database, "SELECT count FROM login_attempts ORDER BY count")]


def test_what_is_refused_is_not_counted(database: Database) -> None:
    with database.transaction() as connection:
        for _ in range(MOST_ON_ACCOUNT):
            login_attempts.require_allowed(connection, UNKNOWN, LOADED)
            login_attempts.count(connection, UNKNOWN, LOADED)
        for call in (login_attempts.require_allowed, login_attempts.count):
            with pytest.raises(TooManyAttemptsError) as refusal:
                call(connection, UNKNOWN, LOADED)
            assert refusal.value.again == LOADED + WINDOW // MOST_ON_ACCOUNT
    assert counts(database) == [MOST_ON_ACCOUNT]


def test_what_is_taken_back_does_not_count(database: Database) -> None:
    with database.transaction() as connection:
        first = login_attempts.count(connection, HERE, LOADED)
        second = login_attempts.count(connection, HERE, LOADED)
        assert (first.is_suspect, second.is_suspect) == (False, True)
        login_attempts.take_back(connection, first.limits)
        login_attempts.take_back(connection, second.limits)
        login_attempts.take_back(connection, second.limits)
        assert not login_attempts.count(connection, HERE, LOADED).is_suspect
    assert counts(database) == [1, 1, 1]


def test_old_counts_are_deleted_some_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_attempts, "MOST_EXPIRED", 2)
    with database.transaction() as connection:
        for number in range(5):
            login_attempts.count(connection, Attempt(f"user {number}", None), LOADED + number)
        login_attempts.count(connection, UNKNOWN, LOADED + 2 * WINDOW)
    assert rows(database, "SELECT count(*) FROM login_attempts") == [(4,)]
    began = rows(database, "SELECT min(began) FROM login_attempts")
    assert began == [(LOADED + 2,)], "the oldest go first"

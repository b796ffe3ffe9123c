"""Whoever gets hold of the database file holds no token and no password."""

import hashlib

import pytest

from astakos import clock
from astakos.administration.accounts import find_user, renew_user_token
from astakos.administration.component_registration import renew_component_token
from astakos.events.event import OPERATOR
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.caller import ACCOUNT, Caller
from service.http.keystone.asking import log_in
from service.installation import rows
from service.world import ALICE, COMPUTE_TOKEN, PASSWORD, SECRETS, member_key


def written(database: SQLiteDatabase) -> bytes:
    """All that stands in the files of a database."""
    return b"".join(path.read_bytes() for path in database.path.parent.glob(database.path.name + "*"))


def test_no_secret_is_in_the_files_also_while_the_service_runs(
    database: SQLiteDatabase, service: Caller
) -> None:
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 200
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1))
    with database.transaction() as connection:
        user_token = renew_user_token(connection, OPERATOR, find_user(connection, ALICE.uuid), clock.now())
        component_token = renew_component_token(connection, OPERATOR, "storage", clock.now())
    assert service.get(f"{ACCOUNT}/authenticate", user_token).status == 200
    temporary_token = log_in(service)
    content = written(database)
    assert database.path.with_name(database.path.name + "-wal").stat().st_size > 0
    for secret in (*SECRETS, user_token, component_token, temporary_token):
        assert secret.encode() not in content
        assert secret.encode().hex().encode() not in content.lower()


@pytest.mark.parametrize(
    ("table", "name", "secret"),
    [
        ("users", ALICE.email, ALICE.token),
        ("components", "compute", COMPUTE_TOKEN),
    ],
)
def test_of_a_token_its_hash_is_stored(database: SQLiteDatabase, table: str, name: str, secret: str) -> None:
    column = "email" if table == "users" else "name"
    stored = rows(database, f"SELECT token_hash FROM {table} WHERE {column} = ?", name)
    assert stored == [(hashlib.sha256(secret.encode()).digest(),)]
    assert hashlib.sha256(secret.encode()).digest() in written(database)


def test_of_a_password_a_slow_hash_is_stored(database: SQLiteDatabase) -> None:
    ((stored,),) = rows(database, "SELECT password_hash FROM users WHERE email = ?", ALICE.email)
    assert str(stored).startswith("$argon2id$")
    assert PASSWORD not in str(stored)
    assert rows(database, "SELECT count(*) FROM users WHERE password_hash IS NOT NULL") == [(1,)]

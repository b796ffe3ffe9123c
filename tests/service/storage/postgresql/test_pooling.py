"""Behind a pooler that gives each transaction another server process, everything works as without it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from astakos.ledger.operations import Issued, Resolve, Resolved
from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.postgresql.connection import PREPARE_AFTER
from astakos.storage.postgresql.pooling import settings_in
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Connection, Database
from service.engines import changed_url
from service.installation import holdings
from service.storage.postgresql.transaction_pooler import TransactionPooler
from simulation.comparison import make_issue
from simulation.postgresql_worlds import do, issue, set_limits_of
from simulation.worlds import USER_1, USER_2

pytestmark = pytest.mark.postgresql

OFTEN = 3 * PREPARE_AFTER
SHOW = "SELECT current_setting('lock_timeout'), current_setting('enable_seqscan')"


@pytest.fixture
def pooler(database: Database) -> Iterator[TransactionPooler]:
    assert isinstance(database, PostgreSQLDatabase)
    set_limits_of(database, {USER_1: 1000, USER_2: 1000})
    with contextlib.closing(TransactionPooler(database.url)) as pooler:
        yield pooler


@pytest.fixture
def pooled(pooler: TransactionPooler) -> Iterator[PostgreSQLDatabase]:
    with contextlib.closing(PostgreSQLDatabase(pooler.url)) as database:
        yield database


@pytest.fixture
def engines(pooled: PostgreSQLDatabase) -> Iterator[list[PostgreSQLLedger]]:
    stores = [PostgreSQLLedger(pooled), PostgreSQLLedger(pooled)]
    yield stores
    for store in stores:
        store.close()


def test_engines_issue_and_resolve_each_once(
    engines: list[PostgreSQLLedger], pooled: PostgreSQLDatabase
) -> None:
    for number in range(OFTEN):
        serial = issue(engines[number % 2])
        (outcome,) = do(engines[1 - number % 2], Resolve(1, accept=frozenset([serial])))
        assert outcome == Resolved(accepted=(serial,))
    assert holdings(pooled)[USER_1].usage_min == OFTEN
    assert [store.repeats for store in engines] == [0, 0]


def test_two_readers_get_what_each_of_them_asks_for(
    pooler: TransactionPooler, pooled: PostgreSQLDatabase
) -> None:
    with contextlib.closing(PostgreSQLDatabase(pooler.url)) as other:
        for _ in range(OFTEN):
            assert pooled.read(lambda connection: _only(connection, "SELECT ? + 1", 10)) == 11
            assert other.read(lambda connection: _only(connection, "SELECT ? + 2", 10)) == 12


def _only(connection: Connection, statement: str, *values: Any) -> Any:
    (value,) = connection.execute(statement, values).fetchone()
    return value


def test_a_transaction_has_its_own_settings_and_leaves_none_behind(
    engines: list[PostgreSQLLedger], pooled: PostgreSQLDatabase
) -> None:
    before = {pooled.read(lambda connection: tuple(connection.execute(SHOW).fetchone())) for _ in range(4)}
    assert before == {("0", "on")}
    assert pooled.change(lambda connection: _only(connection, "SHOW lock_timeout")) == "5s"
    with pooled.snapshot() as connection:
        assert _only(connection, "SHOW statement_timeout") == "4s"
    issue(engines[0])
    after = {pooled.read(lambda connection: tuple(connection.execute(SHOW).fetchone())) for _ in range(4)}
    assert after == before


def test_a_url_can_set_other_times(pooler: TransactionPooler) -> None:
    url = changed_url(pooler.url, options="-c lock_timeout=7s")
    with contextlib.closing(PostgreSQLDatabase(url)) as database:
        assert database.change(lambda connection: _only(connection, "SHOW lock_timeout")) == "7s"


def test_what_was_read_from_another_server_is_forgotten(
    engines: list[PostgreSQLLedger], pooled: PostgreSQLDatabase
) -> None:
    (store, _) = engines
    do(store, make_issue(1, [(USER_1, 1)]), make_issue(1, [(USER_2, 1)]))
    known = store._known
    # As if a failover behind the pooler had lost the last holdings, and others had been given their ids.
    known.server = b"another server"
    known.identifiers[USER_1], known.identifiers[USER_2] = (
        known.identifiers[USER_2],
        known.identifiers[USER_1],
    )
    (outcome,) = do(store, make_issue(1, [(USER_1, 10)]))
    assert isinstance(outcome, Issued)
    assert store.repeats == 1
    assert [holdings(pooled)[key].usage_max for key in (USER_1, USER_2)] == [11, 1]


def test_the_log_says_once_that_there_is_a_pooler(
    database: Database, pooled: PostgreSQLDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "astakos.storage")
    for either in (database, pooled, pooled):
        either.connect().close()
    (record,) = caplog.records
    assert record.message == f"{pooled.name} is reached through a pooler: statements are not prepared"


def test_a_pooler_that_refuses_the_settings_is_told_how_to_ignore_them(database: Database) -> None:
    assert isinstance(database, PostgreSQLDatabase)
    with (
        contextlib.closing(TransactionPooler(database.url, takes_options=False)) as pooler,
        pytest.raises(StorageUnavailableError, match="ignore_startup_parameters = options"),
    ):
        PostgreSQLDatabase(pooler.url).open()


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("-c lock_timeout=3s -c statement_timeout=15s", {"lock_timeout": "3s", "statement_timeout": "15s"}),
        ("-c lock_timeout=3s -clock_timeout=4s", {"lock_timeout": "4s"}),
        (r"--search_path=a,\ b", {"search_path": "a, b"}),
        ("-c default_transaction_read_only=on", {}),
        ("", {}),
    ],
)
def test_settings_are_read_from_options_as_the_server_reads_them(
    options: str, settings: dict[str, str]
) -> None:
    assert settings_in(options) == settings

"""Databases on PostgreSQL for the simulations: with two components, and emptied quickly."""

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from astakos.ledger.batch import perform
from astakos.ledger.operations import Issued, Operation, Outcome
from astakos.ledger.rules import Key
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Connection, Database
from astakos.storage.texts import is_storable
from service.engines import PostgreSQLEngine
from service.installation import set_limits
from service.stored import stored_commissions
from simulation.comparison import make_issue
from simulation.invariants import check_sums
from simulation.worlds import KEYS, START, USER_1, define_meters, fill

STORABLE_KEYS = [key for key in KEYS if is_storable(key.holder)]
TABLES = (
    "pending_commissions",
    "resolved_commissions",
    "commission_holders",
    "idempotency_keys",
    "engines",
    "holdings",
    "closed_periods",
    "rollovers",
    "grants",
    "quota_alerts",
    "meters",
    "settings",
)
EMPTY = f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY"
END_CONNECTION = "SELECT pg_terminate_backend(CAST(? AS integer), 5000)"

PATIENCE = 20.0


def filled(engine: PostgreSQLEngine, folder: Path) -> Database:
    """A new database with all tables and two components in it."""
    database = engine.new(folder)
    database.open()

    database.change(fill)
    return database


def empty(database: Database) -> None:
    """Leaves nothing but what is registered, with the meters as they were at the beginning."""

    def begin_anew(connection: Connection) -> None:
        connection.execute(EMPTY)
        define_meters(connection)

    database.change(begin_anew)


def set_limits_of(database: Database, limits: Mapping[Key, int]) -> None:
    database.change(lambda connection: set_limits(connection, limits.items()))


def new_store(database: Database) -> PostgreSQLLedger:
    assert isinstance(database, PostgreSQLDatabase)
    return PostgreSQLLedger(database)


def do(store: PostgreSQLLedger, *operations: Operation, now: int = START) -> list[Outcome]:
    return perform(store, operations, now)


def issue(store: PostgreSQLLedger, key: Key = USER_1) -> int:
    (outcome,) = do(store, make_issue(1, [(key, 1)]))
    assert isinstance(outcome, Issued)
    return outcome.serial


def count(database: Database) -> int:
    """How many commissions there are; one that is committed meanwhile is seen as a whole or not at all."""
    with database.snapshot() as connection:
        check_sums(connection)
        return len(stored_commissions(connection))


def answered(future: Future[list[Outcome]]) -> Outcome:
    (outcome,) = future.result(PATIENCE)
    return outcome

"""Engines on a PostgreSQL of their own, whose commits can be made to wait."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tools.postgres_server import PostgresServer, own_server

from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Database
from service.engines import PostgreSQLEngine
from simulation.postgresql_worlds import STORABLE_KEYS, filled, new_store, set_limits_of


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One whose commits can be made to wait."""
    with own_server({"synchronous_commit": "on"}) as server:
        yield server


@pytest.fixture
def database(server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    engine = PostgreSQLEngine(server.url)
    database = filled(engine, tmp_path)
    set_limits_of(database, dict.fromkeys(STORABLE_KEYS, 1000))
    yield database
    engine.discard(database)
    engine.close()


@pytest.fixture
def store(database: Database) -> Iterator[PostgreSQLLedger]:
    store = new_store(database)
    yield store
    store.close()


@pytest.fixture
def other_store(database: Database) -> Iterator[PostgreSQLLedger]:
    store = new_store(database)
    yield store
    store.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool

"""What is past its retention is deleted, whatever stands in front of it, and some of it at a time."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from astakos.clock import DAY
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue
from astakos.ledger.rules import Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.postgresql.postgresql_retention import delete_together
from astakos.storage.protocol import Connection, Database, Rows
from astakos.storage.tables import settings
from astakos.storage.tables.retention import MOST_FORGOTTEN, Retention
from service.installation import rows
from service.world import ALICE, LOADED, member_key, project_key

pytestmark = pytest.mark.every_engine

COMPUTE, STORAGE = 1, 2
U, P = member_key(ALICE), project_key()
YOUNG, OLD = 2000, 20_000
NOW = LOADED + 31 * DAY

ADD = """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
VALUES (?, ?, '', ?, ?, 'ACCEPT', ?)
"""
ADD_HOLDER = "INSERT INTO commission_holders (holder, serial, component_id) VALUES (?, ?, ?)"


def fill(database: Database) -> None:
    """Many old commissions behind some that were issued before them and resolved today."""
    rows(database, "DELETE FROM commission_holders")
    document = f"[[{rows(database, 'SELECT min(id) FROM holdings')[0][0]},0,0,1,0,0]]"
    ((holder,),) = rows(database, "SELECT holder FROM holdings ORDER BY id LIMIT 1")
    resolved = [NOW] * YOUNG + [LOADED] * OLD
    with database.transaction() as connection:
        settings.save(connection, settings.HISTORY_DAYS, 30)
        found = [(COMPUTE, serial, LOADED, time, document) for serial, time in enumerate(resolved, 1)]
        connection.executemany(ADD, [*found, (STORAGE, 10**6, LOADED, LOADED, document)])
        connection.executemany(ADD_HOLDER, [(holder, row[1], COMPUTE) for row in found])


class Counting:
    """A connection that counts the journeys to its database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.journeys = 0

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        self.journeys += 1
        return self._connection.execute(statement, parameters)

    def executemany(self, statement: str, values: Iterable[Sequence[Any]], /) -> object:
        self.journeys += 1
        return self._connection.executemany(statement, values)

    def close(self) -> None:
        self._connection.close()


def test_what_is_old_behind_what_is_young_is_deleted_in_bounded_turns(database: Database) -> None:
    fill(database)
    with contextlib.closing(ledger_storage(database)) as store:
        turns = 1
        left = YOUNG + OLD + 1
        while store.tidy(NOW):
            turns += 1
            ((now_left,),) = rows(database, "SELECT count(*) FROM resolved_commissions")
            assert isinstance(now_left, int)
            assert left - now_left <= MOST_FORGOTTEN
            left = now_left
        assert turns <= (YOUNG + OLD) // MOST_FORGOTTEN + 2
        for table in ("resolved_commissions", "commission_holders"):
            assert rows(database, f"SELECT count(*), max(serial) FROM {table}") == [(YOUNG, YOUNG)]
        # The next pass begins in front again.
        while store.tidy(NOW + 31 * DAY):
            pass
        assert rows(database, "SELECT count(*) FROM resolved_commissions") == [(0,)]


@pytest.mark.postgresql
def test_a_turn_makes_a_few_journeys_to_a_server_however_much_it_deletes(database: Database) -> None:
    fill(database)
    retention = Retention(delete_together)
    journeys = []
    for _ in range(3):
        with database.transaction() as connection:
            counting = Counting(connection)
            retention.forget(counting, NOW)
            journeys.append(counting.journeys)
    assert max(journeys) <= 9


def test_what_is_deleted_with_a_commission_is_its_own(database: Database) -> None:
    with contextlib.closing(ledger_storage(database)) as store:
        both = (Provision(U, 1), Provision(P, 1))
        perform(store, [Issue(COMPUTE, both, auto_accept=True), Issue(STORAGE, both)], LOADED)
        perform(store, [Issue(COMPUTE, both, auto_accept=True)], NOW)
        with database.transaction() as connection:
            settings.save(connection, settings.HISTORY_DAYS, 30)
        assert not store.tidy(NOW)
    assert len(rows(database, "SELECT serial FROM resolved_commissions")) == 1
    assert len(rows(database, "SELECT serial FROM commission_holders")) == 1
    assert len(rows(database, "SELECT serial FROM pending_commissions")) == 1

"""Batches stay quick when tables have grown since the planner last looked at them."""

import contextlib

import pytest

from astakos.ledger.batch import perform
from astakos.ledger.operations import Idempotency, Issue, Issued, Resolve, Resolved
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.rules import Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import rows
from service.world import ALICE, LOADED, member_key, project_key

pytestmark = pytest.mark.postgresql

COMPUTE = 1
OTHERS = 20_000
# How often a connection carries out a statement until the server keeps one plan for all parameters.
OFTEN = 12
FILL = f"""
INSERT INTO pending_commissions (component_id, serial, name, issue_time, expires, provisions)
SELECT 1, 1000000 + n, 'of others', 1, NULL, '[]' FROM generate_series(1, {OTHERS}) AS s (n)
ON CONFLICT DO NOTHING
"""
READ = """
SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'pending_commissions'
"""
AT_ONCE = 8


def issue_and_reject(store: LedgerStorage, key: str) -> None:
    provisions = (Provision(member_key(ALICE), 1), Provision(project_key(), 1))
    issues = [
        Issue(COMPUTE, provisions, idempotency=Idempotency(f"{key} {number}", b"fingerprint"))
        for number in range(AT_ONCE)
    ]
    issued = perform(store, issues, LOADED)
    serials = [outcome.serial for outcome in issued if isinstance(outcome, Issued)]
    assert len(serials) == AT_ONCE
    resolved = perform(store, [Resolve(COMPUTE, reject=frozenset([serial])) for serial in serials], LOADED)
    assert resolved == [Resolved(rejected=(serial,)) for serial in serials]


def rows_read(database: Database) -> int:
    ((count,),) = rows(database, READ)
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("looked_at", ["while it was empty", "while it was full of what is gone"])
def test_no_batch_reads_all_pending_commissions(database: Database, looked_at: str) -> None:
    if looked_at != "while it was empty":
        rows(database, FILL)
        rows(database, f"DELETE FROM pending_commissions WHERE serial < {1_000_000 + OTHERS}")
    rows(database, "ANALYZE pending_commissions")
    with contextlib.closing(ledger_storage(database)) as store:
        for number in range(OFTEN):
            issue_and_reject(store, f"before {number}")
        rows(database, FILL)
        before = rows_read(database)
        for number in range(OFTEN):
            issue_and_reject(store, f"after {number}")
    # What a connection has counted is known to all when it has ended.
    assert rows_read(database) - before < OTHERS

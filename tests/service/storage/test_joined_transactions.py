"""A batch of the ledger within a transaction that is open for something else."""

import contextlib

import pytest

from astakos.ledger.batch import carry_out_within, perform
from astakos.ledger.operations import Issue, Reconcile, Reconciled, Resolve
from astakos.ledger.rules import Holding, Provision
from astakos.storage.opening import joined_transaction, ledger_storage
from astakos.storage.protocol import Database
from service.installation import holdings
from service.stored import settled_sums, stored_sums
from service.world import ALICE, LOADED, member_key

pytestmark = pytest.mark.ledger

U = member_key(ALICE)
COMPUTE = 1


def test_what_is_pending_does_not_count_as_settled(database: Database) -> None:
    with contextlib.closing(ledger_storage(database)) as store:
        accepted = Issue(COMPUTE, (Provision(U, 4),), auto_accept=True)
        perform(store, [accepted, Issue(COMPUTE, (Provision(U, 3),))], LOADED)
    with database.transaction() as connection:
        reconcile = Reconcile(COMPUTE, (Provision(U, 2),), mend=True)
        performed = carry_out_within(joined_transaction(connection), [reconcile], LOADED, due=0)
        (outcome,) = performed.outcomes
    assert isinstance(outcome, Reconciled)
    assert outcome.drifts[0].settled == 4
    assert holdings(database)[U] == Holding(10, 2, 5)
    with contextlib.closing(database.connect()) as connection:
        assert stored_sums(connection) == settled_sums(connection) == {U: 2}


@pytest.mark.postgresql
def test_commissions_that_engines_know_are_left_to_engines(database: Database) -> None:
    resolve = Resolve(COMPUTE, accept=frozenset([1]))
    with database.transaction() as connection:
        joined = joined_transaction(connection)
        with pytest.raises(ValueError, match="can only issue commissions without keys"):
            carry_out_within(joined, [resolve], LOADED, due=0)

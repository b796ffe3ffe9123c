import contextlib

import pytest

from astakos.administration.operator_resolutions import resolve
from astakos.administration.state_document import StateError
from astakos.events.event import OPERATOR
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Verdict
from astakos.ledger.rules import Holding, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import all_rows, holdings, last_event, rows
from service.world import ALICE, LOADED, member_key

pytestmark = pytest.mark.ledger

U = member_key(ALICE)


def issue(database: Database, component: int) -> int:
    with contextlib.closing(ledger_storage(database)) as store:
        (outcome,) = perform(store, [Issue(component, (Provision(U, 4),))], LOADED)
    assert isinstance(outcome, Issued)
    return outcome.serial


@pytest.mark.parametrize("component", [1, 2, 3])
@pytest.mark.parametrize(
    ("verdict", "after"), [(Verdict.ACCEPT, Holding(10, 4, 4)), (Verdict.REJECT, Holding(10))]
)
def test_a_commission_is_ended_whoever_issued_it(
    database: Database, component: int, verdict: Verdict, after: Holding
) -> None:
    serial = issue(database, component)
    done = resolve(database, OPERATOR, [serial], verdict, LOADED, reason="gone")
    assert (list(done.resolved), done.missing) == ([serial], [])
    assert holdings(database)[U] == after
    assert last_event(database)[7] == "gone"
    kind, *_, told = (last_event(database)[place] for place in (2, 9))
    assert kind == ("commission.accepted" if verdict is Verdict.ACCEPT else "commission.rejected")
    assert f'"commission": {serial}' in str(told)
    assert resolve(database, OPERATOR, [serial], verdict, LOADED).missing == [serial]


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("serial", [0, -1, 99, 2**63, 10**30])
def test_what_is_not_pending_is_named(database: Database, serial: int) -> None:
    issue(database, 1)
    before = all_rows(database)
    assert resolve(database, OPERATOR, [serial], Verdict.ACCEPT, LOADED).missing == [serial]
    assert all_rows(database) == before


def test_several_are_ended_together_and_one_that_is_not_pending_keeps_no_other_from_it(
    database: Database,
) -> None:
    first, second = issue(database, 1), issue(database, 2)
    done = resolve(database, OPERATOR, [second, 99, first, first], Verdict.REJECT, LOADED)
    assert (set(done.resolved), done.missing) == ({first, second}, [99])
    told = rows(database, "SELECT after FROM events WHERE kind = 'commission.rejected' ORDER BY id")
    assert [
        f'"commission": {serial}' in str(after)
        for serial, (after,) in zip(sorted(done.resolved), told, strict=True)
    ] == [
        True,
        True,
    ]
    with pytest.raises(StateError, match="at most 1000"):
        resolve(database, OPERATOR, range(1, 1002), Verdict.REJECT, LOADED)

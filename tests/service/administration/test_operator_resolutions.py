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
from service.installation import all_rows, holdings, last_event
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
    resolve(database, OPERATOR, serial, verdict, LOADED)
    assert holdings(database)[U] == after
    kind, *_, told = (last_event(database)[place] for place in (2, 9))
    assert kind == ("commission.accepted" if verdict is Verdict.ACCEPT else "commission.rejected")
    assert f'"commission": {serial}' in str(told)
    with pytest.raises(StateError, match=f"there is no pending commission {serial}"):
        resolve(database, OPERATOR, serial, verdict, LOADED)


@pytest.mark.parametrize("serial", [0, -1, 99, 2**63, 10**30])
def test_what_is_not_pending_is_named(database: Database, serial: int) -> None:
    issue(database, 1)
    before = all_rows(database)
    with pytest.raises(StateError, match=f"there is no pending commission {serial}"):
        resolve(database, OPERATOR, serial, Verdict.ACCEPT, LOADED)
    # That something was not found is confirmed by the number of a transaction, and nothing else.
    assert all_rows(database) | {"engines": before["engines"]} == before

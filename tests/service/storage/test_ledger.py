import contextlib

import msgspec
import pytest

from astakos.ledger.batch import carry_out, perform
from astakos.ledger.operations import Commission, Issue, Issued, Operation, Resolve, Resolved
from astakos.ledger.ports import MOST_EXPIRED, Needs
from astakos.ledger.rules import Holding, Key, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables.commissions import find_pending, list_pending
from service.installation import opened, rows, set_limits
from service.stored import settled_sums, stored_commissions, stored_sums
from service.world import ALICE, BOB, LOADED, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE, STORAGE = 1, 2
U, V, P = member_key(ALICE), member_key(BOB), project_key()


def log(database: Database, serial: int) -> list[tuple[object, ...]]:
    """The provisions of a commission with what became of them."""
    with contextlib.closing(database.connect()) as connection:
        commission = stored_commissions(connection)[serial]
    head = (commission.verdict, commission.issue_time, commission.resolve_time)
    return [
        (*head, key.holder, quantity, *(msgspec.structs.astuple(after) if after else (None, None, None)))
        for key, quantity, _, after in commission.provisions
    ]


def do(database: Database, operation: Operation, now: int = LOADED) -> int:
    with contextlib.closing(ledger_storage(database)) as store:
        (outcome,) = perform(store, [operation], now)
    return outcome.serial if isinstance(outcome, Issued) else 0


def charge(quantity: int, *, auto_accept: bool = False) -> Issue:
    provisions = (Provision(U, quantity), Provision(P, quantity))
    return Issue(COMPUTE, provisions, name="a name", auto_accept=auto_accept)


def test_serials_ascend_also_over_reopening_and_whatever_was_deleted(database: Database) -> None:
    first = do(database, charge(1))
    second = do(database, charge(1, auto_accept=True))
    do(database, charge(100))
    assert second == first + 1
    database.close()
    again = opened(database)
    third = do(again, charge(1))
    assert third > second
    for table in ("commission_holders", "pending_commissions", "resolved_commissions"):
        rows(again, f"DELETE FROM {table}")
    again.close()
    assert do(opened(database), Issue(STORAGE, ())) > third


def test_the_log_keeps_the_figures_in_which_each_resolution_left_the_holdings(database: Database) -> None:
    accepted, rejected, released = (do(database, charge(quantity)) for quantity in (4, 3, 0))
    assert log(database, accepted) == [
        (None, LOADED, None, U.holder, 4, None, None, None),
        (None, LOADED, None, P.holder, 4, None, None, None),
    ]
    do(database, Resolve(COMPUTE, accept=frozenset([accepted])), LOADED + 1)
    with database.transaction() as connection:
        set_limits(connection, [(U, 2)])
    do(database, Resolve(COMPUTE, reject=frozenset([rejected])), LOADED + 2)
    assert log(database, accepted) == [
        ("ACCEPT", LOADED, LOADED + 1, U.holder, 4, 10, 4, 7),
        ("ACCEPT", LOADED, LOADED + 1, P.holder, 4, 12, 4, 7),
    ]
    assert log(database, rejected) == [
        ("REJECT", LOADED, LOADED + 2, U.holder, 3, 2, 4, 4),
        ("REJECT", LOADED, LOADED + 2, P.holder, 3, 12, 4, 4),
    ]
    assert log(database, released)[0][0] is None


def test_what_is_accepted_at_once_is_in_the_log_at_once(database: Database) -> None:
    do(database, charge(4, auto_accept=True))
    serial = do(database, charge(-1, auto_accept=True), LOADED + 5)
    assert log(database, serial) == [
        ("ACCEPT", LOADED + 5, LOADED + 5, U.holder, -1, 10, 3, 3),
        ("ACCEPT", LOADED + 5, LOADED + 5, P.holder, -1, 12, 3, 3),
    ]


def test_within_a_batch_each_resolution_keeps_its_own_figures(database: Database) -> None:
    one, two = do(database, charge(4)), do(database, charge(3))
    with contextlib.closing(ledger_storage(database)) as store:
        operations = [Resolve(COMPUTE, accept=frozenset([one])), Resolve(COMPUTE, accept=frozenset([two]))]
        perform(store, operations, LOADED)
    figures = [[row[-2:] for row in log(database, serial)] for serial in (one, two)]
    assert figures == [[(4, 7), (4, 7)], [(7, 7), (7, 7)]]


def test_a_holding_keeps_the_sum_of_what_was_settled_on_it(database: Database) -> None:
    accepted, rejected = do(database, charge(4)), do(database, charge(3))
    do(database, charge(2))
    do(database, Resolve(COMPUTE, accept=frozenset([accepted]), reject=frozenset([rejected])))
    do(database, charge(-1, auto_accept=True))
    with contextlib.closing(database.connect()) as connection:
        assert stored_sums(connection) == settled_sums(connection) == {U: 3, P: 3}


def test_a_source_of_none_is_a_key_like_any_other(database: Database) -> None:
    with_source, without = Key("h", "s", "r"), Key("h", None, "r")
    with database.transaction() as connection:
        set_limits(connection, [(with_source, 1), (without, 2)])
        set_limits(connection, [(without, 3)])
    wanted = {with_source, without, Key("h", "", "r"), Key("h", "x", "r")}
    found: dict[Key, Holding] = {}
    with contextlib.closing(ledger_storage(database)) as store:
        store.transact(lambda one: found.update(one.read(LOADED, Needs(keys=wanted)).holdings))
    assert found == {with_source: Holding(1), without: Holding(3)}


def test_pending_commissions_are_found_by_their_component_alone(database: Database) -> None:
    serial = do(database, charge(4))
    assert find_pending(database.reader(), COMPUTE, serial) == Commission(
        serial, "a name", LOADED, (Provision(U, 4), Provision(P, 4))
    )
    assert find_pending(database.reader(), STORAGE, serial) is None
    for number in (0, -1, serial + 1, 2**63, -(2**63) - 1, 10**30):
        assert find_pending(database.reader(), COMPUTE, number) is None
    assert list_pending(database.reader(), COMPUTE) == [serial]
    assert list_pending(database.reader(), STORAGE) == []
    do(database, Resolve(COMPUTE, reject=frozenset([serial])))
    assert find_pending(database.reader(), COMPUTE, serial) is None
    assert list_pending(database.reader(), COMPUTE) == []


def test_a_transaction_ends_no_more_than_a_number_of_what_is_over_and_sees_nothing_of_the_rest(
    database: Database,
) -> None:
    issues = [Issue(COMPUTE, charge(0).provisions, time_to_live=5) for _ in range(1000)]
    with contextlib.closing(ledger_storage(database)) as store:
        first = perform(store, issues, LOADED)
        second = perform(store, issues[:500], LOADED + 1)
        serials = [outcome.serial for outcome in first[1:] + second if isinstance(outcome, Issued)]
        later = LOADED + 10
        last = serials[-1]
        outcomes, changes = carry_out(store, [Resolve(COMPUTE, accept=frozenset([last]))], later)
        assert outcomes == [Resolved(not_found=(last,))]
        assert len(changes.resolved) == MOST_EXPIRED
        assert len(carry_out(store, [], later).changes.resolved) == 500
        assert log(database, last)[0][0] == "EXPIRED"

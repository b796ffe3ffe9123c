"""Who enters a batch: components take turns, and small operations take turns with bulk."""

import pytest

from astakos.ledger import waiting
from astakos.ledger.operations import Issue, IssueMany, Operation, Reconcile, Resolve, Settle
from astakos.ledger.rules import Key, Provision
from astakos.ledger.waiting import (
    LARGEST_BATCH,
    LARGEST_BULK_WORK,
    LARGEST_WORK,
    SMALL,
    WaitingOperations,
    component_of,
    is_bulk,
    work_of,
)

FLOODING, INNOCENT = 1, 2


def issue(component: int, provisions: int = 2) -> Issue:
    keys = [Key(f"user:{number}", None, "a") for number in range(provisions)]
    return Issue(component, tuple(Provision(key, 1) for key in keys))


def bulk(component: int, commissions: int = 1000) -> IssueMany:
    return IssueMany((issue(component),) * commissions)


def queue(*operations: Operation) -> WaitingOperations[Operation]:
    queued: WaitingOperations[Operation] = WaitingOperations()
    for operation in operations:
        queued.add(operation, operation)
    return queued


def batches(queued: WaitingOperations[Operation]) -> list[list[Operation]]:
    found = []
    while queued:
        found.append(list(queued.next_batch()))
    return found


def batch_of_innocent(queued: WaitingOperations[Operation]) -> int:
    """How many batches come before the one with the innocent component's operation."""
    found = batches(queued)
    (position,) = (
        number for number, batch in enumerate(found) for one in batch if component_of(one) == INNOCENT
    )
    return position


def test_an_operation_is_in_the_next_batch_however_many_another_component_has_queued() -> None:
    assert batch_of_innocent(queue(*[issue(FLOODING)] * 10_000, issue(INNOCENT))) == 0


def test_a_small_operation_waits_for_at_most_one_batch_of_bulk() -> None:
    flood = [bulk(FLOODING)] * 64
    assert batch_of_innocent(queue(*flood, issue(INNOCENT))) == 0
    queued = queue(*flood)
    list(queued.next_batch())
    queued.add(issue(INNOCENT), issue(INNOCENT))
    assert batch_of_innocent(queued) <= 1


def test_bulk_of_one_component_waits_for_one_bulk_of_each_other() -> None:
    assert batch_of_innocent(queue(*[bulk(FLOODING)] * 64, bulk(INNOCENT))) == 1


def test_bulk_is_not_starved_by_small_operations() -> None:
    queued = queue(*[issue(FLOODING)] * 10 * LARGEST_BATCH, bulk(INNOCENT))
    assert batch_of_innocent(queued) == 1


def test_no_batch_has_both_small_operations_and_bulk() -> None:
    mixed: list[Operation] = [issue(FLOODING), bulk(FLOODING, 30), bulk(INNOCENT), issue(INNOCENT)]
    for batch in batches(queue(*mixed * 20)):
        assert len({is_bulk(one) for one in batch}) == 1


def test_a_reconciliation_is_bulk_since_it_may_read_all_that_is_pending() -> None:
    assert is_bulk(Reconcile(FLOODING, (Provision(Key("a", None, "b"), 1),)))
    assert is_bulk(issue(FLOODING, SMALL))
    assert not is_bulk(issue(FLOODING, SMALL - 1))


def test_a_batch_is_bounded_in_operations_and_in_work_and_never_empty() -> None:
    assert [len(batch) for batch in batches(queue(*[issue(1)] * (LARGEST_BATCH + 1)))] == [LARGEST_BATCH, 1]
    wide = issue(FLOODING, SMALL - 1)
    assert [len(batch) for batch in batches(queue(*[wide] * 40))] == [LARGEST_WORK // SMALL, 8]
    large = bulk(FLOODING, LARGEST_BULK_WORK)
    assert batches(queue(large, large)) == [[large], [large]]
    half = bulk(FLOODING, LARGEST_BULK_WORK // 6)
    assert [len(batch) for batch in batches(queue(half, half, half))] == [2, 1]


def test_the_operations_of_one_component_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LARGEST_BATCH", 3)
    asked = [issue(1, provisions) for provisions in range(1, 9)]
    assert [one for batch in batches(queue(*asked)) for one in batch] == asked


@pytest.mark.parametrize(
    ("operation", "work"),
    [
        (issue(3, 4), 5),
        (bulk(3, 10), 30),
        (IssueMany(()), 0),
        (Resolve(3, frozenset([1, 2]), frozenset([3])), 3),
        (Settle(3, 1, (Provision(Key("a", None, "b"), 1),)), 2),
        (Reconcile(3, (Provision(Key("a", None, "b"), 1),) * 7), 7),
    ],
)
def test_every_operation_has_a_component_and_an_amount_of_work(operation: Operation, work: int) -> None:
    assert component_of(operation) == (3 if operation != IssueMany(()) else 0)
    assert work_of(operation) == work

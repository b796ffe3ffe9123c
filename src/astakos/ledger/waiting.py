"""The engine's queue: components take turns, and small operations take turns with bulk.

A batch is one transaction, and everything in it waits for all of it. So no batch has both: a small operation
waits for one batch of bulk at most, whoever has sent the bulk and however much of it there is.
"""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from astakos.ledger.operations import (
    Extend,
    Grow,
    Issue,
    IssueMany,
    Operation,
    Progress,
    Reconcile,
    Resolve,
    Settle,
)
from astakos.turns import Turns

T = TypeVar("T")

LARGEST_BATCH: Final = 256
"""Operations of a batch. Large enough to make the commit cost per operation negligible, small enough to keep
latency even."""
LARGEST_WORK: Final = 2048
"""Work of a batch of small operations, by `work_of`: 256 commissions of usual size."""
LARGEST_BULK_WORK: Final = 512
"""Work of a batch of bulk, unless one operation has more: 100 commissions of usual size, or 5 ms."""
SMALL: Final = 64
"""Up to so much work, an operation is small."""


def work_of(operation: Operation) -> int:
    """Returns about how many rows an operation reads or writes."""
    match operation:
        case Issue():
            return 1 + len(operation.provisions)
        case IssueMany():
            return sum([1 + len(issue.provisions) for issue in operation.issues])
        case Resolve():
            return len(operation.accept) + len(operation.reject)
        case Settle() | Progress():
            return 1 + len(operation.quantities)
        case Grow():
            return 1 + len(operation.totals)
        case Extend():
            return 1
        case Reconcile():
            return len(operation.usage)


def is_bulk(operation: Operation) -> bool:
    """Returns whether an operation can take long; a reconciliation may read all pending commissions."""
    return isinstance(operation, Reconcile) or work_of(operation) > SMALL


def component_of(operation: Operation) -> int:
    """Returns the component that an operation is for; 0 if it has no part that could tell."""
    if isinstance(operation, IssueMany):
        return operation.issues[0].component if operation.issues else 0
    return operation.component


class WaitingOperations(Generic[T]):
    """What waits to be applied, each operation with what the engine knows of it."""

    def __init__(self) -> None:
        """Starts empty."""
        self._small: Turns[tuple[int, T]] = Turns()
        self._bulk: Turns[tuple[int, T]] = Turns()
        self._is_turn_of_bulk = False

    def __bool__(self) -> bool:
        """Returns whether any operation waits."""
        return bool(self._small) or bool(self._bulk)

    def add(self, operation: Operation, item: T) -> None:
        """Adds an operation."""
        work = work_of(operation)
        turns = self._bulk if is_bulk(operation) else self._small
        turns.add(component_of(operation), (work, item))

    def next_batch(self) -> Iterator[T]:
        """Takes the operations of the next batch, in the order in which they are applied."""
        turns = self._bulk if self._bulk and (self._is_turn_of_bulk or not self._small) else self._small
        self._is_turn_of_bulk = turns is self._small
        most = LARGEST_BULK_WORK if turns is self._bulk else LARGEST_WORK
        count = work = 0
        while turns and count < LARGEST_BATCH and (not count or work + turns.first()[0] <= most):
            more, item = turns.take()
            count, work = count + 1, work + more
            yield item

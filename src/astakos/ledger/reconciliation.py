"""What was settled on holdings, which reconciling compares with their actual usage."""

from collections.abc import Iterable, Mapping

from astakos.ledger.counts import Above
from astakos.ledger.operations import Changes, Operation, Reconcile
from astakos.ledger.ports import LedgerTransaction
from astakos.ledger.rules import Holding, Key, Provision


class SettledSums:
    """The sums for the holdings that a batch reconciles, after the operations so far.

    This is the usage without what is pending (`rules.py`, invariant 3). Stored sums are read once for the
    batch, and each resolution of the batch is added once.
    """

    def __init__(
        self,
        transaction: LedgerTransaction,
        operations: Iterable[Operation],
        stored: Mapping[Key, Holding],
        changes: Changes,
    ) -> None:
        """Starts with the holdings as the batch has found them, and what it changes as it goes on."""
        reconciled = {
            key for operation in operations if isinstance(operation, Reconcile) for key, _ in operation.usage
        }
        existing = {key: stored[key] for key in reconciled if key in stored}
        self._sums = {key: holding.usage_max for key, holding in existing.items()}
        if pending := [key for key, holding in existing.items() if holding.pending]:
            self._sums.update(transaction.settled(pending))
        self._changes = changes
        self._resolved = 0

    def on(self, key: Key) -> int:
        """Returns the sum for a holding."""
        return self._sums[key]

    def catch_up(self) -> None:
        """Includes what the batch has resolved since the last call."""
        resolved = self._changes.resolved[self._resolved :]
        self._resolved += len(resolved)
        for resolution in resolved:
            for one in resolution.settlements:
                if one.key in self._sums:
                    self._sums[one.key] += one.settled


def corrections(drifts: Mapping[Key, int], above: Above) -> tuple[Provision, ...]:
    """Returns what takes away drifts, in the order of the drifts, and what that changes on projects above.

    Where such a project is reconciled as well, only what this leaves is corrected. There is one sum for each
    holding: what one takes away from it would else have to be covered without what another adds.

    Args:
        drifts: how far the counted usage of each holding exceeds the actual one.
        above: the project-level holdings above others.
    """
    left = {key: -drift for key, drift in drifts.items()}
    sums = dict.fromkeys(left, 0)
    for key in sorted(left, key=lambda key: -len(above.get(key, ()))):
        for level in (key, *above.get(key, ())):
            sums[level] = sums.get(level, 0) + left[key]
            if level is not key and level in left:
                left[level] -= left[key]
    return tuple([Provision(key, quantity) for key, quantity in sums.items() if quantity])

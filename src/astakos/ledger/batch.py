"""Carrying out a batch of operations in one transaction, each as if it were alone and in this order."""

from collections.abc import Callable, Sequence

from astakos.ledger import rules
from astakos.ledger.operations import (
    Issue,
    Issued,
    NewCommission,
    Operation,
    Outcome,
    Pending,
    Resolution,
    Resolve,
    Resolved,
    Verdict,
)
from astakos.ledger.rules import Holding, Key, Provision, Refusal
from astakos.ledger.storage import LedgerStorage, LedgerTransaction

MOVES: dict[Verdict, Callable[[Holding, int], Holding]] = {
    Verdict.ACCEPT: rules.accept,
    Verdict.REJECT: rules.reject,
}


def perform(storage: LedgerStorage, operations: Sequence[Operation], now: int) -> list[Outcome]:
    """The outcome of each operation, all durable when this returns; on an exception nothing has happened.

    Raises:
        StorageUnavailableError: the storage can not write now.
        InvariantViolatedError: stored figures contradict the rule.
    """
    with storage.transaction() as transaction:
        batch = _Batch(transaction, operations)
        outcomes = [batch.apply(operation) for operation in operations]
        batch.write(now)
    return outcomes


class _Batch:
    """The state that a batch has read, as its operations change it one after the other."""

    def __init__(self, transaction: LedgerTransaction, operations: Sequence[Operation]) -> None:
        serials: set[int] = set()
        keys: set[Key] = set()
        issues = 0
        for operation in operations:
            if isinstance(operation, Issue):
                issues += 1
                keys.update(provision.key for provision in operation.provisions)
            else:
                serials |= operation.accept ^ operation.reject
        self._pending: dict[int, Pending] = dict(transaction.pending(serials)) if serials else {}
        for commission in self._pending.values():
            keys.update(provision.key for provision in commission.provisions)
        self._holdings: dict[Key, Holding] = dict(transaction.holdings(keys)) if keys else {}
        self._serials = iter(transaction.next_serials(issues)) if issues else iter(())
        self._transaction = transaction
        self._issued: list[NewCommission] = []
        self._resolved: list[Resolution] = []
        self._changed: dict[Key, Holding] = {}

    def apply(self, operation: Operation) -> Outcome:
        if isinstance(operation, Issue):
            return self._issue(operation)
        return self._resolve(operation)

    def write(self, now: int) -> None:
        if self._issued or self._resolved:
            self._transaction.write(now, self._issued, self._resolved, self._changed)

    def _issue(self, operation: Issue) -> Issued | Refusal:
        changed = rules.issue(self._holdings, operation.provisions, force=operation.force)
        if not isinstance(changed, dict):
            return changed
        self._change(changed)
        serial = next(self._serials)
        self._issued.append(NewCommission(serial, operation))
        if operation.auto_accept:
            self._end(serial, operation.provisions, Verdict.ACCEPT)
        else:
            self._pending[serial] = Pending(operation.component, operation.provisions)
        return Issued(serial)

    def _resolve(self, operation: Resolve) -> Resolved:
        conflicting = operation.accept & operation.reject
        not_found: list[int] = []
        ended: dict[Verdict, list[int]] = {Verdict.ACCEPT: [], Verdict.REJECT: []}
        for verdict, serials in ((Verdict.ACCEPT, operation.accept), (Verdict.REJECT, operation.reject)):
            for serial in sorted(serials - conflicting):
                commission = self._pending.get(serial)
                if commission is None or commission.component != operation.component:
                    not_found.append(serial)
                    continue
                del self._pending[serial]
                self._end(serial, commission.provisions, verdict)
                ended[verdict].append(serial)
        return Resolved(
            accepted=tuple(ended[Verdict.ACCEPT]),
            rejected=tuple(ended[Verdict.REJECT]),
            not_found=tuple(sorted(not_found)),
            conflicting=tuple(sorted(conflicting)),
        )

    def _end(self, serial: int, provisions: Sequence[Provision], verdict: Verdict) -> None:
        move = MOVES[verdict]
        after = {key: move(self._holdings[key], quantity) for key, quantity in provisions}
        self._change(after)
        self._resolved.append(Resolution(serial, verdict, tuple(after.items())))

    def _change(self, changed: dict[Key, Holding]) -> None:
        for key, holding in changed.items():
            rules.verify(key, holding)
        self._holdings.update(changed)
        self._changed.update(changed)

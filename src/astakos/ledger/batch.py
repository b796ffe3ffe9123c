"""Carrying out a batch of operations in one transaction, each as if it were alone and in this order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from astakos.ledger import rules
from astakos.ledger.operations import (
    CannotSettle,
    Changes,
    Drift,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    KeyReused,
    NewCommission,
    Operation,
    Outcome,
    Pending,
    Reconcile,
    Reconciled,
    Remembered,
    Resolution,
    Resolve,
    Resolved,
    Settle,
    Settlement,
    Verdict,
)
from astakos.ledger.rules import Holding, Key, Provision, Refusal
from astakos.ledger.storage import IdempotencyKey, LedgerStorage, LedgerTransaction

NOTHING: Mapping[Key, int] = {}


def perform(storage: LedgerStorage, operations: Sequence[Operation], now: int) -> list[Outcome]:
    """The outcome of each operation, all durable when this returns; on an exception nothing has happened.

    Commissions whose time to live is over are ended before, so no operation meets them. With no operations,
    that is all it does.

    Raises:
        StorageUnavailableError: the storage can not write now.
        InvariantViolatedError: stored figures contradict the rule.
    """
    with storage.transaction() as transaction:
        batch = _Batch(transaction, operations, now)
        outcomes = [batch.apply(operation) for operation in operations]
        batch.write(now)
    return outcomes


class _Batch:
    """The state that a batch has read, as its operations change it one after the other."""

    def __init__(self, transaction: LedgerTransaction, operations: Sequence[Operation], now: int) -> None:
        self._transaction = transaction
        self._changes = Changes()
        expired = transaction.expired(now)
        serials, keys, issues = _needs(operations)
        self._pending = dict(transaction.pending(serials)) if serials else {}
        for commission in (*self._pending.values(), *expired.values()):
            keys.update(provision.key for provision in commission.provisions)
        self._holdings = dict(transaction.holdings(keys)) if keys else {}
        idempotency = [_idempotency_key(issue) for issue in issues if issue.idempotency is not None]
        self._remembered = dict(transaction.remembered(idempotency)) if idempotency else {}
        # A reconciliation may issue one commission, too.
        count = len(issues) + sum(isinstance(operation, Reconcile) for operation in operations)
        self._serials: Iterator[int] = iter(transaction.next_serials(count)) if count else iter(())
        for serial, commission in expired.items():
            self._end(serial, commission.provisions, Verdict.EXPIRED)
            self._pending.pop(serial, None)

    def apply(self, operation: Operation) -> Outcome:
        match operation:
            case Issue():
                return self._issue(operation)
            case IssueMany():
                return self._issue_many(operation)
            case Resolve():
                return self._resolve(operation)
            case Settle():
                return self._settle(operation)
            case Reconcile():
                return self._reconcile(operation)

    def write(self, now: int) -> None:
        if self._changes.issued or self._changes.resolved:
            self._transaction.write(now, self._changes)

    def _issue(self, operation: Issue) -> Issued | Refusal | KeyReused:
        if operation.idempotency is not None:
            remembered = self._remembered.get(_idempotency_key(operation))
            if remembered is not None:
                if remembered.fingerprint != operation.idempotency.fingerprint:
                    return KeyReused(operation.idempotency.key)
                return Issued(remembered.serial, repeated=True)
        changed = rules.issue(self._holdings, operation.provisions, force=operation.force)
        if not isinstance(changed, dict):
            return changed
        self._change(changed)
        serial = next(self._serials)
        self._changes.issued.append(NewCommission(serial, operation))
        if operation.idempotency is not None:
            remembered = Remembered(operation.idempotency.fingerprint, serial)
            self._remembered[_idempotency_key(operation)] = remembered
        if operation.auto_accept:
            self._end(serial, operation.provisions, Verdict.ACCEPT)
        else:
            self._pending[serial] = Pending(operation.component, operation.provisions)
        return Issued(serial)

    def _issue_many(self, operation: IssueMany) -> IssuedMany:
        if not operation.all_or_none:
            return IssuedMany(tuple(map(self._issue, operation.issues)))
        holdings, changed = dict(self._holdings), dict(self._changes.holdings)
        pending, remembered = dict(self._pending), dict(self._remembered)
        issued, resolved = len(self._changes.issued), len(self._changes.resolved)
        outcomes: list[Issued | Refusal | KeyReused] = []
        for issue in operation.issues:
            outcome = self._issue(issue)
            outcomes.append(outcome)
            if not isinstance(outcome, Issued):
                self._holdings, self._changes.holdings = holdings, changed
                self._pending, self._remembered = pending, remembered
                del self._changes.issued[issued:], self._changes.resolved[resolved:]
                return IssuedMany(tuple(outcomes), undone=True)
        return IssuedMany(tuple(outcomes))

    def _resolve(self, operation: Resolve) -> Resolved:
        conflicting = operation.accept & operation.reject
        not_found: list[int] = []
        ended: dict[Verdict, list[int]] = {Verdict.ACCEPT: [], Verdict.REJECT: []}
        for verdict, serials in ((Verdict.ACCEPT, operation.accept), (Verdict.REJECT, operation.reject)):
            for serial in sorted(serials - conflicting):
                commission = self._take_pending(operation.component, serial)
                if commission is None:
                    not_found.append(serial)
                    continue
                self._end(serial, commission.provisions, verdict)
                ended[verdict].append(serial)
        return Resolved(
            accepted=tuple(ended[Verdict.ACCEPT]),
            rejected=tuple(ended[Verdict.REJECT]),
            not_found=tuple(sorted(not_found)),
            conflicting=tuple(sorted(conflicting)),
        )

    def _settle(self, operation: Settle) -> Resolved | CannotSettle:
        commission = self._pending.get(operation.serial)
        if commission is None or commission.component != operation.component:
            return Resolved(not_found=(operation.serial,))
        issued = dict(commission.provisions)
        for key, settled in operation.quantities.items():
            if key not in issued or not rules.may_settle(issued[key], settled):
                return CannotSettle(key, settled, issued.get(key))
        del self._pending[operation.serial]
        self._end(operation.serial, commission.provisions, Verdict.ACCEPT, operation.quantities)
        return Resolved(accepted=(operation.serial,))

    def _reconcile(self, operation: Reconcile) -> Reconciled:
        imports = self._transaction.pending_imports(list(operation.usage))
        drifts: list[Drift] = []
        missing: list[Key] = []
        for key, actual in operation.usage.items():
            holding = self._holdings.get(key)
            if holding is None:
                missing.append(key)
            else:
                settled = holding.usage_max - imports.get(key, 0) - self._imports_of_this_batch(key)
                drifts.append(Drift(key, holding, settled, actual))
        mending = [Provision(drift.key, -drift.drift) for drift in drifts if drift.drift]
        if not operation.mend or not mending:
            return Reconciled(tuple(drifts), tuple(missing))
        issue = Issue(operation.component, tuple(mending), operation.name, force=True, auto_accept=True)
        outcome = self._issue(issue)
        if isinstance(outcome, Issued):
            return Reconciled(tuple(drifts), tuple(missing), serial=outcome.serial)
        if isinstance(outcome, KeyReused):
            raise TypeError("a mending commission has no idempotency key")
        return Reconciled(tuple(drifts), tuple(missing), refusal=outcome)

    def _imports_of_this_batch(self, key: Key) -> int:
        """How much more of pending imports there is on a holding than when the batch began."""
        issued = sum(
            provision.quantity
            for commission in self._changes.issued
            for provision in commission.issue.provisions
            if provision.key == key and provision.quantity > 0
        )
        resolved = sum(
            settlement.quantity
            for resolution in self._changes.resolved
            for settlement in resolution.settlements
            if settlement.key == key and settlement.quantity > 0
        )
        return issued - resolved

    def _take_pending(self, component: int, serial: int) -> Pending | None:
        commission = self._pending.get(serial)
        if commission is None or commission.component != component:
            return None
        return self._pending.pop(serial)

    def _end(
        self,
        serial: int,
        provisions: Sequence[Provision],
        verdict: Verdict,
        quantities: Mapping[Key, int] = NOTHING,
    ) -> None:
        """End a pending commission; accepting it, all of it comes true but what `quantities` says."""
        accepted = verdict is Verdict.ACCEPT
        settlements = []
        for key, quantity in provisions:
            settled = quantities.get(key, quantity) if accepted else 0
            after = rules.settle(self._holdings[key], quantity, settled)
            settlements.append(Settlement(key, quantity, settled, after))
        self._change({settlement.key: settlement.after for settlement in settlements})
        self._changes.resolved.append(Resolution(serial, verdict, tuple(settlements)))

    def _change(self, changed: Mapping[Key, Holding]) -> None:
        for key, holding in changed.items():
            rules.verify(key, holding)
        self._holdings.update(changed)
        self._changes.holdings.update(changed)


def _needs(operations: Iterable[Operation]) -> tuple[set[int], set[Key], list[Issue]]:
    """The commissions and holdings that operations are about, and all that they would issue."""
    serials: set[int] = set()
    keys: set[Key] = set()
    issues: list[Issue] = []
    for operation in operations:
        match operation:
            case Issue():
                issues.append(operation)
            case IssueMany():
                issues += operation.issues
            case Resolve():
                serials |= operation.accept ^ operation.reject
            case Settle():
                serials.add(operation.serial)
            case Reconcile():
                keys.update(operation.usage)
    for issue in issues:
        keys.update(provision.key for provision in issue.provisions)
    return serials, keys, issues


def _idempotency_key(issue: Issue) -> IdempotencyKey:
    return issue.component, issue.idempotency.key if issue.idempotency else ""

"""Applies a batch of operations in one transaction, in order, each as if it ran alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

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
from astakos.ledger.ports import IdempotencyKey, LedgerStorage, LedgerTransaction, Needs
from astakos.ledger.rules import Holding, Key, Provision, Refusal

NOTHING: Mapping[Key, int] = {}


class Performed(NamedTuple):
    """The outcome of each operation in a batch, and everything the batch changed."""

    outcomes: list[Outcome]
    changes: Changes


def perform(storage: LedgerStorage, operations: Sequence[Operation], now: int) -> list[Outcome]:
    """Apply a batch and return only the outcomes; see `carry_out`."""
    return carry_out(storage, operations, now).outcomes


def carry_out(
    storage: LedgerStorage, operations: Sequence[Operation], now: int, due: int | None = None
) -> Performed:
    """Apply a batch in one transaction, which is durable on return.

    Commissions past their time to live expire first, up to a number, and no operation sees the others. An
    empty batch only expires commissions. On an exception nothing is written, except as noted.

    Args:
        storage: the storage to change.
        operations: the operations, in order.
        now: the time that is recorded.
        due: commissions whose time to live was over by then expire; by default `now`, and none if it is 0.

    Raises:
        NotCarriedOutError: the storage cannot write now.
        OutcomeUnknownError: the commit had started, and its outcome could not be found out.
        InvariantViolatedError: stored figures contradict the quota rule.
    """
    performed = Performed([], Changes())

    def work(transaction: LedgerTransaction) -> None:
        nonlocal performed
        performed = carry_out_within(transaction, operations, now, now if due is None else due)

    storage.transact(work)
    return performed


def carry_out_within(
    transaction: LedgerTransaction, operations: Sequence[Operation], now: int, due: int
) -> Performed:
    """Apply a batch in a transaction that the caller commits; see `carry_out`."""
    batch = _Batch(transaction, operations, now, due)
    performed = Performed([batch.apply(operation) for operation in operations], batch.changes)
    batch.write(now)
    return performed


class _Settled:
    """The sum of all that was settled on the holdings that a batch reconciles, after the operations so far.

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
        """Return the sum for a holding."""
        return self._sums[key]

    def catch_up(self) -> None:
        """Include what the batch has resolved since the last call."""
        resolved = self._changes.resolved[self._resolved :]
        self._resolved += len(resolved)
        for resolution in resolved:
            for key, _, settled, _ in resolution.settlements:
                if key in self._sums:
                    self._sums[key] += settled


class _Batch:
    """The state that a batch has read, changed by one operation after another."""

    def __init__(
        self, transaction: LedgerTransaction, operations: Sequence[Operation], now: int, due: int
    ) -> None:
        self._transaction = transaction
        self._operations = operations
        self.changes = Changes()
        state = transaction.read(now, _needs(operations, due))
        self._pending = dict(state.pending)
        self._before = state.holdings
        self._holdings = dict(state.holdings)
        self._remembered = dict(state.remembered)
        self._serials = iter(state.serials)
        self._settled: _Settled | None = None
        for serial, commission in state.expired.items():
            self._end(serial, commission, Verdict.EXPIRED)
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
        if self.changes.issued or self.changes.resolved:
            before = self._before
            self.changes.holdings = {
                key: holding for key, holding in self._holdings.items() if before[key] is not holding
            }
            self._transaction.write(now, self.changes)

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
        for key, holding in changed.items():
            rules.verify(key, holding)
        self._holdings.update(changed)
        serial = next(self._serials)
        self.changes.issued.append(NewCommission(serial, operation))
        if operation.idempotency is not None:
            remembered = Remembered(operation.idempotency.fingerprint, serial)
            self._remembered[_idempotency_key(operation)] = remembered
        commission = Pending(operation.component, operation.provisions)
        if operation.auto_accept:
            self._end(serial, commission, Verdict.ACCEPT)
        else:
            self._pending[serial] = commission
        return Issued(serial)

    def _issue_many(self, operation: IssueMany) -> IssuedMany:
        if not operation.all_or_none:
            return IssuedMany(tuple(map(self._issue, operation.issues)))
        keys = {key for issue in operation.issues for key, _ in issue.provisions}
        before = {key: self._holdings[key] for key in keys if key in self._holdings}
        issued, resolved = len(self.changes.issued), len(self.changes.resolved)
        outcomes: list[Issued | Refusal | KeyReused] = []
        for issue in operation.issues:
            outcome = self._issue(issue)
            outcomes.append(outcome)
            if not isinstance(outcome, Issued):
                self._undo(issued, resolved)
                self._holdings.update(before)
                return IssuedMany(tuple(outcomes), undone=True)
        return IssuedMany(tuple(outcomes))

    def _undo(self, issued: int, resolved: int) -> None:
        """Forget the commissions issued and resolved after the first ones; their holdings stay changed."""
        for serial, issue in self.changes.issued[issued:]:
            self._pending.pop(serial, None)
            if issue.idempotency is not None:
                del self._remembered[_idempotency_key(issue)]
        del self.changes.issued[issued:], self.changes.resolved[resolved:]

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
                self._end(serial, commission, verdict)
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
        for key, settled in operation.quantities:
            if key not in issued or not rules.may_settle(issued[key], settled):
                return CannotSettle(key, settled, issued.get(key))
        del self._pending[operation.serial]
        self._end(operation.serial, commission, Verdict.ACCEPT, dict(operation.quantities))
        return Resolved(accepted=(operation.serial,))

    def _reconcile(self, operation: Reconcile) -> Reconciled:
        if self._settled is None:
            self._settled = _Settled(self._transaction, self._operations, self._before, self.changes)
        self._settled.catch_up()
        drifts: list[Drift] = []
        missing: list[Key] = []
        for key, actual in operation.usage:
            holding = self._holdings.get(key)
            if holding is None:
                missing.append(key)
            else:
                drifts.append(Drift(key, holding, self._settled.on(key), actual))
        mending = [Provision(drift.key, -drift.drift) for drift in drifts if drift.drift]
        if not operation.mend or not mending:
            return Reconciled(tuple(drifts), tuple(missing))
        issue = Issue(operation.component, tuple(mending), operation.name, force=True, auto_accept=True)
        outcome = self._issue(issue)
        if isinstance(outcome, Issued):
            return Reconciled(tuple(drifts), tuple(missing), serial=outcome.serial)
        if isinstance(outcome, KeyReused):
            raise TypeError("a reconciling commission must not have an idempotency key")
        return Reconciled(tuple(drifts), tuple(missing), refusal=outcome)

    def _take_pending(self, component: int, serial: int) -> Pending | None:
        commission = self._pending.get(serial)
        if commission is None or commission.component != component:
            return None
        return self._pending.pop(serial)

    def _end(
        self,
        serial: int,
        commission: Pending,
        verdict: Verdict,
        quantities: Mapping[Key, int] = NOTHING,
    ) -> None:
        """End a pending commission.

        On ACCEPT, each provision is settled for its entry in `quantities`, or in full if it has none.
        """
        accepted = verdict is Verdict.ACCEPT
        holdings = self._holdings
        settlements = []
        for key, quantity in commission.provisions:
            settled = quantities.get(key, quantity) if accepted else 0
            after = rules.settle(holdings[key], quantity, settled)
            rules.verify(key, after)
            holdings[key] = after
            settlements.append(Settlement(key, quantity, settled, after))
        self.changes.resolved.append(Resolution(commission.component, serial, verdict, tuple(settlements)))


def _needs(operations: Iterable[Operation], due: int) -> Needs:
    needs = Needs(due=due)
    issues: list[Issue] = []
    for operation in operations:
        match operation:
            case Issue():
                issues.append(operation)
            case IssueMany():
                issues += operation.issues
            case Resolve():
                serials = operation.accept ^ operation.reject
                needs.commissions.update((operation.component, serial) for serial in serials)
            case Settle():
                needs.commissions.add((operation.component, operation.serial))
            case Reconcile():
                needs.keys.update([key for key, _ in operation.usage])
                # Correcting drift takes one commission.
                needs.serials += operation.mend
    needs.serials += len(issues)
    for issue in issues:
        needs.keys.update([key for key, _ in issue.provisions])
        if issue.idempotency is not None:
            needs.idempotency.add(_idempotency_key(issue))
    return needs


def _idempotency_key(issue: Issue) -> IdempotencyKey:
    return issue.component, issue.idempotency.key if issue.idempotency else ""

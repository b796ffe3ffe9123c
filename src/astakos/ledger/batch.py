"""Applies a batch of operations in one transaction, in order, each as if it ran alone."""

from collections.abc import Sequence
from itertools import starmap
from typing import NamedTuple

from astakos.ledger.batch_state import BatchState
from astakos.ledger.key_levels import levels_of_key
from astakos.ledger.metering import NO_COUNTS
from astakos.ledger.needs import idempotency_key, needs_of
from astakos.ledger.operations import (
    CannotSettle,
    Changes,
    Drift,
    Extend,
    Grow,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    KeyReused,
    NewCommission,
    NotPending,
    Operation,
    Outcome,
    Pending,
    Progress,
    Reconcile,
    Reconciled,
    Remembered,
    Resolve,
    Resolved,
    Revised,
    Settle,
    Verdict,
)
from astakos.ledger.overage import Overage
from astakos.ledger.ports import LedgerStorage, LedgerTransaction
from astakos.ledger.reconciliation import SettledSums, corrections
from astakos.ledger.revising import grown, progressed, settlement
from astakos.ledger.rules import Key, NoCapacity, Provision, Refusal


class Performed(NamedTuple):
    """The outcome of each operation in a batch, and everything the batch changed."""

    outcomes: list[Outcome]
    changes: Changes


def perform(storage: LedgerStorage, operations: Sequence[Operation], now: int) -> list[Outcome]:
    """Applies a batch and returns only the outcomes; see `carry_out`."""
    return carry_out(storage, operations, now).outcomes


def carry_out(
    storage: LedgerStorage,
    operations: Sequence[Operation],
    now: int,
    due: int | None = None,
    standing: int | None = None,
) -> Performed:
    """Applies a batch in one transaction, which is durable on return.

    Commissions past their time to live expire first, up to a number, and no operation sees the others. An
    empty batch only expires commissions. On an exception nothing is written, except as noted.

    Args:
        storage: the storage to change.
        operations: the operations, in order.
        now: the time that is recorded.
        due: commissions whose time to live was over by then expire; by default `now`, and none if it is 0.
        standing: if it is 0, the instant up to which grants have begun and expired; by default `now`.

    Raises:
        NotCarriedOutError: the storage cannot write now.
        OutcomeUnknownError: the commit had started, and its outcome could not be found out.
        InvariantViolatedError: stored figures contradict the quota rule.
    """
    performed: Performed

    def work(transaction: LedgerTransaction) -> None:
        nonlocal performed
        performed = carry_out_within(transaction, operations, now, now if due is None else due, standing)

    storage.transact(work, is_awaited=bool(operations))
    return performed


def carry_out_within(
    transaction: LedgerTransaction,
    operations: Sequence[Operation],
    now: int,
    due: int,
    standing: int | None = None,
) -> Performed:
    """Applies a batch in a transaction that the caller commits; see `carry_out`."""
    batch = _Batch(transaction, operations, now, due, standing)
    performed = Performed([batch.apply(operation) for operation in operations], batch.state.changes)
    batch.state.write(now)
    return performed


class _Batch:
    """The operations of a batch, applied one after another to its state."""

    def __init__(
        self,
        transaction: LedgerTransaction,
        operations: Sequence[Operation],
        now: int,
        due: int,
        standing: int | None,
    ) -> None:
        self._transaction = transaction
        self._operations = operations
        self._recorded = now
        self.state = BatchState(transaction, needs_of(operations, due), now, standing)
        self._expires: dict[int, int | None] = {}
        self._settled: SettledSums | None = None

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
            case Progress():
                return self._progress(operation)
            case Grow():
                return self._grow(operation)
            case Extend():
                return self._extend(operation)
            case Reconcile():
                return self._reconcile(operation)

    def _issue(self, operation: Issue) -> Issued | Refusal | KeyReused:
        state = self.state
        if operation.idempotency is not None:
            remembered = state.remembered.get(idempotency_key(operation))
            if remembered is not None:
                if remembered.fingerprint != operation.idempotency.fingerprint:
                    return KeyReused(operation.idempotency.key)
                return Issued(remembered.serial, repeated=True, granted=remembered.granted)
        metering, holdings = state.metering, state.holdings
        if metering.has_meters and (named := metering.named_in(operation.provisions)) is not None:
            return named
        issue, counts, granted = operation, NO_COUNTS, None
        has_counts = (metering.has_counts and not operation.is_exact) or operation.key_holder is not None
        if has_counts or operation.at_most:
            issue, counts, granted = metering.prepare(operation, holdings)
        marks = dict(metering.marks) if operation.is_question else None
        outcome = metering.issue(holdings, issue.provisions, counts, force=issue.force)
        if not isinstance(outcome, tuple):
            if not operation.is_question:
                state.note_refusal(operation.component, issue.name, issue.provisions, outcome)
            return outcome
        changed, counts = outcome
        is_reported = metering.shadows and not issue.force
        passed = metering.passed(holdings, changed) if is_reported else ()
        if marks is not None:
            metering.marks = marks
            return Issued(0, granted=granted, would_refuse=passed)
        if passed:
            state.note_passed(passed)
        state.keep(changed)
        serial = next(state.serials)
        commission = Pending(issue.component, issue.provisions, counts, issue.overage, (), issue.key_holder)
        state.changes.issued.append(NewCommission(serial, issue, commission, granted))
        if issue.idempotency is not None:
            remembered = Remembered(issue.idempotency.fingerprint, serial, granted)
            state.remembered[idempotency_key(issue)] = remembered
        self._expires[serial] = None if issue.time_to_live is None else self._recorded + issue.time_to_live
        if issue.auto_accept:
            state.end(serial, commission, Verdict.ACCEPT)
        else:
            state.pending[serial] = commission
        return Issued(serial, granted=granted, would_refuse=passed)

    def _issue_many(self, operation: IssueMany) -> IssuedMany:
        state = self.state
        if not operation.all_or_none:
            return IssuedMany(tuple(map(self._issue, operation.issues)))
        named = {key for issue in operation.issues for key, _ in issue.provisions}
        for issue in operation.issues:
            if issue.key_holder is not None:
                named |= levels_of_key(issue.key_holder, issue.provisions)
        keys = state.metering.with_counted(named)
        keys.update(state.learned, state.drawn_on)
        before = {key: state.holdings[key] for key in keys if key in state.holdings}
        marks = dict(state.metering.marks)
        issued, resolved = len(state.changes.issued), len(state.changes.resolved)
        passed, alerts = len(state.changes.passed), len(state.changes.alerts)
        outcomes: list[Issued | Refusal | KeyReused] = []
        for issue in operation.issues:
            outcome = self._issue(issue)
            outcomes.append(outcome)
            if not isinstance(outcome, Issued):
                self._undo(issued, resolved)
                del state.changes.passed[passed:]
                # What was refused stays so.
                refused = [one for one in state.changes.alerts[alerts:] if one.is_of_refusal]
                state.changes.alerts[alerts:] = refused
                state.holdings.update(state.learned | before)
                state.metering.marks = marks
                return IssuedMany(tuple(outcomes), undone=True)
        return IssuedMany(tuple(outcomes))

    def _undo(self, issued: int, resolved: int) -> None:
        """Forgets the commissions issued and resolved after the first ones; their holdings stay changed."""
        state = self.state
        for new in state.changes.issued[issued:]:
            state.pending.pop(new.serial, None)
            self._expires.pop(new.serial, None)
            if new.issue.idempotency is not None:
                del state.remembered[idempotency_key(new.issue)]
        del state.changes.issued[issued:], state.changes.resolved[resolved:]

    def _resolve(self, operation: Resolve) -> Resolved:
        state = self.state
        conflicting = operation.accept & operation.reject
        not_found: list[int] = []
        ended: dict[Verdict, list[int]] = {Verdict.ACCEPT: [], Verdict.REJECT: []}
        for verdict, serials in ((Verdict.ACCEPT, operation.accept), (Verdict.REJECT, operation.reject)):
            for serial in sorted(serials - conflicting):
                commission = state.find_pending(operation.component, serial)
                if commission is None:
                    not_found.append(serial)
                    continue
                del state.pending[serial]
                # As a number: JSON's `true` may stand for serial 1.
                state.end(int(serial), commission, verdict)
                ended[verdict].append(serial)
        return Resolved(
            accepted=tuple(ended[Verdict.ACCEPT]),
            rejected=tuple(ended[Verdict.REJECT]),
            not_found=tuple(sorted(not_found)),
            conflicting=tuple(sorted(conflicting)),
        )

    def _settle(self, operation: Settle) -> Resolved | CannotSettle:
        state = self.state
        commission = state.find_pending(operation.component, operation.serial)
        if commission is None:
            return Resolved(not_found=(operation.serial,))
        overage = commission.overage if operation.overage is None else operation.overage
        quantities = settlement(commission, operation.quantities, overage, state.holdings, state.metering)
        if isinstance(quantities, CannotSettle):
            return quantities
        del state.pending[operation.serial]
        state.end(operation.serial, commission, Verdict.ACCEPT, quantities)
        told = () if overage is Overage.REFUSE else tuple(starmap(Provision, quantities.items()))
        return Resolved(accepted=(operation.serial,), settled=told)

    def _progress(self, operation: Progress) -> Revised | NotPending | CannotSettle:
        state = self.state
        commission = state.find_pending(operation.component, operation.serial)
        if commission is None:
            return NotPending(operation.serial)
        changed = progressed(commission, operation.quantities)
        if isinstance(changed, CannotSettle):
            return changed
        state.revise(operation.serial, changed)
        return Revised(operation.serial)

    def _grow(self, operation: Grow) -> Revised | NotPending | CannotSettle | Refusal:
        state = self.state
        commission = state.find_pending(operation.component, operation.serial)
        if commission is None:
            return NotPending(operation.serial)
        outcome = grown(commission, operation.totals, state.holdings, state.metering, force=operation.force)
        if not isinstance(outcome, tuple):
            if isinstance(outcome, NoCapacity):
                state.note_refusal(operation.component, "", commission.provisions, outcome)
            return outcome
        changed, holdings = outcome
        if holdings:
            if state.metering.shadows and not operation.force:
                state.note_passed(state.metering.passed(state.holdings, holdings))
            state.keep(holdings)
            state.revise(operation.serial, changed)
        return Revised(operation.serial)

    def _extend(self, operation: Extend) -> Revised | NotPending:
        state = self.state
        commission = state.find_pending(operation.component, operation.serial)
        if commission is None:
            return NotPending(operation.serial)
        expires = self._expires.get(operation.serial)
        if operation.serial not in self._expires:
            expires = self._transaction.expires(operation.component, operation.serial)
        if expires is not None and expires < (later := self._recorded + operation.time_to_live):
            expires = later
            state.changes.extended[operation.serial] = operation.component, later
        self._expires[operation.serial] = expires
        return Revised(operation.serial, expires)

    def _reconcile(self, operation: Reconcile) -> Reconciled:
        state = self.state
        if self._settled is None:
            self._settled = SettledSums(self._transaction, self._operations, state.before, state.changes)
        self._settled.catch_up()
        if state.metering.has_meters and (named := state.metering.named_in(operation.usage)):
            return Reconciled(refusal=named)
        drifts: list[Drift] = []
        missing: list[Key] = []
        for key, actual in operation.usage:
            holding = state.holdings.get(key)
            if holding is None:
                missing.append(key)
            else:
                drifts.append(Drift(key, holding, self._settled.on(key), actual))
        mending = corrections({drift.key: drift.drift for drift in drifts}, state.metering.above)
        if not operation.mend or not mending:
            return Reconciled(tuple(drifts), tuple(missing))
        issue = Issue(
            operation.component, mending, operation.name, force=True, auto_accept=True, is_exact=True
        )
        outcome = self._issue(issue)
        if isinstance(outcome, Issued):
            return Reconciled(tuple(drifts), tuple(missing), serial=outcome.serial)
        if isinstance(outcome, KeyReused):
            raise TypeError("a reconciling commission must not have an idempotency key")
        return Reconciled(tuple(drifts), tuple(missing), refusal=outcome)

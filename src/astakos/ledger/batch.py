"""Applies a batch of operations in one transaction, in order, each as if it ran alone."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import starmap
from typing import NamedTuple

from astakos.ledger import rules
from astakos.ledger.alerts import AlertKind, Refused, charged, has_thresholds, new_alerts
from astakos.ledger.counts import Count, settled_counts
from astakos.ledger.granting import Granting
from astakos.ledger.grants import base_of_grant
from astakos.ledger.key_levels import levels_of_key
from astakos.ledger.metering import NO_COUNTS, Metering
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
    Resolution,
    Resolve,
    Resolved,
    Revised,
    Settle,
    Settlement,
    Verdict,
)
from astakos.ledger.overage import Overage
from astakos.ledger.ports import IdempotencyKey, LedgerStorage, LedgerTransaction, Needs
from astakos.ledger.reconciliation import SettledSums, corrections
from astakos.ledger.revising import expired_settlement, grown, progressed, settlement
from astakos.ledger.rules import Holding, Key, NoCapacity, Provision, Refusal

NOTHING: Mapping[Key, int] = {}


class Performed(NamedTuple):
    """The outcome of each operation in a batch, and everything the batch changed."""

    outcomes: list[Outcome]
    changes: Changes


def perform(storage: LedgerStorage, operations: Sequence[Operation], now: int) -> list[Outcome]:
    """Apply a batch and return only the outcomes; see `carry_out`."""
    return carry_out(storage, operations, now).outcomes


def carry_out(
    storage: LedgerStorage,
    operations: Sequence[Operation],
    now: int,
    due: int | None = None,
    standing: int | None = None,
) -> Performed:
    """Apply a batch in one transaction, which is durable on return.

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
    performed = Performed([], Changes())

    def work(transaction: LedgerTransaction) -> None:
        nonlocal performed
        performed = carry_out_within(transaction, operations, now, now if due is None else due, standing)

    storage.transact(work)
    return performed


def carry_out_within(
    transaction: LedgerTransaction,
    operations: Sequence[Operation],
    now: int,
    due: int,
    standing: int | None = None,
) -> Performed:
    """Apply a batch in a transaction that the caller commits; see `carry_out`."""
    batch = _Batch(transaction, operations, now, due, standing)
    performed = Performed([batch.apply(operation) for operation in operations], batch.changes)
    batch.write(now)
    return performed


class _Batch:
    """The state that a batch has read, changed by one operation after another."""

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
        self.changes = Changes()
        state = transaction.read(now, _needs(operations, due))
        self._pending = dict(state.pending)
        self._before = state.holdings
        self._holdings = dict(state.holdings)
        self._remembered = dict(state.remembered)
        self._serials = iter(state.serials)
        self._settled: SettledSums | None = None
        self._recorded = now
        self._expires: dict[int, int | None] = {}
        present = now if state.now is None else state.now
        self._learned: dict[Key, Holding] = {}
        self._settled_grants: set[Key] = set()
        # Nothing begins or expires by a clock in doubt.
        granting_now = present if due or standing is None else standing
        granting = Granting(transaction, state.meters, granting_now, self._learn)
        self._metering = Metering(
            state.meters, state.marks, present, state.above, granting, is_certain=due > 0
        )
        self._told = state.told
        self._metering.forgive(self._holdings)
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
            case Progress():
                return self._progress(operation)
            case Grow():
                return self._grow(operation)
            case Extend():
                return self._extend(operation)
            case Reconcile():
                return self._reconcile(operation)

    def _learn(self, key: Key, holding: Holding) -> None:
        """Take note of the holding of a grant, unless it was read with a commission that has drawn on it."""
        if key not in self._holdings:
            self._holdings[key] = self._learned[key] = holding

    @cached_property
    def _drawn_on(self) -> tuple[Key, ...]:
        """The holdings of grants that were read with commissions that have drawn on them."""
        return tuple([key for key in self._before if base_of_grant(key.resource) is not None])

    def write(self, now: int) -> None:
        if self._metering.thresholds:
            self.changes.alerts.extend(self._metering.reached(self.changes.resolved))
        if self.changes.alerts:
            self.changes.alerts = new_alerts(self.changes.alerts, self._told)
        if self.changes.any():
            before = {**self._before, **self._learned} if self._learned else self._before
            self.changes.holdings = {
                key: holding for key, holding in self._holdings.items() if before[key] is not holding
            }
            marks = self._metering.marks.items()
            self.changes.marks = {key: mark for key, mark in marks if key in self.changes.holdings}
            self.changes.closed = self._metering.closed
            rolled = self._metering.rolled.items()
            self.changes.rolled = {key: over for key, over in rolled if key in self.changes.holdings}
            found = ((key, self._holdings[key]) for key in self._settled_grants)
            self.changes.used_up = [key for key, (limit, settled, _) in found if settled >= limit]
            self._transaction.write(now, self.changes)

    def _issue(self, operation: Issue, *, is_mending: bool = False) -> Issued | Refusal | KeyReused:
        if operation.idempotency is not None:
            remembered = self._remembered.get(_idempotency_key(operation))
            if remembered is not None:
                if remembered.fingerprint != operation.idempotency.fingerprint:
                    return KeyReused(operation.idempotency.key)
                return Issued(remembered.serial, repeated=True, granted=remembered.granted)
        metering, holdings = self._metering, self._holdings
        if metering.has_meters and (named := metering.named_in(operation.provisions)) is not None:
            return named
        issue, counts, granted = operation, NO_COUNTS, None
        has_counts = (metering.has_counts and not operation.is_exact) or operation.key_holder is not None
        if has_counts or operation.at_most:
            prepared = metering.mend(operation) if is_mending else metering.prepare(operation, holdings)
            issue, counts, granted = prepared
        marks = dict(metering.marks) if operation.is_question else None
        outcome = metering.issue(holdings, issue.provisions, counts, force=issue.force)
        if not isinstance(outcome, tuple):
            if not operation.is_question:
                self._note_refusal(operation.component, issue.provisions, outcome)
            return outcome
        changed, counts = outcome
        is_reported = metering.shadows and not issue.force
        passed = metering.passed(holdings, changed) if is_reported else ()
        if marks is not None:
            metering.marks = marks
            return Issued(0, granted=granted, would_refuse=passed)
        if passed:
            self._note_passed(passed)
        self._keep(changed)
        serial = next(self._serials)
        commission = Pending(issue.component, issue.provisions, counts, issue.overage, (), issue.key_holder)
        self.changes.issued.append(NewCommission(serial, issue, commission, granted))
        if issue.idempotency is not None:
            remembered = Remembered(issue.idempotency.fingerprint, serial, granted)
            self._remembered[_idempotency_key(issue)] = remembered
        self._expires[serial] = None if issue.time_to_live is None else self._recorded + issue.time_to_live
        if issue.auto_accept:
            self._end(serial, commission, Verdict.ACCEPT)
        else:
            self._pending[serial] = commission
        return Issued(serial, granted=granted, would_refuse=passed)

    def _note_refusal(self, component: int, provisions: Sequence[Provision], refusal: Refusal) -> None:
        if isinstance(refusal, NoCapacity):
            key = refusal.provision.key
            named = self._metering.named_below(provisions, key)
            refused = Refused(component, charged(provisions, named), refusal, is_above=named != key)
            self.changes.refused.append(refused)
            if key.resource in self._metering.thresholds and has_thresholds(refusal.limit):
                self.changes.alerts.append(self._metering.alert(AlertKind.REFUSED, refusal, self._holdings))

    def _note_passed(self, passed: Sequence[NoCapacity]) -> None:
        # Of each resource the first, which is what a refusal would have named.
        self.changes.passed.extend({one.provision.key.resource: one for one in reversed(passed)}.values())
        self.changes.alerts.extend(
            [self._metering.alert(AlertKind.WOULD_REFUSE, one, self._holdings) for one in passed]
        )

    def _issue_many(self, operation: IssueMany) -> IssuedMany:
        if not operation.all_or_none:
            return IssuedMany(tuple(map(self._issue, operation.issues)))
        named = {key for issue in operation.issues for key, _ in issue.provisions}
        for issue in operation.issues:
            if issue.key_holder is not None:
                named |= levels_of_key(issue.key_holder, issue.provisions)
        keys = self._metering.with_counted(named)
        keys.update(self._learned, self._drawn_on)
        before = {key: self._holdings[key] for key in keys if key in self._holdings}
        marks = dict(self._metering.marks)
        issued, resolved = len(self.changes.issued), len(self.changes.resolved)
        passed, alerts = len(self.changes.passed), len(self.changes.alerts)
        outcomes: list[Issued | Refusal | KeyReused] = []
        for issue in operation.issues:
            outcome = self._issue(issue)
            outcomes.append(outcome)
            if not isinstance(outcome, Issued):
                self._undo(issued, resolved)
                del self.changes.passed[passed:]
                # What was refused stays so.
                refused = [one for one in self.changes.alerts[alerts:] if one.is_of_refusal]
                self.changes.alerts[alerts:] = refused
                self._holdings.update(self._learned | before)
                self._metering.marks = marks
                return IssuedMany(tuple(outcomes), undone=True)
        return IssuedMany(tuple(outcomes))

    def _undo(self, issued: int, resolved: int) -> None:
        """Forget the commissions issued and resolved after the first ones; their holdings stay changed."""
        for serial, issue, *_ in self.changes.issued[issued:]:
            self._pending.pop(serial, None)
            self._expires.pop(serial, None)
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
                # As a number: JSON's `true` may stand for serial 1.
                self._end(int(serial), commission, verdict)
                ended[verdict].append(serial)
        return Resolved(
            accepted=tuple(ended[Verdict.ACCEPT]),
            rejected=tuple(ended[Verdict.REJECT]),
            not_found=tuple(sorted(not_found)),
            conflicting=tuple(sorted(conflicting)),
        )

    def _settle(self, operation: Settle) -> Resolved | CannotSettle:
        commission = self._find_pending(operation.component, operation.serial)
        if commission is None:
            return Resolved(not_found=(operation.serial,))
        overage = commission.overage if operation.overage is None else operation.overage
        quantities = settlement(commission, operation.quantities, overage, self._holdings, self._metering)
        if isinstance(quantities, CannotSettle):
            return quantities
        del self._pending[operation.serial]
        self._end(operation.serial, commission, Verdict.ACCEPT, quantities)
        told = () if overage is Overage.REFUSE else tuple(starmap(Provision, quantities.items()))
        return Resolved(accepted=(operation.serial,), settled=told)

    def _progress(self, operation: Progress) -> Revised | NotPending | CannotSettle:
        commission = self._find_pending(operation.component, operation.serial)
        if commission is None:
            return NotPending(operation.serial)
        changed = progressed(commission, operation.quantities)
        if isinstance(changed, CannotSettle):
            return changed
        self._revise(operation.serial, changed)
        return Revised(operation.serial)

    def _grow(self, operation: Grow) -> Revised | NotPending | CannotSettle | Refusal:
        commission = self._find_pending(operation.component, operation.serial)
        if commission is None:
            return NotPending(operation.serial)
        outcome = grown(commission, operation.totals, self._holdings, self._metering, force=operation.force)
        if not isinstance(outcome, tuple):
            if isinstance(outcome, NoCapacity):
                self._note_refusal(operation.component, commission.provisions, outcome)
            return outcome
        changed, holdings = outcome
        if holdings:
            if self._metering.shadows and not operation.force:
                self._note_passed(self._metering.passed(self._holdings, holdings))
            self._keep(holdings)
            self._revise(operation.serial, changed)
        return Revised(operation.serial)

    def _extend(self, operation: Extend) -> Revised | NotPending:
        commission = self._find_pending(operation.component, operation.serial)
        if commission is None:
            return NotPending(operation.serial)
        expires = self._expires.get(operation.serial)
        if operation.serial not in self._expires:
            expires = self._transaction.expires(operation.component, operation.serial)
        if expires is not None and expires < (later := self._recorded + operation.time_to_live):
            expires = later
            self.changes.extended[operation.serial] = operation.component, later
        self._expires[operation.serial] = expires
        return Revised(operation.serial, expires)

    def _revise(self, serial: int, commission: Pending) -> None:
        self._pending[serial] = self.changes.revised[serial] = commission

    def _find_pending(self, component: int, serial: int) -> Pending | None:
        commission = self._pending.get(serial)
        return None if commission is None or commission.component != component else commission

    def _keep(self, changed: Mapping[Key, Holding]) -> None:
        for key, holding in changed.items():
            rules.verify(key, holding)
        self._holdings.update(changed)

    def _reconcile(self, operation: Reconcile) -> Reconciled:
        if self._settled is None:
            self._settled = SettledSums(self._transaction, self._operations, self._before, self.changes)
        self._settled.catch_up()
        if self._metering.has_meters and (named := self._metering.named_in(operation.usage)):
            return Reconciled(refusal=named)
        drifts: list[Drift] = []
        missing: list[Key] = []
        for key, actual in operation.usage:
            holding = self._holdings.get(key)
            if holding is None:
                missing.append(key)
            else:
                drifts.append(Drift(key, holding, self._settled.on(key), actual))
        mending = corrections({drift.key: drift.drift for drift in drifts}, self._metering.above)
        if not operation.mend or not mending:
            return Reconciled(tuple(drifts), tuple(missing))
        issue = Issue(operation.component, mending, operation.name, force=True, auto_accept=True)
        outcome = self._issue(issue, is_mending=True)
        if isinstance(outcome, Issued):
            return Reconciled(tuple(drifts), tuple(missing), serial=outcome.serial)
        if isinstance(outcome, KeyReused):
            raise TypeError("a reconciling commission must not have an idempotency key")
        return Reconciled(tuple(drifts), tuple(missing), refusal=outcome)

    def _take_pending(self, component: int, serial: int) -> Pending | None:
        commission = self._find_pending(component, serial)
        if commission is not None:
            del self._pending[serial]
        return commission

    def _end(
        self,
        serial: int,
        commission: Pending,
        verdict: Verdict,
        quantities: Mapping[Key, int] = NOTHING,
    ) -> None:
        """End a pending commission.

        On ACCEPT, each provision is settled for its entry in `quantities`, or in full if it has none.
        Otherwise for nothing, unless it has expired and some of it has been used.
        """
        accepted = verdict is Verdict.ACCEPT
        if verdict is Verdict.EXPIRED and commission.progress:
            quantities = expired_settlement(commission, self._holdings, self._metering)
        holdings = self._holdings
        beyond: tuple[Count, ...] = ()
        if quantities and commission.counts:
            beyond = self._metering.beyond(commission, quantities, holdings)
        settlements = []
        for key, quantity in commission.provisions:
            settled = quantities.get(key, quantity if accepted else 0)
            after = rules.settle(holdings[key], quantity, settled)
            rules.verify(key, after)
            holdings[key] = after
            settlements.append(Settlement(key, quantity, settled, after))
        if commission.counts:
            for count, settled in settled_counts(commission.counts, quantities, beyond, accepted=accepted):
                key, quantity = count.key, count.quantity
                after = self._metering.settle(holdings[key], count, settled)
                rules.verify(key, after)
                holdings[key] = after
                settlements.append(Settlement(key, quantity, settled, after))
                if after.usage_min >= after.limit and base_of_grant(key.resource) is not None:
                    self._settled_grants.add(key)
        self.changes.resolved.append(
            Resolution(commission.component, serial, verdict, tuple(settlements), commission.key_holder)
        )


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
            case Settle() | Progress() | Extend():
                needs.commissions.add((operation.component, operation.serial))
            case Grow():
                needs.commissions.add((operation.component, operation.serial))
                needs.keys.update([key for key, _ in operation.totals])
            case Reconcile():
                needs.keys.update([key for key, _ in operation.usage])
                # Correcting drift takes one commission.
                needs.serials += operation.mend
    needs.serials += sum(not issue.is_question for issue in issues)
    for issue in issues:
        needs.keys.update([key for key, _ in issue.provisions])
        if issue.key_holder is not None:
            needs.keys |= levels_of_key(issue.key_holder, issue.provisions)
        if issue.idempotency is not None:
            needs.idempotency.add(_idempotency_key(issue))
    return needs


def _idempotency_key(issue: Issue) -> IdempotencyKey:
    return issue.component, issue.idempotency.key if issue.idempotency else ""

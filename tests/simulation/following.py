"""Holding the ledger against the model: whether each outcome is a right one, and whether the tables agree."""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.operations import (
    CannotSettle,
    Drift,
    Extend,
    Grow,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    KeyReused,
    NotPending,
    Operation,
    Outcome,
    Progress,
    Reconcile,
    Reconciled,
    Resolve,
    Resolved,
    Revised,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.rules import Holding, Key, NoCapacity, Refusal
from astakos.storage.protocol import Connection
from astakos.storage.tables.commissions import list_pending
from service.stored import StoredCommission
from simulation.charges import Count, merged, sums_of, units_of
from simulation.comparison import REFUSALS, culprit_of, parts_of
from simulation.invariants import Witness, figures_of, read_holdings
from simulation.model import LARGEST, METERED_TTL, Figures, Model
from simulation.spending import Budget, Rate
from simulation.worlds import METERS, MOST_DEBTS


class Follower:
    """A model that follows the ledger: each outcome must be one that the model allows."""

    def __init__(self, meters: Mapping[str, MeterDefinition] = METERS) -> None:
        self.model = Model(meters, MOST_DEBTS)
        self.witness = Witness(self.model.meters)
        self.last_serial = 0
        self.asked = 0
        self.bent: set[Key] = set()
        """Holdings whose limit was lowered, or that were forced or in debt: they may exceed it."""

    def unlike_others(self, time_to_live: int) -> int:
        """A time to live that ends unlike others: which of two that expire at once is first is open."""
        self.asked += 1
        return time_to_live + self.asked

    def set_member_limit(self, project_level: Key, limit: int) -> None:
        if limit < self.model.member_limits.get(project_level, LARGEST + 1):
            below = project_level.holder, project_level.resource
            self.bent.update(key for key in self.model.limits if (key.source, key.resource) == below)
        self.model.member_limits[project_level] = limit

    def set_limit(self, key: Key, limit: int) -> None:
        if key.source is None:
            self.model.member_limits.pop(key, None)
        if limit < self.model.limits.get(key, limit):
            self.bent.add(key)
        self.model.set_limit(key, limit)

    def redefine(self, connection: Connection, name: str, definition: MeterDefinition) -> None:
        self.model.redefine(name, definition)
        self.witness.redefine(connection, name, definition)

    def step_back(self, connection: Connection, now: int) -> None:
        """The clock steps back after all periods have been looked at; an idle rate may go back with it."""
        self.model.now = now
        for key, row in read_holdings(connection).items():
            spent = self.model.spent.get(key)
            if isinstance(spent, Rate) and not spent.level:
                spent.at = row.mark or 0

    def ends(self) -> int:
        """How many periods with use in them have ended."""
        return sum(spent.ends for spent in self.model.spent.values() if isinstance(spent, Budget))

    def tidy(self, before: int) -> None:
        """Idempotency keys from before that time are forgotten."""
        remembered = self.model.remembered.items()
        self.model.remembered = {key: value for key, value in remembered if value[3] >= before}

    def follow(self, operations: Sequence[Operation], outcomes: Sequence[Outcome], now: int) -> None:
        """Takes in a batch that was carried out."""
        self.model.let_time_pass(now)
        self.witness.see(now)
        assert len(operations) == len(outcomes)
        for operation, outcome in zip(operations, outcomes, strict=True):
            self._take_in(operation, outcome)
            self.witness.hear(operation, outcome)

    def _take_in(self, operation: Operation, outcome: Outcome) -> None:
        match operation:
            case Issue():
                assert isinstance(outcome, Issued | KeyReused | REFUSALS)
                self._issue(operation, outcome)
            case IssueMany():
                assert isinstance(outcome, IssuedMany)
                self._issue_many(operation, outcome)
            case Resolve():
                assert isinstance(outcome, Resolved)
                right = self.model.resolve(operation.component, operation.accept, operation.reject)
                assert parts_of(outcome) == right
            case Settle():
                self._settle(operation, outcome)
            case Progress() | Grow() | Extend():
                if operation.serial in self.model.pending(operation.component):
                    self._revise(operation, outcome)
                else:
                    assert outcome == NotPending(operation.serial)
            case Reconcile():
                assert isinstance(outcome, Reconciled)
                self._reconcile(operation, outcome)

    def _issue(self, issue: Issue, outcome: Issued | KeyReused | Refusal) -> None:
        model = self.model
        if issue.idempotency is not None:
            known = model.remembered.get((issue.component, issue.idempotency.key))
            if known is not None:
                same = known[0] == issue.idempotency.fingerprint
                again = Issued(known[1], repeated=True, granted=known[2])
                assert outcome == (again if same else KeyReused(issue.idempotency.key))
                return
        provisions, granted, force = dict(issue.provisions), None, issue.force
        if issue.at_most and not any(key.resource in model.meters for key in provisions):
            fitting = model.fitting(provisions, issue.key_holder)
            if fitting is None:
                force = False
            else:
                provisions = fitting
            granted = tuple(provisions.values())
        undivided = model.counts(provisions, issue.key_holder)
        counts = self._charge(provisions, undivided, outcome, force=force)
        if counts is None:
            return
        assert isinstance(outcome, Issued), outcome
        assert not outcome.repeated
        assert outcome.granted == granted
        if issue.is_question:
            assert outcome.serial == 0
            return
        time_to_live = issue.time_to_live
        if time_to_live is None and not issue.auto_accept and model.is_metered(counts):
            time_to_live = METERED_TTL
        self._new(outcome.serial)
        expires = None if time_to_live is None else model.now + time_to_live
        model.issue(
            outcome.serial, issue.component, provisions, counts, expires, issue.overage, issue.key_holder
        )
        if issue.force:
            self._bend(outcome.serial)
        if issue.auto_accept:
            model.accept(outcome.serial)
        if issue.idempotency is not None:
            value = issue.idempotency.fingerprint, outcome.serial, granted, model.now
            model.remembered[issue.component, issue.idempotency.key] = value

    def _charge(
        self, provisions: Mapping[Key, int], undivided: list[Count], outcome: Outcome, *, force: bool
    ) -> list[Count] | None:
        """What imports and releases count elsewhere; None if the model refuses them.

        If so, the outcome must say why and until when.
        """
        culprits, counts = self.model.charge(provisions, undivided, force=force)
        if not culprits:
            return counts
        assert culprit_of(outcome) in culprits
        if isinstance(outcome, NoCapacity):
            if outcome.provision.key.resource in self.model.meters:
                self._explain(outcome, undivided)
            else:
                assert outcome.renewal is None
                assert outcome.available is None
        return None

    def _explain(self, outcome: NoCapacity, undivided: list[Count]) -> None:
        """A refusal by a meter says how much there is room for, and names the one to wait for longest."""
        model = self.model
        imports = merged((one.key, one.quantity) for one in undivided if one.key.resource in model.meters)
        waits: dict[Key, Wait] = {}
        for key, quantity in imports.items():
            limit, _, usage = model.figures(key)
            lifting = model.level([key], lambda _: 0).lifting(key)
            if usage + quantity > limit and max(1, quantity) > max(0, limit - usage) + lifting:
                ends = model.spent[key].resets_at(limit, model.now) or 0
                lasting = model.level([key], lambda _: 0).lifting(key, after=ends)
                at = model.spent[key].has_room_at(quantity - lasting, limit, model.now)
                waits[key] = Wait(at, max(0, limit - usage) + lifting if lifting else None)
        renewal = outcome.renewal
        assert renewal is not None
        # Otherwise there are enough grants for each meter, but not for all of them.
        if waits:
            at, available = waits[outcome.provision.key]
            assert (renewal.resets, outcome.available) == (at, available)
            assert renewal.wait == (None if at is None else max(0, at - model.now))
            waited = [math.inf if wait.at is None else wait.at for wait in waits.values()]
            assert (math.inf if at is None else at) == max(waited)

    def _new(self, serial: int) -> None:
        assert serial > self.last_serial, "serials strictly increase"
        self.last_serial = serial

    def _bend(self, serial: int) -> None:
        commission = self.model.commissions[serial]
        self.bent.update(commission.entries())

    def _issue_many(self, operation: IssueMany, outcome: IssuedMany) -> None:
        if not operation.all_or_none:
            assert not outcome.undone
            assert len(outcome.outcomes) == len(operation.issues)
            for issue, one in zip(operation.issues, outcome.outcomes, strict=True):
                self._issue(issue, one)
            return
        before = copy.deepcopy((self.model, self.last_serial, self.bent))
        for issue, one in zip(operation.issues, outcome.outcomes, strict=False):
            self._issue(issue, one)
        refused = [index for index, one in enumerate(outcome.outcomes) if not isinstance(one, Issued)]
        assert outcome.undone == bool(refused)
        assert len(outcome.outcomes) == (refused[0] + 1 if refused else len(operation.issues))
        if refused:
            self.model, self.last_serial, self.bent = before

    def _settle(self, operation: Settle, outcome: Outcome) -> None:
        if operation.serial not in self.model.pending(operation.component):
            assert outcome == Resolved(not_found=(operation.serial,))
            return
        commission = self.model.commissions[operation.serial]
        overage = commission.overage if operation.overage is None else operation.overage
        asked = dict(operation.quantities)
        if self._cannot_settle(commission.provisions, asked, overage, outcome):
            return
        granted = self.model.granted(operation.serial, asked, overage)
        assert isinstance(outcome, Resolved)
        assert outcome.accepted == (operation.serial,)
        assert dict(outcome.settled) == ({} if overage is Overage.REFUSE else granted)
        if overage is Overage.DEBT:
            self._bend(operation.serial)
        self.model.accept(operation.serial, granted)

    def _cannot_settle(
        self, issued: Mapping[Key, int], asked: Mapping[Key, int], overage: Overage, outcome: Outcome
    ) -> bool:
        """Whether a commission cannot be settled for these quantities; if so, the outcome must say so."""
        most = LARGEST if overage is not Overage.REFUSE else 0
        wrong = {
            (key, settled, issued.get(key))
            for key, settled in asked.items()
            if key not in issued
            or not min(issued[key], 0) <= settled <= (max(issued[key], most) if issued[key] >= 0 else 0)
        }
        if wrong:
            assert isinstance(outcome, CannotSettle)
            assert (outcome.key, outcome.settled, outcome.issued) in wrong
        return bool(wrong)

    def _revise(self, operation: Progress | Grow | Extend, outcome: Outcome) -> None:
        model = self.model
        commission = model.commissions[operation.serial]
        match operation:
            case Extend():
                if commission.expires is not None:
                    commission.expires = max(commission.expires, model.now + operation.time_to_live)
                assert outcome == Revised(operation.serial, commission.expires)
            case Progress():
                used = dict(operation.quantities)
                if not self._cannot_settle(commission.provisions, used, Overage.DEBT, outcome):
                    assert outcome == Revised(operation.serial)
                    commission.used = used
                    if commission.overage is Overage.DEBT:
                        self._bend(operation.serial)
            case Grow():
                totals, issued = dict(operation.totals), commission.provisions
                if self._cannot_grow(issued, totals, outcome):
                    return
                more = {key: total - issued[key] for key, total in totals.items() if total != issued[key]}
                undivided = model.more(operation.serial, totals)
                counts = self._charge(more, undivided, outcome, force=operation.force)
                if counts is None:
                    return
                assert outcome == Revised(operation.serial)
                model.grow(operation.serial, totals, counts)
                if operation.force:
                    self._bend(operation.serial)

    def _cannot_grow(self, issued: Mapping[Key, int], totals: Mapping[Key, int], outcome: Outcome) -> bool:
        wrong = {
            (key, total, issued.get(key))
            for key, total in totals.items()
            if key not in issued or not min(total, 0) <= issued[key] <= max(total, 0)
        }
        if wrong:
            assert isinstance(outcome, CannotSettle)
            assert (outcome.key, outcome.settled, outcome.issued) in wrong
        return bool(wrong)

    def _reconcile(self, operation: Reconcile, outcome: Reconciled) -> None:
        model = self.model
        meters = {key for key, _ in operation.usage if key.resource in model.meters}
        if meters:
            assert outcome.refusal is not None
            assert (outcome.drifts, outcome.missing, outcome.serial) == ((), (), None)
            assert culprit_of(outcome.refusal).key in meters
            return
        drifts = [
            Drift(key, Holding(*model.figures(key)), model.settled[key], actual)
            for key, actual in operation.usage
            if key in model.limits
        ]
        assert list(outcome.drifts) == drifts
        assert list(outcome.missing) == [key for key, _ in operation.usage if key not in model.limits]
        corrected = self._corrected({drift.key: drift.drift for drift in drifts})
        levels = [(level, more) for key, more in corrected.items() for level in (key, *model.above(key))]
        mending = {key: quantity for key, quantity in merged(levels).items() if quantity}
        culprits, _ = model.charge(mending, [], force=True)
        if not operation.mend or not mending:
            assert (outcome.serial, outcome.refusal) == (None, None)
        elif culprits:
            assert outcome.serial is None
            assert outcome.refusal is not None
            assert culprit_of(outcome.refusal) in culprits
        else:
            assert outcome.refusal is None
            assert outcome.serial is not None
            self._new(outcome.serial)
            model.issue(outcome.serial, operation.component, mending, [])
            model.commissions[outcome.serial].corrected = corrected
            self._bend(outcome.serial)
            model.accept(outcome.serial)
            for drift in drifts:
                assert model.settled[drift.key] == drift.actual, "what is reconciled becomes right"

    def _corrected(self, drifts: Mapping[Key, int]) -> dict[Key, int]:
        """What takes away drifts: as what is corrected below counts above, only the rest is left there."""
        above = {key: self.model.above(key) for key in drifts}
        mending: dict[Key, int] = {}
        for key in sorted(drifts, key=lambda key: -len(above[key])):
            mending[key] = -drifts[key] - sum(more for lower, more in mending.items() if key in above[lower])
        return {key: mending[key] for key in drifts if mending[key]}

    def move(self, project: str, parent: str | None, *, force: bool) -> tuple[bool, dict[Key, int]]:
        """Whether a project can be moved, and what that charges above it.

        Where that changes anything, as much is settled afterwards as directly below: what was released above
        alone is taken from what leaves, not from what stays.
        """
        model = self.model
        changes: dict[Key, int] = {}
        if model.pending_resources(project):
            return False, changes
        before = dict(model.parents)
        own = [
            key
            for key in model.limits
            if (key.holder, key.source) == (project, None) and key.resource not in model.meters
        ]
        old = {key: model.above(key) for key in own}
        model.parents.pop(project, None)
        if parent is not None:
            model.parents[project] = parent
        for key in own:
            used, new = model.figures(key).usage_max, model.above(key)
            left = self._carry(changes, -used, [one for one in old[key] if one not in new], before)
            entered = self._carry(changes, used, [one for one in new if one not in old[key]], before)
            self._carry(changes, left + entered, [one for one in new if one in old[key]], before)
        changes = {key: quantity for key, quantity in changes.items() if quantity}
        culprits, _ = model.charge(changes, [], force=force)
        if culprits:
            model.parents = before
            return False, changes
        return True, changes

    def _carry(
        self, changes: dict[Key, int], change: int, levels: Iterable[Key], parents: Mapping[str, str]
    ) -> int:
        model = self.model
        for key in levels:
            if change:
                below = sum(
                    model.settled[other._replace(resource=key.resource)]
                    for other in {one._replace(resource="") for one in model.limits if one.source is None}
                    if parents.get(other.holder) == key.holder
                )
                change += max(0, below - model.settled[key])
                change = max(change, -model.figures(key).usage_min)
                changes[key] = change
        return change

    def moved(self, serial: int, component: int, changes: Mapping[Key, int]) -> None:
        """A project has been moved, by a commission if it has used anything."""
        self._new(serial)
        self.model.move(serial, component, changes)
        self._bend(serial)

    def check(self, connection: Connection, components: Iterable[int], *, log: bool = True) -> None:
        """Holds all that is stored against the model, and against the invariants.

        Args:
            connection: for reading, on the database of the ledger.
            components: all of them.
            log: whether the provision log is still complete.
        """
        model = self.model
        commissions = self.witness.check(connection, model.now, log=log)
        figures = figures_of(self.witness.present)
        right = {key: model.shown(key, of_it) for key, of_it in model.all_figures(model.limits).items()}
        assert figures == right, f"what is stored and what is right: {figures.items() ^ right.items()}"
        for key, (limit, _, usage_max) in model.all_figures(model.limits).items():
            most = limit + self.witness.most_rollover(key.resource)
            assert usage_max <= most or key in self.bent, "invariant 4"
        for component in components:
            assert list_pending(connection, component) == model.pending(component), "invariant 9"
        self._check_provisions(commissions, log=log)
        self._check_closed()
        self._check_levels(figures)
        for key, present in self.witness.present.items():
            grants = [(grant.number, grant.amount, grant.left) for grant in present.grants]
            assert grants == model.shown_grants(key), f"what quotas show of grants on {key}"

    def _check_provisions(self, commissions: Mapping[int, StoredCommission], *, log: bool) -> None:
        rows = {serial: _entries(commission) for serial, commission in commissions.items()}
        right = {serial: commission.entries() for serial, commission in self.model.commissions.items()}
        for serial in self.model.all_pending():
            counts = commissions[serial].counts
            stored = units_of((one.key, one.base, one.first, one.quantity) for one in counts)
            assert stored == self.model.commissions[serial].units(), "which units count where"
        if log:
            wrong = [
                (rows.get(one), right.get(one)) for one in rows | right if rows.get(one) != right.get(one)
            ]
            assert not wrong, f"what is stored and what is right: {wrong}"
        else:
            assert rows.items() <= right.items()

    def _check_levels(self, figures: Mapping[Key, Figures]) -> None:
        """Invariant 5: what is used at the bottom is used at each level."""
        model = self.model
        released = {
            key
            for commission in model.commissions.values()
            for key, quantity in (commission.corrected or commission.provisions).items()
            if quantity < 0 and not commission.is_move
        }
        below: dict[Key, list[Key]] = {}
        for key in figures:
            if key.resource not in model.meters:
                for higher in model.above(key)[:1]:
                    below.setdefault(higher, []).append(key)
        for key, lower in below.items():
            if key not in released:
                for figure in ("usage_min", "usage_max"):
                    used = sum(getattr(figures[one], figure) for one in lower)
                    assert used <= getattr(figures[key], figure), f"{key} has less than those below it"

    def _check_closed(self) -> None:
        """Each period that is stored as over is one of the model's, with the same end and total."""
        for (key, start), ended in self.witness.closed.items():
            spent = self.model.spent[key]
            right = getattr(spent, "closed", {}).get(start)
            assert right == ended, f"the period of {key} from {start} has {ended}, not {right}"


class Wait(NamedTuple):
    """When there is room on a meter, and how much there is now, if there are grants."""

    at: int | None
    available: int | None


def _entries(commission: StoredCommission) -> dict[Key, tuple[int, int]]:
    own = [(key, quantity, settled or 0) for key, quantity, settled, _ in commission.provisions]
    return sums_of([*own, *((key, quantity, 0) for key, _, quantity, *_ in commission.counts)])

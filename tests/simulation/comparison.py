"""Holding the ledger against the model: whether an outcome is a right one, and whether the tables agree."""

import copy
from collections.abc import Iterable, Mapping, Sequence

from astakos.ledger.operations import (
    CannotSettle,
    Drift,
    Idempotency,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    KeyReused,
    Operation,
    Outcome,
    Reconcile,
    Reconciled,
    Resolve,
    Resolved,
    Settle,
)
from astakos.ledger.rules import (
    Holding,
    Key,
    NoCapacity,
    NoHolding,
    NoQuantity,
    OutOfRange,
    Provision,
    Refusal,
    merge,
)
from astakos.storage.protocol import Connection
from astakos.storage.tables.commissions import list_pending
from service.installation import LIST_HOLDINGS
from service.stored import stored_commissions
from simulation.model import LARGEST, Culprit, Figures, Model, merged

REFUSALS = NoHolding | NoCapacity | NoQuantity | OutOfRange


def make_issue(
    component: int,
    wishes: Iterable[tuple[Key, int]],
    *,
    force: bool = False,
    auto_accept: bool = False,
    time_to_live: int | None = None,
    key: str | None = None,
) -> Issue:
    """An issue as the HTTP layer would make it of wishes that may name a holding several times."""
    wishes = list(wishes)
    provisions = tuple(merge(Provision(*wish) for wish in wishes))
    assert len(provisions) == len(merged(wishes))
    assert dict(provisions) == merged(wishes)
    name = f"{wishes} {force} {auto_accept} {time_to_live}"
    idempotency = None if key is None else Idempotency(key, name.encode())
    return Issue(component, provisions, name, force, auto_accept, time_to_live, idempotency)


def provisions(quantities: Mapping[Key, int]) -> tuple[Provision, ...]:
    """A quantity on each of some holdings."""
    return tuple(Provision(*item) for item in quantities.items())


class Follower:
    """A model that follows the ledger: each outcome must be one that the model allows."""

    def __init__(self) -> None:
        self.model = Model()
        self.last_serial = 0
        self.bent: set[Key] = set()
        """Holdings whose limit was lowered, or that were forced: they may stand over their limit."""

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
        self.model.limits[key] = limit

    def tidy(self, before: int) -> None:
        """Idempotency keys from before that time are forgotten."""
        remembered = self.model.remembered.items()
        self.model.remembered = {key: value for key, value in remembered if value[2] >= before}

    def follow(self, operations: Sequence[Operation], outcomes: Sequence[Outcome], now: int) -> None:
        """Take in a batch that was carried out."""
        self.model.expire(now)
        assert len(operations) == len(outcomes)
        for operation, outcome in zip(operations, outcomes, strict=True):
            self._take_in(operation, outcome, now)

    def _take_in(self, operation: Operation, outcome: Outcome, now: int) -> None:
        if isinstance(operation, Issue):
            assert isinstance(outcome, Issued | KeyReused | REFUSALS)
            self._issue(operation, outcome, now)
        elif isinstance(operation, IssueMany):
            assert isinstance(outcome, IssuedMany)
            self._issue_many(operation, outcome, now)
        elif isinstance(operation, Resolve):
            assert isinstance(outcome, Resolved)
            right = self.model.resolve(operation.component, operation.accept, operation.reject)
            assert [*map(list, _parts(outcome))] == right
        elif isinstance(operation, Settle):
            assert isinstance(outcome, Resolved | CannotSettle)
            self._settle(operation, outcome)
        else:
            assert isinstance(operation, Reconcile)
            assert isinstance(outcome, Reconciled)
            self._reconcile(operation, outcome)

    def _issue(self, issue: Issue, outcome: Issued | KeyReused | Refusal, now: int) -> None:
        model = self.model
        if issue.idempotency is not None:
            known = model.remembered.get((issue.component, issue.idempotency.key))
            if known is not None:
                same = known[0] == issue.idempotency.fingerprint
                right = Issued(known[1], repeated=True) if same else KeyReused(issue.idempotency.key)
                assert outcome == right
                return
        provisions = dict(issue.provisions)
        culprits = model.culprits(provisions, force=issue.force)
        if culprits:
            assert _culprit(outcome) in culprits
            return
        assert isinstance(outcome, Issued), outcome
        assert not outcome.repeated
        self._new(outcome.serial, issue.component, provisions, issue.time_to_live, now)
        if issue.force:
            self.bent.update(provisions)
        if issue.auto_accept:
            model.accept(outcome.serial)
        if issue.idempotency is not None:
            value = issue.idempotency.fingerprint, outcome.serial, now
            model.remembered[issue.component, issue.idempotency.key] = value

    def _new(
        self, serial: int, component: int, provisions: dict[Key, int], time_to_live: int | None, now: int
    ) -> None:
        assert serial > self.last_serial, "serials strictly increase"
        self.last_serial = serial
        expires = None if time_to_live is None else now + time_to_live
        self.model.issue(serial, component, dict(provisions), expires)

    def _issue_many(self, operation: IssueMany, outcome: IssuedMany, now: int) -> None:
        if not operation.all_or_none:
            assert not outcome.undone
            assert len(outcome.outcomes) == len(operation.issues)
            for issue, one in zip(operation.issues, outcome.outcomes, strict=True):
                self._issue(issue, one, now)
            return
        before = copy.deepcopy(self.__dict__)
        for issue, one in zip(operation.issues, outcome.outcomes, strict=False):
            self._issue(issue, one, now)
        refused = [index for index, one in enumerate(outcome.outcomes) if not isinstance(one, Issued)]
        assert outcome.undone == bool(refused)
        assert len(outcome.outcomes) == (refused[0] + 1 if refused else len(operation.issues))
        if refused:
            self.__dict__.update(before)

    def _settle(self, operation: Settle, outcome: Resolved | CannotSettle) -> None:
        if operation.serial not in self.model.pending(operation.component):
            assert outcome == Resolved(not_found=(operation.serial,))
            return
        issued = self.model.commissions[operation.serial].provisions
        wrong = {
            (key, settled, issued.get(key))
            for key, settled in operation.quantities
            if key not in issued or settled not in range(min(issued[key], 0), max(issued[key], 0) + 1)
        }
        if wrong:
            assert isinstance(outcome, CannotSettle)
            assert (outcome.key, outcome.settled, outcome.issued) in wrong
            return
        assert outcome == Resolved(accepted=(operation.serial,))
        self.model.accept(operation.serial, dict(operation.quantities))

    def _reconcile(self, operation: Reconcile, outcome: Reconciled) -> None:
        drifts = []
        for key, actual in operation.usage:
            if key in self.model.limits:
                figures = self.model.figures(key)
                on_it = [c for c in self.model.commissions.values() if key in c.provisions]
                true = sum(c.settled[key] for c in on_it if c.settled is not None)
                drifts.append(Drift(key, Holding(*figures), true, actual))
        assert list(outcome.drifts) == drifts
        assert list(outcome.missing) == [key for key, _ in operation.usage if key not in self.model.limits]
        mending = {drift.key: -drift.drift for drift in drifts if drift.drift}
        culprits = self.model.culprits(dict(mending), force=True)
        if not operation.mend or not mending:
            assert (outcome.serial, outcome.refusal) == (None, None)
        elif culprits:
            assert outcome.serial is None
            assert outcome.refusal is not None
            assert _culprit(outcome.refusal) in culprits
        else:
            assert outcome.refusal is None
            assert outcome.serial is not None
            self._new(outcome.serial, operation.component, mending, None, 0)
            self.bent.update(mending)
            self.model.accept(outcome.serial)

    def check(self, connection: Connection, components: Iterable[int], *, log: bool = True) -> None:
        """Hold all that is stored against the model, and against the invariants of §9.

        Args:
            connection: for reading, on the database of the ledger.
            components: all of them.
            log: whether the provision log is still complete.
        """
        figures = read_figures(connection)
        assert figures == {key: self.model.figures(key) for key in self.model.limits}
        for key, (limit, usage_min, usage_max) in figures.items():
            assert 0 <= usage_min <= usage_max, "invariant 1"
            assert usage_max <= limit or key in self.bent, "invariant 4"
        check_sums(connection, log=log)
        for component in components:
            assert list_pending(connection, component) == self.model.pending(component), "invariant 9"
        self._check_provisions(connection, log=log)

    def _check_provisions(self, connection: Connection, *, log: bool) -> None:
        rows = {
            serial: {key: (quantity, settled) for key, quantity, settled, _ in commission.provisions}
            for serial, commission in stored_commissions(connection).items()
        }
        right = {
            serial: {
                key: (quantity, None if commission.settled is None else commission.settled[key])
                for key, quantity in commission.provisions.items()
            }
            for serial, commission in self.model.commissions.items()
        }
        if log:
            assert rows == right
        else:
            assert rows.items() <= right.items()


def read_figures(connection: Connection) -> dict[Key, Figures]:
    rows = connection.execute(LIST_HOLDINGS)
    return {
        Key(holder, source or None, resource): Figures(*figures)
        for holder, source, resource, *figures in rows
    }


def check_sums(connection: Connection, *, log: bool = True) -> None:
    """Invariants 2 and 3 in the tables alone: figures are what pending and accepted provisions add up to.

    Added up here, since forced figures can be larger than what SQLite's sum() can hold on the way.
    """
    sums = {
        key: [figures.usage_min, figures.usage_max, 0, 0, 0]
        for key, figures in read_figures(connection).items()
    }
    for commission in stored_commissions(connection).values():
        for key, quantity, settled, _ in commission.provisions:
            of_it = sums[key]
            if settled is not None:
                of_it[2] += settled
            else:
                of_it[3 if quantity >= 0 else 4] += quantity
    for usage_min, usage_max, true, imports, releases in sums.values():
        assert usage_max - usage_min == imports - releases, "invariant 2"
        if log:
            assert (usage_min, usage_max) == (true + releases, true + imports), "invariant 3"


def _parts(outcome: Resolved) -> tuple[tuple[int, ...], ...]:
    return outcome.accepted, outcome.rejected, outcome.not_found, outcome.conflicting


def _culprit(outcome: Outcome) -> Culprit:
    match outcome:
        case NoHolding((key, quantity)):
            return Culprit("NoHolding", key, quantity)
        case NoCapacity((key, quantity), usage, limit):
            return Culprit("NoCapacity", key, quantity, usage, limit)
        case NoQuantity((key, quantity), usage, limit):
            return Culprit("NoQuantity", key, quantity, usage, limit)
        case OutOfRange((key, quantity), usage):
            return Culprit("OutOfRange", key, quantity, usage)
        case _:
            raise AssertionError(f"should have been refused, but: {outcome}")

"""What must be true of the tables whatever was asked, checked without the model.

`check_sums` needs the tables alone. A `Witness` sees them again and again and hears what was asked: it knows
when what was settled.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import astuple

from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.operations import (
    Grow,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    Operation,
    Outcome,
    Reconciled,
    Resolved,
    Revised,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import LIMIT, PROJECT_LEVEL
from astakos.storage.tables.metered_figures import MeteredFigures, Present
from service.stored import StoredCommission, StoredProvision, stored_commissions
from simulation.model import Figures
from simulation.spending import length_of
from simulation.worlds import MOST_DEBTS

LIST_HOLDINGS = f"""
SELECT h.holder, h.source, h.resource, {LIMIT}, h.usage_min, h.usage_max, h.settled, h.mark, h.id
FROM holdings h {PROJECT_LEVEL}
"""
LIST_METERS = "SELECT r.name FROM meters m JOIN resources r ON r.id = m.resource_id"
LIST_CLOSED = """
SELECT h.holder, h.source, h.resource, c.start, c."end", c.total
FROM closed_periods c JOIN holdings h ON h.id = c.holding_id
"""


class Row(NamedTuple):
    """A holding as it is stored."""

    figures: Figures
    settled: int
    mark: int | None
    identifier: int


def read_holdings(connection: Connection) -> dict[Key, Row]:
    return {
        Key(holder, source or None, resource): Row(Figures(*figures), settled, mark, identifier)
        for holder, source, resource, *figures, settled, mark, identifier in connection.execute(LIST_HOLDINGS)
    }


def read_present(connection: Connection, now: int, holdings: Mapping[Key, Row]) -> dict[Key, Present]:
    """Holdings as quotas show them at present, with their grants, and with what has rolled over."""
    present = MeteredFigures(connection, now)
    return {
        key: present.at_present(key, identifier, Holding(*figures), mark)
        for key, (figures, _, mark, identifier) in holdings.items()
    }


def read_figures(connection: Connection, now: int = 0) -> dict[Key, Figures]:
    """All holdings as quotas show them at present, by the clock of the database if it has one."""
    return figures_of(read_present(connection, now, read_holdings(connection)))


def figures_of(present: Mapping[Key, Present]) -> dict[Key, Figures]:
    return {key: Figures(*astuple(one.holding)) for key, one in present.items()}


def check_sums(
    connection: Connection, *, log: bool = True, holdings: Mapping[Key, Row] | None = None
) -> dict[int, StoredCommission]:
    """Invariants 1 to 3 in the tables alone: figures are what pending and accepted provisions add up to.

    Added up here, since forced figures can be larger than what SQLite's sum() can hold on the way.
    """
    meters = {name for (name,) in connection.execute(LIST_METERS)}
    read = read_holdings(connection) if holdings is None else holdings
    commissions = stored_commissions(connection)
    sums = {key: [0, 0, 0] for key in read}
    for commission in commissions.values():
        for key, quantity, settled, _ in commission.provisions:
            if settled is not None:
                sums[key][0] += settled
            else:
                sums[key][1 if quantity >= 0 else 2] += quantity
        for key, _, quantity, at_issue, _ in commission.counts:
            if at_issue is None:
                sums[key][1 if quantity >= 0 else 2] += quantity
    for key, ((_, usage_min, usage_max), settled, *_) in read.items():
        true, imports, releases = sums[key]
        assert 0 <= usage_min <= usage_max <= UNLIMITED, f"invariant 1 of {key}"
        assert usage_max - usage_min == imports - releases, f"invariant 2 of {key}"
        if log:
            assert settled == true, f"what is settled on {key}"
        if log and key.resource not in meters:
            assert (usage_min, usage_max) == (true + releases, true + imports), f"invariant 3 of {key}"
    return commissions


@dataclass
class Taken:
    """What a commission has taken from a meter."""

    serial: int
    at: int
    quantity: int
    since: int  # the number of the check that saw it first
    is_excused: bool  # by force or debt


@dataclass
class Witness:
    """Sees what is settled when, and checks that no period has more of it than its limit.

    Attributes:
        closed: end and total of each period that is stored as over, by holding and start.
        turned: how many periods with use in them were seen to be over.
        present: all holdings, as quotas showed them when tables were checked last.
    """

    meters: dict[str, MeterDefinition]
    closed: dict[tuple[Key, int], tuple[int, int]] = field(default_factory=dict)
    turned: int = 0
    present: dict[Key, Present] = field(default_factory=dict)
    _checks: int = 0
    _latest: int = 0
    _checked: int = 0
    _first_seen: dict[int, int] = field(default_factory=dict)
    _limits: dict[Key, list[tuple[int, int]]] = field(default_factory=dict)
    _forced: set[int] = field(default_factory=set)
    _overages: dict[int, Overage] = field(default_factory=dict)
    _taken: dict[Key, list[Taken]] = field(default_factory=dict)
    _resolved: set[int] = field(default_factory=set)
    _marks: dict[Key, int] = field(default_factory=dict)
    _keep_debt: set[str] = field(default_factory=set)
    _rollovers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.meters = dict(self.meters)
        for name, definition in self.meters.items():
            self._define(name, definition)

    def _define(self, name: str, definition: MeterDefinition) -> None:
        self.meters[name] = definition
        if definition.keeps_debt:
            self._keep_debt.add(name)
        self._rollovers[name] = max(self._rollovers[name], definition.rollover)

    def most_rollover(self, resource: str) -> int:
        """By how much usage of a meter may exceed its limit, because it was not used up before."""
        return self._rollovers[resource]

    def redefine(self, connection: Connection, name: str, definition: MeterDefinition) -> None:
        """The running period ends as another definition says of its start, with all that is in it."""
        for key, (_, _, mark, _) in read_holdings(connection).items():
            if key.resource == name and mark is not None:
                for taken in self._taken.get(key, ()):
                    taken.at = min(taken.at, mark)
        self._define(name, definition)

    def see(self, now: int) -> None:
        """The time that a batch has seen: later ones that see an earlier time are in the same periods."""
        self._latest = max(self._latest, now)

    def hear(self, operation: Operation, outcome: Outcome) -> None:
        """What was asked, and how it was answered: who may stand over a limit, and that no meter is named."""
        match operation, outcome:
            case Issue(), Issued() if not outcome.repeated:
                self._overages[outcome.serial] = operation.overage
                if operation.force:
                    self._forced.add(outcome.serial)
            case IssueMany(), IssuedMany() if not outcome.undone:
                for pair in zip(operation.issues, outcome.outcomes, strict=True):
                    self.hear(*pair)
            case Grow(), Revised() if operation.force:
                self._forced.add(operation.serial)
            case Settle(), Resolved() if outcome.accepted:
                assert not any(key.resource in self.meters for key, _ in outcome.settled)
                if operation.overage is not None:
                    self._overages[operation.serial] = operation.overage
            case _, Reconciled():
                assert not any(drift.key.resource in self.meters for drift in outcome.drifts)

    def check(self, connection: Connection, now: int, *, log: bool) -> dict[int, StoredCommission]:
        """Checks the tables; returns all commissions."""
        holdings = read_holdings(connection)
        commissions = check_sums(connection, log=log, holdings=holdings)
        self.present = read_present(connection, now, holdings)
        for _, usage_min, usage_max in figures_of(self.present).values():
            assert 0 <= usage_min <= usage_max, "invariant 1"
        self._checks += 1
        earlier, self._checked = self._checked, max(self._latest, now)
        self._latest = self._checked
        for key, row in holdings.items():
            if key.resource in self.meters:
                limits = self._limits.setdefault(key, [])
                if not limits or limits[-1][1] != row.figures.limit:
                    limits.append((self._checks, row.figures.limit))
        for serial, commission in commissions.items():
            self._take_in(serial, commission, earlier)
        self._look_at_closed(connection, holdings)
        for key, row in holdings.items():
            definition = self.meters.get(key.resource)
            if definition is None or not log:
                continue
            if definition.kind is Kind.RATE:
                self._check_rate(key, definition)
            elif row.mark is not None:
                self._check_running(key, row)
        return commissions

    def _take_in(self, serial: int, commission: StoredCommission, earlier: int) -> None:
        assert not any(key.resource in self.meters for key, *_ in commission.provisions) or commission.verdict
        first_seen = self._first_seen.setdefault(serial, self._checks)
        rates = Counter[Key]()
        for key, _, quantity, at_issue, _ in commission.counts:
            if at_issue is not None:
                rates[key] += quantity
        for key, quantity in rates.items():
            self._rise(key, serial, quantity, commission.issue_time, earlier)
        if commission.resolve_time is None or serial in self._resolved:
            return
        self._resolved.add(serial)
        unused = Counter[Key]()
        for key, quantity, settled, _ in commission.provisions:
            definition = self.meters.get(key.resource)
            if definition is not None and definition.kind is Kind.RATE:
                assert settled is not None
                rates[key] += quantity
                unused[key] += quantity - settled
        at = max(earlier, commission.resolve_time)
        for key, quantity in unused.items():
            self._rise(key, serial, rates[key], commission.issue_time, earlier)
            self._settle_rate(key, serial, quantity, at)
        for provision in commission.provisions:
            definition = self.meters.get(provision.key.resource)
            if definition is None:
                continue
            if definition.kind is not Kind.RATE and provision.settled:
                excused = self._excused(serial, provision)
                for quantity, is_excused in ((provision.settled - excused, False), (excused, True)):
                    taken = Taken(serial, at, quantity, first_seen, is_excused)
                    self._taken.setdefault(provision.key, []).append(taken)

    def _excused(self, serial: int, provision: StoredProvision) -> int:
        """How much of a settlement may stand beyond the limit."""
        key, quantity, settled, after = provision
        assert settled is not None
        assert after is not None
        if serial in self._forced:
            return settled
        if settled > quantity and self._overages.get(serial) is Overage.DEBT:
            most = MOST_DEBTS.get(key.resource, UNLIMITED)
            limit = after.limit + self.most_rollover(key.resource)
            assert after.usage_max <= min(limit + most, UNLIMITED), f"a debt beyond its bound on {key}"
            return settled - quantity
        return 0

    def _largest_limit(self, key: Key, since: int) -> int:
        """The largest limit since a check: what was reserved below it can settle above a lower one."""
        before = [limit for at, limit in self._limits[key] if at <= since]
        return max(before[-1:] + [limit for at, limit in self._limits[key] if at >= since])

    def _check_period(self, key: Key, start: int, end: int, total: int) -> None:
        within = [taken for taken in self._taken.get(key, ()) if start <= taken.at < end]
        debt = total - sum(taken.quantity for taken in within)
        assert debt >= 0, f"more was settled on {key} than its period has"
        assert debt == 0 or key.resource in self._keep_debt, f"less was settled on {key} than its period has"
        counted = [taken for taken in within if not taken.is_excused and taken.quantity]
        if counted:
            limit = self._largest_limit(key, min(taken.since for taken in counted))
            limit += self.most_rollover(key.resource)
            assert sum(taken.quantity for taken in counted) <= limit, f"too much in a period of {key}"

    def _check_running(self, key: Key, row: Row) -> None:
        assert row.mark is not None
        assert row.mark >= self._marks.get(key, 0), f"a period of {key} began twice"
        self._marks[key] = row.mark
        self._check_period(key, row.mark, self._latest + 1, row.figures.usage_min)

    def _look_at_closed(self, connection: Connection, holdings: Mapping[Key, Row]) -> None:
        rows = [
            (Key(holder, source or None, resource), start, end, total)
            for holder, source, resource, start, end, total in connection.execute(LIST_CLOSED)
        ]
        starts: dict[Key, list[int]] = {}
        for key, (_, _, mark, _) in holdings.items():
            starts[key] = [] if mark is None else [mark]
        for key, start, *_ in rows:
            starts[key].append(start)
        for key, start, end, total in rows:
            if self.closed.get((key, start)) != (end, total):
                self.closed[key, start] = end, total
                self.turned += 1
                # Another definition can have ended a period earlier than what was settled in it.
                last = min((other for other in starts[key] if other > start), default=self._latest + 1)
                self._check_period(key, start, last, total)

    def _rise(self, key: Key, serial: int, quantity: int, issued: int, earlier: int) -> None:
        taken = self._taken.setdefault(key, [])
        known = sum(one.quantity for one in taken if one.serial == serial)
        if (quantity > known and serial not in self._resolved) or not any(
            one.serial == serial for one in taken
        ):
            at = max(earlier, issued) if known == 0 else self._latest
            taken.append(Taken(serial, at, quantity - known, 0, serial in self._forced))

    def _settle_rate(self, key: Key, serial: int, unused: int, at: int) -> None:
        """What was not used was let through by nobody, the newest part of it first."""
        own = [taken for taken in self._taken[key] if taken.serial == serial]
        if unused < 0:
            excused = serial in self._forced or self._overages.get(serial) is Overage.DEBT
            self._taken[key].append(Taken(serial, at, -unused, 0, excused))
        for taken in reversed(own):
            less = min(taken.quantity, max(0, unused))
            taken.quantity -= less
            unused -= less

    def _check_rate(self, key: Key, definition: MeterDefinition) -> None:
        """In no time that ends with the newest import, more than the limit and what drains meanwhile."""
        limit = max(limit for _, limit in self._limits[key])
        counted = sorted(
            (taken.at, taken.quantity)
            for taken in self._taken.get(key, ())
            if not taken.is_excused and taken.serial not in self._forced
        )
        total = 0
        for at, quantity in reversed(counted):
            total += quantity
            drained = (counted[-1][0] - at) * limit // length_of(definition)
            assert total <= limit + drained, f"{total} through {key}"

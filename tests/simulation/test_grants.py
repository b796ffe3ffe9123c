"""Grants in the ledger of two engines, over many periods, against a model that knows single units only.

For longer runs: `HYPOTHESIS_MAX_EXAMPLES=2000 pytest tests/simulation/test_grants.py`.
"""

import contextlib
import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astakos.administration.grants import GrantPlace, Terms, add_grant, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY
from astakos.events.event import OPERATOR
from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.meters import Budget, forgive
from astakos.ledger.operations import Grow, Issue, Issued, Operation, Outcome, Resolve, Resolved, Settle
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR, Schedule, Unit
from astakos.ledger.rules import UNLIMITED, Holding, NoCapacity, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.engines import Engine
from service.installation import rows, set_limits
from service.simulated_clock import SimulatedClock
from service.world import ALICE, LAB, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE = 1
CAP = 10
U, P = member_key(ALICE), project_key()
DAILY, WEEKLY = f"{VM}/day", f"{VM}/week"
LIMITS = {DAILY: 20, WEEKLY: 45}
DEFINITIONS = {
    DAILY: MeterDefinition(unit=Unit.DAY, zone="America/New_York", rollover=CAP),
    WEEKLY: MeterDefinition(unit=Unit.WEEK),
}
METERS = {name: definition.meter(name) for name, definition in DEFINITIONS.items()}
FIGURES = """
SELECT h.resource, h."limit", h.usage_min, h.usage_max, h.mark, r.start, r.amount
FROM holdings h LEFT JOIN rollovers r ON r.holding_id = h.id WHERE h.holder = ? AND h.source = ?
"""


@dataclass
class Grant:
    """A grant, of which the model knows what it was made with."""

    number: int
    amount: int
    expires: int
    priority: int
    lifts: frozenset[str]
    is_revoked: bool = False

    @property
    def name(self) -> str:
        return f"{VM}/grant-{self.number}"


@dataclass
class Import:
    """An import, unit by unit: the names of what each counts on."""

    serial: int
    expires: int
    units: list[frozenset[str]]
    settled: int | None = None
    settled_at: int = 0


@dataclass
class Model:
    imports: list[Import] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    first: int | None = None

    def expire(self, now: int) -> None:
        for one in self.pending():
            if one.expires <= now:
                one.settled, one.settled_at = 0, now

    def pending(self) -> list[Import]:
        return [one for one in self.imports if one.settled is None]

    def settled_in(self, name: str, start: int, end: int) -> int:
        return sum(
            name in unit
            for one in self.imports
            if one.settled is not None and start <= one.settled_at < end
            for unit in one.units[: one.settled]
        )

    def figures(self, name: str, now: int) -> tuple[int, int]:
        """What is settled, in the period if it is a meter, and what may be."""
        start = start_of(name, now) if name in METERS else 0
        settled = self.settled_in(name, start, now + 1)
        return settled, settled + sum(name in unit for one in self.pending() for unit in one.units)

    def rolled(self, now: int) -> int:
        """What the day before has left over: nothing if it is the first one in which something was used."""
        start = start_of(DAILY, now)
        if self.first is None or start <= start_of(DAILY, self.first):
            return 0
        before = start_of(DAILY, start - 1)
        return min(CAP, max(0, LIMITS[DAILY] - self.settled_in(DAILY, before, start)))

    def count(self, before: list[frozenset[str]], now: int, *, is_debt: bool) -> frozenset[str] | None:
        """What one more unit counts on, after others of the same import; None if there is no room for it."""
        used = {name: self.figures(name, now)[1] + sum(name in unit for unit in before) for name in LIMITS}
        lacking = {name for name, limit in LIMITS.items() if used[name] >= limit}
        order: list[tuple[tuple[int, int, int], str, frozenset[str]]] = []
        if used[DAILY] < LIMITS[DAILY] + self.rolled(now):
            order.append(((end_of(DAILY, now), 0, 0), DAILY, frozenset([DAILY])))
        for one in self.grants:
            drawn = self.figures(one.name, now)[1] + sum(one.name in unit for unit in before)
            if drawn < one.amount and one.expires > now and not one.is_revoked:
                order.append(((one.expires, one.priority, one.number), one.name, one.lifts))
        chosen: list[tuple[str, frozenset[str]]] = []
        missing = set(lacking)
        for _, name, lifts in sorted(order):
            if lifts & missing:
                chosen.append((name, lifts))
                missing -= lifts
        for each in list(chosen):
            others = [lifts for one, lifts in chosen if one != each[0]]
            if each[1] & lacking <= frozenset().union(*others):
                chosen.remove(each)
        if missing and not is_debt:
            return None
        lifted = frozenset[str]().union(*(lifts for _, lifts in chosen))
        return frozenset([name for name, _ in chosen] + [name for name in LIMITS if name not in lifted])

    def counted(
        self, quantity: int, now: int, before: list[frozenset[str]], *, is_debt: bool = False
    ) -> list[frozenset[str]]:
        """What units count on, up to the first one for which there is no room."""
        found: list[frozenset[str]] = []
        for _ in range(quantity):
            unit = self.count(before + found, now, is_debt=is_debt)
            if unit is None:
                break
            found.append(unit)
        return found


def start_of(name: str, now: int) -> int:
    return period_of(name, now)[0]


def end_of(name: str, now: int) -> int:
    return period_of(name, now)[1]


def period_of(name: str, now: int) -> tuple[int, int]:
    meter = METERS[name]
    assert isinstance(meter, Budget)
    assert isinstance(meter.periods, Schedule)
    return meter.periods.span_at(now)


class Life:
    """Two engines on one database, and the model."""

    def __init__(self, database: Database) -> None:
        self.database = database
        resources = [
            ResourceEntry(name=name, service="compute_api", meter=definition)
            for name, definition in DEFINITIONS.items()
        ]
        load(database, StateDocument(resources=resources), LOADED)
        limits = {U: UNLIMITED, P: UNLIMITED}
        for name, limit in LIMITS.items():
            limits |= {U._replace(resource=name): limit, P._replace(resource=name): UNLIMITED}
        with database.transaction() as connection:
            set_limits(connection, limits.items())
        self.clock = SimulatedClock(database, LOADED)
        self.engines = ledger_storage(database), ledger_storage(database)
        self.model = Model()

    def do(self, engine: int, operation: Operation) -> Outcome:
        (outcome,) = perform(self.engines[engine], [operation], self.clock.now)
        self.model.expire(self.clock.now)
        return outcome

    def give(self, amount: int, days: int, priority: int, lifts: tuple[str, ...] | None) -> None:
        expires = self.clock.now + days * DAY

        def change(connection: Any) -> int:
            with Journal(connection, OPERATOR, LOADED) as journal:
                terms = Terms(amount, self.clock.now, expires, priority, lifts)
                return add_grant(connection, journal, GrantPlace(ALICE.uuid, LAB, VM), terms, LOADED)

        number = self.database.change(change)
        names = frozenset(LIMITS if lifts is None else lifts)
        self.model.grants.append(Grant(number, amount, expires, priority, names))

    def revoke(self, place: int) -> None:
        standing = [one for one in self.model.grants if not one.is_revoked]
        if not standing:
            return
        one = standing[place % len(standing)]

        def change(connection: Any) -> None:
            with Journal(connection, OPERATOR, LOADED) as journal:
                revoke_grant(connection, journal, one.number)

        self.database.change(change)
        one.is_revoked = True

    def issue(self, engine: int, quantity: int, ttl: int, how: str) -> None:
        now = self.clock.now
        force, at_most = how == "force", how == "at most"
        issue = Issue(COMPUTE, both(quantity), time_to_live=ttl, force=force, at_most=at_most)
        outcome = self.do(engine, issue)
        units = self.model.counted(quantity, now, [], is_debt=force and not at_most)
        if isinstance(outcome, Issued):
            if at_most:
                assert outcome.granted == (len(units), len(units))
            else:
                assert len(units) == quantity
            self.model.imports.append(Import(outcome.serial, now + ttl, units))
            self.model.first = now if self.model.first is None else self.model.first
        else:
            assert isinstance(outcome, NoCapacity)
            assert len(units) < (1 if at_most else quantity)

    def change(self, engine: int, what: str, place: int, quantity: int) -> None:
        self.do(engine, Resolve(COMPUTE))
        pending, now = self.model.pending(), self.clock.now
        if not pending:
            return
        one = pending[place % len(pending)]
        issued = len(one.units)
        if what == "settle":
            settled = min(quantity, issued)
            self.do(engine, Settle(COMPUTE, one.serial, both(settled)))
        elif what == "reject":
            settled = 0
            self.do(engine, Resolve(COMPUTE, reject=frozenset([one.serial])))
        elif what == "grow":
            outcome = self.do(engine, Grow(COMPUTE, one.serial, both(issued + quantity)))
            more = self.model.counted(quantity, now, [])
            assert isinstance(outcome, NoCapacity) == (len(more) < quantity)
            if len(more) == quantity:
                one.units += more
            return
        else:
            is_debt = what == "settle for more"
            policy = Overage.DEBT if is_debt else Overage.AVAILABLE
            outcome = self.do(engine, Settle(COMPUTE, one.serial, both(issued + quantity), policy))
            more = self.model.counted(quantity, now, [], is_debt=is_debt)
            assert isinstance(outcome, Resolved)
            settled = issued + len(more)
            assert outcome.settled == both(settled)
            one.units += more
        one.settled, one.settled_at = settled, now

    def compare(self) -> None:
        """What is stored, after the time that has passed, is what the model says."""
        now = self.clock.now
        stored = {row[0]: row[1:] for row in rows(self.database, FIGURES, U.holder, U.source)}
        for name, meter in METERS.items():
            limit, usage_min, usage_max, mark, start, amount = stored[name]
            holding = Holding(int(limit), int(usage_min), int(usage_max))  # type: ignore[call-overload]
            forgiven = forgive(meter, holding, mark, now)  # type: ignore[arg-type]
            assert forgiven.holding[1:] == self.model.figures(name, now), name
            if name == DAILY:
                rolled = amount if start is not None and start == mark else 0
                rolled = rolled if forgiven.rolled is None else forgiven.rolled.amount
                assert rolled == self.model.rolled(now)
        for one in self.model.grants:
            limit, usage_min, usage_max, *_ = stored[one.name]
            assert (usage_min, usage_max) == self.model.figures(one.name, now)
            assert 0 <= usage_min <= usage_max <= limit == one.amount  # type: ignore[operator]


def both(quantity: int) -> tuple[Provision, Provision]:
    return Provision(U, quantity), Provision(P, quantity)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 0, 1, HOUR, 7 * HOUR, DAY, 3 * DAY, 9 * DAY]),
        st.integers(0, 1),
        st.sampled_from(
            [
                *["issue"] * 4,
                "at most",
                "force",
                "settle",
                "settle",
                "settle all there is",
                "settle for more",
                "reject",
                "grow",
                "give",
                "give",
                "revoke",
            ]
        ),
        st.integers(1, 45),
        st.integers(0, 5),
        st.sampled_from([None, (DAILY,), (WEEKLY,)]),
    ),
    min_size=15,
    max_size=40,
)


@settings(max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "8")))
@given(steps=STEPS)
def test_every_unit_counts_where_the_rule_says(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, int, str, int, int, tuple[str, ...] | None]],
) -> None:
    database = engine.world(tmp_path_factory.mktemp("world"))
    life = Life(database)
    life.give(60, 20, 1, None)
    with contextlib.closing(life.engines[0]), contextlib.closing(life.engines[1]):
        for time, number, what, quantity, place, lifts in steps:
            life.clock.set(life.clock.now + time)
            if what in ("issue", "at most", "force"):
                life.issue(number, quantity, HOUR * (1 + 9 * place), what)
            elif what == "give":
                life.give(quantity, 1 + place * 2, place % 2, lifts)
            elif what == "revoke":
                life.revoke(place)
            else:
                life.change(number, what, place, quantity)
            life.compare()
    engine.discard(database)

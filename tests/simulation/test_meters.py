"""Meters in the ledger of two engines, over many periods, against a list of what was imported when.

For longer runs: `HYPOTHESIS_MAX_EXAMPLES=2000 pytest tests/simulation/test_meters.py`.
"""

import contextlib
import os
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY
from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.meters import Budget, forgive
from astakos.ledger.operations import (
    Grow,
    Issue,
    Issued,
    Operation,
    Outcome,
    Progress,
    Resolve,
    Resolved,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR, MINUTE, Schedule, Unit
from astakos.ledger.rules import UNLIMITED, Holding, Key, NoCapacity, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.engines import Engine
from service.installation import rows, set_limits
from service.simulated_clock import SimulatedClock
from service.world import ALICE, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE = 1
LIMIT, RATE_LIMIT = 100, 240
U, P = member_key(ALICE), project_key()
BUDGETS = {
    f"{VM}/day": MeterDefinition(unit=Unit.DAY, zone="America/New_York"),
    f"{VM}/7minutes": MeterDefinition(unit=Unit.MINUTE, every=7),
    f"{VM}/window": MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5),
}
RATE = f"{VM}/per-hour"
RATE_DEFINITION = MeterDefinition(kind=Kind.RATE, unit=Unit.HOUR)
FIGURES = """
SELECT resource, "limit", usage_min, usage_max, mark FROM holdings WHERE holder = ? AND source = ?
"""


@dataclass
class Import:
    """An import that was granted."""

    serial: int
    quantity: int
    expires: int
    used: int = 0
    settled: int | None = None
    settled_at: int = 0


@dataclass
class Model:
    """What was imported when; every figure is computed from it."""

    imports: list[Import] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)

    def pending(self) -> list[Import]:
        return [one for one in self.imports if one.settled is None]

    def expire(self, now: int) -> None:
        for one in self.pending():
            if one.expires <= now:
                self.settle(one, min(one.used, one.quantity), now)

    def settle(self, one: Import, quantity: int, now: int) -> None:
        one.settled, one.settled_at = quantity, now
        if quantity:
            self.touch(now)

    def touch(self, now: int) -> None:
        """A window begins, if none is running."""
        if not self.windows or now >= self.windows[-1] + 5 * HOUR:
            self.windows.append(now)

    def figures(self, name: str, now: int) -> tuple[int, int]:
        meter = BUDGETS[name].meter(name)
        if name.endswith("/window"):
            running = bool(self.windows) and now < self.windows[-1] + 5 * HOUR
            start = self.windows[-1] if running else now + 1
        else:
            assert isinstance(meter, Budget)
            assert isinstance(meter.periods, Schedule)
            start = meter.periods.span_at(now).start
        settled = sum(one.settled or 0 for one in self.imports if one.settled_at >= start)
        return settled, settled + sum(one.quantity for one in self.pending())


class Life:
    """Two engines on one database, and the model."""

    def __init__(self, database: Database) -> None:
        self.database = database
        document = StateDocument(
            resources=[
                ResourceEntry(name=name, service="compute_api", meter=definition)
                for name, definition in {**BUDGETS, RATE: RATE_DEFINITION}.items()
            ]
        )
        load(database, document, LOADED)
        limits: dict[Key, int] = {U: UNLIMITED, P: UNLIMITED}
        for key in (U, P):
            limits |= {key._replace(resource=name): LIMIT for name in BUDGETS}
            limits[key._replace(resource=RATE)] = RATE_LIMIT
        with database.transaction() as connection:
            set_limits(connection, limits.items())
        self.clock = SimulatedClock(database, LOADED)
        self.engines = ledger_storage(database), ledger_storage(database)
        self.model = Model()

    def do(self, engine: int, operation: Operation) -> Outcome:
        # An operation meets the commissions that have expired before it.
        (outcome,) = perform(self.engines[engine], [operation], self.clock.now)
        return outcome

    def issue(self, engine: int, quantity: int, ttl: int) -> None:
        now = self.clock.now
        outcome = self.do(engine, Issue(COMPUTE, both(quantity), time_to_live=ttl))
        self.model.expire(now)
        most = {name: self.model.figures(name, now)[1] for name in BUDGETS}
        lacking = {name for name, usage in most.items() if usage + quantity > LIMIT}
        if isinstance(outcome, Issued):
            assert not lacking
            self.model.imports.append(Import(outcome.serial, quantity, now + ttl))
            self.model.touch(now)
        else:
            assert isinstance(outcome, NoCapacity)
            name = outcome.provision.key.resource
            assert name in lacking or name == RATE
            assert outcome.usage + quantity > outcome.limit

    def change(self, engine: int, what: str, place: int, quantity: int) -> None:
        self.do(engine, Resolve(COMPUTE))
        self.model.expire(self.clock.now)
        pending = self.model.pending()
        if not pending:
            return
        one = pending[place % len(pending)]
        now = self.clock.now
        if what == "settle":
            settled = min(quantity, one.quantity)
            self.do(engine, Settle(COMPUTE, one.serial, both(settled)))
            self.model.settle(one, settled, now)
        elif what == "settle all there is":
            outcome = self.do(
                engine, Settle(COMPUTE, one.serial, both(one.quantity + quantity), Overage.AVAILABLE)
            )
            assert isinstance(outcome, Resolved)
            granted = outcome.settled[0].quantity
            room = min(LIMIT - self.model.figures(name, now)[1] for name in BUDGETS)
            assert one.quantity <= granted <= one.quantity + min(quantity, max(0, room))
            self.model.settle(one, granted, now)
        elif what == "reject":
            self.do(engine, Resolve(COMPUTE, reject=frozenset([one.serial])))
            self.model.settle(one, 0, now)
        elif what == "progress":
            one.used = min(quantity, one.quantity)
            self.do(engine, Progress(COMPUTE, one.serial, both(one.used)))
        else:
            room = min(LIMIT - self.model.figures(name, now)[1] for name in BUDGETS)
            outcome = self.do(engine, Grow(COMPUTE, one.serial, both(one.quantity + quantity)))
            if isinstance(outcome, NoCapacity):
                assert quantity > room or outcome.provision.key.resource == RATE
            else:
                assert quantity <= room
                one.quantity += quantity
                self.model.touch(now)

    def compare(self) -> None:
        """What is stored, after the time that has passed, is what the model says; at both levels."""
        now = self.clock.now
        for holder, source in ((U.holder, U.source), (P.holder, "")):
            stored = {row[0]: row[1:] for row in rows(self.database, FIGURES, holder, source)}
            for name, definition in {**BUDGETS, RATE: RATE_DEFINITION}.items():
                limit, usage_min, usage_max, mark = stored[name]
                holding = Holding(int(limit), int(usage_min), int(usage_max))  # type: ignore[call-overload]
                present = forgive(definition.meter(name), holding, mark, now).holding  # type: ignore[arg-type]
                if name == RATE:
                    assert 0 <= present.usage_min <= present.usage_max <= RATE_LIMIT
                    continue
                assert present[1:] == self.model.figures(name, now), name
                assert present.usage_max <= LIMIT


def both(quantity: int) -> tuple[Provision, Provision]:
    return Provision(U, quantity), Provision(P, quantity)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 40 * DAY]) | st.integers(0, DAY),
        st.integers(0, 1),
        st.sampled_from(
            ["issue", "issue", "issue", "settle", "settle all there is", "reject", "grow", "progress"]
        ),
        st.integers(1, 60),
        st.integers(0, 5),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "8")))
@given(steps=STEPS)
def test_no_period_has_more_than_its_limit(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str, int, int]]
) -> None:
    database = engine.world(tmp_path_factory.mktemp("world"))
    life = Life(database)
    with contextlib.closing(life.engines[0]), contextlib.closing(life.engines[1]):
        for time, number, what, quantity, place in steps:
            life.clock.set(life.clock.now + time)
            if what == "issue":
                life.issue(number, quantity, HOUR * (place + 1))
            else:
                life.change(number, what, place, quantity)
            life.compare()
    engine.discard(database)

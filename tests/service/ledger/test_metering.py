"""Meters on databases: what batches do over many periods is what a list of imports says."""

import contextlib
from dataclasses import dataclass

import pytest

from astakos.clock import DAY, MICROSECONDS
from astakos.ledger.batch import carry_out, perform
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.operations import (
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    Operation,
    Outcome,
    Reconcile,
    Reconciled,
    Resolve,
    Resolved,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR, MINUTE, Unit
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.rules import UNLIMITED, Holding, IsMeter, Key, NoCapacity, NoHolding, Provision, Renewal
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables.meters import note_change
from service.installation import add_meter, holdings, rows, set_limits
from service.simulated_clock import SimulatedClock
from service.world import ALICE, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE = 1
START = LOADED - LOADED % DAY + HOUR
DAILY, RATE, WINDOW = f"{VM}/day", f"{VM}/minute", f"{VM}/5hours"
U, P = member_key(ALICE), project_key()


def meter(key: Key, name: str) -> Key:
    return key._replace(resource=name)


@dataclass
class Metered:
    database: Database
    clock: SimulatedClock

    def define(self, name: str, definition: MeterDefinition, member: int, project: int = UNLIMITED) -> None:
        """A meter of virtual machines, with limits."""
        with self.database.transaction() as connection:
            add_meter(connection, VM, name, definition, {U: member, P: project})

    def bound_debts(self, name: str, bound: int) -> None:
        with self.database.transaction() as connection:
            connection.execute("UPDATE resources SET max_debt = ? WHERE name = ?", (bound, name))
            note_change(connection)

    def do(self, *operations: Operation) -> list[Outcome]:
        with contextlib.closing(ledger_storage(self.database)) as store:
            return perform(store, operations, self.clock.now)

    def issue(self, quantity: int, *, auto_accept: bool = True, force: bool = False) -> Outcome:
        (outcome,) = self.do(charge(quantity, auto_accept=auto_accept, force=force, ttl=30 * DAY))
        return outcome

    def pending(self, quantity: int) -> int:
        outcome = self.issue(quantity, auto_accept=False)
        assert isinstance(outcome, Issued)
        return outcome.serial

    def figures(self, name: str, key: Key = U) -> Holding:
        return holdings(self.database)[meter(key, name)]

    def closed(self) -> list[tuple[object, ...]]:
        return rows(
            self.database,
            'SELECT h.resource, h.source, c.start, c."end", c.total FROM closed_periods c '
            "JOIN holdings h ON h.id = c.holding_id WHERE h.source <> '' ORDER BY c.start",
        )

    def ranked(self) -> list[tuple[object, ...]]:
        return rows(self.database, "SELECT resource, total FROM closed_periods WHERE resource IS NOT NULL")

    def wait(self, time: int) -> None:
        self.clock.set(self.clock.now + time)


def charge(quantity: int, *, auto_accept: bool = True, force: bool = False, ttl: int | None = None) -> Issue:
    provisions = Provision(U, quantity), Provision(P, quantity)
    return Issue(COMPUTE, provisions, auto_accept=auto_accept, force=force, time_to_live=ttl)


@pytest.fixture
def metered(database: Database) -> Metered:
    with database.transaction() as connection:
        set_limits(connection, [(U, UNLIMITED), (P, UNLIMITED)])
    return Metered(database, SimulatedClock(database, START))


def release(quantity: int) -> Issue:
    return Issue(COMPUTE, (Provision(U, -quantity), Provision(P, -quantity)), auto_accept=True)


def refused_by(outcome: Outcome) -> str:
    assert isinstance(outcome, NoCapacity)
    return outcome.provision.key.resource


def test_an_import_counts_at_every_level_and_a_new_period_begins_with_nothing(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100, 150)
    assert isinstance(metered.issue(60), Issued)
    assert metered.figures(DAILY) == Holding(100, 60, 60)
    assert metered.figures(DAILY, P) == Holding(150, 60, 60)
    refusal = metered.issue(41)
    assert isinstance(refusal, NoCapacity)
    renewal = Renewal(START - HOUR + DAY, DAY - HOUR, DAY)
    assert refusal == NoCapacity(Provision(meter(U, DAILY), 41), 60, 100, renewal)
    assert metered.figures(VM) == Holding(UNLIMITED, 60, 60)
    metered.wait(DAY)
    assert isinstance(metered.issue(100), Issued)
    assert metered.figures(DAILY) == Holding(100, 100, 100)
    assert metered.figures(VM) == Holding(UNLIMITED, 160, 160)
    start = START - HOUR
    assert metered.closed() == [(DAILY, U.source, start, start + DAY, 60)]
    assert metered.ranked() == [(DAILY, 60)]


def test_the_project_level_can_be_what_has_no_room(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100, 50)
    refusal = metered.issue(60)
    assert isinstance(refusal, NoCapacity)
    assert refusal.provision.key == meter(P, DAILY)


def test_a_release_touches_no_meter(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    assert isinstance(metered.issue(60), Issued)
    metered.wait(DAY)
    assert isinstance(metered.issue(-60), Issued)
    assert metered.figures(VM) == Holding(UNLIMITED, 0, 0)
    assert isinstance(metered.issue(100), Issued)


def test_a_count_settles_as_its_base_does(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    metered.define(RATE, MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE), 100)
    serial, other = metered.pending(50), metered.pending(20)
    assert metered.figures(DAILY) == Holding(100, 0, 70)
    assert metered.figures(RATE) == Holding(100, 70, 70)
    settled = Provision(U, 30), Provision(P, 30)
    metered.do(Settle(COMPUTE, serial, settled), Resolve(COMPUTE, frozenset(), frozenset([other])))
    assert metered.figures(DAILY) == Holding(100, 30, 30)
    assert metered.figures(RATE) == Holding(100, 30, 30)
    assert metered.figures(RATE, P) == Holding(UNLIMITED, 30, 30)


def test_what_is_pending_counts_in_the_period_in_which_it_settles(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    metered.issue(30)
    serial = metered.pending(60)
    metered.wait(DAY)
    assert refused_by(metered.issue(41)) == DAILY
    metered.do(Resolve(COMPUTE, frozenset([serial])))
    assert metered.figures(DAILY) == Holding(100, 60, 60)
    metered.wait(2 * DAY)
    metered.issue(1)
    assert [row[-1] for row in metered.closed()] == [30, 60]


def test_what_expires_is_given_back(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    metered.do(charge(100, auto_accept=False, ttl=MINUTE))
    assert refused_by(metered.issue(1)) == DAILY
    metered.wait(MINUTE)
    assert isinstance(metered.issue(100), Issued)


def test_a_rate_drains_all_the_time(metered: Metered) -> None:
    metered.define(RATE, MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE), 60)
    assert isinstance(metered.issue(60), Issued)
    assert refused_by(metered.issue(1)) == RATE
    metered.wait(10 * MICROSECONDS)
    assert refused_by(metered.issue(11)) == RATE
    assert isinstance(metered.issue(10), Issued)


def test_a_window_begins_with_the_first_import(metered: Metered) -> None:
    metered.define(WINDOW, MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5), 100)
    metered.wait(3 * HOUR)
    assert isinstance(metered.issue(100), Issued)
    metered.wait(5 * HOUR - 1)
    assert refused_by(metered.issue(1)) == WINDOW
    metered.wait(1)
    assert isinstance(metered.issue(1), Issued)
    assert [row[2:] for row in metered.closed()] == [(START + 3 * HOUR, START + 8 * HOUR, 100)]


def test_no_period_begins_while_the_clock_is_in_doubt(metered: Metered) -> None:
    metered.define(WINDOW, MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5), 100)
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    with contextlib.closing(ledger_storage(metered.database)) as store:
        performed = carry_out(store, [charge(60)], START + 3650 * DAY, due=0)
    assert isinstance(performed.outcomes[0], Issued)
    assert metered.figures(DAILY).usage_max == 60
    assert refused_by(metered.issue(50)) in {WINDOW, DAILY}
    assert isinstance(metered.issue(40), Issued)
    metered.wait(DAY)
    assert isinstance(metered.issue(100), Issued)


def test_an_import_of_nothing_is_refused_beyond_the_limit(metered: Metered) -> None:
    """It could be settled for more."""
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    assert isinstance(metered.issue(100), Issued)
    assert isinstance(metered.issue(0), Issued)
    assert isinstance(metered.issue(3, force=True), Issued)
    assert refused_by(metered.issue(0)) == DAILY
    assert isinstance(metered.issue(0, force=True), Issued)
    metered.wait(DAY)
    assert isinstance(metered.issue(0), Issued)


def test_a_refused_bulk_begins_no_window(metered: Metered) -> None:
    metered.define(WINDOW, MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5), 100)
    (outcome,) = metered.do(IssueMany((charge(60), charge(60)), all_or_none=True))
    assert isinstance(outcome, IssuedMany)
    assert outcome.undone
    metered.wait(4 * HOUR)
    assert isinstance(metered.issue(100), Issued)
    metered.wait(4 * HOUR)
    assert refused_by(metered.issue(1)) == WINDOW


def test_what_is_forced_counts(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    assert isinstance(metered.issue(130, force=True), Issued)
    assert metered.figures(DAILY) == Holding(100, 130, 130)


def test_a_meter_cannot_be_named(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    provision = Provision(meter(U, DAILY), 1)
    assert metered.do(Issue(COMPUTE, (provision,))) == [IsMeter(provision, VM)]
    (reconciled,) = metered.do(Reconcile(COMPUTE, (provision,)))
    assert isinstance(reconciled, Reconciled)
    assert reconciled.refusal == IsMeter(provision, VM)


def test_mending_a_difference_does_not_count(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    metered.do(Reconcile(COMPUTE, (Provision(U, 500), Provision(P, 500)), mend=True))
    assert metered.figures(VM) == Holding(UNLIMITED, 500, 500)
    assert metered.figures(DAILY) == Holding(100)


def test_without_a_holding_of_the_meter_nothing_is_charged(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    rows(metered.database, "DELETE FROM holdings WHERE resource = ? AND source <> ''", DAILY)
    refusal = metered.issue(1)
    assert isinstance(refusal, NoHolding)
    assert refusal.provision.key == meter(U, DAILY)


def test_a_clock_that_steps_back_forgives_nothing_twice(metered: Metered) -> None:
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 100)
    metered.wait(DAY)
    metered.issue(100)
    metered.wait(-DAY)
    assert refused_by(metered.issue(1)) == DAILY
    metered.wait(DAY)
    assert refused_by(metered.issue(1)) == DAILY


def test_an_open_engine_heeds_a_new_definition(metered: Metered) -> None:
    with contextlib.closing(ledger_storage(metered.database)) as store:
        (first,) = perform(store, [charge(1, auto_accept=False)], metered.clock.now)
        assert isinstance(first, Issued)
        metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 5)
        (refused,) = perform(store, [charge(6)], metered.clock.now)
        assert refused_by(refused) == DAILY
        # What was issued before does not count.
        perform(store, [Resolve(COMPUTE, frozenset([first.serial]))], metered.clock.now)
        assert metered.figures(DAILY) == Holding(5)
        (pending,) = perform(store, [charge(5, auto_accept=False)], metered.clock.now)
        metered.define(DAILY, MeterDefinition(kind=Kind.RATE, unit=Unit.DAY), 5)
        assert isinstance(pending, Issued)
        perform(store, [Resolve(COMPUTE, frozenset([pending.serial]))], metered.clock.now)
        assert metered.figures(DAILY) == Holding(5, 5, 5)
        metered.wait(DAY)
        (issued,) = perform(store, [charge(5)], metered.clock.now)
        assert isinstance(issued, Issued)


@pytest.mark.parametrize("bounded", [VM, DAILY])
def test_an_open_engine_heeds_a_new_bound_of_debts(metered: Metered, bounded: str) -> None:
    """Two engines of one database, one of which knows the meter already."""
    metered.define(DAILY, MeterDefinition(unit=Unit.DAY), 10)
    with metered.database.transaction() as connection:
        set_limits(connection, [(U, 10)])

    def settled(store: LedgerStorage) -> int:
        (issued,) = perform(store, [charge(10, auto_accept=False)], metered.clock.now)
        assert isinstance(issued, Issued)
        quantities = Provision(U, 25), Provision(P, 25)
        settle = Settle(COMPUTE, issued.serial, quantities, Overage.DEBT)
        (outcome,) = perform(store, [settle], metered.clock.now)
        assert isinstance(outcome, Resolved)
        assert {one.quantity for one in outcome.settled} == {metered.figures(DAILY).usage_min}
        perform(store, [release(metered.figures(VM).usage_min)], metered.clock.now)
        metered.wait(DAY)
        return outcome.settled[0].quantity

    first, second = (contextlib.closing(ledger_storage(metered.database)) for _ in range(2))
    with first as one, second as other:
        assert (settled(one), settled(other)) == (25, 25)
        metered.bound_debts(bounded, 4)
        assert (settled(one), settled(other)) == (14, 14)
        metered.bound_debts(bounded, 0)
        assert (settled(other), settled(one)) == (10, 10)
        metered.bound_debts(bounded, UNLIMITED)
        assert (settled(one), settled(other)) == (25, 25)

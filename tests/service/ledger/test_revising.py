"""Pending commissions that are settled for more, grow, are extended, or expire after some of it was used."""

import contextlib
from collections.abc import Iterator

import pytest

from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.meters import TIME_TO_LIVE
from astakos.ledger.operations import (
    CannotSettle,
    Extend,
    Grow,
    Idempotency,
    Issue,
    Issued,
    NotPending,
    Operation,
    Outcome,
    Progress,
    Resolve,
    Resolved,
    Revised,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.periods import MINUTE, Unit
from astakos.ledger.rules import Holding, Key, NoCapacity, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import add_meter, all_rows, holdings, rows, set_limits
from service.world import ALICE, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE, STORAGE = 1, 2
U, P = member_key(ALICE), project_key()
DAILY, RATE = f"{VM}/day", f"{VM}/per-minute"


class Ledger:
    """The ledger of a database, with a limit of 100 for the user and of 120 for the project."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = ledger_storage(database)
        self.now = LOADED

    def do(self, *operations: Operation) -> list[Outcome]:
        return perform(self.store, operations, self.now)

    def one(self, operation: Operation) -> Outcome:
        (outcome,) = self.do(operation)
        return outcome

    def pending(self, quantity: int, *, ttl: int | None = None, overage: Overage = Overage.REFUSE) -> int:
        outcome = self.one(Issue(COMPUTE, both(quantity), time_to_live=ttl, overage=overage))
        assert isinstance(outcome, Issued)
        return outcome.serial

    def figures(self, key: Key) -> Holding:
        return holdings(self.database)[key]

    def usage(self) -> tuple[int, int]:
        """What is settled of the user's machines, and what is used at most."""
        member, project = ((one.usage_min, one.usage_max) for one in map(self.figures, (U, P)))
        assert member == project
        return member

    def settle(self, serial: int, quantity: int, overage: Overage | None = None) -> Outcome:
        return self.one(Settle(COMPUTE, serial, both(quantity), overage))


def both(quantity: int) -> tuple[Provision, Provision]:
    return Provision(U, quantity), Provision(P, quantity)


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    with database.transaction() as connection:
        set_limits(connection, [(U, 100), (P, 120)])
    made = Ledger(database)
    with contextlib.closing(made.store):
        yield made


def meter(ledger: Ledger, name: str, definition: MeterDefinition, limit: int) -> None:
    with ledger.database.transaction() as connection:
        add_meter(connection, VM, name, definition, dict.fromkeys((U, P), limit))


def test_more_than_was_issued_is_refused_unless_somebody_says_otherwise(ledger: Ledger) -> None:
    serial = ledger.pending(50)
    assert ledger.settle(serial, 60) == CannotSettle(U, 60, 50)
    assert ledger.usage() == (0, 50)


@pytest.mark.parametrize(
    ("overage", "asked", "granted"),
    [
        (Overage.AVAILABLE, 60, 60),
        (Overage.AVAILABLE, 130, 100),
        (Overage.AVAILABLE, 20, 20),
        (Overage.DEBT, 130, 130),
    ],
)
def test_more_is_settled_as_the_policy_says(
    ledger: Ledger, overage: Overage, asked: int, granted: int
) -> None:
    at_issue, at_settling = ledger.pending(50, overage=overage), ledger.pending(10)
    ledger.one(Resolve(COMPUTE, reject=frozenset([at_settling])))
    assert ledger.settle(at_issue, asked) == Resolved(accepted=(at_issue,), settled=both(granted))
    assert ledger.usage() == (granted, granted)
    ledger.one(Issue(COMPUTE, both(-granted), auto_accept=True))
    at_settling = ledger.pending(50)
    ledger.settle(at_settling, asked, overage)
    assert ledger.usage() == (granted, granted)


def test_all_levels_get_what_the_tightest_can_give(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        set_limits(connection, [(U, 100), (P, 70)])
    serial = ledger.pending(50)
    assert ledger.settle(serial, 90, Overage.AVAILABLE) == Resolved(accepted=(serial,), settled=both(70))


def test_a_meter_can_be_the_tightest_and_counts_what_was_granted(ledger: Ledger) -> None:
    meter(ledger, DAILY, MeterDefinition(unit=Unit.DAY), 60)
    serial = ledger.pending(50)
    assert ledger.settle(serial, 90, Overage.AVAILABLE) == Resolved(accepted=(serial,), settled=both(60))
    assert ledger.figures(U._replace(resource=DAILY)) == Holding(60, 60, 60)


def test_a_debt_lets_nobody_in_until_it_is_paid(ledger: Ledger) -> None:
    ledger.settle(ledger.pending(50), 110, Overage.DEBT)
    assert isinstance(ledger.one(Issue(COMPUTE, both(1))), NoCapacity)
    ledger.one(Issue(COMPUTE, both(-20), auto_accept=True))
    assert isinstance(ledger.one(Issue(COMPUTE, both(1))), Issued)


def test_a_commission_grows_to_a_total_as_often_as_one_asks(ledger: Ledger) -> None:
    serial = ledger.pending(50)
    for _ in range(2):
        assert ledger.one(Grow(COMPUTE, serial, both(80))) == Revised(serial)
        assert ledger.usage() == (0, 80)
    refused = ledger.one(Grow(COMPUTE, serial, both(101)))
    assert isinstance(refused, NoCapacity)
    assert refused.provision == Provision(U, 21)
    assert ledger.one(Grow(COMPUTE, serial, both(79))) == CannotSettle(U, 79, 80)
    assert ledger.one(Grow(COMPUTE, serial, (Provision(U._replace(resource="x"), 1),))) == CannotSettle(
        U._replace(resource="x"), 1, None
    )
    assert ledger.one(Grow(STORAGE, serial, both(90))) == NotPending(serial)
    ledger.one(Resolve(COMPUTE, frozenset([serial])))
    assert ledger.usage() == (80, 80)
    assert ledger.one(Grow(COMPUTE, serial, both(90))) == NotPending(serial)


def test_what_grows_counts_on_meters(ledger: Ledger) -> None:
    meter(ledger, DAILY, MeterDefinition(unit=Unit.DAY), 70)
    key = U._replace(resource=DAILY)
    serial = ledger.pending(50)
    refused = ledger.one(Grow(COMPUTE, serial, both(80)))
    assert isinstance(refused, NoCapacity)
    assert refused.provision == Provision(key, 30)
    ledger.one(Grow(COMPUTE, serial, both(70)))
    assert ledger.figures(key) == Holding(70, 0, 70)
    ledger.settle(serial, 65)
    assert ledger.figures(key) == Holding(70, 65, 65)


def test_a_meter_defined_after_the_issue_counts_only_what_grows(ledger: Ledger) -> None:
    serial = ledger.pending(50)
    meter(ledger, DAILY, MeterDefinition(unit=Unit.DAY), 70)
    ledger.one(Grow(COMPUTE, serial, both(80)))
    key = U._replace(resource=DAILY)
    assert ledger.figures(key) == Holding(70, 0, 30)
    ledger.one(Resolve(COMPUTE, frozenset([serial])))
    assert ledger.figures(key) == Holding(70, 30, 30)


def test_another_engine_does_not_accept_what_was_before_it_grew(ledger: Ledger, database: Database) -> None:
    serial = ledger.pending(50)
    with contextlib.closing(ledger_storage(database)) as other:
        perform(other, [Progress(COMPUTE, serial, both(1))], ledger.now)
        ledger.one(Grow(COMPUTE, serial, both(80)))
        perform(other, [Resolve(COMPUTE, frozenset([serial]))], ledger.now)
    assert ledger.usage() == (80, 80)


def test_a_commission_lives_longer_if_its_owner_says_so(ledger: Ledger) -> None:
    serial = ledger.pending(50, ttl=MINUTE)
    ledger.now += MINUTE - 1
    assert ledger.one(Extend(COMPUTE, serial, MINUTE)) == Revised(serial, ledger.now + MINUTE)
    assert ledger.one(Extend(COMPUTE, serial, 1)) == Revised(serial, ledger.now + MINUTE)
    assert ledger.one(Extend(STORAGE, serial, MINUTE)) == NotPending(serial)
    ledger.now += MINUTE - 1
    ledger.do()
    assert ledger.usage() == (0, 50)
    ledger.now += 1
    assert ledger.one(Extend(COMPUTE, serial, MINUTE)) == NotPending(serial)
    assert ledger.usage() == (0, 0)


def test_a_commission_without_an_end_stays_without(ledger: Ledger) -> None:
    serial = ledger.pending(50)
    assert ledger.one(Extend(COMPUTE, serial, MINUTE)) == Revised(serial, None)
    assert rows(ledger.database, "SELECT expires FROM pending_commissions") == [(None,)]


def test_what_was_used_counts_though_the_commission_expires(ledger: Ledger) -> None:
    serial = ledger.pending(50, ttl=MINUTE)
    ledger.one(Progress(COMPUTE, serial, both(10)))
    assert ledger.one(Progress(COMPUTE, serial, both(30))) == Revised(serial)
    assert ledger.usage() == (0, 50)
    ledger.now += MINUTE
    ledger.do()
    assert ledger.usage() == (30, 30)


@pytest.mark.parametrize(
    ("overage", "settled"), [(Overage.REFUSE, 50), (Overage.AVAILABLE, 100), (Overage.DEBT, 140)]
)
def test_more_may_have_been_used_than_was_issued(ledger: Ledger, overage: Overage, settled: int) -> None:
    serial = ledger.pending(50, ttl=MINUTE, overage=overage)
    ledger.one(Progress(COMPUTE, serial, both(140)))
    ledger.now += MINUTE
    ledger.do()
    assert ledger.usage() == (settled, settled)


def test_progress_is_about_what_was_issued(ledger: Ledger) -> None:
    serial = ledger.pending(50)
    assert ledger.one(Progress(COMPUTE, serial, both(-1))) == CannotSettle(U, -1, 50)
    assert ledger.one(Progress(STORAGE, serial, both(1))) == NotPending(serial)
    assert ledger.one(Resolve(COMPUTE, reject=frozenset([serial]))) == Resolved(rejected=(serial,))
    assert ledger.usage() == (0, 0)


def test_all_can_happen_in_one_batch(ledger: Ledger) -> None:
    first = ledger.pending(1)
    serial = first + 1
    ledger.do(
        Issue(COMPUTE, both(10), time_to_live=MINUTE),
        Grow(COMPUTE, serial, both(20)),
        Extend(COMPUTE, serial, 2 * MINUTE),
        Progress(COMPUTE, serial, both(15)),
        Settle(COMPUTE, first, both(1)),
    )
    assert ledger.usage() == (1, 21)
    ledger.now += 2 * MINUTE
    ledger.do()
    assert ledger.usage() == (16, 16)


def test_a_question_changes_nothing(ledger: Ledger) -> None:
    before = all_rows(ledger.database)
    assert ledger.one(Issue(COMPUTE, both(100), is_question=True)) == Issued(0)
    assert isinstance(ledger.one(Issue(COMPUTE, both(101), is_question=True)), NoCapacity)
    after = all_rows(ledger.database)
    assert {table: rows for table, rows in after.items() if table != "engines"} == {
        table: rows for table, rows in before.items() if table != "engines"
    }


def test_a_question_begins_no_window(ledger: Ledger) -> None:
    meter(ledger, DAILY, MeterDefinition(kind=Kind.WINDOW, unit=Unit.MINUTE), 50)
    question = Issue(COMPUTE, both(50), is_question=True)
    ledger.do(question, Issue(COMPUTE, both(1), auto_accept=True), question)
    assert ledger.figures(U._replace(resource=DAILY)) == Holding(50, 1, 1)


@pytest.mark.parametrize(("asked", "granted"), [(30, 30), (100, 60), (61, 60)])
def test_as_much_is_issued_as_there_is_room_for(ledger: Ledger, asked: int, granted: int) -> None:
    meter(ledger, DAILY, MeterDefinition(unit=Unit.DAY), 60)
    key = Idempotency("a key", b"a hash")
    issue = Issue(COMPUTE, both(asked), at_most=True, idempotency=key)
    outcome = ledger.one(issue)
    assert isinstance(outcome, Issued)
    assert outcome.granted == (granted, granted)
    assert ledger.usage() == (0, granted)
    assert ledger.one(issue) == Issued(outcome.serial, repeated=True, granted=outcome.granted)


def test_where_there_is_room_for_nothing_all_is_refused(ledger: Ledger) -> None:
    ledger.one(Issue(COMPUTE, both(100)))
    refused = ledger.one(Issue(COMPUTE, both(7), at_most=True))
    assert isinstance(refused, NoCapacity)
    assert refused.provision == Provision(U, 7)


def test_what_is_pending_on_a_meter_expires_some_time(ledger: Ledger) -> None:
    meter(ledger, DAILY, MeterDefinition(unit=Unit.DAY), 60)
    ledger.pending(10)
    ledger.now += TIME_TO_LIVE
    ledger.do()
    assert ledger.usage() == (0, 0)

"""Grants on databases: what is drawn from them, given back, and left, over several periods."""

import contextlib
from dataclasses import dataclass
from typing import Any

import pytest

from astakos.administration.grants import GrantPlace, Terms, add_grant, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY
from astakos.events.event import OPERATOR
from astakos.ledger.batch import carry_out, perform
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.operations import (
    Grow,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    Operation,
    Outcome,
    Progress,
    Reconcile,
    Reconciled,
    Resolve,
    Resolved,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR, MINUTE, Unit
from astakos.ledger.rules import UNLIMITED, Holding, IsMeter, Key, NoCapacity, Provision, Renewal
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from service.installation import holdings, rows, set_limits
from service.simulated_clock import SimulatedClock
from service.world import ALICE, LAB, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE = 1
START = LOADED - LOADED % DAY + HOUR
MIDNIGHT = START - HOUR + DAY
DAILY, RATE = f"{VM}/day", f"{VM}/per-minute"
U, P = member_key(ALICE), project_key()
MEMBER, PROJECT = GrantPlace(ALICE.uuid, LAB, VM), GrantPlace(None, LAB, VM)
LIMIT = 100


@dataclass
class Granted:
    database: Database
    clock: SimulatedClock

    def define(self, name: str, definition: MeterDefinition, member: int, project: int = UNLIMITED) -> None:
        entry = ResourceEntry(name=name, service="compute_api", meter=definition)
        load(self.database, StateDocument(resources=[entry]), LOADED)
        with self.database.transaction() as connection:
            limits = {key._replace(resource=name): limit for key, limit in ((U, member), (P, project))}
            set_limits(connection, limits.items())

    def give(self, amount: int, place: GrantPlace = MEMBER, **terms: Any) -> Key:
        """Makes a grant; returns its holding."""

        def change(connection: Any) -> int:
            with Journal(connection, OPERATOR, LOADED) as journal:
                return add_grant(connection, journal, place, Terms(amount, LOADED - DAY, **terms), LOADED)

        base = P if place == PROJECT else U
        return base._replace(resource=f"{VM}/grant-{self.database.change(change)}")

    def revoke(self, grant: Key) -> None:
        def change(connection: Any) -> None:
            with Journal(connection, OPERATOR, LOADED) as journal:
                revoke_grant(connection, journal, int(grant.resource.rpartition("-")[2]))

        self.database.change(change)

    def do(self, *operations: Operation) -> list[Outcome]:
        with contextlib.closing(ledger_storage(self.database)) as store:
            return perform(store, operations, self.clock.now)

    def use(self, quantity: int, **options: Any) -> Outcome:
        (outcome,) = self.do(charge(quantity, auto_accept=True, **options))
        return outcome

    def pending(self, quantity: int, **options: Any) -> int:
        (outcome,) = self.do(charge(quantity, **options))
        assert isinstance(outcome, Issued)
        return outcome.serial

    def settle(self, serial: int, quantity: int, overage: Overage = Overage.REFUSE) -> Outcome:
        (outcome,) = self.do(
            Settle(COMPUTE, serial, (Provision(U, quantity), Provision(P, quantity)), overage)
        )
        return outcome

    def day(self, key: Key = U) -> tuple[int, int]:
        return self.used(key._replace(resource=DAILY))

    def used(self, key: Key) -> tuple[int, int]:
        """usage_min and usage_max, as they are stored."""
        holding = holdings(self.database)[key]
        return holding.usage_min, holding.usage_max

    def wait(self, time: int) -> None:
        self.clock.set(self.clock.now + time)


def charge(quantity: int, **options: Any) -> Issue:
    provisions = Provision(U, quantity), Provision(P, quantity)
    return Issue(COMPUTE, provisions, **{"time_to_live": 30 * DAY, **options})


@pytest.fixture
def granted(database: Database) -> Granted:
    with database.transaction() as connection:
        set_limits(connection, [(U, UNLIMITED), (P, UNLIMITED)])
    found = Granted(database, SimulatedClock(database, START))
    found.define(DAILY, MeterDefinition(unit=Unit.DAY), LIMIT)
    return found


def refusal(outcome: Outcome) -> NoCapacity:
    assert isinstance(outcome, NoCapacity), outcome
    return outcome


def test_a_grant_is_there_once_and_not_in_each_period(granted: Granted) -> None:
    grant = granted.give(50)
    total = 0
    for _ in range(3):
        for quantity in (60, 60, 30, 20, 10, 5):
            total += quantity if isinstance(granted.use(quantity), Issued) else 0
        granted.wait(DAY)
    assert total == 350
    assert granted.used(grant) == (50, 50)
    assert rows(granted.database, "SELECT state FROM grants") == [("used",)]


def test_what_expires_first_is_used_first_then_what_has_the_lower_priority(granted: Granted) -> None:
    never, late, soon, urgent = (
        granted.give(10),
        granted.give(10, expires=START + 3 * DAY),
        granted.give(10, expires=START + 2 * DAY),
        granted.give(10, expires=START + 2 * DAY, priority=1),
    )
    granted.use(LIMIT + 15)
    assert [granted.used(key)[1] for key in (urgent, soon, late, never)] == [10, 5, 0, 0]
    granted.use(20)
    assert [granted.used(key)[1] for key in (urgent, soon, late, never)] == [10, 10, 10, 5]
    assert refusal(granted.use(6)).available == 5


def test_what_is_not_settled_is_given_back_in_reverse(granted: Granted) -> None:
    first, second = granted.give(30), granted.give(50)
    serial = granted.pending(160)
    assert [granted.used(first), granted.used(second), granted.day()] == [(0, 30), (0, 30), (0, 100)]
    granted.settle(serial, 110)
    assert [granted.used(first), granted.used(second), granted.day()] == [(10, 10), (0, 0), (100, 100)]
    serial = granted.pending(60)
    granted.do(Resolve(COMPUTE, reject=frozenset([serial])))
    assert [granted.used(first), granted.used(second)] == [(10, 10), (0, 0)]
    assert granted.used(U) == (110, 110)


def test_each_level_has_its_own(granted: Granted) -> None:
    granted.define(DAILY, MeterDefinition(unit=Unit.DAY), LIMIT, 120)
    mine = granted.give(50)
    assert refusal(granted.use(130)).provision.key == P._replace(resource=DAILY)
    assert granted.used(mine) == (0, 0)
    theirs = granted.give(5, PROJECT)
    assert isinstance(granted.use(125), Issued)
    assert [granted.used(mine), granted.used(theirs)] == [(25, 25), (5, 5)]
    assert [granted.day(), granted.day(P)] == [(100, 100), (120, 120)]
    refused = refusal(granted.use(1))
    assert (refused.provision.key.source, refused.available) == (None, None)


def test_a_rate_counts_all_unless_the_grant_lifts_it(granted: Granted) -> None:
    granted.define(RATE, MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE), 110)
    grant = granted.give(50)
    refused = refusal(granted.use(120))
    assert refused.provision.key == U._replace(resource=RATE)
    assert refused.renewal == Renewal(None, None, MINUTE)
    assert isinstance(granted.use(110), Issued)
    assert granted.used(grant) == (10, 10)
    assert granted.used(U._replace(resource=RATE)) == (110, 110)
    both = granted.give(20, expires=START + DAY, lifts=("day", "per-minute"))
    assert isinstance(granted.use(15), Issued)
    assert [granted.used(grant), granted.used(both)] == [(10, 10), (15, 15)]
    refused = refusal(granted.use(6))
    assert (refused.provision.key.resource, refused.available) == (RATE, 5)


def test_many_grants_are_read_in_parts(granted: Granted) -> None:
    keys = [granted.give(1, expires=START + DAY + number) for number in range(40)]
    assert isinstance(granted.use(LIMIT + 30), Issued)
    assert [granted.used(key)[1] for key in keys] == [1] * 30 + [0] * 10
    assert refusal(granted.use(11)).available == 10
    first, second = granted.do(charge(7, auto_accept=True), charge(4, auto_accept=True))
    assert isinstance(first, Issued)
    assert refusal(second).available == 3
    assert isinstance(granted.use(3), Issued)


@pytest.mark.parametrize("expires", [START + HOUR, START + 40 * DAY])
def test_only_what_has_started_and_has_not_expired_is_drawn_on(granted: Granted, expires: int) -> None:
    grant = granted.give(50, expires=expires)
    serial = granted.pending(LIMIT + 20)
    granted.wait(HOUR)
    is_over = expires == START + HOUR
    assert isinstance(granted.use(10), NoCapacity if is_over else Issued)
    # What was drawn before it expired can be settled.
    granted.settle(serial, LIMIT + 15)
    assert granted.used(grant) == ((15, 15) if is_over else (25, 25))


def test_a_grant_counts_from_its_start_on(granted: Granted) -> None:
    def change(connection: Any) -> int:
        with Journal(connection, OPERATOR, LOADED) as journal:
            return add_grant(connection, journal, MEMBER, Terms(50, START + HOUR), LOADED)

    granted.database.change(change)
    assert isinstance(granted.use(110), NoCapacity)
    granted.wait(HOUR)
    assert isinstance(granted.use(110), Issued)


def test_no_grant_begins_or_expires_while_the_clock_is_in_doubt(granted: Granted) -> None:
    expiring = granted.give(20, expires=START + HOUR)
    begins = START + HOUR

    def change(connection: Any) -> int:
        with Journal(connection, OPERATOR, LOADED) as journal:
            return add_grant(connection, journal, MEMBER, Terms(50, begins), LOADED)

    granted.database.change(change)

    def use_in_doubt(quantity: int) -> Outcome:
        with contextlib.closing(ledger_storage(granted.database)) as store:
            issue = charge(quantity, auto_accept=True)
            return carry_out(store, [issue], granted.clock.now, 0, START).outcomes[0]

    for jump in (3650 * DAY, -3650 * DAY):
        granted.clock.set(START + jump)
        assert isinstance(use_in_doubt(LIMIT + 21), NoCapacity)
    granted.clock.set(START + 2 * HOUR)
    assert isinstance(use_in_doubt(LIMIT + 20), Issued)
    assert granted.used(expiring) == (20, 20)
    assert isinstance(granted.use(50), Issued)


def test_nothing_is_drawn_from_a_revoked_grant_and_what_is_drawn_stays(granted: Granted) -> None:
    grant = granted.give(50)
    serial = granted.pending(LIMIT + 30)
    granted.revoke(grant)
    assert isinstance(granted.use(1), NoCapacity)
    granted.settle(serial, LIMIT + 10)
    assert granted.used(grant) == (10, 10)
    assert isinstance(granted.use(1), NoCapacity)


def test_a_refusal_says_when_there_is_room_with_what_grants_lift_then(granted: Granted) -> None:
    granted.give(50)
    granted.give(10, expires=MIDNIGHT)
    granted.use(LIMIT)
    waiting = Renewal(MIDNIGHT, DAY - HOUR, DAY)
    key = U._replace(resource=DAILY)
    assert granted.use(150) == NoCapacity(Provision(key, 150), LIMIT, LIMIT, waiting, 60)
    assert granted.use(151) == NoCapacity(Provision(key, 151), LIMIT, LIMIT, Renewal(None, None, DAY), 60)


def test_a_refusal_does_not_name_a_level_that_has_enough_grants(granted: Granted) -> None:
    granted.define(DAILY, MeterDefinition(unit=Unit.DAY), LIMIT, 50)
    granted.give(500, PROJECT)
    granted.use(90)
    refused = refusal(granted.use(95))
    assert refused.provision == Provision(U._replace(resource=DAILY), 95)
    assert refused.renewal == Renewal(MIDNIGHT, DAY - HOUR, DAY)


def test_growing_goes_on_where_the_issue_has_ended(granted: Granted) -> None:
    first, second = granted.give(20), granted.give(30)
    serial = granted.pending(90)
    total = 105, 115, 140

    def grow(quantity: int) -> Outcome:
        (outcome,) = granted.do(Grow(COMPUTE, serial, (Provision(U, quantity), Provision(P, quantity))))
        return outcome

    for quantity in total:
        grow(quantity)
    assert [granted.used(first), granted.used(second), granted.day()] == [(0, 20), (0, 20), (0, 100)]
    assert refusal(grow(151)).available == 10
    granted.settle(serial, 112)
    assert [granted.used(first), granted.used(second), granted.day()] == [(12, 12), (0, 0), (100, 100)]


def test_what_was_used_beyond_the_reservation_comes_from_grants_before_it_is_a_debt(
    granted: Granted,
) -> None:
    grant = granted.give(20)
    outcome = granted.settle(granted.pending(90), 150, Overage.DEBT)
    assert isinstance(outcome, Resolved)
    assert outcome.settled == (Provision(U, 150), Provision(P, 150))
    assert [granted.used(grant), granted.day()] == [(20, 20), (130, 130)]
    assert refusal(granted.use(1)).available is None


def test_what_is_available_beyond_the_reservation_includes_grants(granted: Granted) -> None:
    grant = granted.give(20)
    outcome = granted.settle(granted.pending(90), 150, Overage.AVAILABLE)
    assert isinstance(outcome, Resolved)
    assert outcome.settled == (Provision(U, 120), Provision(P, 120))
    assert [granted.used(grant), granted.day()] == [(20, 20), (100, 100)]
    empty = granted.pending(0)
    assert granted.settle(empty, 5, Overage.AVAILABLE) == Resolved(
        (empty,), settled=(Provision(U, 0), Provision(P, 0))
    )


def test_what_was_used_until_it_expired_is_settled_from_the_grant(granted: Granted) -> None:
    grant = granted.give(20)
    serial = granted.pending(115, time_to_live=HOUR)
    granted.do(Progress(COMPUTE, serial, (Provision(U, 104), Provision(P, 104))))
    granted.wait(HOUR)
    granted.do()
    assert [granted.used(grant), granted.day()] == [(4, 4), (100, 100)]


def test_as_much_as_there_is_includes_grants(granted: Granted) -> None:
    granted.give(20)
    granted.give(7, PROJECT)
    granted.define(DAILY, MeterDefinition(unit=Unit.DAY), LIMIT, 110)
    assert granted.use(500, at_most=True, is_question=True) == Issued(0, granted=(117, 117))
    outcome = granted.use(500, at_most=True)
    assert isinstance(outcome, Issued)
    assert outcome.granted == (117, 117)
    assert granted.used(U) == (117, 117)
    assert isinstance(granted.use(1, at_most=True), NoCapacity)


def test_an_import_of_nothing_is_refused_on_a_debt_that_no_grant_lifts(granted: Granted) -> None:
    granted.use(LIMIT)
    assert isinstance(granted.use(0), Issued)
    granted.use(5, force=True)
    refused = refusal(granted.use(0))
    assert (refused.provision.quantity, refused.usage, refused.available) == (0, LIMIT + 5, None)
    assert isinstance(granted.use(0, force=True), Issued)
    granted.give(20)
    assert isinstance(granted.use(0), Issued)
    assert isinstance(granted.use(20), Issued)
    assert isinstance(granted.use(0), NoCapacity)


def test_as_much_as_there_is_ends_at_a_rate_that_no_grant_lifts(granted: Granted) -> None:
    granted.define(RATE, MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE), 110)
    granted.give(50)
    for asked, given in ((105, 105), (20, 5)):
        outcome = granted.use(asked, at_most=True)
        assert isinstance(outcome, Issued)
        assert outcome.granted == (given, given)


def test_a_question_draws_on_nothing(granted: Granted) -> None:
    grant = granted.give(20)
    assert granted.use(120, is_question=True) == Issued(0)
    assert isinstance(granted.use(121, is_question=True), NoCapacity)
    assert granted.used(grant) == (0, 0)


def test_force_draws_on_no_grant_beyond_its_amount(granted: Granted) -> None:
    grant = granted.give(20)
    assert isinstance(granted.use(150, force=True), Issued)
    assert [granted.used(grant), granted.day()] == [(20, 20), (130, 130)]


def test_all_or_none_gives_grants_back(granted: Granted) -> None:
    grant = granted.give(50)
    first, many, last = granted.do(
        charge(110, auto_accept=True),
        IssueMany((charge(10, auto_accept=True), charge(30, auto_accept=True), charge(1)), all_or_none=True),
        charge(5, auto_accept=True),
    )
    assert isinstance(first, Issued)
    assert isinstance(many, IssuedMany)
    assert many.undone
    assert isinstance(last, Issued)
    assert granted.used(grant) == (15, 15)
    (many,) = granted.do(IssueMany((charge(30), charge(6)), all_or_none=True))
    assert isinstance(many, IssuedMany)
    assert many.undone
    assert granted.used(grant) == (15, 15)
    assert rows(granted.database, "SELECT state FROM grants") == [("open",)]


def test_all_or_none_gives_back_what_a_commission_of_the_same_batch_has_drawn_on(granted: Granted) -> None:
    grant = granted.give(50)
    serial = granted.pending(110)
    accepted, many = granted.do(
        Resolve(COMPUTE, accept=frozenset([serial])), IssueMany((charge(5), charge(500)), all_or_none=True)
    )
    assert isinstance(accepted, Resolved)
    assert isinstance(many, IssuedMany)
    assert many.undone
    assert [granted.used(grant), granted.day()] == [(10, 10), (100, 100)]


def test_as_much_as_there_is_is_not_more_by_force(granted: Granted) -> None:
    granted.give(20)
    outcome = granted.use(500, at_most=True, force=True)
    assert isinstance(outcome, Issued)
    assert outcome.granted == (120, 120)
    assert isinstance(granted.use(1, at_most=True, force=True), NoCapacity)
    assert granted.day() == (100, 100)


def test_a_grant_can_be_neither_charged_nor_reconciled(granted: Granted) -> None:
    grant = granted.give(50)
    provision = Provision(grant, 1)
    assert granted.do(Issue(COMPUTE, (provision,), auto_accept=True)) == [IsMeter(provision, VM)]
    assert granted.do(Reconcile(COMPUTE, (provision,))) == [Reconciled(refusal=IsMeter(provision, VM))]


def test_prepaid_credit_is_a_limit_of_nothing_and_grants(granted: Granted) -> None:
    granted.define(DAILY, MeterDefinition(unit=Unit.DAY), 0)
    assert refusal(granted.use(1)).available is None
    granted.give(30)
    assert isinstance(granted.use(30), Issued)
    granted.wait(DAY)
    assert isinstance(granted.use(1), NoCapacity)


def test_what_has_been_given_back_in_a_batch_can_be_drawn_in_it(granted: Granted) -> None:
    granted.give(20)
    serial = granted.pending(120)
    _, outcome = granted.do(Resolve(COMPUTE, reject=frozenset([serial])), charge(120))
    assert isinstance(outcome, Issued)
    assert granted.used(U) == (0, 120)


def test_a_holding_of_a_grant_is_read_again_by_another_engine(granted: Granted) -> None:
    grant = granted.give(50)
    with (
        contextlib.closing(ledger_storage(granted.database)) as one,
        contextlib.closing(ledger_storage(granted.database)) as other,
    ):
        for store in (one, other, one, other):
            (outcome,) = perform(store, [charge(30)], granted.clock.now)
            assert isinstance(outcome, Issued)
        (outcome,) = perform(one, [charge(31)], granted.clock.now)
        assert refusal(outcome).available == 30
        perform(other, [Resolve(COMPUTE, accept=frozenset([1, 2, 3, 4]))], granted.clock.now)
    assert [granted.used(grant), granted.day()] == [(20, 20), (100, 100)]
    assert granted.used(grant) == (20, 20)
    assert holdings(granted.database)[grant] == Holding(50, 20, 20)


def over(granted: Granted, cap: int, limit: int = LIMIT) -> None:
    granted.define(DAILY, MeterDefinition(unit=Unit.DAY, rollover=cap), limit)


def test_what_a_period_left_over_can_be_used_in_the_next_one(granted: Granted) -> None:
    over(granted, 30)
    assert refusal(granted.use(101)).available is None
    granted.use(60)
    granted.wait(DAY)
    key = U._replace(resource=DAILY)
    waiting = Renewal(MIDNIGHT + DAY, DAY - HOUR, DAY)
    assert refusal(granted.use(131)) == NoCapacity(
        Provision(key, 131), 0, LIMIT, Renewal(None, None, DAY), 130
    )
    assert isinstance(granted.use(100), Issued)
    assert refusal(granted.use(31)) == NoCapacity(Provision(key, 31), 100, LIMIT, waiting, 30)
    assert isinstance(granted.use(30), Issued)
    granted.wait(DAY)
    assert isinstance(granted.use(101), NoCapacity)
    granted.use(70)
    granted.wait(DAY)
    assert isinstance(granted.use(130), Issued)


def test_a_service_that_was_down_gives_what_it_would_have_given(granted: Granted) -> None:
    over(granted, 30)
    granted.use(LIMIT)
    granted.wait(5 * DAY)
    assert isinstance(granted.use(131), NoCapacity)
    assert isinstance(granted.use(130), Issued)


def test_nothing_is_left_over_of_no_limit_or_of_a_debt(granted: Granted) -> None:
    over(granted, 30)
    granted.use(130, force=True)
    granted.wait(DAY)
    assert isinstance(granted.use(101), NoCapacity)
    over(granted, 30, UNLIMITED)
    granted.use(10)
    granted.wait(DAY)
    granted.use(10)
    assert {row[0] for row in rows(granted.database, "SELECT amount FROM rollovers")} == {0}


def test_what_is_pending_when_the_period_ends_is_used_in_the_next_one(granted: Granted) -> None:
    over(granted, 30)
    granted.use(60)
    granted.wait(DAY)
    serial = granted.pending(130)
    granted.wait(DAY)
    # All of the limit is left over, and all of it is reserved.
    assert granted.use(1, at_most=True, is_question=True) == NoCapacity(
        Provision(U._replace(resource=DAILY), 1), 130, LIMIT, Renewal(MIDNIGHT + 2 * DAY, DAY - HOUR, DAY)
    )
    granted.settle(serial, 120)
    assert isinstance(granted.use(10), Issued)
    assert isinstance(granted.use(1), NoCapacity)


def test_what_was_left_over_takes_its_turn_among_grants(granted: Granted) -> None:
    over(granted, 30)
    granted.use(60)
    granted.wait(DAY)
    soon, late = granted.give(10, expires=MIDNIGHT + HOUR + DAY // 2), granted.give(10)
    granted.use(LIMIT + 5)
    assert [granted.used(soon), granted.day()] == [(5, 5), (100, 100)]
    granted.use(25)
    assert [granted.used(soon), granted.day(), granted.used(late)] == [(10, 10), (120, 120), (0, 0)]
    granted.use(15)
    assert [granted.day(), granted.used(late)] == [(130, 130), (5, 5)]


def test_what_was_left_over_is_no_debt_in_the_next_period(granted: Granted) -> None:
    granted.define(DAILY, MeterDefinition(unit=Unit.DAY, rollover=30, keeps_debt=True), LIMIT)
    granted.use(60)
    granted.wait(DAY)
    granted.settle(granted.pending(130), 145, Overage.DEBT)
    granted.wait(DAY)
    assert isinstance(granted.use(86), NoCapacity)
    assert isinstance(granted.use(85), Issued)


def test_a_grant_lifts_a_meter_beyond_its_limit_for_an_import_of_nothing(granted: Granted) -> None:
    assert isinstance(granted.use(LIMIT + 3, force=True), Issued)
    assert refusal(granted.use(0)).provision.key.resource == DAILY
    granted.give(10)
    assert isinstance(granted.use(0), Issued)

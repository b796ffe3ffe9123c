"""What is told of limits, once in each period, in the transaction of the charge that it tells of."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.administration.state_document import ResourceEntry
from astakos.clock import DAY
from astakos.ledger.alerts import AlertKind, charged, crossed, refuse_thresholds
from astakos.ledger.batch import carry_out
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.operations import Grow, Issued, IssuedMany, IssueMany, Resolve, Resolved, Settle
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR, Unit
from astakos.ledger.rules import UNLIMITED, Key, NoCapacity, Provision
from astakos.storage.protocol import Database
from service.installation import holdings, rows
from service.metered import COMPUTE, DAILY, START, Laboratory, charge
from service.world import ALICE, BOB, VM, member_key, project_key

U, P = member_key(ALICE), project_key()
MIDNIGHT = START - START % DAY
REACHED, REFUSED, WOULD_REFUSE = AlertKind


@pytest.fixture
def lab(database: Database) -> Laboratory:
    return Laboratory(database)


@given(
    st.integers(0, 2**63 - 2),
    st.integers(1, 2**63 - 2),
    st.lists(st.integers(1, 1000), unique=True, max_size=10).map(sorted),
    st.lists(st.integers(0, 2**62), max_size=8),
)
def test_of_all_ways_to_a_usage_each_threshold_is_crossed_once_or_passed_over(
    first: int, limit: int, percents: list[int], imports: list[int]
) -> None:
    usage, told = 0, []
    for settled in [first, *imports]:
        usage += settled
        told.append(crossed(usage, settled, limit, percents))
    found = [one for one in told if one]
    assert found == sorted(set(found))
    reached = [one for one in percents if usage * 100 >= one * limit]
    assert (found or [0])[-1] == (reached or [0])[-1]


def test_nothing_and_everything_have_no_parts() -> None:
    assert [crossed(10, 10, limit, (1, 100)) for limit in (0, UNLIMITED, 10)] == [0, 0, 100]
    assert crossed(9, -1, 10, (80,)) == 0


def test_who_was_to_be_charged_is_found_below_any_number_of_projects() -> None:
    user, lab, faculty = Key("u", "lab", "vm"), Key("lab", "faculty", "vm"), Key("faculty", None, "vm/day")
    provisions = [Provision(key, 1) for key in (user, lab)]
    assert charged(provisions, faculty) == charged(provisions, lab) == charged(provisions, user) == "u"
    assert charged([Provision(Key("a", "b", "vm"), 1), Provision(Key("b", "a", "vm"), 1)], lab) == "lab"


@pytest.mark.parametrize(
    ("percents", "reason"),
    [
        ([0], "from 1 to 1000"),
        ([1001], "from 1"),
        ([80, 50], "ascend"),
        ([5, 5], "ascend"),
        (range(1, 12), "10"),
    ],
)
def test_thresholds_are_percentages_in_order(percents: list[int], reason: str) -> None:
    assert reason in str(refuse_thresholds(percents))
    assert refuse_thresholds([]) is refuse_thresholds([50, 80, 100]) is None


@pytest.mark.ledger
def test_a_budget_tells_that_it_is_nearly_used_and_used_once_in_each_period(lab: Laboratory) -> None:
    for day in range(3):
        start = MIDNIGHT + day * DAY
        before = len(lab.alerts())
        for quantity in (79, 1, 5, 14, 1, -50, 0):
            assert isinstance(lab.charge(quantity), Issued)
        assert lab.alerts()[before:] == [
            (U.holder, REACHED, 80, start, 80, 100),
            (U.holder, REACHED, 100, start, 100, 100),
        ]
        lab.wait(DAY)


@pytest.mark.ledger
def test_an_import_that_crosses_several_tells_the_highest(lab: Laboratory) -> None:
    lab.charge(100)
    assert [(holder, percent) for holder, _, percent, *_ in lab.alerts()] == [(U.holder, 100)]


@pytest.mark.ledger
def test_what_is_only_reserved_or_given_back_tells_nothing(lab: Laboratory) -> None:
    pending = lab.charge(90, auto_accept=False)
    assert isinstance(pending, Issued)
    with lab.store() as store:
        lab.do_on(store, Settle(COMPUTE, pending.serial, (Provision(U, 30), Provision(P, 30))))
        rejected = lab.charge_on(store, 60, auto_accept=False)
        assert isinstance(rejected, Issued)
        lab.do_on(store, Resolve(COMPUTE, reject=frozenset([rejected.serial])))
        assert lab.alerts() == []
        late = lab.charge_on(store, 70, auto_accept=False, time_to_live=2 * DAY)
        assert isinstance(late, Issued)
        lab.wait(DAY)
        # It counts in the period in which it settles.
        lab.do_on(store, Settle(COMPUTE, late.serial, (Provision(U, 85), Provision(P, 85)), Overage.DEBT))
    assert lab.alerts() == [(U.holder, REACHED, 80, MIDNIGHT + DAY, 85, 100)]


@pytest.mark.ledger
def test_a_refusal_is_told_once_and_then_costs_no_write(lab: Laboratory) -> None:
    with lab.store() as store:
        lab.charge_on(store, 70)
        for _ in range(3):
            performed = carry_out(store, [charge(31)], lab.clock.now)
            assert isinstance(performed.outcomes[0], NoCapacity)
            (refused,) = performed.changes.refused
            assert (refused.component, refused.holder, refused.refusal.usage) == (COMPUTE, U.holder, 70)
        assert performed.changes.alerts == []
        assert not performed.changes.any()
        lab.wait(DAY)
        lab.charge_on(store, 101)
    # Another engine does not know, and finds it told.
    lab.charge(101)
    assert lab.alerts() == [
        (U.holder, REFUSED, 0, MIDNIGHT, 70, 100),
        (U.holder, REFUSED, 0, MIDNIGHT + DAY, 0, 100),
    ]


@pytest.mark.ledger
def test_a_question_and_a_refused_bulk_tell_no_more_than_the_refusal(lab: Laboratory) -> None:
    assert isinstance(lab.charge(101, is_question=True), NoCapacity)
    assert isinstance(lab.charge(90, is_question=True), Issued)
    assert lab.alerts() == []
    with lab.store() as store:
        (many,) = lab.do_on(store, IssueMany((charge(90), charge(11)), all_or_none=True))
        assert isinstance(many, IssuedMany)
        assert many.undone
    assert lab.alerts() == [(U.holder, REFUSED, 0, MIDNIGHT, 90, 100)]


@pytest.mark.ledger
def test_a_project_tells_of_its_own_limit(lab: Laboratory) -> None:
    lab.charge(75)
    lab.charge(50, BOB)
    assert isinstance(lab.charge(30, BOB), NoCapacity)
    assert lab.alerts() == [
        (P.holder, REACHED, 80, MIDNIGHT, 125, 150),
        (P.holder, REFUSED, 0, MIDNIGHT, 125, 150),
    ]


@pytest.mark.ledger
@pytest.mark.parametrize(("percents", "told"), [(None, []), ([], []), ([50, 100], [50, 100])])
def test_what_comes_back_has_thresholds_only_if_they_are_set_and_tells_once_a_day(
    lab: Laboratory, percents: list[int] | None, told: list[int]
) -> None:
    lab.set_up(
        ResourceEntry(name=DAILY, service="compute_api", thresholds=[], meter=daily()), UNLIMITED, UNLIMITED
    )
    lab.set_up(ResourceEntry(name=VM, service="compute_api", thresholds=percents), 10, UNLIMITED)
    rows(lab.database, "UPDATE holdings SET usage_min = 0, usage_max = 0 WHERE resource = ?", VM)
    for day in range(2):
        start = MIDNIGHT + day * DAY
        for quantity in (5, -2, 3, 4, -3, 3, -10):
            assert isinstance(lab.charge(quantity), Issued)
        found = [one[2] for one in lab.alerts() if one[3] == start]
        assert found == told
        lab.wait(DAY)


def daily() -> MeterDefinition:
    return MeterDefinition(unit=Unit.DAY)


@pytest.mark.ledger
def test_a_rate_tells_when_it_settles_if_it_is_to(lab: Laboratory) -> None:
    rate, name = MeterDefinition(kind=Kind.RATE, unit=Unit.DAY), f"{VM}/per-day"
    lab.set_up(ResourceEntry(name=name, service="compute_api", meter=rate), 50)
    lab.charge(45)
    assert lab.alerts() == []
    lab.wait(DAY)
    lab.set_up(ResourceEntry(name=name, service="compute_api", thresholds=[80], meter=rate), 50)
    lab.charge(45)
    assert lab.alerts() == [(U.holder, REACHED, 80, MIDNIGHT + DAY, 45, 50)]


@pytest.mark.ledger
def test_a_window_tells_in_each_of_its_periods_and_by_the_day_if_none_is_running(lab: Laboratory) -> None:
    window, name = MeterDefinition(kind=Kind.WINDOW, unit=Unit.HOUR, every=5), f"{VM}/5hours-window"
    lab.set_up(ResourceEntry(name=DAILY, service="compute_api", meter=daily()), UNLIMITED, UNLIMITED)
    lab.set_up(ResourceEntry(name=name, service="compute_api", meter=window), 50)
    for _ in range(3):
        lab.charge(51)
        lab.wait(1)
    assert lab.alerts() == [(U.holder, REFUSED, 0, MIDNIGHT, 0, 50)]
    lab.charge(50)
    lab.charge(1)
    lab.wait(6 * HOUR)
    lab.charge(40)
    assert lab.alerts()[1:] == [
        (U.holder, REACHED, 100, START + 3, 50, 50),
        (U.holder, REFUSED, 0, START + 3, 50, 50),
        (U.holder, REACHED, 80, START + 3 + 6 * HOUR, 40, 50),
    ]


@pytest.mark.ledger
def test_a_limit_in_shadow_only_reports(lab: Laboratory) -> None:
    lab.set_up(ResourceEntry(name=DAILY, service="compute_api", shadow=True, meter=daily()), 100, 150)
    question = lab.charge(101, is_question=True)
    assert isinstance(question, Issued)
    assert [(one.usage, one.limit) for one in question.would_refuse] == [(0, 100)]
    assert lab.alerts() == []
    with lab.store() as store:
        issued = lab.charge_on(store, 101)
        assert isinstance(issued, Issued)
        (told,) = issued.would_refuse
        assert (told.provision.key.resource, told.provision.quantity) == (DAILY, 101)
        performed = carry_out(store, [charge(60)], lab.clock.now)
        # Beyond both limits, and counted once.
        assert [one.provision.key.holder for one in performed.changes.passed] == [U.holder]
        assert carry_out(store, [charge(1, force=True)], lab.clock.now).changes.passed == []
        (granted,) = lab.do_on(store, charge(40, at_most=True))
        assert isinstance(granted, Issued)
        assert granted.granted == (40, 40)
    assert holdings(lab.database)[U._replace(resource=DAILY)].usage_max == 202
    # A limit that refuses nothing has no part that is told.
    assert lab.alerts() == [
        (P.holder, WOULD_REFUSE, 0, MIDNIGHT, 101, 150),
        (U.holder, WOULD_REFUSE, 0, MIDNIGHT, 0, 100),
    ]
    lab.set_up(ResourceEntry(name=DAILY, service="compute_api", meter=daily()), 100, 150)
    assert isinstance(lab.charge(1), NoCapacity)


@pytest.mark.ledger
def test_a_limit_in_shadow_does_not_hide_one_that_refuses(lab: Laboratory) -> None:
    """Machines have a limit of their own, which is not in shadow, and so does what a commission grows to."""
    lab.set_up(ResourceEntry(name=DAILY, service="compute_api", shadow=True, meter=daily()), 3)
    lab.set_up(ResourceEntry(name=VM, service="compute_api"), 8, 8)
    outcome = lab.charge(9)
    assert isinstance(outcome, NoCapacity)
    assert outcome.provision.key.resource == VM
    with lab.store() as store:
        pending = lab.charge_on(store, 1, auto_accept=False)
        assert isinstance(pending, Issued)
        totals = Provision(U, 5), Provision(P, 5)
        performed = carry_out(store, [Grow(COMPUTE, pending.serial, totals)], lab.clock.now)
        assert [one.limit for one in performed.changes.passed] == [3]
        (refused,) = lab.do_on(store, Grow(COMPUTE, pending.serial, (Provision(U, 9), Provision(P, 9))))
        assert isinstance(refused, NoCapacity)
        settle = Settle(COMPUTE, pending.serial, (Provision(U, 8), Provision(P, 8)), Overage.AVAILABLE)
        (settled,) = lab.do_on(store, settle)
        assert isinstance(settled, Resolved)
        assert {one.quantity for one in settled.settled} == {8}


@pytest.mark.ledger
def test_two_engines_that_cross_at_once_tell_it_once(lab: Laboratory) -> None:
    barrier = threading.Barrier(2)

    def use(person_charges: int) -> None:
        with lab.store() as store:
            for _ in range(person_charges):
                barrier.wait(20)
                lab.charge_on(store, 10)

    threads = [threading.Thread(target=use, args=(8,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted((one[1], one[2], one[4]) for one in lab.alerts() if one[0] == U.holder) == [
        (REACHED, 80, 80),
        (REACHED, 100, 100),
        (REFUSED, 0, 100),
    ]

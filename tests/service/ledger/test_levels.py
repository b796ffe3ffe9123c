"""Projects within projects on databases: what is charged to a team is charged to all that is above it."""

import contextlib
from collections.abc import Iterator

import pytest

from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.operations import (
    Extend,
    Grow,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    Progress,
    Reconcile,
    Reconciled,
    Resolve,
    Resolved,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.periods import MINUTE, Unit
from astakos.ledger.rules import UNLIMITED, Holding, Key, NoCapacity, NoQuantity, Provision
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables.commissions import find_pending
from service.installation import add_meter, holdings, rows, set_parents
from service.ledger.charged import COMPUTE, Charged, asked
from service.world import VM

pytestmark = pytest.mark.ledger

ORGANIZATION, DEPARTMENT, TEAM, OTHER = (
    f"project:{name}" for name in ("organization", "department", "team", "other")
)
ROOT, D, T, T2 = (Key(name, None, VM) for name in (ORGANIZATION, DEPARTMENT, TEAM, OTHER))
U, U2 = Key("user:ann", TEAM, VM), Key("user:bob", OTHER, VM)
DAILY = f"{VM}/day"


class Tree(Charged):
    """An organization with a department of two teams; each level has less than those below it together."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, {U: 100, U2: 100, T: 80, T2: 80, D: 60, ROOT: 50})
        with database.transaction() as connection:
            set_parents(connection, {DEPARTMENT: ORGANIZATION, TEAM: DEPARTMENT, OTHER: DEPARTMENT})

    def limit_levels(self, **limits: int) -> None:
        keys = {"user": U, "team": T, "other": T2, "department": D, "organization": ROOT}
        self.limit({keys[name]: limit for name, limit in limits.items()})


def both(quantity: int) -> tuple[tuple[Key, int], tuple[Key, int]]:
    return (U, quantity), (T, quantity)


@pytest.fixture
def tree(database: Database) -> Iterator[Tree]:
    tree = Tree(database)
    with contextlib.closing(tree.store):
        yield tree


def test_a_charge_of_a_team_is_one_of_all_above_it(tree: Tree) -> None:
    serial = tree.issue(*both(10))
    assert tree.figures(U, T, D, ROOT, T2) == [(0, 10)] * 4 + [(0, 0)]
    tree.one(Resolve(COMPUTE, frozenset([serial])))
    assert tree.figures(U, T, D, ROOT, T2) == [(10, 10)] * 4 + [(0, 0)]
    serial = tree.issue(*both(-4))
    assert tree.figures(U, T, D, ROOT) == [(6, 10)] * 4
    tree.one(Resolve(COMPUTE, reject=frozenset([serial])))
    assert tree.figures(U, T, D, ROOT) == [(10, 10)] * 4


@pytest.mark.parametrize(
    ("limits", "refused_by"),
    [
        ({"user": 5}, U),
        ({"team": 5}, T),
        ({"department": 5}, D),
        ({"organization": 5}, ROOT),
        ({"organization": 5, "department": 4}, D),
        ({"organization": 0, "user": 0}, U),
    ],
)
def test_a_refusal_names_whose_limit_it_is(tree: Tree, limits: dict[str, int], refused_by: Key) -> None:
    tree.limit_levels(**limits)
    refusal = tree.charge(*both(6))
    assert isinstance(refusal, NoCapacity)
    assert refusal.provision == Provision(refused_by, 6)
    assert refusal.usage == 0
    assert tree.figures(U, T, D, ROOT) == [(0, 0)] * 4


def test_the_limit_above_bounds_the_sum(tree: Tree) -> None:
    tree.charge(*both(30))
    refusal = tree.charge((U2, 21), (T2, 21))
    assert refusal == NoCapacity(Provision(ROOT, 21), 30, 50)
    assert isinstance(tree.charge((U2, 20), (T2, 20)), Issued)
    assert isinstance(tree.one(Issue(COMPUTE, asked((T2, 5)), force=True, auto_accept=True)), Issued)
    assert tree.figures(T, T2, D, ROOT) == [(30, 30), (25, 25), (55, 55), (55, 55)]


def test_a_member_alone_charges_nothing_above(tree: Tree) -> None:
    tree.charge((U, 10))
    assert tree.figures(U, T, D, ROOT) == [(10, 10), (0, 0), (0, 0), (0, 0)]


def test_two_teams_in_one_commission_add_up(tree: Tree) -> None:
    assert tree.charge((T, 30), (T2, 21)) == NoCapacity(Provision(ROOT, 51), 0, 50)
    assert isinstance(tree.charge((T, 30), (T2, 20)), Issued)
    assert tree.figures(D, ROOT) == [(50, 50)] * 2


def test_what_one_team_releases_makes_no_room_for_what_another_imports_with_it(tree: Tree) -> None:
    tree.charge((T, 50))
    assert tree.charge((T, -10), (T2, 10)) == NoCapacity(Provision(ROOT, 10), 50, 50)
    tree.limit_levels(organization=60)
    serial = tree.issue((T, -10), (T2, 10))
    assert tree.figures(T, T2, D, ROOT) == [(40, 50), (0, 10), (40, 60), (40, 60)]
    tree.one(Settle(COMPUTE, serial, asked((T, -4))))
    assert tree.figures(T, T2, D, ROOT) == [(46, 46), (10, 10), (56, 56), (56, 56)]


def test_a_charge_of_a_parent_itself_adds_to_that_of_its_teams(tree: Tree) -> None:
    assert tree.charge((T, 30), (ROOT, 21)) == NoCapacity(Provision(ROOT, 51), 0, 50)
    tree.charge((T, 30), (ROOT, 20))
    assert tree.figures(T, D, ROOT) == [(30, 30), (30, 30), (50, 50)]
    tree.charge((ROOT, -40))
    refusal = tree.charge((T, -30))
    assert refusal == NoQuantity(Provision(ROOT, -30), 10)


def test_what_counts_above_settles_grows_and_expires_as_it_does_below(tree: Tree) -> None:
    serial = tree.issue(*both(10), ttl=MINUTE)
    tree.do(Grow(COMPUTE, serial, asked(*both(15))), Extend(COMPUTE, serial, 2 * MINUTE))
    assert tree.figures(U, T, D, ROOT) == [(0, 15)] * 4
    refusal = tree.one(Grow(COMPUTE, serial, asked(*both(51))))
    assert refusal == NoCapacity(Provision(ROOT, 36), 15, 50)
    tree.do(Progress(COMPUTE, serial, asked(*both(7))))
    tree.now += 2 * MINUTE
    tree.do()
    assert tree.figures(U, T, D, ROOT) == [(7, 7)] * 4
    serial = tree.issue(*both(10))
    tree.do(Settle(COMPUTE, serial, asked(*both(3))))
    assert tree.figures(U, T, D, ROOT) == [(10, 10)] * 4


def test_a_settlement_for_more_has_as_much_as_there_is_at_every_level(tree: Tree) -> None:
    serial = tree.issue((T, 10), (T2, 10))
    settled = tree.one(Settle(COMPUTE, serial, asked((T, 40), (T2, 15)), Overage.AVAILABLE))
    assert settled == Resolved(accepted=(serial,), settled=asked((T, 35), (T2, 15)))
    assert tree.figures(T, T2, D, ROOT) == [(35, 35), (15, 15), (50, 50), (50, 50)]
    serial = tree.issue((T, 0))
    tree.one(Settle(COMPUTE, serial, asked((T, 100)), Overage.DEBT))
    assert tree.figures(T, D, ROOT) == [(135, 135), (150, 150), (150, 150)]


def test_as_much_is_issued_as_there_is_room_for_above(tree: Tree) -> None:
    outcome = tree.one(Issue(COMPUTE, asked(*both(70)), at_most=True))
    assert isinstance(outcome, Issued)
    assert outcome.granted == (50, 50)
    tree.one(Resolve(COMPUTE, reject=frozenset([outcome.serial])))
    outcome = tree.one(Issue(COMPUTE, asked((T, 70), (T2, 10)), at_most=True))
    assert isinstance(outcome, Issued)
    assert outcome.granted == (40, 10)


def test_bulk_that_is_undone_leaves_nothing_above(tree: Tree) -> None:
    issues = tuple(Issue(COMPUTE, asked(*both(20)), auto_accept=True) for _ in range(3))
    outcome = tree.one(IssueMany(issues, all_or_none=True))
    assert isinstance(outcome, IssuedMany)
    assert outcome.undone
    assert tree.figures(U, T, D, ROOT) == [(0, 0)] * 4
    tree.one(IssueMany(issues))
    assert tree.figures(U, T, D, ROOT) == [(40, 40)] * 4


def test_what_a_question_would_charge_is_judged_above(tree: Tree) -> None:
    question = Issue(COMPUTE, asked(*both(51)), is_question=True)
    assert tree.one(question) == NoCapacity(Provision(ROOT, 51), 0, 50)


def test_mending_changes_all_above_and_no_meter(tree: Tree) -> None:
    with tree.database.transaction() as connection:
        define_meter(connection)
    tree.charge((T, 10), (T2, 10))
    outcome = tree.one(Reconcile(COMPUTE, asked((T, 13)), mend=True))
    assert isinstance(outcome, Reconciled)
    assert tree.figures(T, D, ROOT) == [(13, 13), (23, 23), (23, 23)]
    assert tree.figures(*map(daily, (T, D, ROOT))) == [(10, 10), (20, 20), (20, 20)]
    outcome = tree.one(Reconcile(COMPUTE, asked((ROOT, 23), (D, 20), (T, 12), (T2, 11)), mend=True))
    assert isinstance(outcome, Reconciled)
    assert outcome.refusal is None
    assert tree.figures(T, T2, D, ROOT) == [(12, 12), (11, 11), (20, 20), (23, 23)]
    outcome = tree.one(Reconcile(COMPUTE, asked((ROOT, 23), (D, 20), (T, 12), (T2, 11)), mend=True))
    assert isinstance(outcome, Reconciled)
    assert outcome.serial is None


def test_a_parent_that_has_less_than_is_corrected_below_becomes_right_if_it_is_named(tree: Tree) -> None:
    tree.charge((T, 6), (T2, 4))
    tree.do(Reconcile(COMPUTE, asked((D, 3)), mend=True))
    assert tree.figures(T, T2, D, ROOT) == [(6, 6), (4, 4), (3, 3), (3, 3)]
    outcome = tree.one(Reconcile(COMPUTE, asked((T, 0)), mend=True))
    assert isinstance(outcome, Reconciled)
    assert outcome.refusal == NoQuantity(Provision(D, -6), 3)
    outcome = tree.one(Reconcile(COMPUTE, asked((T, 0), (D, 4)), mend=True))
    assert isinstance(outcome, Reconciled)
    assert outcome.refusal is None
    assert tree.figures(T, T2, D, ROOT) == [(0, 0), (4, 4), (4, 4), (4, 4)]


def test_what_is_corrected_in_two_projects_is_one_sum_for_their_parent(tree: Tree) -> None:
    tree.charge((T, 6))
    tree.do(Reconcile(COMPUTE, asked((D, 2)), mend=True))
    outcome = tree.one(Reconcile(COMPUTE, asked((T, 1), (T2, 4)), mend=True))
    assert isinstance(outcome, Reconciled)
    assert outcome.refusal is None
    assert tree.figures(T, T2, D, ROOT) == [(1, 1), (4, 4), (1, 1), (1, 1)]


def define_meter(connection: Connection) -> None:
    limits = dict.fromkeys((U, U2, T, T2, D), UNLIMITED) | {ROOT: 25}
    add_meter(connection, VM, DAILY, MeterDefinition(unit=Unit.DAY), limits)


def daily(key: Key) -> Key:
    return key._replace(resource=DAILY)


def test_a_charge_counts_on_the_meters_of_every_level(tree: Tree) -> None:
    with tree.database.transaction() as connection:
        define_meter(connection)
    tree.charge(*both(20))
    assert tree.figures(*map(daily, (U, T, D, ROOT))) == [(20, 20)] * 4
    tree.charge(*both(-20))
    refusal = tree.charge((T, 3), (T2, 3))
    assert isinstance(refusal, NoCapacity)
    assert refusal.provision == Provision(daily(ROOT), 6)
    assert refusal.renewal is not None
    assert tree.figures(U, T, D, ROOT) == [(0, 0)] * 4


def test_nobody_sees_what_counts_above(tree: Tree) -> None:
    serial = tree.issue(*both(10))
    with contextlib.closing(tree.database.connect()) as connection:
        commission = find_pending(connection, COMPUTE, serial)
    assert commission is not None
    assert commission.provisions == asked(*both(10))


def test_an_exact_issue_charges_what_it_names(tree: Tree) -> None:
    tree.one(Issue(COMPUTE, asked((T, 10)), auto_accept=True, is_exact=True))
    assert tree.figures(T, D, ROOT) == [(10, 10), (0, 0), (0, 0)]


def test_an_open_engine_heeds_a_move(tree: Tree) -> None:
    """What it knows of the tree is verified against what it has locked."""
    tree.charge((T, 1))
    with tree.database.transaction() as connection:
        set_parents(connection, {TEAM: OTHER, DEPARTMENT: None})
    tree.charge((T, 1))
    assert tree.figures(T, T2, D, ROOT) == [(2, 2), (1, 1), (2, 2), (1, 1)]
    with tree.database.transaction() as connection:
        set_parents(connection, {TEAM: None})
    tree.charge((T, 1))
    assert tree.figures(T, T2, D, ROOT) == [(3, 3), (1, 1), (2, 2), (1, 1)]
    with tree.database.transaction() as connection:
        set_parents(connection, {TEAM: OTHER, DEPARTMENT: ORGANIZATION})
    tree.charge((T, 1))
    assert tree.figures(T, T2, D, ROOT) == [(4, 4), (2, 2), (3, 3), (2, 2)]


def test_a_pending_commission_of_before_a_move_settles_where_it_counted(tree: Tree) -> None:
    serial = tree.issue(*both(10))
    with tree.database.transaction() as connection:
        set_parents(connection, {TEAM: ORGANIZATION})
    tree.one(Resolve(COMPUTE, frozenset([serial])))
    assert tree.figures(T, D, ROOT) == [(10, 10)] * 3


def test_a_limit_above_that_is_lowered_stops_imports_only(tree: Tree) -> None:
    tree.charge(*both(10))
    tree.limit_levels(organization=0)
    assert tree.charge(*both(1)) == NoCapacity(Provision(ROOT, 1), 10, 0)
    assert isinstance(tree.charge(*both(-4)), Issued)
    assert holdings(tree.database)[ROOT] == Holding(0, 6, 6)


def test_the_sums_of_what_was_settled_are_stored_at_every_level(tree: Tree) -> None:
    tree.charge(*both(10))
    tree.charge(*both(-4))
    found = rows(tree.database, "SELECT settled FROM holdings WHERE usage_max > 0")
    assert found == [(6,)] * 4

"""The quota rule: its table, and the invariants that hold whatever is done."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from astakos.ledger import rules
from astakos.ledger.rules import (
    UNLIMITED,
    Holding,
    InvariantViolatedError,
    Key,
    NoCapacity,
    NoHolding,
    NoQuantity,
    OutOfRange,
    Provision,
    Refusal,
)

U = Key("user:u1", "project:p1", "r")
V = Key("user:u2", "project:p1", "r")
P = Key("project:p1", None, "r")
LONE = Key("anybody", "", "thing")


@pytest.mark.parametrize(
    ("holding", "quantity", "after"),
    [
        (Holding(10), 6, Holding(10, 0, 6)),
        (Holding(10, 4, 4), 6, Holding(10, 4, 10)),
        (Holding(10, 4, 10), 0, Holding(10, 4, 10)),
        (Holding(10, 6, 6), -2, Holding(10, 4, 6)),
        (Holding(10, 6, 6), -6, Holding(10, 0, 6)),
        (Holding(3, 14, 14), -2, Holding(3, 12, 14)),
        (Holding(UNLIMITED), UNLIMITED, Holding(UNLIMITED, 0, UNLIMITED)),
    ],
)
def test_an_issue_moves_the_figure_that_it_may_end_at(
    holding: Holding, quantity: int, after: Holding
) -> None:
    assert rules.issue({U: holding}, [Provision(U, quantity)], force=False) == {U: after}


@pytest.mark.parametrize(
    ("holding", "quantity", "refusal"),
    [
        (Holding(10), 11, NoCapacity(Provision(U, 11), 0, 10)),
        # What is pending counts as used ...
        (Holding(10, 0, 6), 5, NoCapacity(Provision(U, 5), 6, 10)),
        # ... and a pending release makes no room.
        (Holding(10, 0, 10), 1, NoCapacity(Provision(U, 1), 10, 10)),
        (Holding(10, 24, 24), 0, NoCapacity(Provision(U, 0), 24, 10)),
        (Holding(0), 1, NoCapacity(Provision(U, 1), 0, 0)),
        # What a pending import would bring can not be released yet.
        (Holding(10, 0, 6), -1, NoQuantity(Provision(U, -1), 0, 0)),
        (Holding(10, 6, 6), -7, NoQuantity(Provision(U, -7), 6, 0)),
        (Holding(UNLIMITED, 0, 1), UNLIMITED, NoCapacity(Provision(U, UNLIMITED), 1, UNLIMITED)),
    ],
)
def test_an_issue_that_could_end_outside_of_the_limits_is_refused(
    holding: Holding, quantity: int, refusal: Refusal
) -> None:
    assert rules.issue({U: holding}, [Provision(U, quantity)], force=False) == refusal


def test_force_lets_imports_over_the_limit_but_no_usage_below_zero_or_out_of_range() -> None:
    full = {U: Holding(10, 10, 10)}
    assert rules.issue(full, [Provision(U, 5)], force=True) == {U: Holding(10, 10, 15)}
    assert rules.issue(full, [Provision(U, -11)], force=True) == NoQuantity(Provision(U, -11), 10)
    assert rules.issue(full, [Provision(V, 1)], force=True) == NoHolding(Provision(V, 1))
    most = Provision(U, UNLIMITED - 10)
    assert rules.issue(full, [most], force=True) == {U: Holding(10, 10, UNLIMITED)}
    more = Provision(U, UNLIMITED - 9)
    assert rules.issue(full, [more], force=True) == OutOfRange(more, 10)


def test_one_culprit_refuses_all() -> None:
    holdings = {U: Holding(10), P: Holding(3)}
    asked = [Provision(U, 4), Provision(P, 4)]
    assert rules.issue(holdings, asked, force=False) == NoCapacity(Provision(P, 4), 0, 3)
    assert holdings == {U: Holding(10), P: Holding(3)}


def test_an_empty_issue_changes_nothing() -> None:
    assert rules.issue({U: Holding(10)}, [], force=False) == {}


def test_provisions_of_one_key_are_merged_and_members_come_before_projects() -> None:
    asked = [Provision(P, 5), Provision(U, 2), Provision(V, 1), Provision(U, 3), Provision(P, -5)]
    assert rules.merge(asked) == [Provision(U, 5), Provision(V, 1), Provision(P, 0)]
    assert rules.merge([]) == []


@pytest.mark.parametrize(
    ("issued", "quantity", "accepted", "rejected"),
    [
        (Holding(10, 2, 8), 6, Holding(10, 8, 8), Holding(10, 2, 2)),
        (Holding(10, 2, 8), 0, Holding(10, 2, 8), Holding(10, 2, 8)),
        (Holding(10, 2, 8), -6, Holding(10, 2, 2), Holding(10, 8, 8)),
        (Holding(0, 2, 8), 6, Holding(0, 8, 8), Holding(0, 2, 2)),
    ],
)
def test_resolving_brings_the_figures_together_whatever_the_limit(
    issued: Holding, quantity: int, accepted: Holding, rejected: Holding
) -> None:
    assert rules.settle(issued, quantity, quantity) == accepted
    assert rules.settle(issued, quantity, 0) == rejected


@pytest.mark.parametrize(
    ("issued", "quantity", "settled", "after"),
    [
        (Holding(10, 2, 8), 6, 4, Holding(10, 6, 6)),
        (Holding(10, 2, 8), 5, 1, Holding(10, 3, 4)),
        (Holding(10, 2, 8), -6, -4, Holding(10, 4, 4)),
        (Holding(10, 2, 8), -5, -1, Holding(10, 6, 7)),
    ],
)
def test_settling_for_less_gives_back_the_rest(
    issued: Holding, quantity: int, settled: int, after: Holding
) -> None:
    assert rules.settle(issued, quantity, settled) == after


@pytest.mark.parametrize(
    ("quantity", "possible", "impossible"),
    [(3, (0, 1, 3), (-1, 4)), (-3, (0, -1, -3), (1, -4)), (0, (0,), (1, -1))],
)
def test_what_can_come_true_lies_between_nothing_and_all(
    quantity: int, possible: tuple[int, ...], impossible: tuple[int, ...]
) -> None:
    assert all(rules.may_settle(quantity, settled) for settled in possible)
    assert not any(rules.may_settle(quantity, settled) for settled in impossible)


def test_what_is_pending_is_the_distance_of_the_figures() -> None:
    assert Holding(10, 4, 6).pending == 2
    assert Holding(12, 4, 12).pending == 8


@pytest.mark.parametrize(
    "holding", [Holding(1, -1, 0), Holding(1, 2, 1), Holding(1, 0, UNLIMITED + 1), Holding(1, -2, -1)]
)
def test_figures_that_can_not_be_are_not_written(holding: Holding) -> None:
    with pytest.raises(InvariantViolatedError, match=r"r by user:u1 from project:p1"):
        rules.verify(U, holding)
    rules.verify(U, Holding(0, 0, UNLIMITED))


class Commission(NamedTuple):
    serial: int
    provisions: tuple[Provision, ...]


QUANTITIES = st.integers(-12, 12)
MEMBERS = st.sampled_from([U, V])
# All of one sign: what moves from member to member is nothing to their project while it is pending.
MEMBER_CHARGES = st.lists(st.tuples(MEMBERS, st.integers(0, 8)), max_size=3) | st.lists(
    st.tuples(MEMBERS, st.integers(-8, 0)), max_size=3
)
COMMISSIONS = Bundle[Commission]("commissions")
NewCommission = MultipleResults[Commission] | Commission


def both_levels(charges: Iterable[tuple[Key, int]]) -> list[Provision]:
    """What a service charges that charges members and their project alike."""
    provisions = [provision for key, quantity in charges for provision in _two(key, quantity)]
    return rules.merge(provisions)


def _two(key: Key, quantity: int) -> tuple[Provision, Provision]:
    return Provision(key, quantity), Provision(P, quantity)


class Invariants(RuleBasedStateMachine):
    """A ledger made of nothing but the rule; the numbers are those of the invariants in the protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.holdings = {U: Holding(10), V: Holding(10), P: Holding(12), LONE: Holding(5)}
        self.limits = {key: holding.limit for key, holding in self.holdings.items()}
        self.accepted = dict.fromkeys(self.holdings, 0)
        self.pending: dict[int, Commission] = {}
        self.issued = self.resolved = 0
        self.may_be_over: set[Key] = set()

    def _issue(self, provisions: list[Provision], *, force: bool) -> Commission | None:
        before = dict(self.holdings)
        changed = rules.issue(self.holdings, provisions, force=force)
        assert self.holdings == before  # 6: the rule itself changes nothing
        if not isinstance(changed, dict):
            return None
        self.holdings.update(changed)
        if force:
            self.may_be_over.update(changed)
        self.issued += 1
        commission = Commission(self.issued, tuple(provisions))
        assert commission.serial not in self.pending
        self.pending[commission.serial] = commission
        return commission

    @rule(target=COMMISSIONS, charges=MEMBER_CHARGES, force=st.booleans())
    def issue_at_both_levels(self, charges: list[tuple[Key, int]], force: bool) -> NewCommission:
        commission = self._issue(both_levels(charges), force=force)
        return multiple() if commission is None else commission

    @rule(target=COMMISSIONS, quantity=QUANTITIES)
    def issue_alone(self, quantity: int) -> NewCommission:
        commission = self._issue([Provision(LONE, quantity)], force=False)
        return multiple() if commission is None else commission

    @rule(charges=MEMBER_CHARGES)
    def issue_and_reject_at_once(self, charges: list[tuple[Key, int]]) -> None:
        before = dict(self.holdings)
        commission = self._issue(both_levels(charges), force=False)
        if commission is not None:
            self._resolve(commission, accept=False)
        assert self.holdings == before  # 6

    @rule(commission=COMMISSIONS, accept=st.booleans())
    def resolve(self, commission: Commission, accept: bool) -> None:
        if commission.serial in self.pending:
            self._resolve(commission, accept=accept)

    def _resolve(self, commission: Commission, *, accept: bool) -> None:
        for key, quantity in commission.provisions:
            settled = quantity if accept else 0
            self.holdings[key] = rules.settle(self.holdings[key], quantity, settled)
            self.accepted[key] += settled
        del self.pending[commission.serial]
        self.resolved += 1

    @rule(key=st.sampled_from([U, V, P, LONE]), limit=st.integers(0, 30))
    def set_limit(self, key: Key, limit: int) -> None:
        if limit < self.limits[key]:
            self.may_be_over.add(key)
        self.limits[key] = limit
        self.holdings[key] = msgspec.structs.replace(self.holdings[key], limit=limit)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def resolve_all(self, data: st.DataObject) -> None:
        for commission in data.draw(st.permutations(sorted(self.pending.values()))):
            self._resolve(commission, accept=data.draw(st.booleans()))
        for holding in self.holdings.values():
            assert holding.usage_min == holding.usage_max  # 5

    @invariant()
    def every_holding_adds_up(self) -> None:
        for key, holding in self.holdings.items():
            rules.verify(key, holding)  # 1
            limit, usage_min, usage_max = holding.limit, holding.usage_min, holding.usage_max
            pending = [q for c in self.pending.values() for k, q in c.provisions if k == key]
            assert usage_max - usage_min == sum(map(abs, pending))  # 2
            assert usage_max == self.accepted[key] + sum(q for q in pending if q > 0)  # 3
            assert usage_min == self.accepted[key] + sum(q for q in pending if q < 0)
            assert key in self.may_be_over or usage_max <= limit  # 4
            assert limit == self.limits[key]  # 8
        assert len(self.pending) == self.issued - self.resolved  # 9

    @invariant()
    def the_project_uses_what_its_members_use(self) -> None:
        project, first, second = self.holdings[P], self.holdings[U], self.holdings[V]
        assert project.usage_max == first.usage_max + second.usage_max  # 10
        assert project.usage_min == first.usage_min + second.usage_min


TestInvariants = Invariants.TestCase
TestInvariants.settings = settings(max_examples=60, stateful_step_count=30)


@given(st.lists(st.tuples(MEMBERS, QUANTITIES, st.booleans()), max_size=8), st.data())
def test_the_order_of_resolving_does_not_matter(
    asked: list[tuple[Key, int, bool]], data: st.DataObject
) -> None:
    holdings = {U: Holding(10, 5, 5), V: Holding(10, 5, 5), P: Holding(15, 10, 10)}
    issued: list[tuple[list[Provision], bool]] = []
    for key, quantity, accept in asked:
        provisions = both_levels([(key, quantity)])
        changed = rules.issue(holdings, provisions, force=False)
        if isinstance(changed, dict):
            holdings.update(changed)
            issued.append((provisions, accept))
    shuffled = data.draw(st.permutations(issued))
    assert resolved(holdings, issued) == resolved(holdings, shuffled)  # 7


def resolved(
    holdings: Mapping[Key, Holding], commissions: Iterable[tuple[list[Provision], bool]]
) -> dict[Key, Holding]:
    found = dict(holdings)
    for provisions, accept in commissions:
        for key, quantity in provisions:
            found[key] = rules.settle(found[key], quantity, quantity if accept else 0)
    return found


@given(
    st.lists(st.tuples(st.sampled_from([U, V, P]), st.integers(-(2**70), 2**70)), max_size=6), st.booleans()
)
def test_no_numbers_lead_out_of_range(asked: list[tuple[Key, int]], force: bool) -> None:
    holdings = {U: Holding(UNLIMITED, 3, 5), V: Holding(0), P: Holding(UNLIMITED, 0, UNLIMITED)}
    provisions = rules.merge(Provision(*item) for item in asked)
    assert len({provision.key for provision in provisions}) == len(provisions)
    assert sum(q for _, q in provisions) == sum(q for _, q in asked)
    changed = rules.issue(holdings, provisions, force=force)
    if isinstance(changed, dict):
        for key, holding in changed.items():
            rules.verify(key, holding)

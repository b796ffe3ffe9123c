"""What the state machine may ask of the ledger: drawn without knowing its state, then put in terms of it."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from astakos.ledger.operations import Issue, IssueMany, Operation, Reconcile, Resolve, Settle
from astakos.ledger.rules import Key
from simulation.comparison import Follower, make_issue, provisions
from simulation.worlds import COMPONENTS, EMPTY_SOURCE, KEYS, SECOND

HUGE = (2**63 - 1, 2**63, 2**64, 2**62, -(2**62), -(2**63), -(2**64))


@dataclass(frozen=True)
class Pick:
    """A serial, by its place among those that are pending, or one that is not."""

    kind: int
    place: int

    def serial(self, follower: Follower) -> int:
        pending = sorted(serial for component in COMPONENTS for serial in follower.model.pending(component))
        if self.kind < 7 and pending:
            return pending[-1 - self.place % len(pending)]
        if self.kind == 7:
            return follower.last_serial + 1 + self.place % 3  # perhaps issued by this very batch
        if self.kind == 8:
            return 1 + self.place % max(1, follower.last_serial)
        return (0, -1, 2**63 - 1, 2**63, 2**70)[self.place % 5]

    def component(self, follower: Follower, foreign: int) -> int:
        """Mostly the one whose it is."""
        commission = follower.model.commissions.get(self.serial(follower))
        own = COMPONENTS[0] if commission is None else commission.component
        return own if foreign else sum(COMPONENTS) - own


@dataclass(frozen=True)
class IssuePlan:
    component: int
    wishes: tuple[tuple[Key, int], ...]
    force: bool
    auto_accept: bool
    time_to_live: int | None
    key: str | None

    def operation(self, follower: Follower) -> Issue:
        return make_issue(
            self.component,
            self.wishes,
            force=self.force,
            auto_accept=self.auto_accept,
            time_to_live=self.time_to_live,
            key=self.key,
        )


@dataclass(frozen=True)
class IssueManyPlan:
    issues: tuple[IssuePlan, ...]
    all_or_none: bool

    def operation(self, follower: Follower) -> IssueMany:
        return IssueMany(tuple(plan.operation(follower) for plan in self.issues), self.all_or_none)


@dataclass(frozen=True)
class ResolvePlan:
    own: int
    accept: tuple[Pick, ...]
    reject: tuple[Pick, ...]

    def operation(self, follower: Follower) -> Resolve:
        component = (self.accept + self.reject + (Pick(9, 0),))[0].component(follower, self.own)
        accept, reject = (
            frozenset(pick.serial(follower) for pick in picks) for picks in (self.accept, self.reject)
        )
        return Resolve(component, accept, reject)


@dataclass(frozen=True)
class SettlePlan:
    own: int
    pick: Pick
    parts: tuple[tuple[int, int], ...]
    """Which of the provisions, and how many tenths of it came true; past ten, one more than all."""
    odd: tuple[tuple[Key, int], ...]

    def operation(self, follower: Follower) -> Settle:
        serial = self.pick.serial(follower)
        commission = follower.model.commissions.get(serial)
        issued: list[tuple[Any, int]] = (
            [] if commission is None else sorted(commission.provisions.items(), key=str)
        )
        quantities: dict[Key, int] = dict(self.odd)
        for place, tenths in self.parts:
            if issued:
                key, quantity = issued[place % len(issued)]
                size = abs(quantity) * tenths // 10 if tenths <= 10 else abs(quantity) + 1
                quantities[Key(*key)] = size if quantity >= 0 else -size
        return Settle(self.pick.component(follower, self.own), serial, provisions(quantities))


@dataclass(frozen=True)
class ReconcilePlan:
    component: int
    usage: dict[Key, int]
    mend: bool

    def operation(self, follower: Follower) -> Reconcile:
        return Reconcile(self.component, provisions(self.usage), self.mend, "reconciliation")


Plan = IssuePlan | IssueManyPlan | ResolvePlan | SettlePlan | ReconcilePlan


def operations_of(plans: list[Plan], follower: Follower) -> list[Operation]:
    return [plan.operation(follower) for plan in plans]


def _weighted(*choices: tuple[int, Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([value for weight, value in choices for _ in range(weight)])


components = st.sampled_from(COMPONENTS)
keys = st.sampled_from([*KEYS * 4, EMPTY_SOURCE, Key("nobody", None, "vm")])
limits = st.one_of(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0, 2**63 - 1, 2**62]))
quantities = st.one_of(*[st.integers(-6, 8)] * 4, st.sampled_from([0, *HUGE]))
wishes = st.lists(st.tuples(keys, quantities), max_size=5).map(tuple)
rarely = _weighted((3, False), (1, True))
times_to_live = _weighted((4, None), (1, SECOND), (1, 60 * SECOND), (1, 1))
issues = st.builds(
    IssuePlan,
    components,
    wishes,
    rarely,
    rarely,
    times_to_live,
    _weighted((6, None), (1, "a"), (1, "b"), (1, "ü")),
)
picks = st.builds(Pick, st.integers(0, 9), st.integers(0, 1000))
resolves = st.builds(
    ResolvePlan,
    st.integers(0, 5),
    st.lists(picks, max_size=4).map(tuple),
    st.lists(picks, max_size=4).map(tuple),
)
settles = st.builds(
    SettlePlan,
    st.integers(0, 5),
    picks,
    st.lists(
        st.tuples(st.integers(0, 4), _weighted((8, 5), (4, 0), (4, 10), (2, 3), (1, 11), (1, -1))), max_size=3
    ).map(tuple),
    st.one_of(
        st.just(()), st.just(()), st.just(()), st.lists(st.tuples(keys, quantities), max_size=1).map(tuple)
    ),
)
IMPOSSIBLE = IssuePlan(1, ((Key("nobody", None, "vm"), 1),), False, False, None, None)
undone = st.builds(
    lambda possible: IssueManyPlan((*possible, IMPOSSIBLE), True), st.lists(issues, min_size=1, max_size=3)
)
many = st.builds(IssueManyPlan, st.lists(issues, max_size=4).map(tuple), st.booleans())
reconciles = st.builds(
    ReconcilePlan,
    components,
    st.dictionaries(keys, st.one_of(st.integers(0, 30), st.just(2**63 - 1)), max_size=3),
    st.booleans(),
)
plans: st.SearchStrategy[Plan] = st.one_of(
    issues, issues, issues, resolves, resolves, settles, many, reconciles
)

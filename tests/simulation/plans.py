"""What the state machine may ask of the ledger: drawn without knowing its state, then put in terms of it."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from astakos.ledger.grants import NEVER
from astakos.ledger.operations import (
    Extend,
    Grow,
    Issue,
    IssueMany,
    Operation,
    Progress,
    Reconcile,
    Resolve,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR
from astakos.ledger.rules import Key, Provision
from simulation.comparison import make_issue, provisions
from simulation.following import Follower
from simulation.worlds import (
    CALLS,
    COMPONENTS,
    DEPARTMENT_TOKENS,
    EMPTY_SOURCE,
    GRANTED,
    KEYS,
    METER_KEYS,
    OTHER_TOKENS,
    PROJECT_CALLS,
    PROJECT_TOKENS,
    SECOND,
    TOKENS,
)

MORE_THAN_FITS = 10_000
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
    overage: Overage = Overage.REFUSE
    at_most: bool = False
    is_question: bool = False
    key_holder: str | None = None
    edge: int | None = None
    """How much more of each import is asked for than fits, or less; None to ask for what is wished."""

    def operation(self, follower: Follower) -> Issue:
        time_to_live = self.time_to_live
        if self.overage is not Overage.REFUSE:
            time_to_live = follower.unlike_others(time_to_live or HOUR)
        return make_issue(
            self.component,
            self.wishes if self.edge is None else self._at_the_edge(follower, self.edge),
            force=self.force,
            auto_accept=self.auto_accept,
            time_to_live=time_to_live,
            key=self.key,
            overage=self.overage,
            at_most=self.at_most,
            is_question=self.is_question,
            key_holder=self.key_holder,
        )

    def _at_the_edge(self, follower: Follower, beyond: int) -> tuple[tuple[Key, int], ...]:
        """What was wished, but of imports just as much as there was room for, or a bit more."""
        imports = {key: MORE_THAN_FITS for key, quantity in self.wishes if quantity > 0}
        fitting = follower.model.fitting(imports, self.key_holder) or dict.fromkeys(imports, 0)
        return tuple(
            (key, max(0, fitting[key] + beyond) if quantity > 0 else quantity)
            for key, quantity in self.wishes
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
class Parts:
    """Quantities of a pending commission, in parts of what was issued."""

    own: int
    pick: Pick
    everything: int | None
    """Tenths of each provision; more than ten is beyond it. None for none."""
    parts: tuple[tuple[int, int], ...]
    """Tenths of single provisions."""
    odd: tuple[tuple[Key, int], ...]

    def component(self, follower: Follower) -> int:
        return self.pick.component(follower, self.own)

    def quantities(self, follower: Follower) -> tuple[Provision, ...]:
        commission = follower.model.commissions.get(self.pick.serial(follower))
        issued: list[tuple[Any, int]] = (
            [] if commission is None else sorted(commission.provisions.items(), key=str)
        )
        quantities: dict[Key, int] = dict(self.odd)
        if self.everything is not None:
            quantities |= {key: _tenths(quantity, self.everything) for key, quantity in issued}
        for place, tenths in self.parts:
            if issued:
                key, quantity = issued[place % len(issued)]
                quantities[key] = _tenths(quantity, tenths)
        return provisions(quantities)


def _tenths(quantity: int, tenths: int) -> int:
    size = abs(quantity) * tenths // 10 + (tenths > 10)
    return size if quantity >= 0 else -size


@dataclass(frozen=True)
class SettlePlan:
    quantities: Parts
    overage: Overage | None = None

    def operation(self, follower: Follower) -> Settle:
        parts = self.quantities
        serial = parts.pick.serial(follower)
        return Settle(parts.component(follower), serial, parts.quantities(follower), self.overage)


@dataclass(frozen=True)
class ProgressPlan:
    quantities: Parts

    def operation(self, follower: Follower) -> Progress:
        parts = self.quantities
        return Progress(parts.component(follower), parts.pick.serial(follower), parts.quantities(follower))


@dataclass(frozen=True)
class GrowPlan:
    quantities: Parts
    force: bool

    def operation(self, follower: Follower) -> Grow:
        parts = self.quantities
        serial = parts.pick.serial(follower)
        return Grow(parts.component(follower), serial, parts.quantities(follower), self.force)


@dataclass(frozen=True)
class ExtendPlan:
    own: int
    pick: Pick
    time_to_live: int

    def operation(self, follower: Follower) -> Extend:
        component = self.pick.component(follower, self.own)
        return Extend(component, self.pick.serial(follower), follower.unlike_others(self.time_to_live))


@dataclass(frozen=True)
class Gift:
    """A grant: for whom, how much of it, from when on and how long, and which meters it lifts."""

    base: Key
    amount: int
    wait: int
    duration: int
    priority: int
    lifts: int | None
    """How many of the meters, the last of them first; those of rates are among them. None for all budgets."""


@dataclass(frozen=True)
class ReconcilePlan:
    component: int
    usage: dict[Key, int]
    mend: bool

    def operation(self, follower: Follower) -> Reconcile:
        return Reconcile(self.component, provisions(self.usage), self.mend, "reconciliation")


Plan = (
    IssuePlan
    | IssueManyPlan
    | ResolvePlan
    | SettlePlan
    | ProgressPlan
    | GrowPlan
    | ExtendPlan
    | ReconcilePlan
)


def operations_of(plans: list[Plan], follower: Follower) -> list[Operation]:
    return [plan.operation(follower) for plan in plans]


def _weighted(*choices: tuple[int, Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([value for weight, value in choices for _ in range(weight)])


components = st.sampled_from(COMPONENTS)
keys = st.sampled_from([*KEYS * 4, EMPTY_SOURCE, Key("nobody", None, "vm"), METER_KEYS[0]])
limits = st.one_of(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0, 2**63 - 1, 2**62]))
quantities = st.one_of(*[st.integers(-6, 8)] * 4, st.sampled_from([0, *HUGE]))
wishes = st.lists(st.tuples(keys, quantities), max_size=5).map(tuple)
rarely = _weighted((3, False), (1, True))
mostly = _weighted((3, True), (1, False))
seldom = _weighted((9, False), (1, True))
times_to_live = _weighted((4, None), (1, SECOND), (1, 60 * SECOND), (1, 1))
keys_of_issues = _weighted((6, None), (1, "a"), (1, "b"), (1, "ü"))
key_holders = _weighted((2, None), (2, "key:a"), (1, "key:b"))
edges = _weighted((5, None), (2, 0), (2, 1))
overages = _weighted((2, Overage.REFUSE), (1, Overage.AVAILABLE), (1, Overage.DEBT))
issues = st.builds(
    IssuePlan,
    components,
    wishes,
    rarely,
    rarely,
    times_to_live,
    keys_of_issues,
    overages,
    rarely,
    seldom,
    key_holders,
    edges,
)
picks = st.builds(Pick, st.integers(0, 9), st.integers(0, 1000))
resolves = st.builds(
    ResolvePlan,
    st.integers(0, 5),
    st.lists(picks, max_size=4).map(tuple),
    st.lists(picks, max_size=4).map(tuple),
)
PAIRS = _weighted(
    (4, (TOKENS, PROJECT_TOKENS)),
    (4, (CALLS, PROJECT_CALLS)),
    (1, (TOKENS, CALLS)),
    (1, (PROJECT_TOKENS,)),
    (2, (PROJECT_TOKENS, OTHER_TOKENS)),
    (1, (DEPARTMENT_TOKENS, OTHER_TOKENS)),
)
SIGNS = _weighted((8, (1, 1)), (1, (-1, -1)), (1, (-1, 1)))


@st.composite
def _spending(draw: st.DrawFn) -> IssuePlan:
    quantity = draw(st.integers(0, 60))
    signs = draw(SIGNS)
    spent = [
        (key, quantity if sign > 0 else -(quantity // 4))
        for key, sign in zip(draw(PAIRS), signs, strict=False)
    ]
    if draw(seldom):
        spent.append((draw(keys), draw(st.integers(-3, 3))))
    return IssuePlan(
        draw(components),
        tuple(spent),
        draw(seldom),
        draw(rarely),
        draw(_weighted((3, None), (1, SECOND), (1, 60 * SECOND), (2, 2 * HOUR), (2, 72 * HOUR))),
        draw(keys_of_issues),
        draw(overages),
        draw(rarely),
        draw(seldom),
        draw(key_holders),
        draw(edges),
    )


spendings = _spending()
"""Imports of what has meters, mostly at both levels, and some releases."""
tenths = _weighted((8, 5), (4, 0), (4, 10), (2, 3), (1, 11), (2, 15), (2, 25), (1, -1))


@st.composite
def _parts(draw: st.DrawFn) -> Parts:
    single = draw(st.lists(st.tuples(st.integers(0, 4), tenths), max_size=3)) if draw(rarely) else []
    odd = [(draw(keys), draw(quantities))] if draw(seldom) else []
    everything = draw(_weighted((1, None), (2, 5), (1, 10), (1, 0), (2, 12), (2, 20)))
    return Parts(draw(st.integers(0, 5)), draw(picks), everything, tuple(single), tuple(odd))


parts = _parts()
settles = st.builds(SettlePlan, parts, st.one_of(st.none(), st.sampled_from(Overage)))
progresses = st.builds(ProgressPlan, parts)
grows = st.builds(GrowPlan, parts, seldom)
extends = st.builds(ExtendPlan, st.integers(0, 5), picks, st.sampled_from([1, 60 * SECOND, 5 * HOUR]))
revisions = st.one_of(progresses, grows, extends)
IMPOSSIBLE = IssuePlan(1, ((Key("nobody", None, "vm"), 1),), False, False, None, None)
undone = st.builds(
    lambda possible: IssueManyPlan((*possible, IMPOSSIBLE), True),
    st.lists(issues | spendings, min_size=1, max_size=3),
)
many = st.builds(IssueManyPlan, st.lists(issues | spendings, max_size=4).map(tuple), st.booleans())
lifts = _weighted((3, None), (1, 1), (1, 2), (1, 3))
gifts = st.builds(
    Gift,
    st.sampled_from(GRANTED),
    st.integers(0, 60),
    st.sampled_from([0, 0, HOUR]),
    st.sampled_from([HOUR, 30 * HOUR, 30 * HOUR, 400 * HOUR, NEVER]),
    st.integers(0, 1),
    lifts,
)
reconciles = st.builds(
    ReconcilePlan,
    components,
    st.dictionaries(keys, st.one_of(st.integers(0, 30), st.just(2**63 - 1)), max_size=3),
    st.booleans(),
)


KINDS: tuple[st.SearchStrategy[Plan], ...] = (
    issues,
    issues,
    spendings,
    spendings,
    resolves,
    settles,
    settles,
    revisions,
    many,
    reconciles,
)


@st.composite
def _any(draw: st.DrawFn) -> Plan:
    """A composite strategy, because what Hypothesis prints of others grows with all that is in them."""
    return draw(draw(st.sampled_from(KINDS)))


plans = _any()

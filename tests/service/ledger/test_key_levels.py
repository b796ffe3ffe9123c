"""Keys on databases: what a user is charged with a key is charged to the key."""

import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest

from astakos.ledger.batch import carry_out, perform
from astakos.ledger.key_levels import key_holder, level_of_key, prefix_of_holder
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.operations import (
    Extend,
    Grow,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
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
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.rules import UNLIMITED, Key, NoCapacity, NoHolding, NoQuantity, Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Connection, Database
from service.installation import add_meter, holdings, rows
from service.ledger.charged import COMPUTE, Charged, asked
from service.world import VM

pytestmark = pytest.mark.ledger

DISK = "volume.size"
KEY, OTHER_KEY = key_holder("astk_aaaaaaaa"), key_holder("astk_bbbbbbbb")
ANN = "user:ann"
U, P = Key(ANN, "project:team", VM), Key("project:team", None, VM)
U2, P2 = Key(ANN, "project:other", VM), Key("project:other", None, VM)
K, OF_OTHER = level_of_key(KEY, U), level_of_key(OTHER_KEY, U)
DAILY, RATE = f"{VM}/day", f"{VM}/per-minute"


class Charging(Charged):
    """A user in two projects, with two keys; one has a limit, and the other none."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, {U: 100, U2: 100, P: 80, P2: 80, K: 50})

    def issue(self, *provisions: tuple[Key, int], ttl: int | None = None, key: str | None = KEY) -> int:
        return super().issue(*provisions, ttl=ttl, key=key)

    def charge(self, *provisions: tuple[Key, int], key: str | None = KEY) -> Outcome:
        return super().charge(*provisions, key=key)


def both(quantity: int) -> tuple[tuple[Key, int], tuple[Key, int]]:
    return (U, quantity), (P, quantity)


@pytest.fixture
def charging(database: Database) -> Iterator[Charging]:
    charging = Charging(database)
    with contextlib.closing(charging.store):
        yield charging


def define_meters(connection: Connection) -> None:
    for name, definition in (
        (DAILY, MeterDefinition(unit=Unit.DAY)),
        (RATE, MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE)),
    ):
        add_meter(connection, VM, name, definition, dict.fromkeys((U, P, U2, P2), UNLIMITED))


def test_a_charge_with_a_key_is_one_of_the_key(charging: Charging) -> None:
    serial = charging.issue(*both(10))
    assert charging.figures(K, U, P) == [(0, 10)] * 3
    charging.one(Resolve(COMPUTE, frozenset([serial])))
    assert charging.figures(K, U, P) == [(10, 10)] * 3
    serial = charging.issue(*both(-4))
    assert charging.figures(K, U, P) == [(6, 10)] * 3
    charging.one(Resolve(COMPUTE, reject=frozenset([serial])))
    assert charging.figures(K, U, P) == [(10, 10)] * 3


def test_what_names_no_key_or_another_one_charges_none(charging: Charging) -> None:
    charging.charge(*both(60), key=None)
    charging.charge(*both(1), key=OTHER_KEY)
    assert charging.figures(K, U, P) == [(0, 0), (61, 61), (61, 61)]
    assert OF_OTHER not in holdings(charging.database)


def test_a_refusal_names_the_holding_of_the_key(charging: Charging) -> None:
    assert charging.charge(*both(51)) == NoCapacity(Provision(K, 51), 0, 50)
    assert charging.figures(K, U, P) == [(0, 0)] * 3
    assert charging.charge(*both(101)) == NoCapacity(Provision(U, 101), 0, 100)
    assert isinstance(charging.charge(*both(50)), Issued)
    assert charging.charge(*both(1)) == NoCapacity(Provision(K, 1), 50, 50)
    forced = Issue(COMPUTE, asked(*both(1)), force=True, auto_accept=True, key_holder=KEY)
    assert isinstance(charging.one(forced), Issued)
    assert charging.figures(K) == [(51, 51)]


def test_those_who_were_refused_are_the_users(charging: Charging) -> None:
    issue = Issue(COMPUTE, asked(*both(51)), key_holder=KEY)
    (refused,) = carry_out(charging.store, [issue], charging.now).changes.refused
    assert refused.holder == ANN
    assert refused.refusal.provision == Provision(K, 51)


def test_all_projects_of_a_user_add_up(charging: Charging) -> None:
    assert charging.charge((U, 30), (U2, 21)) == NoCapacity(Provision(K, 51), 0, 50)
    charging.charge((U, 30), (U2, 20))
    charging.charge((U, -10), (U2, -20))
    assert charging.figures(K, U, U2) == [(20, 20), (20, 20), (0, 0)]


def test_a_limit_counts_at_once(charging: Charging) -> None:
    charging.charge(*both(30))
    charging.limit({K: 20})
    assert charging.charge(*both(1)) == NoCapacity(Provision(K, 1), 30, 20)
    charging.limit({K: 31, OF_OTHER: 5})
    assert isinstance(charging.charge(*both(1)), Issued)
    assert charging.charge(*both(6), key=OTHER_KEY) == NoCapacity(Provision(OF_OTHER, 6), 0, 5)


def test_a_release_gives_back_no_more_than_the_key_was_charged(charging: Charging) -> None:
    charging.charge(*both(10), key=None)
    charging.charge(*both(5))
    serial = charging.issue(*both(-8))
    assert charging.figures(K, U) == [(0, 5), (7, 15)]
    assert isinstance(charging.charge(*both(-2)), Issued)
    assert charging.figures(K, U) == [(0, 5), (5, 13)]
    charging.one(Settle(COMPUTE, serial, asked((U, -6), (P, -6))))
    assert charging.figures(K, U) == [(0, 0), (7, 7)]


@pytest.mark.parametrize(("settled", "left"), [(0, 5), (-3, 2), (-5, 0), (-7, 0)])
def test_the_first_units_of_a_release_are_those_of_the_key(
    charging: Charging, settled: int, left: int
) -> None:
    charging.charge(*both(10), key=None)
    charging.charge(*both(5))
    serial = charging.issue(*both(-8))
    charging.one(Settle(COMPUTE, serial, asked((U, settled), (P, settled))))
    assert charging.figures(K, U) == [(left, left), (15 + settled, 15 + settled)]


def test_what_counts_on_a_key_settles_grows_and_expires_with_the_commission(charging: Charging) -> None:
    serial = charging.issue(*both(10), ttl=MINUTE)
    charging.do(Grow(COMPUTE, serial, asked(*both(15))), Extend(COMPUTE, serial, 2 * MINUTE))
    assert charging.figures(K, U, P) == [(0, 15)] * 3
    refusal = charging.one(Grow(COMPUTE, serial, asked(*both(51))))
    assert refusal == NoCapacity(Provision(K, 36), 15, 50)
    charging.do(Progress(COMPUTE, serial, asked(*both(7))))
    charging.now += 2 * MINUTE
    charging.do()
    assert charging.figures(K, U, P) == [(7, 7)] * 3
    serial = charging.issue(*both(10))
    charging.do(Settle(COMPUTE, serial, asked(*both(3))))
    assert charging.figures(K, U, P) == [(10, 10)] * 3


def test_a_commission_counts_on_its_key_as_when_it_was_issued(charging: Charging) -> None:
    serial = charging.issue(*both(10), key=OTHER_KEY)
    charging.limit({OF_OTHER: 3})
    assert isinstance(charging.one(Grow(COMPUTE, serial, asked(*both(20)))), Revised)
    charging.one(Resolve(COMPUTE, frozenset([serial])))
    assert charging.figures(OF_OTHER, U) == [(0, 0), (20, 20)]


def test_a_release_that_grows_gives_back_what_there_is(charging: Charging) -> None:
    charging.charge(*both(10), key=None)
    charging.charge(*both(5))
    serial = charging.issue(*both(-3))
    assert isinstance(charging.one(Grow(COMPUTE, serial, asked(*both(-9)))), Revised)
    assert charging.figures(K, U) == [(0, 5), (6, 15)]
    charging.one(Resolve(COMPUTE, frozenset([serial])))
    assert charging.figures(K, U) == [(0, 0), (6, 6)]


def test_a_settlement_for_more_has_as_much_as_the_key_has(charging: Charging) -> None:
    serial = charging.issue(*both(10))
    settled = charging.one(Settle(COMPUTE, serial, asked(*both(70)), Overage.AVAILABLE))
    assert settled == Resolved(accepted=(serial,), settled=asked(*both(50)))
    serial = charging.issue(*both(0))
    charging.one(Settle(COMPUTE, serial, asked(*both(20)), Overage.DEBT))
    assert charging.figures(K, U, P) == [(70, 70)] * 3


def test_as_much_is_issued_as_the_key_has_room_for(charging: Charging) -> None:
    outcome = charging.one(Issue(COMPUTE, asked(*both(70)), at_most=True, key_holder=KEY))
    assert isinstance(outcome, Issued)
    assert outcome.granted == (50, 50)
    assert charging.figures(K, U, P) == [(0, 50)] * 3


def test_a_question_asks_the_key(charging: Charging) -> None:
    question = Issue(COMPUTE, asked(*both(51)), is_question=True, key_holder=KEY)
    assert charging.one(question) == NoCapacity(Provision(K, 51), 0, 50)


def test_bulk_that_is_undone_leaves_nothing_on_keys(charging: Charging) -> None:
    charging.limit({OF_OTHER: 10})
    issues = tuple(
        Issue(COMPUTE, asked(*both(10)), auto_accept=True, key_holder=key) for key in (KEY, OTHER_KEY) * 2
    )
    outcome = charging.one(IssueMany(issues, all_or_none=True))
    assert isinstance(outcome, IssuedMany)
    assert outcome.undone
    assert charging.figures(K, OF_OTHER, U, P) == [(0, 0)] * 4
    charging.one(IssueMany(issues))
    assert charging.figures(K, OF_OTHER, U, P) == [(20, 20), (10, 10), (30, 30), (30, 30)]


def test_imports_count_on_those_meters_that_the_key_has(charging: Charging) -> None:
    with charging.database.transaction() as connection:
        define_meters(connection)
    daily, rate = K._replace(resource=DAILY), K._replace(resource=RATE)
    charging.limit({K: UNLIMITED, daily: 20})
    charging.charge(*both(20))
    charging.charge(*both(-20))
    refusal = charging.charge(*both(3))
    assert isinstance(refusal, NoCapacity)
    assert refusal.provision == Provision(daily, 3)
    assert refusal.renewal is not None
    assert rate not in holdings(charging.database)
    assert charging.figures(K, daily, U._replace(resource=DAILY)) == [(0, 0), (20, 20), (20, 20)]
    charging.limit({daily: UNLIMITED, rate: 5})
    refusal = charging.charge(*both(6))
    assert isinstance(refusal, NoCapacity)
    assert refusal.provision == Provision(rate, 6)
    serial = charging.issue(*both(5))
    assert charging.figures(daily, rate) == [(20, 25), (5, 5)]
    charging.one(Resolve(COMPUTE, reject=frozenset([serial])))
    assert charging.figures(daily) == [(20, 20)]
    # A server has a clock of its own, by which some of it may have drained already.
    assert charging.figures(rate)[0][0] <= 1


def test_no_holding_of_a_user_is_needed_for_a_key_to_be_named(charging: Charging) -> None:
    missing = Key(ANN, "project:team", DISK)
    assert charging.charge((missing, 1)) == NoHolding(Provision(missing, 1))


def test_several_engines_share_the_limit_of_a_key(charging: Charging) -> None:
    with contextlib.closing(ledger_storage(charging.database)) as other:
        for store in (charging.store, other, charging.store):
            issue = Issue(COMPUTE, asked(*both(20)), auto_accept=True, key_holder=KEY)
            (outcome,) = perform(store, [issue], charging.now)
        assert outcome == NoCapacity(Provision(K, 20), 40, 50)
        serial = charging.issue(*both(10))
        perform(other, [Resolve(COMPUTE, frozenset([serial]))], charging.now)
        charging.limit({OF_OTHER: 1})
        (outcome,) = perform(other, [Issue(COMPUTE, asked(*both(2)), key_holder=OTHER_KEY)], charging.now)
        assert outcome == NoCapacity(Provision(OF_OTHER, 2), 0, 1)
    assert charging.figures(K, U, P) == [(50, 50)] * 3


def test_the_names_of_keys_are_read_as_written() -> None:
    assert prefix_of_holder(KEY) == "astk_aaaaaaaa"
    assert prefix_of_holder(ANN) is None


@dataclass
class Counted:
    """What a commission counts on its key, by a naive reading of the rules."""

    key: Key
    provisions: dict[Key, int]
    count: dict[Key, int]
    settled: dict[Key, int] | None = None


@dataclass
class KeyModel:
    """The holdings of keys, recomputed from all commissions that named one."""

    commissions: dict[int, Counted] = field(default_factory=dict)

    def figures(self, key: Key) -> tuple[int, int]:
        on_it = [one for one in self.commissions.values() if one.key == key]
        sure = sum(sum(one.settled.values()) for one in on_it if one.settled is not None)
        open_ = [q for one in on_it if one.settled is None for q in one.count.values()]
        return sure + sum(q for q in open_ if q < 0), sure + sum(q for q in open_ if q > 0)

    def counting(self, key: Key, more: Mapping[Key, int]) -> dict[Key, int]:
        left, found = self.figures(key)[0], {}
        for base, quantity in more.items():
            found[base] = max(quantity, -left) if quantity < 0 else quantity
            left += min(found[base], 0)
        return found

    def settle(self, serial: int, quantities: Mapping[Key, int]) -> None:
        one = self.commissions[serial]
        one.settled = {
            base: quantities[base] if one.provisions[base] >= 0 else max(quantities[base], count)
            for base, count in one.count.items()
        }


class Lives:
    """Random changes of commissions with keys, on two engines, and what the model makes of them."""

    LEVELS = MappingProxyType({KEY: K, OTHER_KEY: OF_OTHER})
    PROJECTS = MappingProxyType({U: P, U2: P2})

    def __init__(self, charging: Charging, seed: int) -> None:
        self.charging = charging
        self.chance = random.Random(seed)
        self.model = KeyModel()

    def step(self, store: LedgerStorage) -> None:
        pending = [serial for serial, one in self.model.commissions.items() if one.settled is None]
        if not pending or self.chance.random() < 0.5:
            self.issue(store)
            return
        serial = self.chance.choice(pending)
        self.chance.choice([self.resolve, self.settle, self.settle_for_more, self.grow])(store, serial)

    def issue(self, store: LedgerStorage) -> None:
        key = self.chance.choice([*self.LEVELS, None])
        drawing = self.chance.choice([[U], [U2], [U, U2]])
        quantities = {user: self.chance.randint(-8, 20) for user in drawing}
        force = self.chance.random() < 0.1
        outcome = self._do(store, Issue(COMPUTE, self._all(quantities), force=force, key_holder=key))
        if key is None:
            assert not isinstance(outcome, NoCapacity)
            return
        level = self.LEVELS[key]
        count = self.model.counting(level, quantities)
        imported = [quantity for quantity in quantities.values() if quantity >= 0]
        limit = holdings(self.charging.database)[level].limit
        fits = force or not imported or self.model.figures(level)[1] + sum(imported) <= limit
        if isinstance(outcome, Issued):
            assert fits
            self.model.commissions[outcome.serial] = Counted(level, quantities, count)
        elif isinstance(outcome, NoCapacity):
            assert outcome.provision.key == level
            assert not fits
        else:
            assert isinstance(outcome, NoQuantity)
            assert outcome.provision.key != level

    def resolve(self, store: LedgerStorage, serial: int) -> None:
        accepts = self.chance.random() < 0.5
        chosen, none = frozenset([serial]), frozenset[int]()
        resolve = Resolve(COMPUTE, chosen, none) if accepts else Resolve(COMPUTE, none, chosen)
        assert isinstance(self._do(store, resolve), Resolved)
        provisions = self.model.commissions[serial].provisions
        self.model.settle(serial, provisions if accepts else dict.fromkeys(provisions, 0))

    def settle(self, store: LedgerStorage, serial: int) -> None:
        provisions = self.model.commissions[serial].provisions
        less = {user: self.chance.randint(min(q, 0), max(q, 0)) for user, q in provisions.items()}
        assert isinstance(self._do(store, Settle(COMPUTE, serial, self._all(less))), Resolved)
        self.model.settle(serial, less)

    def settle_for_more(self, store: LedgerStorage, serial: int) -> None:
        provisions = self.model.commissions[serial].provisions
        more = {user: q + 5 if q >= 0 else q for user, q in provisions.items()}
        settle = Settle(COMPUTE, serial, self._all(more), Overage.DEBT)
        assert isinstance(self._do(store, settle), Resolved)
        self.model.settle(serial, more)

    def grow(self, store: LedgerStorage, serial: int) -> None:
        one = self.model.commissions[serial]
        more = {user: self.chance.randint(1, 5) * (1 if q >= 0 else -1) for user, q in one.provisions.items()}
        totals = {user: q + more[user] for user, q in one.provisions.items()}
        if isinstance(self._do(store, Grow(COMPUTE, serial, self._all(totals))), Revised):
            for user, quantity in self.model.counting(one.key, more).items():
                one.count[user] += quantity
            one.provisions = totals

    def _all(self, quantities: Mapping[Key, int]) -> tuple[Provision, ...]:
        of_projects = [(self.PROJECTS[user], quantity) for user, quantity in quantities.items()]
        return asked(*quantities.items(), *of_projects)

    def _do(self, store: LedgerStorage, operation: Operation) -> Outcome:
        (outcome,) = perform(store, [operation], self.charging.now)
        return outcome


@pytest.mark.parametrize("seed", range(4))
def test_keys_hold_what_was_charged_with_them(charging: Charging, seed: int) -> None:
    """Whatever happens, on whichever engine: what a model says that recomputes it from all commissions."""
    lives = Lives(charging, seed)
    charging.limit({OF_OTHER: 30} | dict.fromkeys((U, U2, P, P2), 10**6))
    with contextlib.closing(ledger_storage(charging.database)) as other:
        for _ in range(60):
            lives.step(lives.chance.choice([charging.store, other]))
            if lives.chance.random() < 0.1:
                charging.limit({lives.chance.choice([K, OF_OTHER]): lives.chance.randint(0, 80)})
            found = holdings(charging.database)
            for level in (K, OF_OTHER):
                assert (found[level].usage_min, found[level].usage_max) == lives.model.figures(level)
    ended = [one for one in lives.model.commissions.values() if one.settled is not None]
    stored = rows(
        charging.database, "SELECT holder, settled FROM holdings WHERE holder LIKE 'key:%' ORDER BY id"
    )
    assert stored == [
        (level.holder, sum(sum((one.settled or {}).values()) for one in ended if one.key == level))
        for level in (K, OF_OTHER)
    ]
    assert len(ended) > 10

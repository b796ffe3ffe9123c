"""A state machine that lets the ledger and a naive model of it live through the same history, side by side.

What it finds is shrunk to the shortest history and printed as a program that replays it. Which database the
ledger is on, and how that crashes, is left to those who inherit.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from itertools import cycle
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from astakos.clock import DAY
from astakos.doctor.figures import look_at_figures
from astakos.doctor.findings import Examined
from astakos.events.event import OPERATOR, Event
from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import Kind
from astakos.ledger.operations import Issue, Operation, Resolve
from astakos.ledger.overage import Overage
from astakos.ledger.periods import HOUR, MINUTE
from astakos.ledger.rules import Key
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables.events import record
from astakos.storage.tables.meters import save_definition
from astakos.storage.tables.retention import KEYS_KEPT
from service.installation import SET_MEMBER_LIMIT
from simulation import plans
from simulation.following import Follower
from simulation.histories import MOVES, give, look_at_all_meters, move, revoke
from simulation.interrupting import AbandonedError, Interrupted
from simulation.invariants import read_figures
from simulation.plans import Gift, Parts, Pick, Plan, ResolvePlan, SettlePlan, operations_of
from simulation.worlds import (
    CALLS,
    COMPONENTS,
    DISK,
    KEY_DISK,
    KEY_LEVELS,
    KEY_METERS,
    KEYS,
    METER_KEYS,
    METERED_KEYS,
    METERS,
    OTHER_DEFINITIONS,
    PARENTS,
    PROJECT,
    PROJECT_DISK,
    SECOND,
    START,
    TOKENS,
    TREE,
    USER_1,
    USER_2,
    nest,
)

STEPS = [1, SECOND - 1, SECOND, 59 * SECOND, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY, 40 * DAY]


def _is_rate(key: Key) -> bool:
    return METERS[key.resource].kind is Kind.RATE


class LedgerMachine(RuleBasedStateMachine):
    keys: Collection[Key] = KEYS
    """Those that can exist on this database."""
    ends = 0
    """How many periods with use in them have ended, in all histories."""

    def __init__(self) -> None:
        super().__init__()
        self.follower = Follower()
        self.now = START
        self.complete_log = True
        self.database = self.make_database()
        self.open()

    def make_database(self) -> Database:
        """A database of two components and nothing else."""
        raise NotImplementedError

    def write_limits(self, limits: Mapping[Key, int]) -> None:
        raise NotImplementedError

    def leave_crashed(self, drawn: list[Plan], *, closed: bool) -> None:
        """Crashes in the midst of a batch, or if it is closed between two, and opens what is left."""
        raise NotImplementedError

    def check_the_end(self) -> None:
        """What else must be true of this state; nothing comes after that."""
        raise NotImplementedError

    def open(self) -> None:
        self.store = ledger_storage(self.database)
        self.other_store = ledger_storage(self.database)
        self.administration = self.database.connect()

    def close(self) -> None:
        self.store.close()
        self.other_store.close()
        self.administration.close()
        self.database.close()

    def teardown(self) -> None:
        type(self).ends += self.follower.ends()
        try:
            self.have_it_examined()
            self.check_the_end()
        finally:
            self.close()

    def have_it_examined(self) -> None:
        """Whatever has happened, there is nothing in the figures that an operator would be told of."""
        examined = Examined(self.database, self.administration, self.now, None, lambda *_: None)
        assert not list(look_at_figures(examined))

    def tell(self, kind: str, after: Mapping[str, object]) -> None:
        """Writes into the audit log, as whoever administers would."""
        self.administration.execute("BEGIN")
        record(self.administration, Event(kind, OPERATOR, after=after), self.now)
        self.administration.execute("COMMIT")

    def show(self, now: int) -> None:
        """Lets the clock of the database show a time, if it has one."""

    def do(self, operations: list[Operation]) -> None:
        self.show(self.now)
        self.follower.follow(operations, perform(self.store, operations, self.now), self.now)

    def carry_out(self, drawn: list[Plan]) -> None:
        self.do(operations_of(drawn, self.follower))

    def look_at_all_meters(self) -> None:
        self.do([look_at_all_meters()])

    @initialize(
        limits=st.dictionaries(st.sampled_from(KEYS), plans.limits, min_size=3),
        of_meters=st.lists(st.integers(20, 120), min_size=12, max_size=12),
        largest=st.sampled_from([2**63 - 1, 400]),
        of_keys=st.fixed_dictionaries(dict.fromkeys(KEY_LEVELS, plans.limits)),
        gifts=st.lists(plans.gifts, min_size=1, max_size=4),
    )
    def begin(
        self,
        limits: dict[Key, int],
        of_meters: list[int],
        largest: int,
        of_keys: dict[Key, int],
        gifts: list[Gift],
    ) -> None:
        for name in METERS:
            self.tell("resource.created", {"resource": name, "meter": {}})
        self.set_limits(dict.fromkeys(TREE, 40) | limits)
        self.set_all(dict.fromkeys(METERED_KEYS, largest))
        self.set_all({key: limit if key.resource == "vm" else largest for key, limit in of_keys.items()})
        # In a microsecond, whole parts of a unit drain, so that rounding does not add up.
        self.set_all(
            {
                key: 60 * (limit % 4 + 1) if _is_rate(key) else limit
                for key, limit in zip((*METER_KEYS, *KEY_METERS), cycle(of_meters), strict=False)
            }
        )
        self.database.change(nest)
        self.follower.model.parents.update(PARENTS)
        for gift in gifts:
            self.give(gift)

    def set_all(self, limits: Mapping[Key, int]) -> None:
        self.write_limits(limits)
        for key, limit in limits.items():
            self.follower.set_limit(key, limit)

    @rule(gift=plans.gifts)
    def give(self, gift: Gift) -> None:
        give(self.follower, self.database, gift, self.now)

    @rule(gift=plans.gifts, step=st.sampled_from([HOUR - 1, HOUR]), key_holder=plans.key_holders)
    def spend_what_expires(self, gift: Gift, step: int, key_holder: str | None) -> None:
        """A grant is of use until it expires, and not at that moment."""
        if self.follower.model.now == self.now:
            self.give(dataclasses.replace(gift, wait=0, duration=HOUR))
            self.now += step
            plan = plans.IssuePlan(1, ((gift.base, 1),), False, True, None, None, edge=0)
            self.carry_out([dataclasses.replace(plan, key_holder=key_holder)])

    @rule(gift=plans.gifts, left=st.sampled_from([0, 5]), tenths=st.sampled_from([0, 5, 9, 12]))
    def draw_again_in_vain(self, gift: Gift, left: int, tenths: int) -> None:
        """In the batch that gives back to grants, they are drawn on, and that is undone."""
        for days, priority in ((2, 0), (1, 1)):
            self.give(dataclasses.replace(gift, wait=0, duration=days * DAY, priority=priority))
        most = plans.IssuePlan(1, ((gift.base, 1),), False, False, 2 * HOUR, None, edge=-left)
        again = dataclasses.replace(most, wishes=((gift.base, 2),), edge=None)
        self.carry_out([most])
        settle = SettlePlan(Parts(1, Pick(0, 0), tenths, (), ()), Overage.AVAILABLE)
        self.carry_out([settle, plans.IssueManyPlan((again, plans.IMPOSSIBLE), True), again])

    @rule(place=st.integers(0, 7))
    def revoke(self, place: int) -> None:
        revoke(self.follower, self.database, place)

    @rule(
        level=st.sampled_from([*KEY_LEVELS, *(key for key in KEY_METERS if not _is_rate(key))]),
        room=st.integers(0, 3),
        beyond=st.integers(0, 1),
        auto_accept=plans.rarely,
    )
    def reach_the_limit_of_a_key(self, level: Key, room: int, beyond: int, auto_accept: bool) -> None:
        """As much as a key has room for, or one more, of what its user has more room for."""
        self.look_at_all_meters()
        self.set_all({level: self.follower.model.figures(level).usage_max + room})
        resource = level.resource.partition("/")[0]
        drawing = [
            key
            for key in (USER_1, USER_2, TOKENS, CALLS)
            if (key.holder, key.resource) == (level.source, resource) and key in self.follower.model.limits
        ]
        for key in drawing:
            plan = plans.IssuePlan(1, ((key, 1),), False, auto_accept, None, None, edge=beyond)
            self.carry_out([dataclasses.replace(plan, key_holder=level.holder)])

    @rule(place=st.sampled_from([(USER_1, "key:a"), (TOKENS, "key:a"), (USER_2, "key:b"), (CALLS, "key:b")]))
    def release_more_than_a_key_has(self, place: tuple[Key, str]) -> None:
        """What is pending on a key, and what was charged without it, is not given back to it."""
        key, holder = place
        settled = plans.IssuePlan(1, ((key, 2),), True, True, None, None)
        pending = dataclasses.replace(settled, auto_accept=False, time_to_live=HOUR, key_holder=holder)
        release = dataclasses.replace(settled, wishes=((key, -2),), key_holder=holder)
        self.carry_out([settled, pending, release, release])

    @rule()
    def limit_a_key_that_is_charged(self) -> None:
        """What grows counts on a key where it counted before, whatever limits the key has got since."""
        if DISK in self.follower.model.limits and KEY_DISK not in self.follower.model.limits:
            plan = plans.IssuePlan(1, ((DISK, 1),), True, False, HOUR, None, key_holder=KEY_DISK.holder)
            self.carry_out([plan])
            self.set_all({KEY_DISK: 30})
            self.carry_out([plans.GrowPlan(Parts(1, Pick(0, 0), 20, (), ()), True)])

    @rule(limits=st.dictionaries(st.sampled_from([*KEY_LEVELS, KEY_DISK]), plans.limits, min_size=1))
    def set_limits_of_keys(self, limits: dict[Key, int]) -> None:
        self.set_all(limits)

    @rule(limits=st.dictionaries(st.sampled_from(KEYS), plans.limits, max_size=2))
    def set_limits(self, limits: dict[Key, int]) -> None:
        self.set_all({key: limit for key, limit in limits.items() if key in self.keys})

    @rule(
        limits=st.dictionaries(
            st.sampled_from([key for key in (*METER_KEYS, *KEY_METERS) if not _is_rate(key)]),
            st.integers(0, 150),
            min_size=1,
            max_size=3,
        )
    )
    def set_limits_of_meters(self, limits: dict[Key, int]) -> None:
        self.look_at_all_meters()
        self.set_all(limits)

    @rule(
        name=st.sampled_from(
            [name for name, definition in METERS.items() if definition.kind is not Kind.RATE]
        ),
        place=st.integers(0, 2 * len(OTHER_DEFINITIONS)),
    )
    def redefine(self, name: str, place: int) -> None:
        """What counts in a time counts in another one from now on."""
        self.look_at_all_meters()
        definition = OTHER_DEFINITIONS[place] if place < len(OTHER_DEFINITIONS) else METERS[name]
        self.database.change(lambda connection: save_definition(connection, name, definition))
        self.tell("resource.changed", {"resource": name, "meter": {}})
        self.follower.redefine(self.administration, name, definition)
        self.follower.follow([], [], self.now)

    @rule(place=st.sampled_from(MOVES), force=plans.rarely, is_resolved=plans.mostly)
    def move(self, place: tuple[str, str | None], force: bool, is_resolved: bool) -> None:
        """A project gets another parent, with what it uses, if nothing is pending on it."""
        if is_resolved:
            self.do(self.resolve_all())
        self.show(self.now)
        move(self.follower, self.database, *place, self.now, force=force)

    @rule(step=st.sampled_from([1, 60 * SECOND, HOUR, 3 * DAY]))
    def step_back(self, step: int) -> None:
        """Somebody sets the clock: nothing is forgiven a second time."""
        self.look_at_all_meters()
        self.now -= step
        self.show(self.now)
        self.follower.step_back(self.administration, self.now)

    @rule(limits=st.dictionaries(st.sampled_from([PROJECT, PROJECT_DISK]), plans.limits, min_size=1))
    def set_member_limits(self, limits: dict[Key, int]) -> None:
        for key in self.follower.model.limits.keys() & limits.keys():
            self.administration.execute(SET_MEMBER_LIMIT, (limits[key], key.holder, key.resource))
            self.follower.set_member_limit(key, limits[key])

    @rule(plan=plans.issues)
    def issue(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(plan=plans.spendings)
    def spend(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(plan=plans.revisions)
    def revise(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(plan=plans.spendings, revision=plans.revisions, step=st.sampled_from(STEPS))
    def spend_and_expire(self, plan: Any, revision: Any, step: int) -> None:
        """What is used of a commission and then abandoned, perhaps in another period."""
        self.carry_out(
            [dataclasses.replace(plan, force=False, auto_accept=False, time_to_live=HOUR, key=None)]
        )
        self.carry_out([revision])
        self.now += step
        self.carry_out([])

    @rule(
        lives=st.lists(
            st.tuples(plans.spendings, plans.settles | plans.revisions, st.sampled_from(STEPS[4:])),
            min_size=2,
            max_size=5,
        )
    )
    def spend_time_after_time(self, lives: list[tuple[Any, Plan, int]]) -> None:
        """Period after period, each with something in it."""
        for spending, change, step in lives:
            plan = dataclasses.replace(spending, key=None, is_question=False)
            self.carry_out([plan, dataclasses.replace(plan, auto_accept=True)])
            self.carry_out([change])
            self.now += step
        self.carry_out([])

    @rule(plan=plans.resolves)
    def resolve(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(plan=plans.settles)
    def settle(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(plan=plans.many)
    def issue_many(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(plan=plans.reconciles)
    def reconcile(self, plan: Plan) -> None:
        self.carry_out([plan])

    @rule(drawn=st.lists(plans.plans, max_size=6))
    def carry_out_a_batch(self, drawn: list[Plan]) -> None:
        self.carry_out(drawn)

    @rule(undone=plans.undone, drawn=st.lists(plans.plans, max_size=3), place=st.integers(0, 2))
    def go_on_after_undoing(self, undone: Any, drawn: list[Plan], place: int) -> None:
        """Of what was undone, nothing is left for those that come after it in the same batch."""
        first = undone.issues[0]
        resolve = ResolvePlan(1, (Pick(7, place),), ())
        foreign = ResolvePlan(0, (), (Pick(7, place),))
        self.carry_out([undone, resolve, foreign, first, *drawn])

    @rule(
        plan=plans.issues, step=st.sampled_from([SECOND - 1, SECOND]), drawn=st.lists(plans.plans, max_size=2)
    )
    def resolve_just_when_it_expires(self, plan: Any, step: int, drawn: list[Plan]) -> None:
        self.carry_out([dataclasses.replace(plan, time_to_live=SECOND, key=None)])
        self.now += step
        settle = SettlePlan(Parts(1, Pick(0, 1), None, (), ()))
        self.carry_out([ResolvePlan(1, (Pick(0, 0),), ()), settle, *drawn])

    @rule()
    def go_on_in_another_process(self) -> None:
        """What one process remembers of the file is of no use once another one has written to it."""
        self.store, self.other_store = self.other_store, self.store

    @rule(plan=plans.issues | plans.spendings)
    def issue_and_reject(self, plan: Any) -> None:
        """Invariant 6, in two steps: whatever else happens, rejecting restores every figure."""
        self.do([])
        before = read_figures(self.administration, self.now)
        issue: Issue = plan.operation(self.follower)
        first = self.follower.last_serial
        self.do([issue])
        if self.follower.last_serial > first and not issue.auto_accept:
            self.do([Resolve(issue.component, reject=frozenset([self.follower.last_serial]))])
        elif self.follower.last_serial > first:
            return
        assert read_figures(self.administration, self.now) == before

    @rule(step=st.sampled_from(STEPS))
    def let_time_pass(self, step: int) -> None:
        self.now += step
        self.do([])

    @rule(step=st.sampled_from([1, SECOND]))
    def let_time_pass_unnoticed(self, step: int) -> None:
        """So that what expires meets an operation in the same batch."""
        self.now += step

    @rule(days=st.sampled_from([None, 1]))
    def tidy(self, days: int | None) -> None:
        self.administration.execute("DELETE FROM settings WHERE name = 'history_days'")
        if days is not None:
            self.administration.execute("INSERT INTO settings VALUES ('history_days', ?)", (str(days),))
            self.complete_log = False
            self.tell("settings.changed", {"history_days": days})
        self.store.tidy(self.now)
        self.follower.tidy(self.now - KEYS_KEPT)

    @rule(drawn=st.lists(plans.plans, max_size=4))
    def fail_before_the_commit(self, drawn: list[Plan]) -> None:
        """All has been written but the commit does not come: it was never there."""
        self.leave_unfinished(drawn)

    @rule(drawn=st.lists(plans.plans, max_size=4), closed=st.booleans())
    def crash_and_reopen(self, drawn: list[Plan], closed: bool) -> None:
        """Whether in the midst of a batch or between two, what was committed is what is there."""
        self.leave_crashed(drawn, closed=closed)

    def leave_unfinished(self, drawn: list[Plan], crash: Callable[[], None] = lambda: None) -> None:
        operations = operations_of(drawn, self.follower)
        self.show(self.now)
        store = Interrupted(self.store, crash)
        try:
            perform(store, operations, self.now)
        except AbandonedError:
            pass
        else:
            raise AssertionError("the transaction was not left by the exception")

    @invariant()
    def ledger_and_model_agree(self) -> None:
        # What was left unfinished may have seen a later time than the model has.
        self.show(self.follower.model.now)
        self.follower.check(self.administration, COMPONENTS, log=self.complete_log)

    def resolve_all(self) -> list[Operation]:
        """Everything that is pending, resolved at once."""
        accepted, rejected = self.split_pending()
        return [Resolve(component, frozenset(accepted), frozenset(rejected)) for component in COMPONENTS]

    def split_pending(self) -> tuple[set[int], set[int]]:
        pending = {serial for component in COMPONENTS for serial in self.follower.model.pending(component)}
        accepted = {serial for serial in pending if serial % 3}
        return accepted, pending - accepted

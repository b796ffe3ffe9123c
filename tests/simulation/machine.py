"""A state machine that lets the ledger and a naive model of it live through the same history, side by side.

What it finds is shrunk to the shortest history and printed as a program that replays it. Which database the
ledger is on, and how that crashes, is left to those who inherit.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from astakos.clock import DAY
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Operation, Resolve
from astakos.ledger.ports import LedgerStorage, LedgerTransaction
from astakos.ledger.rules import Key
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables.retention import KEYS_KEPT
from service.installation import SET_MEMBER_LIMIT
from simulation import plans
from simulation.comparison import Follower, read_figures
from simulation.plans import Pick, Plan, ResolvePlan, SettlePlan, operations_of
from simulation.worlds import COMPONENTS, KEYS, PROJECT, PROJECT_DISK, SECOND, START


class AbandonedError(Exception):
    """What a transaction is left by that must not leave a trace."""


class LedgerMachine(RuleBasedStateMachine):
    keys: Collection[Key] = KEYS
    """Those that can exist on this database."""

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
        """Crash in the midst of a batch, or if it is closed between two, and open what is left."""
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
        try:
            self.check_the_end()
        finally:
            self.close()

    def carry_out(self, drawn: list[Plan]) -> None:
        operations = operations_of(drawn, self.follower)
        outcomes = perform(self.store, operations, self.now)
        self.follower.follow(operations, outcomes, self.now)

    @initialize(limits=st.dictionaries(st.sampled_from(KEYS), plans.limits, min_size=3))
    def begin(self, limits: dict[Key, int]) -> None:
        self.set_limits(limits)

    @rule(limits=st.dictionaries(st.sampled_from(KEYS), plans.limits, max_size=2))
    def set_limits(self, limits: dict[Key, int]) -> None:
        possible = {key: limit for key, limit in limits.items() if key in self.keys}
        self.write_limits(possible)
        for key, limit in possible.items():
            self.follower.set_limit(key, limit)

    @rule(limits=st.dictionaries(st.sampled_from([PROJECT, PROJECT_DISK]), plans.limits, min_size=1))
    def set_member_limits(self, limits: dict[Key, int]) -> None:
        for key in self.follower.model.limits.keys() & limits.keys():
            self.administration.execute(SET_MEMBER_LIMIT, (limits[key], key.holder, key.resource))
            self.follower.set_member_limit(key, limits[key])

    @rule(plan=plans.issues)
    def issue(self, plan: Plan) -> None:
        self.carry_out([plan])

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
        self.carry_out([ResolvePlan(1, (Pick(0, 0),), ()), SettlePlan(1, Pick(0, 1), (), ()), *drawn])

    @rule()
    def go_on_in_another_process(self) -> None:
        """What one process remembers of the file is of no use once another one has written to it."""
        self.store, self.other_store = self.other_store, self.store

    @rule(plan=plans.issues)
    def issue_and_reject(self, plan: Any) -> None:
        """Invariant 6, in two steps: whatever else happens, rejecting restores every figure."""
        perform(self.store, [], self.now)
        self.follower.model.expire(self.now)
        before = read_figures(self.administration)
        issue: Issue = plan.operation(self.follower)
        first = self.follower.last_serial
        outcomes = perform(self.store, [issue], self.now)
        self.follower.follow([issue], outcomes, self.now)
        if self.follower.last_serial > first and not issue.auto_accept:
            resolve = Resolve(issue.component, reject=frozenset([self.follower.last_serial]))
            self.follower.follow([resolve], perform(self.store, [resolve], self.now), self.now)
        elif self.follower.last_serial > first:
            return
        assert read_figures(self.administration) == before

    @rule(step=st.sampled_from([1, SECOND - 1, SECOND, 59 * SECOND, DAY, 3 * DAY]))
    def let_time_pass(self, step: int) -> None:
        self.now += step
        perform(self.store, [], self.now)
        self.follower.follow([], [], self.now)

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
        store = _Interrupted(self.store, crash)
        try:
            perform(store, operations, self.now)
        except AbandonedError:
            pass
        else:
            raise AssertionError("the transaction was not left by the exception")

    @invariant()
    def ledger_and_model_agree(self) -> None:
        self.follower.check(self.administration, COMPONENTS, log=self.complete_log)

    def resolve_all(self) -> list[Operation]:
        """Everything that is pending, resolved at once."""
        accepted, rejected = self.split_pending()
        return [Resolve(component, frozenset(accepted), frozenset(rejected)) for component in COMPONENTS]

    def split_pending(self) -> tuple[set[int], set[int]]:
        pending = {serial for component in COMPONENTS for serial in self.follower.model.pending(component)}
        accepted = {serial for serial in pending if serial % 3}
        return accepted, pending - accepted


class _Interrupted:
    """A storage that is left just before each commit."""

    repeats = 0

    def __init__(self, store: LedgerStorage, crash: Callable[[], None]) -> None:
        self.store = store
        self.crash = crash
        self.tidy, self.close = store.tidy, store.close
        self.prove_writable = store.prove_writable
        self.read_clock_record, self.save_clock_record = store.read_clock_record, store.save_clock_record

    def transact(self, work: Callable[[LedgerTransaction], None]) -> None:
        def interrupted(transaction: LedgerTransaction) -> None:
            work(transaction)
            self.crash()
            raise AbandonedError

        self.store.transact(interrupted)

"""Operations for histories with faults: one of each kind, or at random with regard to what is there."""

import random
from collections.abc import Sequence

from astakos.ledger.operations import Issue, IssueMany, Operation, Reconcile, Resolve, Settle
from astakos.ledger.rules import Key, Provision
from simulation.comparison import Follower, make_issue, provisions
from simulation.worlds import COMPONENTS, KEYS, SECOND, USER_1


class Wishes:
    """What is asked of the ledger."""

    def __init__(self, choice: random.Random, follower: Follower, keys: Sequence[Key] = KEYS) -> None:
        self.random = choice
        self.follower = follower
        self.keys = keys
        self.keys_used = 0

    def random_issue(self) -> Issue:
        choice = self.random
        self.keys_used += 1
        return make_issue(
            choice.choice(COMPONENTS),
            [(choice.choice(self.keys), choice.randint(-3, 6)) for _ in range(choice.randrange(4))],
            force=choice.random() < 0.2,
            auto_accept=choice.random() < 0.4,
            time_to_live=choice.choice([None, None, 1, SECOND]),
            key=choice.choice([f"key {self.keys_used}", f"key {choice.randint(1, self.keys_used)}", None]),
        )

    def random_operation(self) -> Operation:
        choice, model = self.random, self.follower.model
        component = choice.choice(COMPONENTS)
        serials = [*model.pending(component), self.follower.last_serial]
        kind = choice.randrange(10)
        if kind < 5:
            return self.random_issue()
        if kind == 5:
            many = tuple(self.random_issue() for _ in range(choice.randrange(4)))
            return IssueMany(many, choice.random() < 0.5)
        if kind == 6:
            return Settle(
                component,
                choice.choice(serials),
                (Provision(choice.choice(self.keys), choice.randint(-1, 3)),),
            )
        if kind == 7:
            usage = {choice.choice(self.keys): choice.randrange(10) for _ in range(2)}
            return Reconcile(component, provisions(usage), choice.random() < 0.5)
        accept, reject = (frozenset(choice.sample(serials, choice.randint(0, len(serials)))) for _ in "ar")
        return Resolve(component, accept, reject - accept if choice.random() < 0.7 else reject)


def one_of_each(pending: Sequence[int]) -> list[Operation]:
    """One of each kind of operation, on three pending commissions of the first component."""
    return [
        make_issue(1, [(USER_1, 2)], key="new"),
        make_issue(1, [(KEYS[1], 1), (KEYS[2], 1)], auto_accept=True),
        IssueMany((make_issue(1, [(USER_1, 1)]), make_issue(2, [(USER_1, 1)]))),
        Resolve(1, frozenset(pending[:1]), frozenset(pending[1:2])),
        Settle(1, pending[2], (Provision(USER_1, 1),)),
        Reconcile(1, (Provision(KEYS[2], 4),), mend=True),
    ]

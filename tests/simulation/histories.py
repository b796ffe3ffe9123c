"""Operations for histories with faults: one of each kind, or at random with regard to what is there."""

import random
from collections.abc import Mapping, Sequence

from astakos.administration.nesting import move_project
from astakos.clock import DAY
from astakos.events.event import OPERATOR
from astakos.ledger.grants import NEVER, grant_resource
from astakos.ledger.meter_definitions import Kind, base_of
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
from astakos.ledger.periods import HOUR, MINUTE
from astakos.ledger.rules import Holding, Key, Provision
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import grants
from astakos.storage.tables.grants import State, StoredGrant
from astakos.storage.tables.holdings import find as find_holding
from astakos.storage.tables.meters import save_definition
from service.installation import set_limits
from simulation.comparison import make_issue, provisions
from simulation.following import Follower
from simulation.plans import Gift
from simulation.units import Grant
from simulation.worlds import (
    CALLS,
    COMPONENTS,
    DEPARTMENT,
    DEPARTMENT_TOKENS,
    DISK,
    GRANTED,
    KEY_HOLDERS,
    KEY_LEVELS,
    KEY_METERS,
    KEYS,
    METER_KEYS,
    METERED_KEYS,
    METERS,
    ORGANIZATION,
    OTHER,
    OTHER_DEFINITIONS,
    OTHER_TOKENS,
    PROJECT,
    PROJECT_CALLS,
    PROJECT_TOKENS,
    SECOND,
    TOKENS,
    USER_1,
    uuid_of,
)

STEPS = (0, 0, 1, SECOND, 59 * SECOND, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY, 40 * DAY)
"""What time passes between two batches."""
NEWEST = "SELECT MAX(serial) FROM resolved_commissions"
MOVES: tuple[tuple[str, str | None], ...] = (
    *((team.holder, parent) for team in (PROJECT, OTHER) for parent in (None, DEPARTMENT.holder)),
    *((team.holder, ORGANIZATION.holder) for team in (PROJECT, OTHER)),
    *((DEPARTMENT.holder, parent) for parent in (None, ORGANIZATION.holder)),
)
"""Projects, and what may be above them, whatever else has moved."""


def limits_of_meters(limit: int) -> dict[Key, int]:
    """Limits of what has meters, and of its meters, and of keys; of rates, whole parts of a unit drain."""
    meters = (*METER_KEYS, *KEY_METERS)
    rates = {key for key in meters if METERS[key.resource].kind is Kind.RATE}
    unlimited = dict.fromkeys(METERED_KEYS, 2**63 - 1) | dict.fromkeys(KEY_LEVELS, 5 * limit)
    return unlimited | {key: 60 * (limit // 60 + 1) if key in rates else limit for key in meters}


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
            key_holder=choice.choice([None, None, *KEY_HOLDERS]),
        )

    def random_spending(self) -> Issue:
        """An import of what has meters, at both levels or for two projects; sometimes it is released."""
        choice = self.random
        self.keys_used += 1
        quantity = choice.choice([0, 1, 3, 10, 30, 60])
        pairs = [(TOKENS, PROJECT_TOKENS), (CALLS, PROJECT_CALLS)]
        pair = choice.choice([*pairs, *pairs, (PROJECT_TOKENS, OTHER_TOKENS), (DEPARTMENT_TOKENS, CALLS)])
        signs = choice.choice([(1, 1)] * 8 + [(-1, -1), (-1, 1)])
        return make_issue(
            choice.choice(COMPONENTS),
            [
                (key, quantity if sign > 0 else -min(quantity, 7))
                for key, sign in zip(pair, signs, strict=True)
            ],
            force=choice.random() < 0.1,
            auto_accept=choice.random() < 0.5,
            time_to_live=self.follower.unlike_others(choice.choice([SECOND, HOUR, 2 * DAY])),
            key=f"key {self.keys_used if choice.random() < 0.8 else choice.randint(1, self.keys_used)}",
            overage=choice.choice(list(Overage)),
            at_most=choice.random() < 0.3,
            key_holder=choice.choice([None, *KEY_HOLDERS]),
        )

    def random_revision(self, component: int, serial: int) -> Operation:
        """A change of a pending commission of what has meters, or a settlement for more or less."""
        choice, model = self.random, self.follower.model
        commission = model.commissions.get(serial)
        issued = {} if commission is None else commission.provisions
        quantities = self.parts_of(issued)
        kind = choice.randrange(4)
        if kind == 0:
            return Progress(component, serial, provisions(quantities))
        if kind == 1:
            more = {key: quantities[key] for key, quantity in issued.items() if quantity >= 0}
            return Grow(component, serial, provisions(more), force=choice.random() < 0.1)
        if kind == 2:
            return Extend(component, serial, self.follower.unlike_others(choice.choice([SECOND, DAY])))
        return Settle(component, serial, provisions(quantities), choice.choice([None, *Overage]))

    def parts_of(self, issued: Mapping[Key, int]) -> dict[Key, int]:
        """Half of what was issued, all of it, or more."""
        tenths = self.random.choice([5, 10, 13, 25])
        return {key: quantity * tenths // 10 for key, quantity in issued.items()}

    def settled_at_once(self, issue: Issue) -> list[Operation]:
        """An issue, and its settlement in the same batch, for more or less."""
        serial = self.follower.last_serial + 1
        overage = self.random.choice([Overage.DEBT, Overage.DEBT, *Overage])
        settled = provisions(self.parts_of(dict(issue.provisions)))
        return [issue, Settle(issue.component, serial, settled, overage)]

    def asked_in_vain(self, component: int) -> list[Operation]:
        """A question, or issues that are undone, while what is pending is rejected: no period begins."""
        question = make_issue(component, [(key, 1) for key in METERED_KEYS], is_question=True)
        possible = make_issue(component, [(key, 0) for key in METERED_KEYS], force=True, time_to_live=HOUR)
        impossible = make_issue(component, [(Key("nobody", None, "vm"), 1)])
        undone = IssueMany((possible, impossible), all_or_none=True)
        pending = frozenset(self.follower.model.pending(component))
        in_vain: list[Operation] = [question, undone]
        return [self.random.choice(in_vain), Resolve(component, reject=pending)]

    def changed_by_turns(self, component: int, serial: int) -> list[Operation]:
        """What one engine has seen of a commission is old when another one has let it grow."""
        issued = self.follower.model.commissions[serial].provisions
        more = provisions({key: quantity * 2 for key, quantity in issued.items()})
        return [
            Progress(component, serial, provisions(issued)),
            Grow(component, serial, more, force=True),
            Settle(component, serial, more),
        ]

    def random_operation(self) -> Operation:
        choice, model = self.random, self.follower.model
        component = choice.choice(COMPONENTS)
        serials = [*model.pending(component), self.follower.last_serial]
        kind = choice.randrange(15)
        if kind >= 13:
            return self.random_spending()
        if kind >= 10:
            return self.random_revision(component, choice.choice(serials))
        if kind < 5:
            return self.random_issue()
        if kind == 5:
            many = tuple(
                choice.choice([self.random_issue, self.random_spending])() for _ in range(choice.randrange(4))
            )
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


def look_at_all_meters() -> Operation:
    """Imports of nothing: what has passed until now has passed at the limits and definitions of now."""
    return IssueMany(
        tuple(
            make_issue(1, [(key, 0) for key in METERED_KEYS], force=True, auto_accept=True, key_holder=holder)
            for holder in KEY_HOLDERS
        )
    )


def give(follower: Follower, database: Database, gift: Gift, now: int) -> None:
    """Makes a grant."""
    names = [name for name in METERS if base_of(name) == gift.base.resource]
    named = None if gift.lifts is None else tuple(names[-gift.lifts :])
    starts = now + gift.wait
    expires = min(starts + gift.duration, NEVER)

    def change(connection: Connection) -> StoredGrant:
        number = grants.next_number(connection)
        key = gift.base._replace(resource=grant_resource(gift.base.resource, number))
        terms = (gift.priority, starts, expires, named, "a gift", State.OPEN)
        grant = StoredGrant(number, key, Holding(gift.amount), *terms)
        base = find_holding(connection, gift.base)
        assert base is not None
        grants.add(connection, base, grant)
        return grant

    made = database.change(change)
    budgets = [name for name in names if METERS[name].kind is not Kind.RATE]
    lifts = frozenset(budgets if named is None else named)
    grant = Grant(made.key, gift.base, made.number, starts, expires, gift.priority, lifts)
    follower.model.give(grant, gift.amount)


def revoke(follower: Follower, database: Database, place: int) -> None:
    """Revokes one of the grants, if there is any."""
    if follower.model.grants:
        grant = follower.model.grants[place % len(follower.model.grants)]
        database.change(lambda connection: grants.revoke(connection, grant.number))
        grant.is_revoked = True


def random_gift(choice: random.Random) -> Gift:
    return Gift(
        choice.choice(GRANTED),
        choice.choice([5, 30, 120]),
        choice.choice([0, 0, 0, HOUR]),
        choice.choice([HOUR, 3 * DAY, 100 * DAY, NEVER]),
        choice.randrange(2),
        choice.choice([None, None, 1, 2, 3]),
    )


def change_grants(choice: random.Random, follower: Follower, database: Database, now: int) -> None:
    """Makes a grant; sometimes revokes one."""
    if choice.random() < 0.3:
        revoke(follower, database, choice.randrange(100))
    give(follower, database, random_gift(choice), now)


def change_a_meter(choice: random.Random, follower: Follower, database: Database) -> None:
    """Changes the limit or the definition of a budget, after all of them have been looked at."""
    meters = (*METER_KEYS, *KEY_METERS)
    key = choice.choice([key for key in meters if METERS[key.resource].kind is not Kind.RATE])
    if choice.random() < 0.5:
        limit = choice.choice([0, 50, 100, 200, 200])
        database.change(lambda connection: set_limits(connection, [(key, limit)]))
        follower.set_limit(key, limit)
    else:
        definition = choice.choice([METERS[key.resource], *OTHER_DEFINITIONS])
        database.change(lambda connection: save_definition(connection, key.resource, definition))
        follower.redefine(database.reader(), key.resource, definition)


def reorganize(choice: random.Random, follower: Follower, database: Database, now: int) -> None:
    """Moves a project within others, or out of them."""
    project, parent = choice.choice(MOVES)
    move(follower, database, project, parent, now, force=choice.random() < 0.3)


def move(
    follower: Follower, database: Database, project: str, parent: str | None, now: int, *, force: bool
) -> None:
    """Moves a project with what it uses, unless it is there already; compares what becomes of that."""
    if follower.model.parents.get(project) == parent:
        return
    is_possible, changes = follower.move(project, parent, force=force)
    target = None if parent is None else uuid_of(parent)

    def change(connection: Connection) -> None:
        move_project(connection, OPERATOR, uuid_of(project), target, "reorganized", now, force=force)

    try:
        database.change(change)
        is_moved = True
    except ProjectRefusedError:
        is_moved = False
    assert is_moved == is_possible
    if is_moved and changes:
        (serial,) = database.reader().execute(NEWEST).fetchone()
        follower.moved(serial, COMPONENTS[0], changes)


def prepared() -> list[Operation]:
    """What `one_of_each` needs pending: three of the first component, and five of what has meters.

    The last one of these has drawn on a grant, if the limits are 1000 and it is `prepaid`, and on a key.
    """
    spent = [make_issue(1, [(TOKENS, 3), (PROJECT_TOKENS, 3)], time_to_live=DAY) for _ in range(4)]
    spent.append(make_issue(1, [(CALLS, 1005), (DISK, 0)], time_to_live=DAY, key_holder="key:a"))
    used = make_issue(1, [(key, 3) for key in METERED_KEYS], auto_accept=True)
    return [*(make_issue(1, [(USER_1, 3)]) for _ in range(3)), *spent, used]


prepaid = Gift(CALLS, 100, 0, NEVER, 0, None)


def one_of_each(pending: Sequence[int]) -> list[Operation]:
    """One of each kind of operation, on the pending commissions that are `prepared`."""
    more, used = ((Provision(TOKENS, size), Provision(PROJECT_TOKENS, size)) for size in (5, 2))
    return [
        make_issue(1, [(USER_1, 2)], key="new"),
        make_issue(1, [(KEYS[1], 1), (KEYS[2], 1)], auto_accept=True),
        IssueMany((make_issue(1, [(USER_1, 1)]), make_issue(2, [(USER_1, 1)]))),
        Resolve(1, frozenset(pending[:1]), frozenset(pending[1:2])),
        Settle(1, pending[2], (Provision(USER_1, 1),)),
        Reconcile(1, (Provision(KEYS[2], 4),), mend=True),
        IssueMany(
            tuple(make_issue(1, [(key, 2)], time_to_live=DAY) for key in (TOKENS, CALLS)), all_or_none=True
        ),
        Progress(1, pending[3], used),
        Grow(1, pending[4], more),
        Extend(1, pending[5], 2 * DAY),
        Settle(1, pending[6], more, Overage.DEBT),
        make_issue(1, [(TOKENS, 4), (PROJECT_TOKENS, 4)], time_to_live=DAY, key_holder="key:a"),
        Resolve(1, accept=frozenset(pending[7:8])),
    ]

"""Commissions of one user whose month has room, or none and grants instead: one grant, or 1,000."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from astakos import clock
from astakos.administration.grants import MOST_OPEN, GrantPlace, Terms, add_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import DAY
from astakos.directory.tokens import token_hash
from astakos.events.event import OPERATOR
from astakos.ledger.batch import perform
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.operations import Issue
from astakos.ledger.periods import Unit
from astakos.ledger.rules import Key, NoCapacity, Provision, merge
from astakos.storage.opening import database_of, ledger_storage
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry
from benchmarks import command_line
from benchmarks.garbage import keep_what_is_there
from benchmarks.ledger import LedgerFailedError, engine_step
from benchmarks.pairs import Copies
from benchmarks.population import COMPONENT, COMPONENT_TOKEN, LIMIT, QUANTITIES, provisions, user_uuid
from benchmarks.postgresql_databases import postgresql_databases
from benchmarks.results import Result, rate, ratio
from benchmarks.service_process import Databases
from benchmarks.verification import WrongFiguresError

BATCH = 32
TURN_SECONDS = 0.25
USER = 0
PER_GRANT = 100
"""How many commissions one of 1,000 grants is for."""
BEYOND = 2 * MOST_OPEN
"""Times the usual quantity is more than 1,000 grants of 1 have."""
SETTLED = """
SELECT coalesce(sum(usage_min), 0) FROM holdings WHERE resource LIKE 'compute.vm/grant-%' AND source <> ''
"""


class Case(NamedTuple):
    """What a user has.

    Attributes:
        words: for people.
        limit: of the month, of each resource.
        grants: how many there are of each resource.
        amount: for how many commissions each of them is.
    """

    words: str
    limit: int
    grants: int
    amount: int


CASES = (
    Case("the month has room, no grant", LIMIT, 0, 0),
    Case("the month has room, 1,000 grants", LIMIT, MOST_OPEN, PER_GRANT),
    Case("the month has none, 1 grant", 0, 1, 10**9),
    Case("the month has none, 1,000 grants", 0, MOST_OPEN, PER_GRANT),
)
REFUSED = (
    Case("refused: the month has none, no grant", 0, 0, 0),
    Case("refused: 1,000 grants of 1 are too few", 0, MOST_OPEN, 1),
)


def measure(seconds: float) -> Sequence[Result]:
    """On both kinds of database."""
    with Databases() as databases:
        found = [_measure_on(databases, "SQLite", seconds)]
    with postgresql_databases() as databases_of_server:
        found.append(_measure_on(databases_of_server, "PostgreSQL", seconds))
    return found


def _measure_on(databases: Copies, name: str, seconds: float) -> Result:
    with contextlib.ExitStack() as stack:
        contestants = [stack.enter_context(_contestant(databases.copy(), case)) for case in CASES]
        contestants += [stack.enter_context(_contestant(databases.copy(), case)) for case in REFUSED]
        keep_what_is_there()
        end = time.perf_counter() + seconds * len(contestants)
        while time.perf_counter() < end:
            for contestant in contestants:
                contestant.take_turn()
        for contestant in contestants:
            contestant.check()
    rows = []
    for first, group in ((0, CASES), (len(CASES), REFUSED)):
        usual = contestants[first].per_second
        for place, case in enumerate(group, first):
            per_second = contestants[place].per_second
            rows.append((case.words, rate(per_second), ratio(per_second, usual)))
    return Result(
        f"Grants: issue + accept, 4 provisions, each with a meter, durable ({name}), no HTTP",
        ("one user", "pairs/s, or refusals/s", "to none"),
        rows,
        f"In batches of {BATCH} commissions; each of the grants is used up by {PER_GRANT}. "
        f"In turns of {TURN_SECONDS:g} s; usage checked at the end.",
    )


class _Contestant:
    """A user, and how much of what was asked for has been done."""

    def __init__(self, case: Case, step: Callable[[], None], settled: Callable[[], int]) -> None:
        self._case = case
        self._step = step
        self._settled = settled
        self._done = 0
        self._elapsed = 0.0

    @property
    def per_second(self) -> float:
        return self._done / self._elapsed

    def take_turn(self) -> None:
        started = time.perf_counter()
        while time.perf_counter() < started + TURN_SECONDS:
            self._step()
            self._done += BATCH
        self._elapsed += time.perf_counter() - started

    def check(self) -> None:
        """Checks that grants were drawn on if the month has no room."""
        is_drawn = self._case.limit == 0 and self._case in CASES
        if self._settled() != (self._done if is_drawn else 0):
            raise WrongFiguresError(f"{self._settled()} were drawn after {self._done} commissions")


@contextlib.contextmanager
def _contestant(url: str, case: Case) -> Iterator[_Contestant]:
    database = database_of(url)
    entries = [
        ResourceEntry(
            name=f"{resource}/month",
            service=COMPONENT,
            system_default=case.limit,
            meter=MeterDefinition(unit=Unit.MONTH),
        )
        for resource in QUANTITIES
    ]
    load(database, StateDocument(resources=entries), clock.now())
    database.change(lambda connection: _give(connection, case))
    with contextlib.closing(database), contextlib.closing(ledger_storage(database)) as store:
        found = registry.find_component_by_token(database.reader(), token_hash(COMPONENT_TOKEN))
        if found is None:
            raise LedgerFailedError("the component of the benchmarks is missing")
        carry_out = engine_step(store, found.id)
        issue = Issue(
            found.id,
            tuple(
                merge(
                    Provision(Key(holder, source, resource), BEYOND * quantity)
                    for holder, source, resource, quantity in provisions(USER)
                )
            ),
        )

        def refuse() -> None:
            outcomes = perform(store, [issue] * BATCH, clock.now())
            if not all(isinstance(outcome, NoCapacity) for outcome in outcomes):
                raise LedgerFailedError("what has no room was not refused")

        step = (lambda: carry_out([USER] * BATCH)) if case in CASES else refuse
        yield _Contestant(case, step, lambda: _sum(database))


def _give(connection: Connection, case: Case) -> None:
    now = clock.now()
    with Journal(connection, OPERATOR, now) as journal:
        for number in range(case.grants):
            for resource, quantity in QUANTITIES.items():
                terms = Terms(case.amount * quantity, now, now + (number + 1) * DAY)
                add_grant(connection, journal, GrantPlace(user_uuid(USER), None, resource), terms, now)


def _sum(database: Database) -> int:
    row: Any = database.reader().execute(SETTLED).fetchone()
    return int(row[0])


if __name__ == "__main__":
    command_line.run(__doc__, [measure])

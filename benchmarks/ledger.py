"""The ledger's engine without HTTP, beside a bare driver that writes the same rows in the same batches."""

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence

from astakos import clock
from astakos.directory.tokens import token_hash
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Resolve, Resolved
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.rules import Key, Provision, merge
from astakos.projects.limits import user_holder
from astakos.storage.opening import database_of, ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables import registry
from astakos.storage.tables.holdings import stored_source
from benchmarks import command_line
from benchmarks.bare_writer import BareWriter, bare_write
from benchmarks.garbage import keep_what_is_there
from benchmarks.pairs import Copies
from benchmarks.population import (
    COMPONENT_TOKEN,
    LIMIT,
    QUANTITIES,
    USERS,
    provisions,
    user_uuid,
)
from benchmarks.results import Result, rate, ratio
from benchmarks.service_process import Databases
from benchmarks.verification import WrongFiguresError

BATCHES = (1, 16, 64)
TURN_SECONDS = 0.25
FIND_HOLDINGS = "SELECT holder, source, resource, id FROM holdings"
LIST_USAGE = "SELECT holder, source, resource, usage_min, usage_max FROM holdings"

Step = Callable[[Sequence[int]], None]
"""Issues and accepts one commission for each of these users: two transactions."""


class LedgerFailedError(Exception):
    """The ledger refused what it had to carry out."""


def measure(seconds: float) -> Sequence[Result]:
    """All sizes of batches."""
    with Databases() as databases:
        return [measure_on(databases, "SQLite", seconds)]


def measure_on(databases: Copies, name: str, seconds: float) -> Result:
    """All sizes of batches on one kind of database."""
    rows = []
    for size in BATCHES:
        engine, bare = _race(databases.copy(), databases.copy(), size, seconds)
        rows.append((str(size), rate(engine), rate(bare), ratio(engine, bare)))
    return Result(
        f"The ledger alone: issue + accept, 4 provisions, durable ({name}), no HTTP",
        ("commissions a transaction", "engine, pairs/s", "bare driver, pairs/s", "engine to bare"),
        rows,
        "The bare driver writes the same rows in the same batches, but reads and checks nothing. "
        f"In turns of {TURN_SECONDS:g} s; usage checked at the end.",
    )


def _race(for_engine: str, for_bare: str, size: int, seconds: float) -> tuple[float, float]:
    """Pairs a second of both, in turns."""
    databases = database_of(for_engine), database_of(for_bare)
    with contextlib.ExitStack() as stack:
        for database in databases:
            stack.callback(database.close)
        store = ledger_storage(databases[0])
        stack.callback(store.close)
        bare_connection = stack.enter_context(contextlib.closing(databases[1].connect()))
        found = registry.find_component_by_token(databases[0].reader(), token_hash(COMPONENT_TOKEN))
        if found is None:
            raise LedgerFailedError("the component of the benchmarks is missing")
        contestants = [
            _Contestant(engine_step(store, found.id), size),
            _Contestant(
                _bare_step(BareWriter(bare_write(bare_connection), found.id, LIMIT), databases[1]), size
            ),
        ]
        keep_what_is_there()  # as the service does
        end = time.perf_counter() + 2 * seconds
        while time.perf_counter() < end:
            for contestant in contestants:
                contestant.take_turn()
        for contestant, database in zip(contestants, databases, strict=True):
            _check(database, contestant.done)
    return contestants[0].per_second, contestants[1].per_second


class _Contestant:
    """One way of writing, and how far it has come."""

    def __init__(self, step: Step, size: int) -> None:
        self._step = step
        self._size = size
        self._users = itertools.cycle(range(USERS))
        self._elapsed = 0.0
        self.done = [0] * USERS

    @property
    def per_second(self) -> float:
        return sum(self.done) / self._elapsed

    def take_turn(self) -> None:
        started = time.perf_counter()
        end = started + TURN_SECONDS
        while time.perf_counter() < end:
            users = list(itertools.islice(self._users, self._size))
            self._step(users)
            for user in users:
                self.done[user] += 1
        self._elapsed += time.perf_counter() - started


def engine_step(store: LedgerStorage, component: int) -> Step:
    """The steps of the ledger on a storage, for that component."""
    issues = [
        Issue(
            component,
            tuple(
                merge(
                    Provision(Key(holder, source, resource), quantity)
                    for holder, source, resource, quantity in provisions(user)
                )
            ),
            "benchmark",
        )
        for user in range(USERS)
    ]

    def step(users: Sequence[int]) -> None:
        outcomes = perform(store, [issues[user] for user in users], clock.now())
        serials = [outcome.serial for outcome in outcomes if isinstance(outcome, Issued)]
        # Each accept is an operation of its own, as it comes over HTTP.
        resolutions = [Resolve(component, accept=frozenset([serial])) for serial in serials]
        outcomes = perform(store, resolutions, clock.now())
        accepted = sum(len(outcome.accepted) for outcome in outcomes if isinstance(outcome, Resolved))
        if accepted != len(users):
            raise LedgerFailedError(f"of {len(users)} commissions {accepted} were accepted")

    return step


def _bare_step(writer: BareWriter, database: Database) -> Step:
    holdings = {
        (holder, source, resource): identifier
        for holder, source, resource, identifier in database.reader().execute(FIND_HOLDINGS)
    }
    charges = [
        [
            (holdings[holder, stored_source(source), resource], quantity)
            for holder, source, resource, quantity in provisions(user)
        ]
        for user in range(USERS)
    ]

    def step(users: Sequence[int]) -> None:
        commissions = [charges[user] for user in users]
        holders = [user_holder(user_uuid(user)) for user in users]
        serials = writer.issue(commissions, clock.now())
        writer.accept(serials, commissions, holders, clock.now())

    return step


def _check(database: Database, done: Sequence[int]) -> None:
    usage = {
        (holder, stored_source(source), resource): done[user] * quantity
        for user in range(USERS)
        for holder, source, resource, quantity in provisions(user)
    }
    for holder, source, resource, usage_min, usage_max in database.reader().execute(LIST_USAGE):
        if resource in QUANTITIES and not usage_min == usage_max == usage[holder, source, resource]:
            raise WrongFiguresError(f"{resource} of {holder} from {source!r}: {usage_min}, {usage_max}")


if __name__ == "__main__":
    command_line.run(__doc__, [measure])

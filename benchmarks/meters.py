"""Commissions on resources with 0, 1 and 3 meters, beside counters in rows that each call locks.

The counters are what people write today: a row for each limit, with the end of its period. Each call is a
transaction that locks its rows, resets those whose period is over, checks and adds; settling is another one.
There is no log, no history and no idempotency, and nothing but the rows can be asked for.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.directory.tokens import token_hash
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.opening import database_of, ledger_storage
from astakos.storage.protocol import Connection, Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import registry
from benchmarks import command_line
from benchmarks.garbage import keep_what_is_there
from benchmarks.ledger import LedgerFailedError, Step, engine_step
from benchmarks.pairs import Copies
from benchmarks.population import COMPONENT, COMPONENT_TOKEN, LIMIT, QUANTITIES, USERS, provisions
from benchmarks.postgresql_databases import postgresql_databases
from benchmarks.results import Result, rate, ratio
from benchmarks.service_process import Databases
from benchmarks.verification import WrongFiguresError

METERS = {
    "month": MeterDefinition(unit=Unit.MONTH, zone="Europe/Athens"),
    "day": MeterDefinition(unit=Unit.DAY, zone="Europe/Athens"),
    "per-minute": MeterDefinition(kind=Kind.RATE, unit=Unit.MINUTE),
}
COUNTS = (0, 1, 3)
BATCH = 32
TURN_SECONDS = 0.25
FAR = 2**62
LEVELS = 2 * len(QUANTITIES)
"""How many holdings a commission changes, without meters."""


def measure(seconds: float) -> Sequence[Result]:
    """On both kinds of database."""
    with Databases() as databases:
        found = [_measure_on(databases, "SQLite", seconds)]
    with postgresql_databases() as databases_of_server:
        found.append(_measure_on(databases_of_server, "PostgreSQL", seconds))
    return found


def _measure_on(databases: Copies, name: str, seconds: float) -> Result:
    with contextlib.ExitStack() as stack:
        contestants = {
            count: (
                stack.enter_context(_engine(databases.copy(), count)),
                stack.enter_context(_counters(databases.copy(), count)),
            )
            for count in COUNTS
        }
        keep_what_is_there()
        end = time.perf_counter() + seconds * 2 * len(COUNTS)
        while time.perf_counter() < end:
            for contestant in itertools.chain.from_iterable(contestants.values()):
                contestant.take_turn()
        for contestant in itertools.chain.from_iterable(contestants.values()):
            contestant.check()
    without = contestants[0][0].per_second
    rows = []
    for count, (engine, counters) in contestants.items():
        compared = ratio(engine.per_second, counters.per_second)
        rows.append(
            (
                str(count),
                rate(engine.per_second),
                ratio(engine.per_second, without),
                rate(counters.per_second),
                compared,
            )
        )
    return Result(
        f"Meters: issue + accept, {LEVELS} provisions, durable ({name}), no HTTP",
        ("meters of each resource", "engine, pairs/s", "to none", "counters, pairs/s", "engine to counters"),
        rows,
        f"The engine in batches of {BATCH} commissions, as it makes them under load; the counters one call "
        f"after the other. In turns of {TURN_SECONDS:g} s; usage checked at the end.",
    )


class _Contestant:
    """One way of charging, and how far it has come."""

    def __init__(self, step: Step, size: int, used: Callable[[], int], each: int) -> None:
        """`used` returns the sum of all usage, to which each pair adds `each`."""
        self._step = step
        self._size = size
        self._used = used
        self._each = each
        self._users = itertools.cycle(range(USERS))
        self._done = 0
        self._elapsed = 0.0

    @property
    def per_second(self) -> float:
        return self._done / self._elapsed

    def take_turn(self) -> None:
        started = time.perf_counter()
        while time.perf_counter() < started + TURN_SECONDS:
            self._step(list(itertools.islice(self._users, self._size)))
            self._done += self._size
        self._elapsed += time.perf_counter() - started

    def check(self) -> None:
        """Checks that everything was charged."""
        if self._used() != self._done * self._each:
            raise WrongFiguresError(f"{self._used()} are used after {self._done} pairs of {self._each}")


PER_PAIR = 2 * sum(QUANTITIES.values())
SUM_USED = """
SELECT coalesce(sum(usage_min), 0) FROM holdings WHERE resource IN ('compute.vm', 'compute.ram')
"""


@contextlib.contextmanager
def _engine(url: str, count: int) -> Iterator[_Contestant]:
    database = database_of(url)
    entries = [
        ResourceEntry(name=f"{resource}/{name}", service=COMPONENT, system_default=LIMIT, meter=definition)
        for resource in QUANTITIES
        for name, definition in itertools.islice(METERS.items(), count)
    ]
    load(database, StateDocument(resources=entries), clock.now())
    with contextlib.closing(database), contextlib.closing(ledger_storage(database)) as store:
        found = registry.find_component_by_token(database.reader(), token_hash(COMPONENT_TOKEN))
        if found is None:
            raise LedgerFailedError("the component of the benchmarks is missing")
        yield _Contestant(engine_step(store, found.id), BATCH, lambda: _sum(database, SUM_USED), PER_PAIR)


def _sum(database: Database, statement: str) -> int:
    (found,) = database.reader().execute(statement).fetchone()
    return int(found)


@contextlib.contextmanager
def _counters(url: str, count: int) -> Iterator[_Contestant]:
    database = database_of(url)
    with contextlib.closing(database), contextlib.closing(database.connect()) as connection:
        connection.execute(
            "CREATE TABLE counters "
            "(id BIGINT PRIMARY KEY, bound BIGINT, used BIGINT, reserved BIGINT, ends BIGINT)"
        )
        connection.execute("CREATE TABLE reservations (id BIGINT PRIMARY KEY, quantities TEXT, made BIGINT)")
        rows = [(number, LIMIT, FAR) for number in range(USERS * LEVELS * (1 + count))]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO counters VALUES (?, ?, 0, 0, ?)", rows)
        connection.execute("COMMIT")
        step = _Counters(connection, count, is_file=isinstance(database, SQLiteDatabase))
        statement = f"SELECT coalesce(sum(used), 0) FROM counters WHERE id % {1 + count} = 0"
        yield _Contestant(step, 1, lambda: _sum(database, statement), PER_PAIR)


class _Counters:
    """Two transactions for each commission, on one connection."""

    def __init__(self, connection: Connection, count: int, *, is_file: bool) -> None:
        self._connection = connection
        self._rows = 1 + count
        self._begin = "BEGIN IMMEDIATE" if is_file else "BEGIN"
        places = ", ".join("?" * (LEVELS * self._rows))
        lock = "" if is_file else "FOR UPDATE"
        self._find = (
            f"SELECT id, bound, used, reserved, ends FROM counters WHERE id IN ({places}) ORDER BY id {lock}"
        )
        self._number = itertools.count(1)

    def __call__(self, users: Sequence[int]) -> None:
        for user in users:
            quantities = {
                (user * LEVELS + level) * self._rows + row: quantity
                for level, (*_, quantity) in enumerate(provisions(user))
                for row in range(self._rows)
            }
            self._settle(self._reserve(quantities), quantities)

    def _reserve(self, quantities: dict[int, int]) -> int:
        number, now = next(self._number), clock.now()
        self._connection.execute(self._begin)
        changed = []
        for row in self._connection.execute(self._find, list(quantities)).fetchall():
            identifier, bound, used, reserved, ends = row if now < row[-1] else (*row[:2], 0, row[3], FAR)
            if used + reserved + quantities[identifier] > bound:
                raise WrongFiguresError("the limits of the benchmark are out of reach")
            changed.append((used, reserved + quantities[identifier], ends, identifier))
        self._connection.executemany(
            "UPDATE counters SET used = ?, reserved = ?, ends = ? WHERE id = ?", changed
        )
        self._connection.execute("INSERT INTO reservations VALUES (?, ?, ?)", (number, repr(quantities), now))
        self._connection.execute("COMMIT")
        return number

    def _settle(self, number: int, quantities: dict[int, int]) -> None:
        self._connection.execute(self._begin)
        self._connection.execute(self._find, list(quantities)).fetchall()
        self._connection.executemany(
            "UPDATE counters SET used = used + ?, reserved = reserved - ? WHERE id = ?",
            [(quantity, quantity, identifier) for identifier, quantity in quantities.items()],
        )
        self._connection.execute("DELETE FROM reservations WHERE id = ?", (number,))
        self._connection.execute("COMMIT")


if __name__ == "__main__":
    command_line.run(__doc__, [measure])

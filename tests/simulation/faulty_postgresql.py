"""A database on PostgreSQL whose statements fail, on all connections but those of an engine."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from astakos.storage.postgresql.connection import PostgreSQLConnection
from astakos.storage.postgresql.postgresql_database import BEGIN, PostgreSQLDatabase
from astakos.storage.protocol import Rows
from simulation.faulty_pipelining import RAISE

COMMIT = "COMMIT"
SEQUENCES = "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"


class Fault(Enum):
    """What a statement meets."""

    SERIALIZATION = "the server ends the transaction before it, because of another one"
    CRASH = "the process dies before it"
    ANSWER_LOST = "the connection is lost after it was carried out"


class Schedule:
    """Which statement fails, counted from when it was armed, and how.

    Reads do not count: what ends before one leaves what it leaves if it ends before the next change.
    """

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.countdown = 0
        self.seen = 0
        """How many statements there were that count."""
        self.fired: str | None = None
        """The statement that failed."""

    def arm(self, fault: Fault, countdown: int) -> None:
        """Lets the fault come after that many statements from now (-1: at the next commit)."""
        self.fault, self.countdown, self.fired = fault, countdown, None

    def comes_to(self, statement: str) -> Fault | None:
        """The fault that this statement meets, if any."""
        if statement.lstrip().startswith("SELECT"):
            return None
        self.seen += 1
        if self.fault is None:
            return None
        if self.countdown == 0 or (self.countdown < 0 and statement == COMMIT):
            fault, self.fault, self.fired = self.fault, None, statement
            return fault
        self.countdown -= 1
        return None


class FaultyConnection(PostgreSQLConnection):
    """A connection whose statements fail by schedule.

    Each transaction begins with the same numbers in all sequences, so that one that is repeated comes to the
    same rows.
    """

    def __init__(self, connection: PostgreSQLConnection, schedule: Schedule, numbering: str) -> None:
        super().__init__(connection.raw, connection.pooled_settings)
        self._schedule = schedule
        self._numbering = numbering

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        if statement == BEGIN:
            self.raw.execute(self._numbering.encode())
        self._meet(statement)
        return super().execute(statement, parameters)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        self._meet(statement)
        super().executemany(statement, rows)

    def commit(self) -> None:
        self._meet(COMMIT)
        super().commit()

    def _meet(self, statement: str) -> None:
        match self._schedule.comes_to(statement):
            case None:
                pass
            case Fault.CRASH:
                self.raw.close()
            case Fault.ANSWER_LOST:
                self.raw.execute(statement.encode())
                self.raw.close()
            case Fault.SERIALIZATION:
                super().execute(RAISE.format("40001"))


def numbering_of(database: PostgreSQLDatabase) -> str:
    """The statement that gives all sequences the numbers that they have now."""
    numbers = [
        f"setval('{name}', {value}, {is_called})"
        for name, value, is_called in database.reader().execute(SEQUENCES)
    ]
    return f"SELECT {', '.join(numbers)}"


class FaultyPostgreSQLDatabase(PostgreSQLDatabase):
    """A database all of whose connections fail by one schedule."""

    def __init__(self, url: str, numbering: str) -> None:
        super().__init__(url)
        self.schedule = Schedule()
        self._numbering = numbering

    def connect(
        self, *, read_only: bool = False, patient: bool = False, quick: bool = False
    ) -> PostgreSQLConnection:
        connection = super().connect(read_only=read_only, patient=patient, quick=quick)
        return FaultyConnection(connection, self.schedule, self._numbering)

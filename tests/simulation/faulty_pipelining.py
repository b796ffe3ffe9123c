"""A pipeline in which the server really fails where a test wants it to: before a statement, or behind all."""

from enum import Enum

from astakos.storage.postgresql.pipeline import Pipelining, Query, Result, Statement

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'a fault of the simulation' USING ERRCODE = '{}'; END $$"


class Fault(Enum):
    """What the server meets, and the statement by which it does."""

    SERIALIZATION = RAISE.format("40001")
    DEADLOCK = RAISE.format("40P01")
    LOCK = RAISE.format("55P03")
    SHUTDOWN = "SELECT pg_terminate_backend(pg_backend_pid())"
    LOST_STATEMENTS = "DEALLOCATE ALL"
    """Its prepared statements are gone, as behind some poolers."""
    CLOSED = "the connection is closed before anything is sent"

    @property
    def statement(self) -> Statement:
        return Statement(f"fault_{self.name}".encode(), self.value.encode())


class Schedule:
    """Which statement fails, counted from when it was armed, and how."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.countdown = 0
        self.fired: str | None = None
        """The statement before which it failed; empty if it was the end of a pipeline."""

    def arm(self, fault: Fault, countdown: int) -> None:
        self.fault, self.countdown, self.fired = fault, countdown, None

    def pipelining(self) -> type[Pipelining]:
        """A class whose objects fail by this schedule."""
        schedule = self

        class Scheduled(Pipelining):
            def run(self, *queries: Query) -> list[Result]:
                disturbed = schedule.disturbed(self, queries)
                results = zip(disturbed, super().run(*disturbed), strict=True)
                return [result for query, result in results if query in queries]

        return Scheduled

    def disturbed(self, pipelining: Pipelining, queries: tuple[Query, ...]) -> list[Query]:
        """The statements with the fault among them, or behind them."""
        fault = self.fault
        if fault is None:
            return list(queries)
        if self.countdown > len(queries):
            self.countdown -= len(queries) + 1
            return list(queries)
        place = self.countdown
        self.fault = None
        self.fired = queries[place][0].name.decode() if place < len(queries) else ""
        if fault is Fault.CLOSED:
            pipelining._raw.pgconn.finish()
            return list(queries)
        return [*queries[:place], (fault.statement, []), *queries[place:]]

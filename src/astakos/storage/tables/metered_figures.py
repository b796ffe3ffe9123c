"""Turns the stored figures of meters' holdings into present ones: time has passed since they were stored."""

from functools import cached_property
from typing import NamedTuple

from astakos.ledger.meter_definitions import SEPARATOR, MeterDefinition
from astakos.ledger.meters import Budget, Meter, forgive, resets
from astakos.ledger.rules import Holding
from astakos.storage.protocol import Connection, HasClock
from astakos.storage.tables.meters import find_definitions


class Period(NamedTuple):
    """The time in which a meter counts.

    Attributes:
        words: for people, for example "each month".
        resets: when all that is settled is next forgiven; None if there is nothing to wait for.
    """

    words: str
    resets: int | None


class Span(NamedTuple):
    """A period, and what was settled in it; see `storage/tables/periods.py`."""

    start: int
    end: int
    used: int
    is_over: bool


class Present(NamedTuple):
    """The figures of a holding at present; `period` is None unless it is a meter's."""

    holding: Holding
    period: Period | None = None


class MeteredFigures:
    """What is needed for that is read when the first meter comes."""

    def __init__(self, connection: Connection, now: int) -> None:
        """Read from a connection; `now` is used where the database has no clock of its own."""
        self._connection = connection
        self._given = now

    @cached_property
    def _now(self) -> int:
        connection = self._connection
        return connection.read_clock() if isinstance(connection, HasClock) else self._given

    @cached_property
    def _definitions(self) -> dict[str, tuple[MeterDefinition, Meter]]:
        found = find_definitions(self._connection)
        return {name: (definition, definition.meter(name)) for name, definition in found.items()}

    def at_present(self, resource: str, holding: Holding, mark: int | None) -> Present:
        """Return the figures of a holding; `mark` is its stored mark."""
        if SEPARATOR not in resource or resource not in self._definitions:
            return Present(holding)
        definition, meter = self._definitions[resource]
        forgiven = forgive(meter, holding, mark, self._now)
        ends = resets(meter, forgiven.holding, forgiven.mark, self._now)
        return Present(forgiven.holding, Period(definition.in_words(), ends))

    def spans(self, resource: str, holding: Holding, mark: int | None) -> list[Span]:
        """Return the period of a budget that is running, and one that is over but not stored as such yet."""
        if resource not in self._definitions:
            return []
        _, meter = self._definitions[resource]
        if not isinstance(meter, Budget):
            return []
        forgiven = forgive(meter, holding, mark, self._now)
        found = []
        if forgiven.mark is not None:
            end = resets(meter, forgiven.holding, forgiven.mark, self._now)
            if end is not None:
                found.append(Span(forgiven.mark, end, forgiven.holding.usage_min, is_over=False))
        if forgiven.closed is not None and forgiven.closed.total:
            found.append(Span(*forgiven.closed, is_over=True))
        return found

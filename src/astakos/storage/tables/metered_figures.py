"""Turns the stored figures of meters' holdings into present ones: time has passed since they were stored."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from astakos.ledger.meter_definitions import SEPARATOR, MeterDefinition, base_of
from astakos.ledger.meters import Budget, Meter, Rolled, forgive, resets
from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Connection, HasClock
from astakos.storage.tables import rollovers
from astakos.storage.tables.grant_figures import GrantFigures, ShownGrant
from astakos.storage.tables.meters import find_definitions

ROLLED_OVER = "left over from the period before"
"""The note of what is used as a grant, but was not made by anybody."""


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
    """The figures of a holding at present.

    Attributes:
        holding: without what was used of a grant.
        period: None unless it is a meter's.
        grants: those that lift the limits of its meters or, for a meter, what rolled over to the period.
    """

    holding: Holding
    period: Period | None = None
    grants: tuple[ShownGrant, ...] = ()


class MeteredFigures:
    """What is needed for that is read when the first meter comes."""

    def __init__(self, connection: Connection, now: int, *, everybody: bool = False) -> None:
        """Reads from a connection.

        Args:
            connection: the connection.
            now: the instant, where the database has no clock of its own.
            everybody: whether the figures of all holders are wanted.
        """
        self._connection = connection
        self._given = now
        self._everybody = everybody

    @cached_property
    def now(self) -> int:
        """The instant by the clock that decides about periods."""
        connection = self._connection
        return connection.read_clock() if isinstance(connection, HasClock) else self._given

    @cached_property
    def _definitions(self) -> dict[str, tuple[MeterDefinition, Meter]]:
        found = find_definitions(self._connection)
        return {name: (definition, definition.meter(name)) for name, definition in found.items()}

    def lifted(self, base: str, named: tuple[str, ...] | None) -> tuple[str, ...]:
        """Returns the names of the meters that a grant of a resource lifts, given those that it names."""
        if named is not None:
            return named
        meters = self._definitions.items()
        return tuple(
            name for name, (_, meter) in meters if base_of(name) == base and isinstance(meter, Budget)
        )

    @cached_property
    def _bases(self) -> frozenset[str]:
        return frozenset(base_of(name) or name for name in self._definitions)

    @cached_property
    def _grants(self) -> GrantFigures:
        return GrantFigures(self._connection, self.now, self.lifted, everybody=self._everybody)

    @cached_property
    def _all_rolled(self) -> Mapping[int, Rolled]:
        return rollovers.list_all(self._connection)

    def at_present(self, key: Key, identifier: int, holding: Holding, mark: int | None) -> Present:
        """Returns the figures of a holding.

        Args:
            key: its key.
            identifier: its id.
            holding: the stored figures.
            mark: the stored mark.
        """
        if key.resource in self._bases:
            return Present(holding, grants=self._grants.on(key))
        if SEPARATOR not in key.resource or key.resource not in self._definitions:
            return Present(holding)
        definition, meter = self._definitions[key.resource]
        rolled = self._stored(identifier, meter, mark)
        forgiven = forgive(meter, holding, mark, self.now, rolled)
        ends = resets(meter, forgiven.holding, forgiven.mark, self.now)
        period = Period(definition.in_words(), ends)
        amount = rolled if forgiven.rolled is None else forgiven.rolled.amount
        if not amount or ends is None or forgiven.mark is None:
            return Present(forgiven.holding, period)
        apart, used = _without_rolled(forgiven.holding, amount)
        over = ShownGrant(None, amount, amount - used, forgiven.mark, ends, 0, ROLLED_OVER, (key.resource,))
        return Present(apart, period, (over,))

    def _stored(self, identifier: int, meter: Meter, mark: int | None) -> int:
        """Returns what had been left over for the period that began at a mark."""
        if mark is None or not isinstance(meter, Budget) or not meter.rollover:
            return 0
        if self._everybody:
            found = self._all_rolled.get(identifier)
        else:
            found = rollovers.find(self._connection, identifier)
        return min(found.amount, meter.rollover) if found is not None and found.start == mark else 0

    def spans(self, resource: str, identifier: int, holding: Holding, mark: int | None) -> list[Span]:
        """Returns the period of a budget that is running, and one that is over but not stored as such yet."""
        if resource not in self._definitions:
            return []
        _, meter = self._definitions[resource]
        if not isinstance(meter, Budget):
            return []
        forgiven = forgive(meter, holding, mark, self.now, self._stored(identifier, meter, mark))
        found = []
        if forgiven.mark is not None:
            end = resets(meter, forgiven.holding, forgiven.mark, self.now)
            if end is not None:
                found.append(Span(forgiven.mark, end, forgiven.holding.usage_min, is_over=False))
        if forgiven.closed is not None and forgiven.closed.total:
            found.append(Span(*forgiven.closed, is_over=True))
        return found


def _without_rolled(holding: Holding, amount: int) -> tuple[Holding, int]:
    """Returns a meter's figures without what was used of the amount that rolled over, and that usage."""
    limit, usage_min, usage_max = holding.limit, holding.usage_min, holding.usage_max
    used = max(0, min(usage_max - limit, amount))
    settled = max(0, min(usage_min - limit, amount))
    return Holding(limit, usage_min - settled, usage_max - used), used

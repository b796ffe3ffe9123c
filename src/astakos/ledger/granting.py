"""The grants of a batch of the ledger: read when a meter has no room, and drawn on in order (`grants.py`)."""

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from astakos.ledger.counts import Count
from astakos.ledger.grants import Grant, Rank, Supply, split
from astakos.ledger.meters import Budget, Meters, Rate, Rolled, resets
from astakos.ledger.periods import Schedule
from astakos.ledger.ports import LedgerTransaction
from astakos.ledger.rules import UNLIMITED, Holding, Key

FIRST_READ = 16
"""How many grants of a level are read at first; then four times as many each time."""

Debt = Callable[[str], int]
"""By how much usage of a resource may exceed its limit."""


def any_debt(_resource: str) -> int:
    """Returns the largest quantity: every limit may be exceeded."""
    return UNLIMITED


class Figures(NamedTuple):
    """The state of the batch that grants depend on, as it is when they are drawn on.

    Attributes:
        holdings: all that have been read; those of grants are added as they are read.
        marks: the marks of metered holdings.
    """

    holdings: Mapping[Key, Holding]
    marks: Mapping[Key, int | None]


class Shortage(NamedTuple):
    """An import that does not fit, even with all grants: the meters for which there are too few."""

    meters: frozenset[Key]


class Granting:
    """What lifts the limits of meters in a batch.

    Attributes:
        rolled: what periods that the batch has found over have left over, by holding of the meter.
    """

    def __init__(
        self,
        transaction: LedgerTransaction,
        meters: Meters,
        now: int,
        learn: Callable[[Key, Holding], None],
    ) -> None:
        """Sets where grants are read, and what is told of their holdings when they are."""
        self.rolled: dict[Key, Rolled] = {}
        self._transaction = transaction
        self._meters = meters
        self._now = now
        self._learn = learn
        self._levels: dict[tuple[Key, bool], _Level] = {}
        self._stored: dict[Key, Rolled | None] = {}
        self._lifts: dict[tuple[Key, tuple[str, ...] | None], frozenset[Key]] = {}

    def divide(self, counts: Iterable[Count], figures: Figures, debt: Debt) -> tuple[Count, ...] | Shortage:
        """Divides what imports count on meters between them and grants, so that there is room for it.

        Args:
            counts: what the imports count, all from their first unit on.
            figures: the state before.
            debt: by how much a meter may exceed its limit when there are no grants left.
        """
        listed, used, divided = list(counts), Counter[Key](), list[Count]()
        groups: dict[tuple[Key, Key], list[Count]] = {}
        for count in listed:
            if self._is_metered(count):
                groups.setdefault((count.base, self._level_of(count.key)), []).append(count)
        for count in listed:
            group = (
                groups.pop((count.base, self._level_of(count.key)), []) if self._is_metered(count) else None
            )
            if group is None:
                divided.append(count)
            elif group:
                parts = self._divide_group(group, figures, used, debt)
                if isinstance(parts, Shortage):
                    return parts
                divided += parts
        return tuple(divided)

    def reach(self, meter: Key, counting: Collection[Key], wanted: int, figures: Figures, debt: Debt) -> int:
        """Returns how many of the wanted units there is room for on a meter and others at the same level.

        Args:
            meter: the holding of the meter.
            counting: the holdings on which the units count; those at other levels are ignored.
            wanted: the number of units.
            figures: the state.
            debt: by how much a meter may exceed its limit.
        """
        if meter.resource not in self._meters.named:
            return 0
        level = self._level_of(meter)
        bases = self._meters.bases
        beside = [key for key in counting if key.resource in bases and self._level_of(key) == level]
        room = {key: self._room(key, figures.holdings, 0) for key in beside}
        used = Counter[Key]()
        for key, free in room.items():
            if free < wanted and self._is_rate(key) and not debt(key.resource):
                wanted = free + self._lift(level, key, wanted - free, figures, used)
        return split(wanted, room, self._supplies(level, room, figures, used, debt)).reached

    def lifting(self, meter: Key, figures: Figures, after: int = 0) -> int:
        """Returns how much grants can still lift a meter.

        Args:
            meter: the holding of the meter.
            figures: the state.
            after: only those that expire later.
        """
        level = self._level_of(meter)
        rolled = self._rolled_supply(meter, figures, 0)
        over = 0 if rolled is None or rolled[0].expires <= after else rolled[1].left
        return over + sum(
            _left(figures.holdings[grant.key])
            for grant in self._grants(level, only_named=self._is_rate(meter))
            if grant.rank.expires > after and meter in self._lifted(grant, level)
        )

    def rolled_at(self, meter: Key, mark: int | None) -> int:
        """Returns what the period before the one that began at a mark has left over for it on a meter."""
        definition = self._meters.named[meter.resource]
        if mark is None or not isinstance(definition, Budget) or not definition.rollover:
            return 0
        if meter in self.rolled:
            found: Rolled | None = self.rolled[meter]
        else:
            if meter not in self._stored:
                self._stored[meter] = self._transaction.rolled(meter)
            found = self._stored[meter]
        return min(found.amount, definition.rollover) if found is not None and found.start == mark else 0

    def _divide_group(
        self, group: Sequence[Count], figures: Figures, used: Counter[Key], debt: Debt
    ) -> list[Count] | Shortage:
        """Divides what one import counts at one level."""
        base, quantity, level = group[0].base, group[0].quantity, self._level_of(group[0].key)
        room = {count.key: self._room(count.key, figures.holdings, used[count.key]) for count in group}
        if not quantity:
            # Refused only beyond a limit, as on other holdings: it could be settled for more.
            room = {key: 0 for key in room if self._is_in_debt(key, figures.holdings)}
        short = self._too_few(level, room, max(1, quantity), figures, used, debt)
        if short:
            return Shortage(short)
        found = split(quantity, room, self._supplies(level, room, figures, used, debt))
        if found.lacking:
            return Shortage(found.lacking)
        at_issue = {count.key: count.at_issue for count in group}
        parts = [Count(key, base, number, at_issue.get(key), first) for key, first, number in found.parts]
        for part in parts:
            used[part.key] += part.quantity
        counting = {part.key for part in parts}
        return parts + [count._replace(quantity=0) for count in group if count.key not in counting]

    def _too_few(
        self,
        level: Key,
        room: Mapping[Key, int],
        quantity: int,
        figures: Figures,
        used: Counter[Key],
        debt: Debt,
    ) -> frozenset[Key]:
        """Returns the meters for which there are too few grants, whichever way they are drawn on."""
        return frozenset(
            key
            for key, free in room.items()
            if free < quantity
            and not debt(key.resource)
            and self._lift(level, key, quantity - free, figures, used) < quantity - free
        )

    def _lift(self, level: Key, meter: Key, enough: int, figures: Figures, used: Counter[Key]) -> int:
        """Returns how many units what there is can lift a meter by, at most as many as are enough.

        Few grants name a rate, so it does not need a look at others.
        """
        rolled = self._rolled_supply(meter, figures, used[meter])
        total = 0 if rolled is None else rolled[1].left
        if total < enough:
            for grant in self._grants(level, only_named=self._is_rate(meter)):
                if meter in self._lifted(grant, level):
                    total += _left(figures.holdings[grant.key], used[grant.key])
                if total >= enough:
                    break
        return min(total, enough)

    def _is_in_debt(self, meter: Key, holdings: Mapping[Key, Holding]) -> bool:
        holding = holdings[meter]
        return holding.usage_max > holding.limit and meter.resource not in self._meters.shadows

    def _is_rate(self, meter: Key) -> bool:
        return isinstance(self._meters.named[meter.resource], Rate)

    def _supplies(
        self, level: Key, room: Collection[Key], figures: Figures, used: Counter[Key], debt: Debt
    ) -> Iterator[Supply]:
        """Yields what can be drawn from at a level: grants and what was left over in order, then debts."""
        over = [found for key in room if (found := self._rolled_supply(key, figures, used[key])) is not None]
        given = (
            (
                grant.rank,
                Supply(
                    grant.key,
                    self._lifted(grant, level),
                    _left(figures.holdings[grant.key], used[grant.key]),
                ),
            )
            for grant in self._grants(level, only_named=False)
        )
        for _, supply in heapq.merge(sorted(over, key=itemgetter(0)), given, key=itemgetter(0)):
            yield supply
        for key in room:
            more = debt(key.resource)
            if more:
                holding = figures.holdings[key]
                allowed = min(holding.limit + self.rolled_at(key, figures.marks.get(key)), UNLIMITED)
                most = min(allowed + more, UNLIMITED)
                yield Supply(key, frozenset([key]), most - max(allowed, holding.usage_max + used[key]))

    def _rolled_supply(self, key: Key, figures: Figures, used: int) -> tuple[Rank, Supply] | None:
        """Returns what a meter's period before has left over, which counts on the meter itself."""
        mark = figures.marks.get(key)
        rolled = self.rolled_at(key, mark)
        meter = self._meters.named[key.resource]
        if not rolled or not isinstance(meter, Budget) or not isinstance(meter.periods, Schedule):
            return None
        holding = figures.holdings[key]
        ends = resets(meter, holding, mark, self._now)
        left = max(0, min(rolled, holding.limit + rolled - holding.usage_max - used))
        return Rank(ends or 0, 0, 0), Supply(key, frozenset([key]), left)

    def _grants(self, level: Key, *, only_named: bool) -> Iterable[Grant]:
        key = level, only_named
        if key not in self._levels:

            def read(after: Rank | None, most: int) -> Sequence[Grant]:
                found = self._transaction.grants(level, self._now, after, most, only_named=only_named)
                for grant in found:
                    self._learn(grant.key, grant.holding)
                return found

            self._levels[key] = _Level(read)
        return self._levels[key]

    def _lifted(self, grant: Grant, level: Key) -> frozenset[Key]:
        place = level, grant.lifts
        if place not in self._lifts:
            meters = self._meters.of.get(level.resource, ())
            if grant.lifts is None:
                names = [meter.resource for meter in meters if isinstance(meter, Budget)]
            else:
                names = [meter.resource for meter in meters if meter.resource in grant.lifts]
            self._lifts[place] = frozenset([level._replace(resource=name) for name in names])
        return self._lifts[place]

    def _is_metered(self, count: Count) -> bool:
        return count.key.resource in self._meters.named

    def _level_of(self, meter: Key) -> Key:
        return meter._replace(resource=self._meters.bases[meter.resource])

    def _room(self, key: Key, holdings: Mapping[Key, Holding], used: int) -> int:
        holding = holdings[key]
        # A limit that only reports leaves nothing to lift.
        most = UNLIMITED if key.resource in self._meters.shadows else holding.limit
        return max(0, most - holding.usage_max - used)


def _left(holding: Holding, used: int = 0) -> int:
    return max(0, holding.limit - holding.usage_max - used)


class _Level:
    """The grants at one level, in order; read when they are iterated over, and only once."""

    def __init__(self, read: Callable[[Rank | None, int], Sequence[Grant]]) -> None:
        self.read: list[Grant] = []
        self._read_more = read
        self._most = FIRST_READ
        self._is_complete = False

    def __iter__(self) -> Iterator[Grant]:
        place = 0
        while True:
            while place < len(self.read):
                yield self.read[place]
                place += 1
            if self._is_complete:
                return
            after = self.read[-1].rank if self.read else None
            found = self._read_more(after, self._most)
            self._is_complete = len(found) < self._most
            self._most *= 4
            self.read += found

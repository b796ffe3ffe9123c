"""Grants: amounts that are used where the limits of meters leave no room, as pure functions (`rules.py`).

A grant belongs to one holding of a resource that has meters, its *base*, and lifts some of those meters. It
is a holding of its own: its limit is the amount, and what is drawn counts on it and is never forgiven.

An import of q is q units, one after another. Each unit counts on every meter that has room for it. Where one
has none, the unit is drawn from the first grant that lifts it, and then counts on none of the meters that
this grant lifts. So an import of a + b is split as an import of a and another of b would be, and what is
given back when fewer units settle is what was taken last: first of the last grant, at the end of the limits.

A unit may need several grants, if none lifts all meters that have no room. A grant whose part in that the
others do anyway is not drawn on.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from astakos.ledger.rules import UNLIMITED, Holding, Key

NEVER = UNLIMITED
"""The instant at which a grant expires that does not."""
USUAL_PRIORITY = 100
MOST_PRIORITY = 1000
SEPARATOR = "/grant-"


def grant_resource(base: str, number: int) -> str:
    """Returns the name under which a grant's own holding counts; nobody can charge it or register it.

    Example:
        >>> grant_resource("llm.tokens", 7)
        'llm.tokens/grant-7'
    """
    return f"{base}{SEPARATOR}{number}"


def base_of_grant(resource: str) -> str | None:
    """Returns the resource that a grant is of, by the name of its holding; None if that is no such name."""
    base, separator, number = resource.rpartition(SEPARATOR)
    return base if separator and number.isdecimal() else None


class Rank(NamedTuple):
    """The order in which grants are drawn on: the smallest comes first.

    Attributes:
        expires: when the grant expires; what would be lost first is used first.
        priority: tells apart those that expire at the same instant.
        number: of the grant; 0 for what a period left over.
    """

    expires: int
    priority: int
    number: int


class Grant(NamedTuple):
    """A grant that can be drawn on now.

    Attributes:
        rank: its place among others.
        key: its holding.
        lifts: the names of the meters that it lifts; None for all budgets of its base.
        holding: the amount, and what was drawn.
    """

    rank: Rank
    key: Key
    lifts: tuple[str, ...] | None
    holding: Holding


@dataclass(slots=True)
class Supply:
    """Something that units can be drawn from; `split` lowers what is left.

    Attributes:
        key: the holding on which they count: a grant's, or a meter's own, if it may go beyond its limit.
        lifts: the holdings of the meters that it stands in for.
        left: how many units it has left.
    """

    key: Key
    lifts: frozenset[Key]
    left: int


class Part(NamedTuple):
    """Units of an import that count on a holding: `quantity` of them, from number `first` on."""

    key: Key
    first: int
    quantity: int


class Split(NamedTuple):
    """What the units of an import count on.

    Attributes:
        parts: by holding, then by number.
        reached: how many units there is room for, up to all.
        lacking: the meters that have no room for the next one, and that nothing lifts.
    """

    parts: tuple[Part, ...]
    reached: int
    lacking: frozenset[Key]


def split(quantity: int, room: Mapping[Key, int], supplies: Iterable[Supply]) -> Split:
    """Splits an import at one level, as far as there is room.

    Args:
        quantity: how many units are imported.
        room: how many the limit of each meter leaves room for.
        supplies: what else units can be drawn from, in order; read no further than necessary.
    """
    free, rest = dict(room), _Supplies(supplies)
    ranges: dict[Key, list[Part]] = {key: [] for key in room}
    reached = 0
    while reached < quantity:
        lacking = frozenset([key for key, left in free.items() if left <= 0])
        drawn = rest.covering(lacking)
        lifted = frozenset[Key]().union(*(supply.lifts for supply in drawn))
        if not lacking <= lifted:
            return Split(_listed(ranges), reached, lacking - lifted)
        counting = [key for key in free if key not in lifted]
        run = min([quantity - reached, *(free[key] for key in counting), *(supply.left for supply in drawn)])
        for key in counting:
            free[key] -= run
            _extend(ranges[key], Part(key, reached, run))
        for supply in drawn:
            supply.left -= run
            _extend(ranges.setdefault(supply.key, []), Part(supply.key, reached, run))
        reached += run
    return Split(_listed(ranges), reached, frozenset())


class _Supplies:
    """Sources in order, without those that are used up."""

    def __init__(self, supplies: Iterable[Supply]) -> None:
        self._more = iter(supplies)
        self._read: deque[Supply] = deque()

    def covering(self, lacking: frozenset[Key]) -> list[Supply]:
        """Returns the first supplies that lift these meters, as far as there are some."""
        chosen: list[Supply] = []
        missing = lacking
        if not missing:
            return chosen
        while self._read and self._read[0].left <= 0:
            self._read.popleft()
        for supply in self._in_order():
            if supply.lifts & missing:
                chosen.append(supply)
                missing -= supply.lifts
                if not missing:
                    break
        for supply in tuple(chosen) if len(chosen) > 1 else ():
            others = frozenset[Key]().union(*(other.lifts for other in chosen if other is not supply))
            if supply.lifts & lacking <= others:
                chosen.remove(supply)
        return chosen

    def _in_order(self) -> Iterator[Supply]:
        yield from (supply for supply in tuple(self._read) if supply.left > 0)
        for supply in self._more:
            if supply.left > 0:
                self._read.append(supply)
                yield supply


def _extend(parts: list[Part], more: Part) -> None:
    if parts and parts[-1].first + parts[-1].quantity == more.first:
        parts[-1] = parts[-1]._replace(quantity=parts[-1].quantity + more.quantity)
    else:
        parts.append(more)


def _listed(ranges: Mapping[Key, list[Part]]) -> tuple[Part, ...]:
    return tuple([part for parts in ranges.values() for part in parts])

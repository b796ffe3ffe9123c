"""Which meters and grants the units of an import count on, as `grants.py` tells it: one after another."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from astakos.ledger.rules import Key


@dataclass
class Grant:
    """A grant as it was made; what was drawn from it is told by the figures of its holding."""

    key: Key
    base: Key
    number: int
    starts: int
    expires: int
    priority: int
    lifts: frozenset[str]
    is_revoked: bool = False

    def can_be_drawn_on(self, now: int) -> bool:
        return self.starts <= now < self.expires and not self.is_revoked


@dataclass
class Source:
    """A grant, or what a period has left over, which counts on the meter itself."""

    rank: tuple[int, int, int]
    key: Key
    lifts: frozenset[Key]
    left: int


@dataclass
class Level:
    """What there is at a level for the imports of a commission, which take it one after the other.

    Attributes:
        free: how much room the limit of each meter leaves; less than nothing beyond it.
        sources: what else there is, in order.
        debts: up to how much beyond its limit each meter may be used, and what rolled over.
    """

    free: dict[Key, int]
    sources: list[Source]
    debts: Mapping[Key, int]

    def __post_init__(self) -> None:
        self.exceeded = [key for key, free in self.free.items() if free < 0]

    def lifting(self, meter: Key, after: int = 0) -> int:
        """How much the sources that expire after an instant can lift a meter."""
        return sum(source.left for source in self.sources if meter in source.lifts and source.rank[0] > after)

    def take_one(self) -> frozenset[Key] | None:
        """What the next unit counts on; None, and nothing is taken, if there is no room for it."""
        lacking = {key for key, free in self.free.items() if free <= 0}
        chosen: list[Source] = []
        missing = set(lacking)
        for source in self.sources:
            if source.left and source.lifts & missing:
                chosen.append(source)
                missing -= source.lifts
        for source in list(chosen):
            others = frozenset[Key]().union(*(other.lifts for other in chosen if other is not source))
            if source.lifts & lacking <= others:
                chosen.remove(source)
        if any(-self.free[key] >= self.debts[key] for key in missing):
            return None
        lifted = frozenset[Key]().union(*(source.lifts for source in chosen))
        counting = {source.key for source in chosen} | {key for key in self.free if key not in lifted}
        for source in chosen:
            source.left -= 1
        for key in counting & self.free.keys():
            self.free[key] -= 1
        return frozenset(counting)

    def take(self, quantity: int) -> list[frozenset[Key]] | None:
        """What each unit counts on; None if there is no room for all of them.

        An import of nothing may be settled for more: there has to be room for that beyond each limit that is
        exceeded already.
        """
        if not quantity:
            possible = [self.lifting(key) or -self.free[key] < self.debts[key] for key in self.exceeded]
            return [] if all(possible) else None
        units = self.units_for(quantity)
        return units if len(units) == quantity else None

    def units_for(self, quantity: int) -> list[frozenset[Key]]:
        """What units count on, up to the first one for which there is no room."""
        least = max(0, min(quantity, *self.free.values()))
        everywhere = frozenset(self.free)
        for key in self.free:
            self.free[key] -= least
        units = [everywhere] * least
        while len(units) < quantity and (unit := self.take_one()) is not None:
            units.append(unit)
        return units


def runs_of(units: Iterable[Collection[Key]], meters: Iterable[Key]) -> list[tuple[Key, int, int]]:
    """Key, first unit and quantity of each run; meters on which no unit counts have one of nothing."""
    found: dict[Key, list[list[int]]] = {key: [] for key in meters}
    for number, unit in enumerate(units):
        for key in unit:
            runs = found.setdefault(key, [])
            if runs and sum(runs[-1]) == number:
                runs[-1][1] += 1
            else:
                runs.append([number, 1])
    return [(key, first, quantity) for key, runs in found.items() for first, quantity in runs or [[0, 0]]]

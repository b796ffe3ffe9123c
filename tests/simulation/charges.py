"""Commissions as the model keeps them: what they have charged, and what that counts elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from astakos.ledger.overage import Overage
from astakos.ledger.rules import Key

MORE_THAN_ANY = 2**100


@dataclass
class Count:
    """What a provision counts elsewhere: its units from one on. A rate has counted them at issue."""

    key: Key
    base: Key
    quantity: int
    issued_at: int
    is_pending: bool = True
    first: int = 0
    settled: int | None = None

    def among(self, units: int) -> int:
        """How many of the first units it counts; of a release, at most what it counts."""
        if self.quantity < 0:
            return max(units, self.quantity)
        return max(0, min(units - self.first, self.quantity))


@dataclass
class Commission:
    component: int
    provisions: dict[Key, int]
    expires: int | None
    overage: Overage = Overage.REFUSE
    counts: list[Count] = field(default_factory=list)
    charged_key: str | None = None
    used: dict[Key, int] = field(default_factory=dict)  # so far, as its component has told
    settled: dict[Key, int] | None = None  # what came true of each provision; None while it is pending
    is_move: bool = False  # whether it takes along what a project uses
    corrected: dict[Key, int] | None = None  # of a reconciliation, without what follows from it above

    def entries(self) -> dict[Key, tuple[int, int]]:
        """What it counts in all on each holding, and what came true of it."""
        own = [(key, quantity, (self.settled or {}).get(key, 0)) for key, quantity in self.provisions.items()]
        counted = [(count.key, count.quantity, count.settled or 0) for count in self.counts]
        return sums_of([*own, *counted])

    def units(self) -> dict[tuple[Key, Key], list[list[int]]]:
        """From which unit up to which one each holding counts a provision."""
        return units_of((count.key, count.base, count.first, count.quantity) for count in self.counts)

    def place_of(self, count: Count) -> Count | None:
        """The last of its counts that is of the same provision, and on the same holding."""
        same = [one for one in self.counts if (one.key, one.base) == (count.key, count.base)]
        return same[-1] if same else None

    def pending(self) -> list[tuple[Key, int]]:
        """What can still be undone, while it is pending; what a rate has counted is not among it."""
        counted = [(count.key, count.quantity) for count in self.counts if count.is_pending]
        return [*self.provisions.items(), *counted]


def sums_of(entries: Iterable[tuple[Key, int, int]]) -> dict[Key, tuple[int, int]]:
    """What is issued and settled in all on each holding."""
    sums: dict[Key, tuple[int, int]] = {}
    for key, quantity, settled in entries:
        known = sums.get(key, (0, 0))
        sums[key] = known[0] + quantity, known[1] + settled
    return sums


def units_of(counts: Iterable[tuple[Key, Key, int, int]]) -> dict[tuple[Key, Key], list[list[int]]]:
    """From which unit up to which one each holding counts each provision, by both."""
    units: dict[tuple[Key, Key], list[list[int]]] = {}
    for key, base, first, quantity in sorted(counts, key=lambda one: one[2]):
        if quantity > 0:
            ranges = units.setdefault((key, base), [])
            if ranges and ranges[-1][1] == first:
                ranges[-1][1] += quantity
            else:
                ranges.append([first, first + quantity])
    return units


def merged(provisions: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    listed = list(provisions)
    return {key: sum(quantity for other, quantity in listed if other == key) for key, _ in listed}


def equal_share(free: int, wanted: list[int]) -> int:
    """Up to how much each may have, so that all have at most what is free; no bound if that is enough."""
    if sum(wanted) <= free:
        return MORE_THAN_ANY
    least, others = min(wanted), sorted(wanted)[1:]
    if least * len(wanted) <= free:
        return equal_share(free - least, others)
    return free // len(wanted)

"""The ledger as its rules tell it, as naive as can be: figures are what was settled, and what is pending.

It issues and resolves what it is told to; which of several culprits a refusal names is left open, so it lists
them all. `spending.py` knows what time does to a meter.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.overage import Overage
from astakos.ledger.rules import Key
from simulation.spending import Budget, Rate

LARGEST = 2**63 - 1
MORE_THAN_ANY = 2**100
METERED_TTL = 3600 * 1_000_000


class Figures(NamedTuple):
    limit: int
    usage_min: int
    usage_max: int


class Culprit(NamedTuple):
    name: str
    key: Key
    quantity: int
    usage: int | None = None
    limit: int | None = None


@dataclass
class Count:
    """What a provision counts elsewhere. A rate has counted it already when it was issued."""

    key: Key
    base: Key
    quantity: int
    issued_at: int
    is_pending: bool = True
    settled: int | None = None


@dataclass
class Commission:
    component: int
    provisions: dict[Key, int]
    expires: int | None
    overage: Overage = Overage.REFUSE
    counts: list[Count] = field(default_factory=list)
    used: dict[Key, int] = field(default_factory=dict)  # so far, as its component has told
    settled: dict[Key, int] | None = None  # what came true of each provision; None while it is pending
    is_move: bool = False  # whether it takes along what a project uses

    def entries(self) -> list[tuple[Key, int, int | None]]:
        """Each quantity that it counts somewhere, and what came true of it."""
        own = [
            (key, quantity, None if self.settled is None else self.settled[key])
            for key, quantity in self.provisions.items()
        ]
        return own + [(count.key, count.quantity, count.settled) for count in self.counts]

    def pending(self) -> list[tuple[Key, int]]:
        """What can still be undone, while it is pending; what a rate has counted is not among it."""
        counted = [(count.key, count.quantity) for count in self.counts if count.is_pending]
        return [*self.provisions.items(), *counted]


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


class Model:
    def __init__(self, meters: Mapping[str, MeterDefinition], most_debts: Mapping[str, int]) -> None:
        self.limits: dict[Key, int] = {}
        self.member_limits: dict[Key, int] = {}  # of what stands under a key, each may use so much
        self.commissions: dict[int, Commission] = {}
        self.remembered: dict[tuple[int, str], tuple[object, int, tuple[int, ...] | None, int]] = {}
        """What was asked, its serial, what was granted, when."""
        self.parents: dict[str, str] = {}
        """Above which project's holdings stand whose."""
        self.meters = dict(meters)
        self.most_debts = most_debts
        self.spent: dict[Key, Budget | Rate] = {}
        self.settled: Counter[Key] = Counter()
        """All that has been settled on each holding."""
        self.now = 0

    # What stands where

    def limit(self, key: Key) -> int:
        project_level = Key(str(key.source), None, key.resource)
        return min(self.limits[key], self.member_limits.get(project_level, LARGEST))

    def above(self, key: Key) -> list[Key]:
        """The holdings above a project's, the nearest first."""
        parent = self.parents.get(key.holder)
        higher = None if parent is None else Key(parent, None, key.resource)
        if key.source is not None or higher not in self.limits:
            return []
        return [higher, *self.above(higher)]

    def figures(self, key: Key) -> Figures:
        return self.all_figures({key})[key]

    def all_figures(self, keys: Collection[Key]) -> dict[Key, Figures]:
        sums = {key: [self.settled[key], 0, 0] for key in keys}
        for key in self.spent.keys() & sums.keys():
            sums[key][0] = self.spent[key].used
        for serial in self.all_pending():
            for key, quantity in self.commissions[serial].pending():
                if key in sums:
                    sums[key][1 if quantity >= 0 else 2] += quantity
        return {
            key: Figures(self.limit(key), true + releases, true + imports)
            for key, (true, imports, releases) in sums.items()
        }

    def pending_resources(self, project: str) -> set[str]:
        """The resources of which something is pending on a project, even if it is nothing."""
        entries = [entry for serial in self.all_pending() for entry in self.commissions[serial].entries()]
        return {
            key.resource
            for key, *_ in entries
            if (key.holder, key.source) == (project, None) and key.resource not in self.meters
        }

    def all_pending(self) -> list[int]:
        return sorted(serial for serial, one in self.commissions.items() if one.settled is None)

    def pending(self, component: int) -> list[int]:
        return [serial for serial in self.all_pending() if self.commissions[serial].component == component]

    def base_of(self, resource: str) -> str | None:
        return resource.partition("/")[0] if resource in self.meters else None

    def counts(self, provisions: Mapping[Key, int], *, is_mending: bool = False) -> list[Count]:
        """Provisions count on each project above; imports, even of nothing, on the meters of each level."""
        found: list[Count] = []
        for base, quantity in provisions.items():
            above = self.above(base)
            found += [Count(key, base, quantity, self.now) for key in above]
            if quantity >= 0 and not is_mending:
                found += [
                    Count(key._replace(resource=name), base, quantity, self.now, kind is not Kind.RATE)
                    for key in [base, *above]
                    for name, kind in [(name, definition.kind) for name, definition in self.meters.items()]
                    if self.base_of(name) == base.resource
                ]
        return found

    def is_metered(self, provisions: Mapping[Key, int]) -> bool:
        return any(count.key.resource in self.meters for count in self.counts(provisions))

    # What is granted

    def culprits(
        self, provisions: Mapping[Key, int], *, force: bool, counts: list[Count] | None = None
    ) -> set[Culprit]:
        """Whatever stands against an issue; empty if nothing does.

        Imports on a holding add up, and so do releases, but neither makes room for the other.
        """
        named = {
            Culprit("IsMeter", key, quantity)
            for key, quantity in provisions.items()
            if key.resource in self.meters
        }
        counts = self.counts(provisions) if counts is None else counts
        items = [*provisions.items(), *((count.key, count.quantity) for count in counts)]
        apart = [merged(item for item in items if (item[1] >= 0) is is_import) for is_import in (True, False)]
        return named or {
            found for part in apart for item in part.items() if (found := self._culprit(*item, force=force))
        }

    def _culprit(self, key: Key, quantity: int, *, force: bool) -> Culprit | None:
        if key not in self.limits:
            return Culprit("NoHolding", key, quantity)
        limit, usage_min, usage_max = self.figures(key)
        if quantity < 0:
            return Culprit("NoQuantity", key, quantity, usage_min, 0) if usage_min + quantity < 0 else None
        if usage_max + quantity > limit and not force:
            return Culprit("NoCapacity", key, quantity, usage_max, limit)
        return Culprit("OutOfRange", key, quantity, usage_max) if usage_max + quantity > LARGEST else None

    def room(self, resource: str, imports: Mapping[Key, int], counts: list[Count], *, in_debt: bool) -> int:
        """How much more of a resource each import can have: an equal share of what is free where it counts.

        Args:
            resource: the resource.
            imports: how much more is wanted of each holding.
            counts: what imports count elsewhere.
            in_debt: whether usage may exceed limits, each by as much as it may.
        """
        wanted: dict[Key, list[int]] = {
            key: [more] for key, more in imports.items() if key.resource == resource
        }
        for key, more in list(imports.items()):
            for other in {count.key for count in counts if count.base == key and key.resource == resource}:
                wanted.setdefault(other, []).append(more)
        shares: list[int] = []
        for key, parts in wanted.items():
            if key in self.limits:
                most_debt = self.most_debts.get(key.resource, LARGEST) if in_debt else 0
                free = min(self.limit(key) + most_debt, LARGEST) - self.figures(key).usage_max
                shares.append(min(LARGEST, equal_share(max(0, free), parts)))
        return min(shares, default=MORE_THAN_ANY)

    def fitting(self, provisions: Mapping[Key, int]) -> dict[Key, int]:
        """As much of each import as there is room for; all of it if there is room for nothing."""
        imports = {key: quantity for key, quantity in provisions.items() if quantity > 0}
        counts = self.counts(provisions)
        fitted = {
            key: min(quantity, self.room(key.resource, imports, counts, in_debt=False))
            for key, quantity in provisions.items()
        }
        return fitted if any(quantity > 0 for quantity in fitted.values()) else dict(provisions)

    def granted(self, serial: int, asked: Mapping[Key, int], overage: Overage) -> dict[Key, int]:
        """What a commission is settled for that has used more than was issued."""
        commission = self.commissions[serial]
        issued = commission.provisions
        beyond = {
            key: quantity - issued[key] for key, quantity in asked.items() if quantity > issued[key] >= 0
        }
        settled = dict(asked)
        for key, more in beyond.items():
            room = 0
            if overage is not Overage.REFUSE:
                room = self.room(key.resource, beyond, commission.counts, in_debt=overage is Overage.DEBT)
            settled[key] = issued[key] + min(more, room)
        return settled

    # What happens

    def issue(
        self,
        serial: int,
        component: int,
        provisions: Mapping[Key, int],
        expires: int | None = None,
        overage: Overage = Overage.REFUSE,
        *,
        is_mending: bool = False,
    ) -> None:
        counts = self.counts(provisions, is_mending=is_mending)
        self.commissions[serial] = Commission(component, dict(provisions), expires, overage, counts)
        self._count(counts)

    def move(self, serial: int, component: int, changes: Mapping[Key, int]) -> None:
        """Take along what a project uses, on its way from those above it to others."""
        settled = dict(changes)
        self.commissions[serial] = Commission(component, settled, None, settled=settled, is_move=True)
        self.settled.update(settled)

    def _count(self, counts: Iterable[Count]) -> None:
        for count in counts:
            spent = self.spent.get(count.key)
            if isinstance(spent, Rate):
                spent.level += count.quantity
            elif spent is not None:
                spent.begin(self.now)

    def grow(self, serial: int, totals: Mapping[Key, int]) -> None:
        commission = self.commissions[serial]
        more = self.counts({key: total - commission.provisions[key] for key, total in totals.items()})
        self._count(more)
        commission.provisions |= totals
        for count in more:
            place = count.key, count.base
            same = [known for known in commission.counts if (known.key, known.base) == place]
            for known in same:
                known.quantity += count.quantity
            if not same:
                commission.counts.append(count)

    def accept(self, serial: int, other: Mapping[Key, int] | None = None) -> None:
        self._settle(serial, {**self.commissions[serial].provisions, **(other or {})})

    def reject(self, serial: int, other: Mapping[Key, int] | None = None) -> None:
        self._settle(serial, {**dict.fromkeys(self.commissions[serial].provisions, 0), **(other or {})})

    def _settle(self, serial: int, settled: dict[Key, int]) -> None:
        commission = self.commissions[serial]
        commission.settled = settled
        for count in commission.counts:
            key, quantity, count.settled = count.key, count.quantity, settled[count.base]
            if key in self.spent:
                # What was nothing and became a release has counted nothing.
                count.settled = max(0, count.settled)
                self.spent[key].settle(quantity, count.settled, count.issued_at, self.now, self.limit(key))
            self.settled[key] += count.settled
        self.settled.update(settled)

    def resolve(self, component: int, accept: Collection[int], reject: Collection[int]) -> list[list[int]]:
        """Accepted, rejected, not found, conflicting."""
        pending = self.pending(component)
        accepted = [serial for serial in pending if serial in accept and serial not in reject]
        rejected = [serial for serial in pending if serial in reject and serial not in accept]
        conflicting = {serial for serial in accept if serial in reject}
        not_found = {*accept, *reject} - conflicting - {*accepted, *rejected}
        for serial in accepted:
            self.accept(serial)
        for serial in rejected:
            self.reject(serial)
        return [accepted, rejected, sorted(not_found), sorted(conflicting)]

    # What time does

    def let_time_pass(self, now: int) -> None:
        """Periods end, rates drain, and then what was to expire by now has expired."""
        self.now = now
        for key, spent in self.spent.items():
            spent.let_time_pass(now, self.limit(key))
        for serial in sorted(self.all_pending(), key=lambda serial: self.commissions[serial].expires or 0):
            commission = self.commissions[serial]
            if commission.expires is not None and commission.expires <= now:
                self.reject(serial, self.granted(serial, commission.used, commission.overage))

    def set_limit(self, key: Key, limit: int) -> None:
        self.limits[key] = limit
        definition = self.meters.get(key.resource)
        if definition is not None and key not in self.spent:
            self.spent[key] = Rate(definition) if definition.kind is Kind.RATE else Budget(definition)

    def redefine(self, name: str, definition: MeterDefinition) -> None:
        """What has been used counts until the period ends that holds the start of the one that is running."""
        self.meters[name] = definition
        for key, spent in self.spent.items():
            if key.resource == name:
                spent.definition = definition

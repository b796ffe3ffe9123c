"""The ledger as its rules tell it, as naive as can be: figures are what was settled, and what is pending.

It issues and resolves what it is told to; which of several culprits a refusal names is left open, so it lists
them all. `spending.py` knows what time does to a meter, and `units.py` what each unit of an import counts on.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.overage import Overage
from astakos.ledger.rules import Key
from simulation.charges import MORE_THAN_ANY, Commission, Count, equal_share, merged
from simulation.spending import Budget, Rate
from simulation.units import Grant, Level, Source, runs_of

LARGEST = 2**63 - 1
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
        self.grants: list[Grant] = []

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

    def shown(self, key: Key, figures: Figures) -> Figures:
        """What quotas show of a holding: of a meter's, without what is used of what rolled over."""
        spent = self.spent.get(key)
        if not isinstance(spent, Budget) or spent.start is None:
            return figures
        limit, settled, usage = figures
        return Figures(
            limit,
            settled - max(0, min(settled - limit, spent.rolled)),
            usage - max(0, min(usage - limit, spent.rolled)),
        )

    def shown_grants(self, key: Key) -> list[tuple[int | None, int, int]]:
        """Number, amount and rest of the grants that quotas show: those that are neither used up nor over."""
        spent = self.spent.get(key)
        if isinstance(spent, Budget) and spent.start is not None and spent.rolled:
            limit, _, usage = self.figures(key)
            return [(None, spent.rolled, spent.rolled - max(0, min(usage - limit, spent.rolled)))]
        shown: list[tuple[int | None, int, int]] = []
        for grant in sorted(self.grants, key=lambda one: (one.expires, one.priority, one.number)):
            if grant.base == key and grant.expires > self.now and not grant.is_revoked:
                amount, settled, usage = self.figures(grant.key)
                if settled < amount or not amount:
                    shown.append((grant.number, amount, amount - usage))
        return shown

    def pending_resources(self, project: str) -> set[str]:
        """The resources of which something is pending on a project, even if it is nothing."""
        return {
            key.resource
            for serial in self.all_pending()
            for key in self.commissions[serial].entries()
            if (key.holder, key.source) == (project, None) and "/" not in key.resource
        }

    def all_pending(self) -> list[int]:
        return sorted(serial for serial, one in self.commissions.items() if one.settled is None)

    def pending(self, component: int) -> list[int]:
        return [serial for serial in self.all_pending() if self.commissions[serial].component == component]

    def base_of(self, resource: str) -> str | None:
        return resource.partition("/")[0] if resource in self.meters else None

    def counts(
        self,
        provisions: Mapping[Key, int],
        charged_key: str | None = None,
        among: Collection[Key] | None = None,
    ) -> list[Count]:
        """Provisions count on each project above; imports, even of nothing, on the meters of each level.

        Those of a user count on the key that the user has called with, and on its meters, as far as there are
        holdings of it, or those among some. A release gives back what is settled on the key, and no more.
        """
        found: list[Count] = []
        given_back: Counter[Key] = Counter()
        for base, quantity in provisions.items():
            above = self.above(base)
            found += [Count(key, base, quantity, self.now) for key in above]
            metered = [base, *above] if quantity >= 0 else []
            level = Key(str(charged_key), base.holder, base.resource)
            existing = self.limits if among is None else among
            if charged_key is not None and base.source is not None and level in existing:
                back = min(-quantity, self.figures(level).usage_min - given_back[level])
                given_back[level] += max(0, back)
                found.append(Count(level, base, quantity if quantity >= 0 else -back, self.now))
                metered += [level] if quantity >= 0 else []
            found += [
                Count(meter, base, quantity, self.now, self.meters[meter.resource].kind is not Kind.RATE)
                for key in metered
                for meter in self.meters_of(key)
                if meter.holder != charged_key or meter in existing
            ]
        return found

    def meters_of(self, level: Key) -> list[Key]:
        return [level._replace(resource=name) for name in self.meters if self.base_of(name) == level.resource]

    def is_metered(self, counts: Iterable[Count]) -> bool:
        return any(count.key.resource in self.meters for count in counts)

    # What is granted

    def level_of(self, meter: Key) -> Key:
        return meter._replace(resource=str(self.base_of(meter.resource)))

    def level(self, meters: Iterable[Key], most_debt: Callable[[str], int]) -> Level:
        """What there is for units that count on some meters of a level."""
        figures = self.all_figures({*meters, *(grant.key for grant in self.grants)})
        room, free, debts = list[Source](), dict[Key, int](), dict[Key, int]()
        for meter in meters:
            limit, _, usage = figures[meter]
            spent = self.spent[meter]
            rolled = spent.rolled if isinstance(spent, Budget) else 0
            free[meter], debts[meter] = limit - usage, rolled + most_debt(meter.resource)
            if rolled:
                left = max(0, min(rolled, limit + rolled - usage))
                rank = spent.resets_at(limit, self.now) or 0, 0, 0
                room.append(Source(rank, meter, frozenset([meter]), left))
            if not most_debt(meter.resource):
                debts[meter] = 0
        for grant in self.grants:
            if grant.can_be_drawn_on(self.now):
                lifts = frozenset(grant.base._replace(resource=name) for name in grant.lifts)
                limit, _, usage = figures[grant.key]
                room.append(
                    Source((grant.expires, grant.priority, grant.number), grant.key, lifts, limit - usage)
                )
        return Level(free, sorted(room, key=lambda source: source.rank), debts)

    def divided(self, counts: list[Count], most_debt: Callable[[str], int]) -> list[Count] | None:
        """What imports count after all, unit by unit, since there are grants; None if there is no room."""
        levels: dict[Key, Level] = {}
        found: list[Count] = []
        for count in counts:
            if count.key.resource not in self.meters:
                found.append(count)
                continue
            level = self.level_of(count.key)
            beside = [
                one for one in counts if one.key.resource in self.meters and self.level_of(one.key) == level
            ]
            if level not in levels:
                levels[level] = self.level(dict.fromkeys(one.key for one in beside), most_debt)
            group = [one for one in beside if one.base == count.base]
            if group[0] is not count:
                continue
            units = levels[level].take(count.quantity)
            if units is None:
                return None
            pending = {one.key: one.is_pending for one in group}
            found += [
                Count(key, count.base, quantity, self.now, pending.get(key, True), first)
                for key, first, quantity in runs_of(units, pending)
            ]
        return found

    def charge(
        self, provisions: Mapping[Key, int], counts: list[Count], *, force: bool
    ) -> tuple[set[Culprit], list[Count]]:
        """Whatever stands against an issue, empty if nothing does; and what it counts elsewhere.

        Imports on a holding add up, and so do releases, but neither makes room for the other.
        """
        named = {
            Culprit("IsMeter", key, quantity)
            for key, quantity in provisions.items()
            if key.resource in self.meters or "/grant-" in key.resource
        }
        if named:
            return named, counts
        items = [*provisions.items(), *((count.key, count.quantity) for count in counts)]
        apart = [merged(item for item in items if (item[1] >= 0) is is_import) for is_import in (True, False)]
        culprits = {
            found for part in apart for item in part.items() if (found := self._culprit(*item, force=force))
        }
        if not any(self._is_over(key, quantity) for key, quantity in apart[0].items()):
            return culprits, counts
        divided = self.divided(counts, (lambda _: MORE_THAN_ANY) if force else (lambda _: 0))
        if divided is None:
            return culprits, counts
        return {culprit for culprit in culprits if culprit.key.resource not in self.meters}, divided

    def _is_over(self, key: Key, quantity: int) -> bool:
        if key.resource not in self.meters or key not in self.limits:
            return False
        limit, _, usage = self.figures(key)
        return usage + quantity > limit

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

        def most_debt(name: str) -> int:
            return self.most_debts.get(name, LARGEST) if in_debt else 0

        wanted: dict[Key, list[int]] = {}
        meters: dict[Key, dict[Key, None]] = {}
        for base, more in imports.items():
            if base.resource == resource:
                own = dict.fromkeys(count.key for count in counts if count.base == base)
                for key in [base, *own]:
                    if key.resource in self.meters:
                        meters.setdefault(self.level_of(key), {})[key] = None
                    elif "/grant-" not in key.resource:
                        wanted.setdefault(key, []).append(more)
        shares: list[int] = []
        for key, parts in wanted.items():
            if key in self.limits:
                free = min(self.limit(key) + most_debt(key.resource), LARGEST) - self.figures(key).usage_max
                shares.append(min(LARGEST, equal_share(max(0, free), parts)))
        for counting in meters.values():
            if all(key in self.limits for key in counting):
                parts = [
                    more
                    for base, more in imports.items()
                    if any((count.base, count.key) == (base, key) for count in counts for key in counting)
                ]
                reached = len(self.level(counting, most_debt).units_for(sum(parts)))
                shares.append(min(LARGEST, equal_share(reached, parts)))
        return min(shares, default=MORE_THAN_ANY)

    def fitting(self, provisions: Mapping[Key, int], charged_key: str | None) -> dict[Key, int] | None:
        """As much of each import as there is room for; None if there is room for nothing."""
        imports = {key: quantity for key, quantity in provisions.items() if quantity > 0}
        counts = self.counts(provisions, charged_key)
        fitted = {
            key: min(quantity, self.room(key.resource, imports, counts, in_debt=False))
            for key, quantity in provisions.items()
        }
        return fitted if not imports or any(quantity > 0 for quantity in fitted.values()) else None

    def granted(self, serial: int, asked: Mapping[Key, int], overage: Overage) -> dict[Key, int]:
        """What a commission is settled for that has used more than was issued."""
        commission = self.commissions[serial]
        issued = commission.provisions
        beyond = self._beyond(commission, asked)
        settled = dict(asked)
        for key, more in beyond.items():
            room = 0
            if overage is not Overage.REFUSE:
                room = self.room(key.resource, beyond, commission.counts, in_debt=overage is Overage.DEBT)
            settled[key] = issued[key] + min(more, room)
        return settled

    def _beyond(self, commission: Commission, asked: Mapping[Key, int]) -> dict[Key, int]:
        issued = commission.provisions
        return {key: quantity - issued[key] for key, quantity in asked.items() if quantity > issued[key] >= 0}

    # What happens

    def issue(
        self,
        serial: int,
        component: int,
        provisions: Mapping[Key, int],
        counts: list[Count],
        expires: int | None = None,
        overage: Overage = Overage.REFUSE,
        charged_key: str | None = None,
    ) -> None:
        self.commissions[serial] = Commission(
            component, dict(provisions), expires, overage, counts, charged_key
        )
        self._count(counts)

    def move(self, serial: int, component: int, changes: Mapping[Key, int]) -> None:
        """Takes along what a project uses, on its way from those above it to others."""
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

    def more(self, serial: int, totals: Mapping[Key, int]) -> list[Count]:
        """What a commission counts elsewhere that grows; of its key, only on what it has counted before."""
        commission = self.commissions[serial]
        before = commission.entries()
        more = {
            key: total - commission.provisions[key]
            for key, total in totals.items()
            if total != commission.provisions[key]
        }
        return self.counts(more, commission.charged_key, before)

    def grow(self, serial: int, totals: Mapping[Key, int], more: list[Count]) -> None:
        """New units follow those that were issued before."""
        commission = self.commissions[serial]
        self._count(more)
        for count in more:
            count.first += max(0, commission.provisions[count.base])
            same = commission.place_of(count)
            if same is None or (
                count.quantity > 0 and same.quantity > 0 and same.first + same.quantity != count.first
            ):
                commission.counts.append(count)
            else:
                same.first = same.first if same.quantity else count.first
                same.quantity += count.quantity
        commission.provisions |= totals

    def accept(self, serial: int, other: Mapping[Key, int] | None = None) -> None:
        self._settle(serial, {**self.commissions[serial].provisions, **(other or {})})

    def reject(self, serial: int, other: Mapping[Key, int] | None = None) -> None:
        self._settle(serial, {**dict.fromkeys(self.commissions[serial].provisions, 0), **(other or {})})

    def _settle(self, serial: int, settled: dict[Key, int]) -> None:
        commission = self.commissions[serial]
        beyond = self._used_beyond(commission, settled)
        commission.settled = settled
        for count in commission.counts:
            count.settled = count.among(settled[count.base])
            if commission.place_of(count) is count:
                own = [one for one in beyond if (one.key, one.base) == (count.key, count.base)]
                count.settled += sum(one.quantity for one in own)
                beyond = [one for one in beyond if one not in own]
        commission.counts += [replace(one, quantity=0, settled=one.quantity) for one in beyond]
        for count in commission.counts:
            took = count.settled or 0
            if count.key in self.spent:
                spent = self.spent[count.key]
                spent.settle(count.quantity, took, count.issued_at, self.now, self.limit(count.key))
            self.settled[count.key] += took
        self.settled.update(settled)

    def _used_beyond(self, commission: Commission, settled: Mapping[Key, int]) -> list[Count]:
        """What units that were not issued count: what they would, had the commission grown by them."""
        more = self._beyond(commission, settled)
        places = dict.fromkeys(
            (count.key, count.base, count.is_pending)
            for count in commission.counts
            if count.base in more and "/grant-" not in count.key.resource
        )
        counts = [Count(key, base, more[base], self.now, is_pending) for key, base, is_pending in places]
        return self.divided(counts, lambda _: MORE_THAN_ANY) or []

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

    def give(self, grant: Grant, amount: int) -> None:
        """Makes a grant; its holding has the amount for a limit."""
        self.grants.append(grant)
        self.limits[grant.key] = amount

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

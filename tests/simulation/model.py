"""The ledger as `quota-semantics.md` tells it, as naive as can be: it recomputes all figures from provisions.

It issues and resolves what it is told to; which of several culprits a refusal names is left open, so it lists
them all.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from astakos.ledger.rules import Key

LARGEST = 2**63 - 1


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
class Commission:
    component: int
    provisions: dict[Key, int]
    expires: int | None
    settled: dict[Key, int] | None = None  # what came true of each provision; None while it is pending


def merged(provisions: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    listed = list(provisions)
    return {key: sum(quantity for other, quantity in listed if other == key) for key, _ in listed}


class Model:
    def __init__(self) -> None:
        self.limits: dict[Key, int] = {}
        self.member_limits: dict[Key, int] = {}  # of what stands under a key, each may use so much
        self.commissions: dict[int, Commission] = {}
        self.remembered: dict[tuple[int, str], tuple[object, int, int]] = {}  # what was asked, serial, time

    def figures(self, key: Key) -> Figures:
        on_it = [commission for commission in self.commissions.values() if key in commission.provisions]
        true = sum(commission.settled[key] for commission in on_it if commission.settled is not None)
        open_ = [commission.provisions[key] for commission in on_it if commission.settled is None]
        imports, releases = sum(q for q in open_ if q > 0), sum(q for q in open_ if q < 0)
        return Figures(self.limit(key), true + releases, true + imports)

    def limit(self, key: Key) -> int:
        project_level = Key(str(key.source), None, key.resource)
        return min(self.limits[key], self.member_limits.get(project_level, LARGEST))

    def pending(self, component: int) -> list[int]:
        return [
            s for s, c in sorted(self.commissions.items()) if c.component == component and c.settled is None
        ]

    def culprits(self, provisions: Mapping[Key, int], *, force: bool) -> set[Culprit]:
        return {found for item in provisions.items() if (found := self._culprit(*item, force=force))}

    def _culprit(self, key: Key, quantity: int, *, force: bool) -> Culprit | None:
        if key not in self.limits:
            return Culprit("NoHolding", key, quantity)
        limit, usage_min, usage_max = self.figures(key)
        if quantity < 0:
            return Culprit("NoQuantity", key, quantity, usage_min, 0) if usage_min + quantity < 0 else None
        if usage_max + quantity > limit and not force:
            return Culprit("NoCapacity", key, quantity, usage_max, limit)
        return Culprit("OutOfRange", key, quantity, usage_max) if usage_max + quantity > LARGEST else None

    def issue(self, serial: int, component: int, provisions: Mapping[Key, int], expires: int | None) -> None:
        self.commissions[serial] = Commission(component, dict(provisions), expires)

    def accept(self, serial: int, less: Mapping[Key, int] | None = None) -> None:
        self.commissions[serial].settled = {**self.commissions[serial].provisions, **(less or {})}

    def reject(self, serial: int) -> None:
        self.commissions[serial].settled = dict.fromkeys(self.commissions[serial].provisions, 0)

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

    def expire(self, now: int) -> None:
        for serial, commission in self.commissions.items():
            if commission.settled is None and commission.expires is not None and commission.expires <= now:
                self.reject(serial)

"""The last imports that were refused, in memory: a refused commission writes nothing.

They are bounded for each holder, and in all. If there are too many, the component that has the most of them
loses its oldest ones, so that one that is refused all the time does not push out what others were refused.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

from astakos.ledger.alerts import Refused
from astakos.ledger.rules import Key
from astakos.ledger.value import Value

MOST_OF_HOLDER = 20
"""How many are kept of a holder and a component."""
LONGEST_NAME = 100
"""How much of the name of a commission is kept."""
MOST = 10_000
"""How many are kept: at most 9 MiB."""


class RecentRefusal(Value, frozen=True):
    """An import that was refused.

    Attributes:
        time: when, in microseconds.
        component: the identifier of the component that had asked.
        holder: who was to be charged.
        key: the holding that had no room: the holder's, or that of a project above, or one of a meter.
        requested: the quantity.
        available: how much there was room for, with grants.
        limit: the limit of the holding.
        is_above: whether it is the holding of a project above.
        name: the component's name for the commission, cut to `LONGEST_NAME`.
    """

    time: int
    component: int
    holder: str
    key: Key
    requested: int
    available: int
    limit: int
    is_above: bool = False
    name: str = ""


class RefusalsWanted(Value, frozen=True):
    """Which refusals are asked for.

    Attributes:
        most: how many.
        holders: only those of these holders; None for all.
        resources: only those by these resources; None for all.
        places: only those by holdings of these holders, or that draw from them; None for all.
    """

    most: int
    holders: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None

    def is_of_place(self, key: Key) -> bool:
        """Whether a holding is in one of the places."""
        return self.places is None or key.holder in self.places or key.source in self.places


class RecentRefusals:
    """Those of one engine since it started. Used on the engine's thread."""

    def __init__(self, most: int = MOST, most_of_holder: int = MOST_OF_HOLDER) -> None:
        """Starts with none."""
        self._most = most
        self._most_of_holder = most_of_holder
        # By component and holder; those of a component whose last refusal is the oldest come first.
        self._kept: dict[int, OrderedDict[str, deque[RecentRefusal]]] = {}
        self._numbers: Counter[int] = Counter()
        self._total = 0

    def add(self, refused: Iterable[Refused], time: int) -> None:
        """Adds refusals that happened now."""
        for component, holder, refusal, is_above, name in refused:
            key, quantity = refusal.provision
            room, limit = refusal.room, refusal.limit
            told = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
            one = RecentRefusal(time, component, holder, key, quantity, room, limit, is_above, told)
            of_component = self._kept.setdefault(component, OrderedDict())
            of_holder = of_component.setdefault(holder, deque())
            of_component.move_to_end(holder)
            of_holder.append(one)
            self._count(component, 1)
            if len(of_holder) > self._most_of_holder:
                of_holder.popleft()
                self._count(component, -1)
            if self._total > self._most:
                self._drop_one()

    def find(self, wanted: RefusalsWanted) -> list[RecentRefusal]:
        """Returns those that are wanted, the newest first."""
        resources = None if wanted.resources is None else frozenset(wanted.resources)
        found = [
            one
            for of_component in self._kept.values()
            for holder in (of_component if wanted.holders is None else frozenset(wanted.holders))
            for one in of_component.get(holder, ())
            if (resources is None or one.key.resource in resources) and wanted.is_of_place(one.key)
        ]
        return sorted(found, key=lambda one: -one.time)[: wanted.most]

    def _drop_one(self) -> None:
        """Drops one of the component with the most: the oldest of the holder whose last one is the oldest."""
        ((component, _),) = self._numbers.most_common(1)
        of_component = self._kept[component]
        holder = next(iter(of_component))
        of_component[holder].popleft()
        if not of_component[holder]:
            del of_component[holder]
        self._count(component, -1)

    def _count(self, component: int, number: int) -> None:
        self._numbers[component] += number
        self._total += number

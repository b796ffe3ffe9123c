"""Settling for more than was issued: what was used was used, even if nobody had foreseen it (`rules.py`).

A component reserves before it knows what will be used: 1,000 tokens for an answer that takes 1,200. How much
of the rest is granted is a policy:

    refuse      nothing; the settlement is refused as a whole, and the commission stays pending
    available   as much as fits at all levels, on all meters
    debt        all of it, up to a bound beyond each limit; later imports are refused until usage is below it

Members and their projects are settled alike: of each resource, all levels get the same part of what exceeds
the reservation.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from astakos.ledger.meters import Count
from astakos.ledger.rules import UNLIMITED, Holding, Key, Provision


class Overage(StrEnum):
    """What happens to the part of a settlement that exceeds what was issued."""

    REFUSE = "refuse"
    AVAILABLE = "available"
    DEBT = "debt"


def granted(
    holdings: Mapping[Key, Holding],
    issued: Mapping[Key, int],
    asked: Mapping[Key, int],
    counts: Iterable[Count],
    most_debt: Callable[[str], int],
) -> dict[Key, int]:
    """Return what a commission settles for.

    Args:
        holdings: every holding of the commission, and of the meters that it counts on.
        issued: the quantities of its provisions.
        asked: what it is to settle for; more than was issued only for imports.
        counts: what it counts on meters.
        most_debt: by how much usage of a resource may exceed its limit; 0 if it may not.
    """
    extra = {key: asked[key] - issued[key] for key in asked if asked[key] > issued[key] >= 0}
    if not extra:
        return dict(asked)
    room = room_for(extra, holdings, counts, most_debt)
    return {
        key: issued[key] + min(extra[key], room[key.resource]) if key in extra else quantity
        for key, quantity in asked.items()
    }


def room_for(
    imports: Iterable[Key],
    holdings: Mapping[Key, Holding],
    counts: Iterable[Count],
    most_debt: Callable[[str], int],
) -> dict[str, int]:
    """Return how much more of each resource can be imported, at all levels and on all meters.

    Args:
        imports: existing holdings.
        holdings: their figures, and those of meters.
        counts: what imports into them count on meters; others are ignored.
        most_debt: by how much usage of a resource may exceed its limit.
    """
    counting = {key: key.resource for key in imports}
    counting |= {count.key: count.base.resource for count in counts if count.base in counting}
    room: dict[str, int] = {}
    for key, resource in counting.items():
        if key in holdings:
            limit, _, usage_max = holdings[key]
            free = min(limit + most_debt(key.resource), UNLIMITED) - usage_max
            room[resource] = max(0, min(room.get(resource, UNLIMITED), free))
    return room


def fitting(
    provisions: Iterable[Provision], holdings: Mapping[Key, Holding], counts: Iterable[Count]
) -> tuple[Provision, ...]:
    """Return provisions with as much of each import as there is room for; releases stay as they are."""
    listed = tuple(provisions)
    imports = [key for key, quantity in listed if quantity > 0]
    room = room_for(imports, holdings, counts, lambda _resource: 0)
    return tuple(
        Provision(key, min(quantity, room.get(key.resource, quantity)) if quantity > 0 else quantity)
        for key, quantity in listed
    )

"""Settling for more than was issued: what was used was used, even if nobody had foreseen it (`rules.py`).

A component reserves before it knows what will be used: 1,000 tokens for an answer that takes 1,200. How much
of the rest is granted is a policy:

    refuse      nothing; the settlement is refused as a whole, and the commission stays pending
    available   as much as fits at all levels, on all meters
    debt        all of it, up to a bound beyond each limit; later imports are refused until usage is below it

Members and their projects are settled alike: of each resource, all levels get the same part of what exceeds
the reservation.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from astakos.ledger.counts import Count
from astakos.ledger.grants import base_of_grant
from astakos.ledger.rules import UNLIMITED, Holding, Key, Provision

Reach = Callable[[Key, Collection[Key], int], int]
"""How many of some units there is room for on a meter and the others on which they count, with grants: the
meter's holding, all on which they count, and their number. 0 for what is no meter."""


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
    reach: Reach,
) -> dict[Key, int]:
    """Returns what a commission settles for.

    Args:
        holdings: every holding of the commission, and those that it counts on.
        issued: the quantities of its provisions.
        asked: what it is to settle for; more than was issued only for imports.
        counts: what it counts elsewhere.
        most_debt: by how much usage of a resource may exceed its limit; 0 if it may not.
        reach: how far grants lift the limit of a meter.
    """
    extra = {key: asked[key] - issued[key] for key in asked if asked[key] > issued[key] >= 0}
    if not extra:
        return dict(asked)
    room = room_for(extra, holdings, counts, most_debt, reach)
    return {
        key: issued[key] + min(extra[key], room[key.resource]) if key in extra else quantity
        for key, quantity in asked.items()
    }


def room_for(
    imports: Mapping[Key, int],
    holdings: Mapping[Key, Holding],
    counts: Iterable[Count],
    most_debt: Callable[[str], int],
    reach: Reach,
) -> dict[str, int]:
    """Returns how much more of each resource each import can have, at all levels and on all meters.

    Args:
        imports: how much more is wanted of existing holdings.
        holdings: their figures, and those on which they count.
        counts: what provisions count elsewhere; those on other holdings than the imports are ignored.
        most_debt: by how much usage of a resource may exceed its limit.
        reach: how far grants lift the limit of a meter.
    """
    counting = {key: {key} for key in imports}
    for count in counts:
        # What a grant has left bounds nothing: there can be others, and periods with room.
        if count.base in imports and base_of_grant(count.key.resource) is None:
            counting.setdefault(count.key, set()).add(count.base)
    room: dict[str, int] = {}
    for key, bases in counting.items():
        if key in holdings:
            holding = holdings[key]
            free = min(holding.limit + most_debt(key.resource), UNLIMITED) - holding.usage_max
            wanted = [imports[base] for base in bases]
            if free < sum(wanted):
                free = max(free, reach(key, counting, sum(wanted)))
            share = _share(max(0, free), wanted)
            resource = next(iter(bases)).resource
            room[resource] = min(room.get(resource, UNLIMITED), share)
    return room


def _share(free: int, wanted: Sequence[int]) -> int:
    """Returns up to how much each can have, so that all together have at most what is free."""
    for others, least in enumerate(sorted(wanted)):
        left = len(wanted) - others
        if least * left > free:
            return free // left
        free -= least
    return UNLIMITED


def fitting(
    provisions: Iterable[Provision],
    holdings: Mapping[Key, Holding],
    counts: Iterable[Count],
    passing: Callable[[str], int],
    reach: Reach,
) -> tuple[Provision, ...]:
    """Returns provisions with as much of each import as there is room for; releases stay as they are.

    Args:
        provisions: the provisions.
        holdings: the figures of their holdings, and of meters.
        counts: what they count on meters.
        passing: by how much usage of a resource may exceed its limit in any case.
        reach: how far grants lift the limit of a meter.
    """
    listed = tuple(provisions)
    imports = {key: quantity for key, quantity in listed if quantity > 0}
    room = room_for(imports, holdings, counts, passing, reach)
    return tuple(
        Provision(key, min(quantity, room.get(key.resource, quantity)) if quantity > 0 else quantity)
        for key, quantity in listed
    )

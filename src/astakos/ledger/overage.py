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
from astakos.ledger.rules import UNLIMITED, Holding, Key


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
    counting = list(extra) + [count.key for count in counts if count.base in extra]
    room: dict[str, int] = {}
    bases = {count.key: count.base for count in counts}
    for key in counting:
        limit, _, usage_max = holdings[key]
        free = min(limit + most_debt(key.resource), UNLIMITED) - usage_max
        resource = bases.get(key, key).resource
        room[resource] = max(0, min(room.get(resource, UNLIMITED), free))
    return {
        key: issued[key] + min(extra[key], room[key.resource]) if key in extra else quantity
        for key, quantity in asked.items()
    }

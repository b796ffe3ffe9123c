"""The levels of API keys: what provisions that name a key count on its holdings (`rules.py`, "Keys")."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from astakos.ledger.counts import Count, counts_on_levels
from astakos.ledger.meters import Meters
from astakos.ledger.rules import Holding, Key, Provision

KEY: Final = "key:"
"""What the holders begin with that are keys."""


def key_holder(prefix: str) -> str:
    """Returns the ledger's name for a key, given by what it begins with."""
    return KEY + prefix


def prefix_of_holder(holder: str) -> str | None:
    """Returns what the key begins with that a holder names; None if it names no key."""
    return holder.removeprefix(KEY) if holder.startswith(KEY) else None


def level_of_key(key_holder: str, drawing: Key) -> Key:
    """Returns the holding of a key on which a user's holding counts: the key draws from its user."""
    return Key(key_holder, drawing.holder, drawing.resource)


def levels_of_key(key_holder: str, provisions: Iterable[Provision]) -> set[Key]:
    """Returns the holdings of a key, of which not all need exist, on which provisions of its user count."""
    return {level_of_key(key_holder, key) for key, _ in provisions if key.source is not None}


def counts_on_key(
    key_holder: str,
    provisions: Iterable[Provision],
    holdings: Mapping[Key, Holding],
    meters: Meters,
    now: int,
) -> Iterator[Count]:
    """Yields what provisions of its user count on a key.

    Args:
        key_holder: the key.
        provisions: what is charged.
        holdings: those of the key that exist; may contain others.
        meters: the meters of all resources.
        now: the instant.
    """
    given_back: dict[Key, int] = {}
    for base, quantity in provisions:
        level = level_of_key(key_holder, base)
        if base.source is None or level not in holdings:
            continue
        if quantity >= 0:
            counts = counts_on_levels(Provision(base, quantity), (level,), meters, now)
            yield from (count for count in counts if count.key in holdings)
            continue
        # No more than the key was charged: the rest was charged without it, or before it had a limit.
        before = given_back.get(level, 0)
        back = min(-quantity, holdings[level].usage_min - before)
        given_back[level] = before + back
        yield Count(level, base, -back, None)

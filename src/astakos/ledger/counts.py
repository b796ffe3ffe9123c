"""What a provision counts elsewhere: on meters of its resource, and on the projects above (`rules.py`).

`key_levels.py` tells what it counts on a key.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from astakos.ledger.meters import NO_METERS, Meters, Rate
from astakos.ledger.rules import Key, Provision

MOST_LEVELS = 8
"""How many projects there are at most from one at the top down to the deepest, with both."""

Above = Mapping[Key, tuple[Key, ...]]
"""The project-level holdings above others, the nearest first. What has none above it is not in it."""
NOTHING_ABOVE: Above = MappingProxyType({})


class Count(NamedTuple):
    """What a provision counts on another holding. It is settled with the provision.

    Of an import's units it counts some, from one on; and of those that settle, as many as are among them.

    A rate counts at issue, as if the commission were accepted: if it counted when commissions are settled, a
    stream of a minute would be charged a minute late, and the next ones let through meanwhile.

    Attributes:
        key: the holding of a meter of the resource, or of a project above, or of a key, or of a meter of
            these, or of a grant.
        base: the holding of the provision.
        quantity: what was issued.
        at_issue: the instant at which a rate counted it; None if it counts when it is settled.
        first: the number of its first unit; see `grants.py`.
    """

    key: Key
    base: Key
    quantity: int
    at_issue: int | None
    first: int = 0

    def among(self, units: int) -> int:
        """Returns how many of the first units it counts."""
        if self.quantity < 0:
            return max(units, self.quantity)
        return max(0, min(units - self.first, self.quantity))


def counts_of(provisions: Iterable[Provision], meters: Meters, above: Above, now: int) -> tuple[Count, ...]:
    """Returns what provisions count elsewhere, each on its own level first and then upwards."""
    return tuple(
        [
            count
            for provision in provisions
            for count in counts_on_levels(
                provision, (provision.key, *above.get(provision.key, ())), meters, now
            )
        ]
    )


def counts_on_levels(
    provision: Provision, levels: Iterable[Key], meters: Meters, now: int
) -> Iterator[Count]:
    """Yields what a provision counts on levels, and on their meters; of its own level, only on the meters."""
    base, quantity = provision
    # Releases count on no meter. An import of nothing does, because it may be settled for more.
    counting = meters.of.get(base.resource, ()) if quantity >= 0 else ()
    for level in levels:
        if level is not base:
            yield Count(level, base, quantity, None)
        for meter in counting:
            at_issue = now if isinstance(meter, Rate) else None
            yield Count(level._replace(resource=meter.resource), base, quantity, at_issue)


def with_counted(keys: Iterable[Key], meters: Meters = NO_METERS, above: Above = NOTHING_ABOVE) -> set[Key]:
    """Returns holdings, and all on which provisions on them count."""
    listed = set(keys)
    if above:
        listed.update([higher for key in listed for higher in above.get(key, ())])
    return meters.with_meters(listed) if meters else listed


def added(before: Sequence[Count], more: Iterable[Count]) -> tuple[Count, ...]:
    """Returns what a commission counts in all after it has grown; a part that counted at issue stays so."""
    counts: list[Count] = list(before)
    places = {_place(count): number for number, count in enumerate(counts)}
    for count in more:
        number = places.get(_place(count))
        if number is not None and _continues(counts[number], count):
            known = counts[number]
            first = known.first if known.quantity else count.first
            counts[number] = known._replace(quantity=known.quantity + count.quantity, first=first)
        else:
            places[_place(count)] = len(counts)
            counts.append(count)
    return tuple(counts)


def _continues(known: Count, more: Count) -> bool:
    return more.quantity <= 0 or known.quantity <= 0 or known.first + known.quantity == more.first


def _place(count: Count) -> tuple[Key, Key, bool]:
    return count.key, count.base, count.at_issue is None


def settled_counts(
    counts: Sequence[Count],
    quantities: Mapping[Key, int],
    extra: Iterable[Count] = (),
    *,
    accepted: bool,
) -> Iterator[tuple[Count, int]]:
    """Yields what each count of a commission is settled for.

    Args:
        counts: the counts.
        quantities: what bases are settled for, where that is not what was issued, or nothing.
        extra: what the units above those that were issued count, if the commission settles for more.
        accepted: whether all others are settled in full, and not for nothing.
    """
    beyond: dict[tuple[Key, Key, bool], list[Count]] = {}
    for more in extra:
        beyond.setdefault(_place(more), []).append(more)
    last = {_place(count): count for count in counts} if beyond else {}
    for count in counts:
        units = quantities.get(count.base)
        settled = (count.quantity if accepted else 0) if units is None else count.among(units)
        if beyond and last[_place(count)] is count:
            settled += sum(more.quantity for more in beyond.pop(_place(count), ()))
        yield count, settled
    for more in chain.from_iterable(beyond.values()):
        yield more._replace(quantity=0), more.quantity

"""The quota rule, as pure functions over holdings (`quota-semantics.md` §1–§3).

A *holding* counts how much of a resource a holder uses from a source, and sets the limit of that usage. It
carries two usage figures, because a pending commission can still be accepted or rejected:

    usage_min   usage if every pending import is rejected and every pending release is accepted
    usage_max   usage if every pending import is accepted and every pending release is rejected

The final usage always lies between the two, and each check uses the worse one. An *import* (quantity ≥ 0)
must fit under the limit even if the final usage is usage_max. A *release* (quantity < 0) must be covered even
if it is usage_min. Issuing a provision of q moves one figure away from the other; settling it closes the gap
again. Of the q issued, s takes effect: all of it on accept, none on reject, or any amount in between:

                    issue            settle for s of q                    accept: s = q   reject: s = 0
    import  q ≥ 0   usage_max += q   usage_min += s, usage_max -= q - s   usage_min += q  usage_max -= q
    release q < 0   usage_min += q   usage_max += s, usage_min -= q - s   usage_max += q  usage_min -= q

Therefore, for every holding at all times:

1. 0 ≤ usage_min ≤ usage_max.
2. usage_max - usage_min is the sum of |q| over the pending provisions on the holding.
3. If A is the sum of every s settled on the holding, then usage_max = A + Σ pending imports, and
   usage_min = A + Σ pending releases.
4. If nothing was forced and the limit was never lowered, usage_max ≤ limit.

A refused issue changes nothing, and rejecting a commission restores every figure that issuing it changed.
Settling is never refused: pending provisions can be settled in any order, even after the limit has changed.
The final figures depend only on the settled quantities.

This module knows nothing about users, projects, components, time, or storage. Holders, sources, and resources
are opaque strings.

Meters
------
A resource that is spent, such as tokens of a language model, can have *meters*: resources that count imports
of it in a time (`meters.py`, which knows about time; `periods.py`). The resource is their *base*.

An import of the base imports into each meter as well, in the same commission, at the same level: all or
nothing, and a refusal names the holding without room. This *count* is derived. It is fixed at issue, settles
when the base settles and for as much, and nobody can name a meter in a commission. Releases never touch a
meter, because a period that has turned has nothing to give back; so a meter has no pending releases, and its
usage_min is what is settled.

*Forgiving* takes what is settled from both figures, and never anything that is pending:

    budget   at the end of each period, all that is settled. What is pending stays reserved, and counts in
             the period in which it settles.
    rate     all the time, limit / period. It counts at issue, as if accepted; settling gives back what was
             not used, at most what has not drained yet.

Therefore, for every holding of a meter at all times, invariants 1 and 2 hold; 3 holds with A the sum of what
was settled and not forgiven since; and in no period is more settled than the limit in force when it was
settled, unless it was forced. In any time t, a rate lets through at most limit + t * limit / period.

Grants
------
A *grant* is an amount of a base, at one level, that stands in for meters that have no room (`grants.py`). It
is a holding of its own: its limit is the amount, and nothing is forgiven on it. The units of an import that
are drawn from it count on it, and not on the meters that it lifts. They are the last ones of the import, so
that settling for less gives them back first. What a period has left over and rolls over to the next one is a
grant that counts on the meter itself, beyond its limit.

Therefore invariants 1 to 4 hold for the holding of a grant, so that over its life no more is drawn from it
than its amount; and those of meters hold with, for a budget, the limit and what rolled over to the period.

Levels
------
A holding can have others *above* it: that of a team those of its department and its organization. Which ones
does not change while anything is pending on it. A provision on it, import or release, derives a count of the
same quantity on each of them, fixed at issue and settled as it is; an import also counts on the meters of
each of them. So what is used at the bottom is used at each level, and the limit above bounds the sum.

Several provisions of a commission can count on one holding. Imports on it add up, and so do releases, but
they never cancel out: an import must fit even if a release is not settled, and a release must be covered even
if an import is not. Therefore invariants 1 to 4 hold for each holding at each level, and

5. Each figure of a holding is at least the sum of those directly below it, unless a release was charged to
   the holding itself. When holdings come below another one, it is charged for what is used of them. When
   holdings leave, what was released on it is taken from them first, so that it covers those that stay.

Keys
----
A commission can name a *key* with which its user has called (`key_levels.py`). For some resources, a key has
holdings of its own. A provision on a holding of the user then derives a count of the same quantity on the
key's holding of the resource, and an import on those of its meters that exist; all are fixed at issue, and
settle as the provision does. Which holdings a key has may change while something is pending on them.

A release gives back to the key at most what is settled on it, for the rest was charged without the key. So it
is never refused for the key's sake. Invariants 1 to 4 hold for the holdings of keys, too.
"""

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from astakos.ledger.value import Value

UNLIMITED = 2**63 - 1
"""The largest figure of a holding; a limit of this value means no limit."""


class Key(NamedTuple):
    """Identifies a holding: `holder` uses `resource` from `source` (None at the project level)."""

    holder: str
    source: str | None
    resource: str


# Integers cannot form cycles, so the garbage collector need not know of it.
class Holding(Value, frozen=True, gc=False):
    """The figures of one holding. Reported usage is `usage_max`."""

    limit: int
    usage_min: int = 0
    usage_max: int = 0

    @property
    def pending(self) -> int:
        """The part of the reported usage that pending commissions can still undo."""
        return self.usage_max - self.usage_min


class Provision(NamedTuple):
    """A requested change of one holding by `quantity`: an import if `quantity` ≥ 0, otherwise a release."""

    key: Key
    quantity: int


class NoHolding(Value, frozen=True):
    """Refused: the holding does not exist."""

    provision: Provision


class Renewal(Value, frozen=True):
    """When there will be room on a meter.

    Attributes:
        resets: the instant at which the running period ends or, for a rate, as much as is missing has
            drained. None if waiting does not help.
        wait: the microseconds until then.
        window: the length of a period in microseconds.
    """

    resets: int | None
    wait: int | None
    window: int


class NoCapacity(Value, frozen=True):
    """Refused: the import would raise `usage` above `limit`.

    Attributes:
        renewal: set for a meter.
        available: how much there is room for, where that is not `limit` - `usage`, for there are grants.
    """

    provision: Provision
    usage: int
    limit: int
    renewal: Renewal | None = None
    available: int | None = None

    @property
    def room(self) -> int:
        """Returns how much there is room for, with grants; 0 if usage is at the limit or beyond it."""
        return max(0, self.limit - self.usage) if self.available is None else self.available


class NoQuantity(Value, frozen=True):
    """Refused: the release is larger than `usage`, which cannot fall below `limit` (always 0)."""

    provision: Provision
    usage: int
    limit: int = 0


class OutOfRange(Value, frozen=True):
    """Refused: a forced import would exceed the largest figure of a holding (signed 64 bits)."""

    provision: Provision
    usage: int


class IsMeter(Value, frozen=True):
    """Refused: the resource counts imports of another one, `base`, and cannot be charged itself."""

    provision: Provision
    base: str


Refusal = NoHolding | NoCapacity | NoQuantity | OutOfRange | IsMeter


def merge(provisions: Iterable[Provision]) -> list[Provision]:
    """Merges provisions into one for each key, with the sum of its quantities.

    A refusal names the first provision that fails, so the order matters; the protocol leaves it open.
    Members' holdings come before those of their projects, because a user can act on the former.
    """
    quantities: dict[Key, int] = {}
    for key, quantity in provisions:
        quantities[key] = quantities.get(key, 0) + quantity
    return sorted((Provision(*item) for item in quantities.items()), key=_is_project_level)


def _is_project_level(provision: Provision) -> bool:
    return provision.key.source is None


def issue(
    holdings: Mapping[Key, Holding],
    provisions: Iterable[Provision],
    *,
    force: bool,
    shadows: Container[str] = (),
) -> dict[Key, Holding] | Refusal:
    """Returns the changed holdings after issuing all provisions, or the first refusal.

    Args:
        holdings: every existing holding that the provisions name; may contain others.
        provisions: at most one for each key; see `merge`.
        force: allow imports to exceed the limit. Releases still cannot take usage below zero.
        shadows: the resources whose limits imports may exceed in any case, because they only report.
    """
    changed: dict[Key, Holding] = {}
    for provision in provisions:
        key, quantity = provision
        holding = holdings.get(key)
        if holding is None:
            return NoHolding(provision)
        limit, usage_min, usage_max = holding.limit, holding.usage_min, holding.usage_max
        if quantity >= 0:
            if usage_max + quantity > limit and not force and key.resource not in shadows:
                return NoCapacity(provision, usage_max, limit)
            if usage_max + quantity > UNLIMITED:
                return OutOfRange(provision, usage_max)
            changed[key] = Holding(limit, usage_min, usage_max + quantity)
        else:
            if usage_min + quantity < 0:
                return NoQuantity(provision, usage_min)
            changed[key] = Holding(limit, usage_min + quantity, usage_max)
    return changed


def issue_apart(
    holdings: Mapping[Key, Holding],
    provisions: Iterable[Provision],
    *,
    force: bool,
    shadows: Container[str] = (),
) -> dict[Key, Holding] | Refusal:
    """Issues provisions of which several may be on one holding; see `issue`.

    Imports are merged, and so are releases. The one is judged as if the other were rejected.
    """
    listed = list(provisions)
    changed = issue(holdings, merge(one for one in listed if one.quantity >= 0), force=force, shadows=shadows)
    releases = merge(one for one in listed if one.quantity < 0)
    if not releases or not isinstance(changed, dict):
        return changed
    released = issue(holdings, releases, force=force)
    if not isinstance(released, dict):
        return released
    for key, after in released.items():
        usage_max = changed[key].usage_max if key in changed else after.usage_max
        changed[key] = Holding(after.limit, after.usage_min, usage_max)
    return changed


def settle(holding: Holding, quantity: int, settled: int) -> Holding:
    """Returns the holding after `settled` of a pending provision's `quantity` has taken effect.

    Args:
        holding: the holding before.
        quantity: the issued quantity.
        settled: from 0 (rejected) to `quantity` (accepted), with the same sign; see `may_settle`.
    """
    limit, usage_min, usage_max = holding.limit, holding.usage_min, holding.usage_max
    if quantity >= 0:
        return Holding(limit, usage_min + settled, usage_max - quantity + settled)
    return Holding(limit, usage_min - quantity + settled, usage_max + settled)


def may_settle(quantity: int, settled: int) -> bool:
    """Whether a provision of `quantity` can be settled for `settled`: anything from 0 to `quantity`."""
    return min(0, quantity) <= settled <= max(0, quantity)


class InvariantViolatedError(Exception):
    """The figures of a holding contradict the quota rule; the ledger must not build on them."""


def verify(key: Key, holding: Holding) -> None:
    """Checks a changed holding against invariant 1.

    Raises:
        InvariantViolatedError: the invariant does not hold; something other than the ledger changed the
            stored figures.
    """
    if not 0 <= holding.usage_min <= holding.usage_max <= UNLIMITED:
        raise InvariantViolatedError(
            f"the holding of {key.resource} by {key.holder} from {key.source} would have "
            f"usage_min {holding.usage_min} and usage_max {holding.usage_max}, "
            f"which violates 0 <= usage_min <= usage_max <= {UNLIMITED}"
        )

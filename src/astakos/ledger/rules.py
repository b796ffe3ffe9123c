"""The quota rule, as pure functions over holdings (`quota-semantics.md` §1–§3).

A *holding* is one counter: how much of a resource a holder uses out of a source, and the limit of that use.
It carries two usage figures, since a commission that is pending may still end either way:

    usage_min   what is in use if every pending import is rejected and every pending release accepted
    usage_max   what is in use if every pending import is accepted and every pending release rejected

So the truth always lies between the two, and a decision looks at the worse one: an *import* (quantity ≥ 0)
must fit below the limit even if all that is pending comes true, a *release* (quantity < 0) must be covered
even if nothing that is pending comes true. Issuing moves one figure towards the possible outcome; resolving
closes the gap. Of what was issued, some part comes true, from all of it (accept) to nothing (reject):

                    issue            settle for s of q                    accept: s = q   reject: s = 0
    import  q ≥ 0   usage_max += q   usage_min += s, usage_max -= q - s   usage_min += q  usage_max -= q
    release q < 0   usage_min += q   usage_max += s, usage_min -= q - s   usage_max += q  usage_min -= q

Hence, for each holding at any time:

1. 0 ≤ usage_min ≤ usage_max.
2. usage_max - usage_min is the sum of |q| over the pending provisions on it.
3. With A the sum of all that ever came true on it, usage_max = A + Σ pending imports, and
   usage_min = A + Σ pending releases.
4. Without `force` and without lowered limits, usage_max ≤ limit.

A refused issue changes nothing, and issuing and rejecting restores every figure. Resolving is never refused:
whatever has been issued can be settled, in any order, whatever became of the limit; the final figures depend
only on what came true.

Nothing here knows users, projects, components, time or storage: holders, sources and resources are opaque.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from astakos.ledger.value import Value

UNLIMITED = 2**63 - 1
"""The largest figure; as a limit it stands for "no limit"."""


class Key(NamedTuple):
    """Which holding: `holder` uses `resource` out of `source` (None at the project level)."""

    holder: str
    source: str | None
    resource: str


class Holding(NamedTuple):
    """The figures of one holding. Reported usage is `usage_max`."""

    limit: int
    usage_min: int = 0
    usage_max: int = 0

    @property
    def pending(self) -> int:
        """How much of the reported usage may still go away."""
        return self.usage_max - self.usage_min


class Provision(NamedTuple):
    """A wish to change one holding by `quantity`: an import if it is 0 or more, else a release."""

    key: Key
    quantity: int


class NoHolding(Value, frozen=True):
    """Refused: there is no such holding."""

    provision: Provision


class NoCapacity(Value, frozen=True):
    """Refused: the import would take `usage` over `limit`."""

    provision: Provision
    usage: int
    limit: int


class NoQuantity(Value, frozen=True):
    """Refused: the release is larger than `usage`, which can not fall below `limit`, always 0."""

    provision: Provision
    usage: int
    limit: int = 0


class OutOfRange(Value, frozen=True):
    """Refused: a forced import would take the figure out of what a holding can count (signed 64 bits)."""

    provision: Provision
    usage: int


Refusal = NoHolding | NoCapacity | NoQuantity | OutOfRange


def merge(provisions: Iterable[Provision]) -> list[Provision]:
    """One provision for each key, with the sum of its quantities.

    The order is that in which a refusal names its culprit, which the protocol leaves open: members' holdings
    before those of the projects they draw from, since that is what the user can act on.
    """
    quantities: dict[Key, int] = {}
    for key, quantity in provisions:
        quantities[key] = quantities.get(key, 0) + quantity
    return sorted((Provision(*item) for item in quantities.items()), key=_is_project_level)


def _is_project_level(provision: Provision) -> bool:
    return provision.key.source is None


def issue(
    holdings: Mapping[Key, Holding], provisions: Iterable[Provision], *, force: bool
) -> dict[Key, Holding] | Refusal:
    """The holdings after issuing merged provisions, or why they are refused; all or nothing.

    Args:
        holdings: at least those holdings that the provisions name and that exist.
        provisions: at most one for each key, see `merge`.
        force: let imports go over the limit. Releases never fall below zero all the same.
    """
    changed: dict[Key, Holding] = {}
    for provision in provisions:
        holding = holdings.get(provision.key)
        if holding is None:
            return NoHolding(provision)
        limit, usage_min, usage_max = holding
        quantity = provision.quantity
        if quantity >= 0:
            if usage_max + quantity > limit and not force:
                return NoCapacity(provision, usage_max, limit)
            if usage_max + quantity > UNLIMITED:
                return OutOfRange(provision, usage_max)
            changed[provision.key] = Holding(limit, usage_min, usage_max + quantity)
        else:
            if usage_min + quantity < 0:
                return NoQuantity(provision, usage_min)
            changed[provision.key] = Holding(limit, usage_min + quantity, usage_max)
    return changed


def settle(holding: Holding, quantity: int, settled: int) -> Holding:
    """The holding after a pending provision of `quantity` has come true for `settled` of it.

    Args:
        holding: as it stands.
        quantity: what was issued.
        settled: from 0 (rejected) to all of `quantity` (accepted), with the same sign; see `may_settle`.
    """
    limit, usage_min, usage_max = holding
    if quantity >= 0:
        return Holding(limit, usage_min + settled, usage_max - quantity + settled)
    return Holding(limit, usage_min - quantity + settled, usage_max + settled)


def may_settle(quantity: int, settled: int) -> bool:
    """Whether so much of a provision can come true: something between none and all of it."""
    return min(0, quantity) <= settled <= max(0, quantity)


class InvariantViolatedError(Exception):
    """The figures of a holding contradict the rule; nothing may be written on top of them."""


def verify(key: Key, holding: Holding) -> None:
    """Hold one changed holding against what is true of every holding at rest.

    Raises:
        InvariantViolatedError: it is not so; the stored figures were changed by something but the ledger.
    """
    if not 0 <= holding.usage_min <= holding.usage_max <= UNLIMITED:
        raise InvariantViolatedError(
            f"the holding of {key.resource} by {key.holder} from {key.source} would stand at "
            f"usage_min {holding.usage_min}, usage_max {holding.usage_max}"
        )

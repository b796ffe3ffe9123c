"""Which resources a component may charge and reconcile: its own, those it was given, or all.

| `may_charge` of the component | charges | reconciles |
|---|---|---|
| None: never said | all | its own |
| a list of resources | its own and these | its own and these |
| `ALL` | all | all |

The first row is what every component could do before there were such rights. Its own resources are those of
its services, also those that are registered later.
"""

from collections.abc import Collection, Iterable
from typing import Final, Literal, NamedTuple

ALL: Final = "all"

MayCharge = tuple[str, ...] | Literal["all"] | None
"""The names of the resources that a component may charge besides its own, in order; or all; or never said."""


class ChargingRight(NamedTuple):
    """The resources that one component may charge and reconcile.

    Attributes:
        named: the component's own resources, and those that it was given.
        charges_all: whether it may charge the others as well.
        reconciles_all: whether it may reconcile the others as well.
    """

    named: frozenset[str]
    charges_all: bool
    reconciles_all: bool

    def not_chargeable(self, resources: Iterable[str]) -> frozenset[str]:
        """Returns the names of those resources that the component may not charge."""
        return frozenset() if self.charges_all else frozenset(resources) - self.named

    def not_reconcilable(self, resources: Iterable[str]) -> frozenset[str]:
        """Returns the names of those resources that the component may not reconcile."""
        return frozenset() if self.reconciles_all else frozenset(resources) - self.named


def charging_right(may_charge: MayCharge, own: Collection[str]) -> ChargingRight:
    """Returns the right of a component that has the resources `own`."""
    given = () if may_charge is None or may_charge == ALL else may_charge
    return ChargingRight(
        named=frozenset(own).union(given),
        charges_all=may_charge is None or may_charge == ALL,
        reconciles_all=may_charge == ALL,
    )

"""Refuses resources that the calling component may not charge or reconcile (`docs/ledger.md`)."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from astakos.directory.entities import Component
from astakos.http.commissions.requested_provisions import Requested
from astakos.http.faults import Forbidden
from astakos.ledger.rules import NoHolding, merge
from astakos.service.service import Service
from astakos.storage.tables import registry

MOST_NAMED = 10


class NotChargeable(NamedTuple):
    """What a component may not charge, of the names in a request.

    Attributes:
        component: The component.
        others: Resources of others.
        unknown: Names of no resource. They are refused here, since a resource of others could get such a name
            before the ledger looks.
    """

    component: Component
    others: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()

    def refusal(self, requested: Requested) -> Forbidden | NoHolding | None:
        """Returns why a commission is refused; None if the ledger decides."""
        if not (self.others or self.unknown):
            return None
        others = self.others.intersection(_resources(requested))
        if others:
            return may_not("charge", self.component, others)
        missing = (one for one in merge(requested.provisions) if one.key.resource in self.unknown)
        return next((NoHolding(provision) for provision in missing), None)


async def not_chargeable(
    service: Service, component: Component, commissions: Iterable[Requested]
) -> NotChargeable:
    """Returns what the component may not charge of the resources of these commissions."""
    if not component.is_restricted:
        return NotChargeable(component)
    named = {resource for requested in commissions for resource in _resources(requested)}
    right = await service.charging_right(component)
    if not right.not_chargeable(named):
        return NotChargeable(component)
    # A resource that was registered or given within the last second counts at once.
    foreign = (await service.charging_right(component, renewed=True)).not_chargeable(named)
    existing = (
        {resource.name for resource in await service.read(registry.list_resources)} if foreign else set()
    )
    return NotChargeable(component, foreign & existing, foreign - existing)


async def not_reconcilable(
    service: Service, component: Component, resources: Iterable[str]
) -> frozenset[str]:
    """Returns those of the resources that the component may not reconcile."""
    return (await service.charging_right(component, renewed=True)).not_reconcilable(resources)


def may_not(verb: str, component: Component, resources: Collection[str]) -> Forbidden:
    """Returns the fault for resources that the component may not `verb`."""
    named = sorted(resources)[:MOST_NAMED]
    more = f" and {len(resources) - len(named)} more" if len(resources) > len(named) else ""
    return Forbidden(
        f"The component {component.name} may not {verb} {', '.join(named)}{more}: it may {verb} only its own "
        f"resources, and others that an operator gives it (astakos component set {component.name} "
        "--may-charge)."
    )


def _resources(requested: Requested) -> Iterable[str]:
    return (provision.key.resource for provision in requested.provisions)

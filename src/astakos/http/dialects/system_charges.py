"""Charges on `system` in the dialect of 0.14, where `system` covers all projects that a user draws from.

A charge first goes to the user's own project, like any other charge. Only if that is refused does
`spread_charges` read the other projects and spread the charge over them.
"""

from collections.abc import Iterable

import msgspec

from astakos.http.commissions.requested_provisions import (
    OLD_SYSTEM_SOURCE,
    Requested,
    RequestedProvision,
    is_user_on_system,
    understand_each,
)
from astakos.ledger.operations import Outcome
from astakos.ledger.rules import Holding, Key, NoCapacity, NoQuantity, Provision
from astakos.projects.limits import project_holder, user_holder
from astakos.projects.spreading import Grant, Share, spread, total
from astakos.storage.protocol import Connection
from astakos.storage.tables import quotas as stored

ATTEMPTS = 3
"""How many times to spread a charge again because other requests were faster."""


class SpreadCharges(msgspec.Struct, frozen=True):
    """What to ask the ledger for, and how to report its refusal.

    Attributes:
        requested: Provisions for the ledger.
        wholes: The quantity charged to `system` and the total of the user's holdings, by key in the request.
        is_possible: Whether the holdings of the users, taken together, are sufficient.
    """

    requested: Requested
    wholes: dict[Key, tuple[int, Holding]]
    is_possible: bool

    def retold(self, outcome: Outcome) -> Outcome:
        """Returns an outcome, with the refusal of a part reported as a refusal of the whole charge."""
        if not isinstance(outcome, NoCapacity | NoQuantity):
            return outcome
        key = self.requested.spoken.get(outcome.provision.key, outcome.provision.key)
        if key not in self.wholes:
            return outcome
        quantity, holding = self.wholes[key]
        whole = Provision(key, quantity)
        if isinstance(outcome, NoCapacity):
            return NoCapacity(whole, holding.usage_max, holding.limit)
        return NoQuantity(whole, holding.usage_min)


def spread_charges(connection: Connection, entries: Iterable[RequestedProvision], now: int) -> SpreadCharges:
    """Spreads charges on `system`. The entries must have passed `understand`."""
    others: list[RequestedProvision] = []
    quantities: dict[Key, int] = {}
    for entry in entries:
        holder, resource = entry.holder, entry.resource
        if is_user_on_system(entry) and isinstance(holder, str) and isinstance(resource, str):
            key = Key(holder, OLD_SYSTEM_SOURCE, resource)
            quantities[key] = quantities.get(key, 0) + int(entry.quantity)
        else:
            others.append(entry)
    requested = understand_each(others)
    if isinstance(requested, RequestedProvision):
        raise TypeError(f"{requested} cannot be a provision")
    wholes: dict[Key, tuple[int, Holding]] = {}
    is_possible = True
    for key, quantity in quantities.items():
        grants = _grants(connection, key, now)
        shares = spread(quantity, grants)
        if shares is None:
            is_possible = False
            shares = [Share(key.holder, quantity)]
        for project, part in shares:
            source = project_holder(project)
            for charged in (
                Key(user_holder(key.holder), source, key.resource),
                Key(source, None, key.resource),
            ):
                requested.spoken[charged] = key
                requested.charge(charged, part)
        wholes[key] = quantity, total(grants)
    return SpreadCharges(requested, wholes, is_possible)


def _grants(connection: Connection, key: Key, now: int) -> list[Grant]:
    """Returns what a user has of a resource, from their own project first."""
    found = stored.service_quotas(connection, {key.resource}, [key.holder], None, now)
    grants = [Grant(quota.project, quota.member_level, quota.project_level) for quota in found]
    return sorted(grants, key=lambda grant: grant.project != key.holder)

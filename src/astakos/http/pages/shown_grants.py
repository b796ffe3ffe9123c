"""Grants as pages list them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from astakos.administration.grants import place_of
from astakos.directory.entities import Resource
from astakos.ledger.grants import NEVER
from astakos.storage.protocol import Connection
from astakos.storage.tables import grants, projects
from astakos.storage.tables.grants import Standing, StoredGrant

MOST: Final = 20
"""How many grants of a user or project a page lists."""
OPEN: Final = (Standing.OPEN, Standing.FUTURE)


class ShownGrant(NamedTuple):
    """A grant, and what it is of.

    Attributes:
        grant: The grant.
        resource: The resource.
        unit: Its unit.
        scale: How many digits after the point its amounts have.
        standing: What has become of it.
        project: The name of the project in which a member has it; "" for their own, or if a project has it.
    """

    grant: StoredGrant
    resource: str
    unit: str | None
    scale: int
    standing: Standing
    project: str

    @property
    def left(self) -> int:
        """How much can still be drawn, now or later."""
        return self.grant.left if self.standing in OPEN else 0

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether anything is left to take back."""
        return self.standing in OPEN

    @property
    def is_for_ever(self) -> bool:
        """Whether it never expires."""
        return self.grant.expires >= NEVER


def shown_grant(
    connection: Connection, grant: StoredGrant, resources: Mapping[str, Resource], now: int
) -> ShownGrant:
    """Returns a grant as pages show it."""
    place = place_of(grant.key)
    resource = resources.get(place.resource)
    project = projects.find(connection, place.project) if place.user and place.project else None
    return ShownGrant(
        grant,
        place.resource,
        None if resource is None else resource.unit,
        0 if resource is None else resource.scale,
        grant.state_at(now),
        "" if project is None else project.name,
    )


def grants_of(
    connection: Connection, holder: str, resources: Mapping[str, Resource], now: int
) -> list[ShownGrant]:
    """Returns the newest grants of a user or a project."""
    found = grants.list_of_holder(connection, holder, most=MOST)
    return [shown_grant(connection, one, resources, now) for one in found]

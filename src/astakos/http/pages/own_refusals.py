"""What services were refused lately in a user's name, as pages show it: why, and when there is room again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from astakos.directory.entities import Resource
from astakos.http.pages.user_meters import Row
from astakos.http.pages.visits import UserVisit
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.recent_refusals import RecentRefusal, RefusalsWanted
from astakos.projects.limits import user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

MOST_SHOWN: Final = 10
RESOURCES: Final = "/ui/resources"


class ShownRefusal(NamedTuple):
    """What was refused, and why.

    Attributes:
        time: When.
        service: Who had asked.
        name: What the service calls the commission, cut; "" for nothing.
        resource: The name of the resource.
        unit: Its unit; None if it counts things.
        scale: How many digits after the point amounts in that unit have.
        requested: How much was asked for.
        available: How much was free then.
        limit: The limit that was met.
        project: The name of the project; "" if the user does not draw from it.
        reason: Whose limit it was.
        path: The page of the resource below the base URL; "" if the user has none.
        resets: When the period of the limit ends; None if it has none.
    """

    time: int
    service: str
    name: str
    resource: str
    unit: str | None
    scale: int
    requested: int
    available: int
    limit: int
    project: str
    reason: str
    path: str
    resets: int | None


class Surroundings(NamedTuple):
    """What refusals are explained by: a user's meters, projects by UUID (name and state), and components."""

    rows: Sequence[Row]
    projects: Mapping[str, tuple[str, str]]
    components: Mapping[int, str]


def names_of_components(connection: Connection) -> dict[int, str]:
    """Returns the names of all components by their identifiers."""
    return {component.id: component.name for component in registry.list_components(connection)}


async def own_refusals(
    visit: UserVisit, resources: Mapping[str, Resource], among: Iterable[str], known: Surroundings
) -> list[ShownRefusal]:
    """Returns the latest refusals of the visitor, the newest first.

    Args:
        visit: The visit.
        resources: All resources by name.
        among: The names of the resources to tell of, as far as users see them.
        known: What the refusals are explained by.
    """
    visible = tuple(
        name for name in among if (one := resources.get(name)) and one.ui_visible and one.api_visible
    )
    wanted = RefusalsWanted(MOST_SHOWN, (user_holder(visit.user.uuid),), visible)
    refused = await visit.service.ledger.recent_refusals(wanted)
    return [_shown(one, resources[one.key.resource], known) for one in refused]


def _shown(one: RecentRefusal, resource: Resource, known: Surroundings) -> ShownRefusal:
    project = (one.key.source or one.key.holder).removeprefix("project:")
    name, _ = known.projects.get(project, ("", ""))
    row = next(
        (row for row in known.rows if (row.project, row.own.resource) == (project, one.key.resource)), None
    )
    return ShownRefusal(
        one.time,
        known.components.get(one.component, "A service"),
        one.name,
        one.key.resource,
        resource.unit,
        resource.scale,
        one.requested,
        one.available,
        one.limit,
        name,
        reason_of(one, name),
        "" if row is None else f"{RESOURCES}/{quote(one.key.resource)}?{urlencode({'project': project})}",
        None if row is None else _resets(one, row),
    )


def _resets(one: RecentRefusal, row: Row) -> int | None:
    meter = row.own if one.key.source or row.shared is None else row.shared
    return meter.resets if meter.period else None


def reason_of(one: RecentRefusal, project: str) -> str:
    """Returns whose limit a refused import has met, and what helps."""
    if one.is_above:
        return "A project above yours has no room."
    if prefix_of_holder(one.key.holder) is not None:
        return "The limit of the API key that was used does not allow it."
    if one.key.source:
        return "It would go beyond your own limit."
    return f"All members of {project or 'the project'} together would go beyond its limit."

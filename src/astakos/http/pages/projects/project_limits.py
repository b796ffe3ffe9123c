"""The limits of a project as pages show them: for all members together, for each, and what is used."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from astakos.administration.unusable_meters import find_unusable_meters
from astakos.directory.entities import Resource
from astakos.ledger.rules import UNLIMITED, Holding
from astakos.pages.instants import shown
from astakos.pages.meters import Meter
from astakos.pages.numbers import UNLIMITED_WORD
from astakos.projects.project import INITIALIZED, Application, Capacity, Policy, Project
from astakos.projects.unusable_meters import UnusableMeters
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, quotas, users
from astakos.storage.tables.quotas import ProjectQuota

JOINING: Final[Mapping[Policy, str]] = {
    Policy.AUTO: "Anybody can join",
    Policy.MODERATED: "The owner decides who joins",
    Policy.CLOSED: "Nobody can join",
}
LEAVING: Final[Mapping[Policy, str]] = {
    Policy.AUTO: "Anybody can leave",
    Policy.MODERATED: "The owner decides who leaves",
    Policy.CLOSED: "Nobody can leave",
}


class Limit(NamedTuple):
    """A resource of a project.

    Attributes:
        resource: The resource.
        granted: What the project has been granted; None before it is approved.
        asked: What an application asks for; None if it does not ask.
        meter: What is used of the project's limit.
    """

    resource: Resource
    granted: Capacity | None
    asked: Capacity | None
    meter: Meter

    @property
    def is_empty(self) -> bool:
        """Whether nothing was granted, and nothing is used."""
        return self.granted is not None and self.granted.project == 0 and self.meter.taken == 0


class AskedField(NamedTuple):
    """What an application asks for besides limits: what it is called, as it is, and as it shall be."""

    label: str
    before: str
    after: str


class Comparison(NamedTuple):
    """What an application asks for, beside what there is."""

    application: Application
    applicant: str
    is_new: bool
    fields: list[AskedField]
    limits: list[Limit]
    unusable: list[UnusableMeters]


def visible_resources(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Returns the resources that users can see, by name."""
    return {one.name: one for one in resources if one.ui_visible and one.api_visible}


def limits_of(
    connection: Connection,
    project: Project,
    resources: Mapping[str, Resource],
    now: int,
    asked: Mapping[str, Capacity] | None = None,
) -> list[Limit]:
    """Returns the limits of a project, nearest to a limit first.

    Args:
        connection: Where to read.
        project: The project.
        resources: The resources to show.
        now: The present instant.
        asked: What an application asks for.
    """
    wanted = asked or {}
    used = {one.resource: one for one in quotas.project_quotas(connection, resources, [project.uuid], now)}
    capacities = projects.capacities_of(connection, project.uuid)
    granted = capacities if project.state in INITIALIZED else {}
    found = [
        Limit(
            resource,
            granted.get(name),
            wanted.get(name),
            _meter(resource, used.get(name)),
        )
        for name, resource in resources.items()
        if name in granted or name in wanted
    ]
    return sorted(found, key=lambda one: -one.meter.percent if one.meter.taken else 0)


def compared(
    connection: Connection,
    application: Application,
    project: Project,
    resources: Mapping[str, Resource],
    now: int,
) -> Comparison:
    """Returns what an application asks for, beside what the project has."""
    limits = limits_of(connection, project, resources, now, application.resources)
    applicant = users.find_by_uuid(connection, application.applicant)
    return Comparison(
        application,
        "" if applicant is None else applicant.email,
        project.state not in INITIALIZED,
        list(_asked_fields(connection, application, project)),
        [one for one in limits if one.asked is not None],
        find_unusable_meters(connection, project.uuid, application.resources),
    )


def _meter(resource: Resource, quota: ProjectQuota | None) -> Meter:
    holding = Holding(0) if quota is None else quota.project_level
    period = None if quota is None else quota.period
    return Meter(
        resource.name,
        holding.usage_min,
        holding.pending,
        holding.limit,
        resource.unit,
        resource.scale,
        resource.description,
        "" if period is None else period.words,
        None if period is None else period.resets,
    )


def _asked_fields(connection: Connection, application: Application, project: Project) -> Iterator[AskedField]:
    """Yields what is asked; of changes, only what would be different."""
    is_new = project.state not in INITIALIZED
    for name, label in (
        ("name", "Name"),
        ("owner", "Owner"),
        ("description", "Description"),
        ("homepage", "Homepage"),
        ("end_date", "Ends"),
        ("join_policy", "Joining"),
        ("leave_policy", "Leaving"),
        ("max_members", "Members at most"),
        ("private", "Seen by"),
    ):
        after = getattr(application, name)
        before = getattr(project, name)
        if after is None or (after == before and not is_new):
            continue
        said = [_said(connection, name, value) for value in (before, after)]
        if is_new and said[1] in ("", UNLIMITED_WORD):
            continue
        yield AskedField(label, "" if is_new else said[0], said[1])


def _said(connection: Connection, name: str, value: object) -> str:
    match name:
        case "owner":
            owner = users.find_by_uuid(connection, str(value))
            return "nobody" if owner is None else owner.email
        case "end_date":
            return shown(int(str(value)))
        case "join_policy":
            return JOINING[Policy(str(value))]
        case "leave_policy":
            return LEAVING[Policy(str(value))]
        case "max_members":
            return UNLIMITED_WORD if value == UNLIMITED else f"{value:,}"
        case "private":
            return "members only" if value else "everybody"
    return str(value)

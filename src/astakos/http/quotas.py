"""`account/v1.0`: quotas, as a user and as a service sees them (`http-api.md` §8.5)."""

from collections.abc import Collection, Iterable

from astakos.directory.model import Component, User
from astakos.http.description import Parameter, Reply, described
from astakos.http.faults import ItemNotFound
from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.ledger.rules import Holding
from astakos.storage import quotas as stored
from astakos.storage import registry
from astakos.storage.database import Connection
from astakos.storage.quotas import UserQuota
from astakosclient import answer_types

Figures = dict[str, int]
Quotas = dict[str, dict[str, Figures]]


def _several(text: str) -> list[str]:
    return text.split(",")


USER = Parameter("user", "Of these users alone; uuids, with commas between them.", _several)
PROJECT = Parameter("project", "Of these projects alone; uuids, with commas between them.", _several)


@described(answers={200: Reply(answer_types.Quotas)})
async def quotas(service: Service, _request: Request, user: User) -> Answer:
    """`GET quotas`: the caller's own."""
    return Answer(body=to_json(await service.read(_quotas_of_user, user)))


@described(
    parameters=[USER, PROJECT], answers={200: Reply(answer_types.ServiceQuotas)}, faults=[ItemNotFound]
)
async def service_quotas(service: Service, request: Request, component: Component) -> Answer:
    """`GET service_quotas`: users' quotas of the resources that the calling component offers."""
    users, projects = USER.of(request), PROJECT.of(request)
    body = await service.read_much(_service_quotas, component.id, users, projects)
    if body is None:
        raise ItemNotFound("None of these users has quotas of the resources of this service.")
    return Answer(body=body)


@described(
    parameters=[PROJECT], answers={200: Reply(answer_types.ServiceProjectQuotas)}, faults=[ItemNotFound]
)
async def service_project_quotas(service: Service, request: Request, component: Component) -> Answer:
    """`GET service_project_quotas`: projects' quotas of the resources that the calling component offers."""
    body = await service.read_much(_project_quotas, component.id, PROJECT.of(request))
    if body is None:
        raise ItemNotFound("None of these projects has quotas of the resources of this service.")
    return Answer(body=body)


def _quotas_of_user(connection: Connection, user: User) -> Quotas:
    return _by_user(stored.quotas_of_user(connection, user.id)).get(user.uuid, {})


def _service_quotas(
    connection: Connection, component: int, users: Collection[str] | None, projects: Collection[str] | None
) -> bytes | None:
    resources = registry.resources_of(connection, component)
    found = _by_user(stored.service_quotas(connection, resources, users, projects))
    return None if users is not None and not found else to_json(found)


def _project_quotas(connection: Connection, component: int, projects: Collection[str] | None) -> bytes | None:
    resources = registry.resources_of(connection, component)
    found: Quotas = {}
    for quota in stored.project_quotas(connection, resources, projects):
        found.setdefault(quota.project, {})[quota.resource] = _project_figures(quota.project_level)
    return None if projects is not None and not found else to_json(found)


def _by_user(quotas: Iterable[UserQuota]) -> dict[str, Quotas]:
    found: dict[str, Quotas] = {}
    for quota in quotas:
        member = quota.member_level
        figures = {"limit": member.limit, "usage": member.usage_max, "pending": member.pending}
        figures |= _project_figures(quota.project_level)
        found.setdefault(quota.user, {}).setdefault(quota.project, {})[quota.resource] = figures
    return found


def _project_figures(holding: Holding) -> Figures:
    return {
        "project_limit": holding.limit,
        "project_usage": holding.usage_max,
        "project_pending": holding.pending,
    }

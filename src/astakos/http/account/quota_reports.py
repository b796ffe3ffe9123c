"""`account/v1.0`: quotas, for users and for components (`http-api.md` §8.5)."""

import contextlib
from collections.abc import Collection

from astakos.directory.entities import Component, User
from astakos.http.dialects.dialect import Dialect, QuotaFilter, Quotas
from astakos.http.dialects.newest import PROJECT, USER, project_figures, told_grants
from astakos.http.drawable_projects import sees
from astakos.http.faults import ItemNotFound
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, registry
from astakos.storage.tables import quotas as stored
from astakosclient import answer_types

FEW = 10
"""The quotas of so many users or projects are read as quickly as those of one.

Not so if the users are members of very many projects."""


@described("quotas.quotas", answers={200: Reply(answer_types.Quotas)})
async def quotas(service: Service, request: Request, user: User) -> Answer:
    """Lists the caller's quotas."""
    read = service.read_much if await service.read(memberships.has_many, user.id) else service.read
    return Answer(body=await read(_quotas_of_user, request.dialect, user, service.now()))


@described(
    "quotas.service_quotas",
    parameters=[USER, PROJECT],
    answers={200: Reply(answer_types.ServiceQuotas)},
    faults=[ItemNotFound],
)
async def service_quotas(service: Service, request: Request, component: Component) -> Answer:
    """Lists users' quotas for the resources of the calling component."""
    wanted = request.dialect.quota_filter(request)
    body = await _read_service_quotas(service, request.dialect, component.id, wanted)
    if body is None:
        raise ItemNotFound("None of these users has a quota for a resource of this component.")
    return Answer(body=body)


@described(
    "quotas.service_project_quotas",
    parameters=[PROJECT],
    answers={200: Reply(answer_types.ServiceProjectQuotas)},
    faults=[ItemNotFound],
)
async def service_project_quotas(service: Service, request: Request, component: Component) -> Answer:
    """Lists projects' quotas for the resources of the calling component."""
    wanted = PROJECT.of(request)
    read = service.read if _are_few(wanted) else service.read_much
    body = await read(_project_quotas, component.id, wanted, service.now())
    if body is None:
        raise ItemNotFound("None of these projects has a quota for a resource of this component.")
    return Answer(body=body)


def _are_few(uuids: Collection[str] | None) -> bool:
    return uuids is not None and len(uuids) <= FEW


class _ManyMembershipsError(Exception):
    """The users are few, and their memberships many."""


async def _read_service_quotas(
    service: Service, dialect: Dialect, component: int, wanted: QuotaFilter
) -> bytes | None:
    now = service.now()
    if _are_few(wanted.users):
        with contextlib.suppress(_ManyMembershipsError):
            # In one read: on a database server, each is a round trip.
            return await service.read(_service_quotas_of_few, dialect, component, wanted, now)
    return await service.read_much(_service_quotas, dialect, component, wanted, now)


def _service_quotas_of_few(
    connection: Connection, dialect: Dialect, component: int, wanted: QuotaFilter, now: int
) -> bytes | None:
    if memberships.have_many(connection, wanted.users or ()):
        raise _ManyMembershipsError
    return _service_quotas(connection, dialect, component, wanted, now)


def _quotas_of_user(connection: Connection, dialect: Dialect, user: User, now: int) -> bytes:
    found = (quota for quota in dialect.user_quotas(connection, user, now) if sees(user, quota.project))
    return to_json(dialect.quotas(found).get(user.uuid, {}))


def _service_quotas(
    connection: Connection, dialect: Dialect, component: int, wanted: QuotaFilter, now: int
) -> bytes | None:
    resources = registry.resources_of(connection, component)
    users, projects = wanted.users, wanted.projects
    found = dialect.quotas(stored.service_quotas(connection, resources, users, projects, now))
    return None if users is not None and not found else to_json(found)


def _project_quotas(
    connection: Connection, component: int, projects: Collection[str] | None, now: int
) -> bytes | None:
    resources = registry.resources_of(connection, component)
    found: Quotas = {}
    for quota in stored.project_quotas(connection, resources, projects, now):
        figures = project_figures(quota.project_level, quota.period)
        if quota.grants:
            figures |= told_grants((), quota.grants)
        found.setdefault(quota.project, {})[quota.resource] = figures
    return None if projects is not None and not found else to_json(found)

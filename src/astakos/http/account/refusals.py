"""`GET quotas/refusals` and `GET service_quotas/refusals`: what was refused lately (`docs/ledger.md`)."""

from collections.abc import Iterable, Sequence

from astakos.clock import to_iso
from astakos.directory.entities import Component, User
from astakos.http.commissions.history_pages import LIMIT, USUAL_PAGE
from astakos.http.commissions.refused_issues import Level
from astakos.http.dialects.newest import USER
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.key_levels import key_holder, prefix_of_holder
from astakos.ledger.recent_refusals import RecentRefusal, RefusalsWanted
from astakos.projects.limits import project_holder, user_holder
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry
from astakosclient.answer_types import RecentRefusal as Document


@described("quotas.refusals", parameters=[LIMIT], answers={200: Reply(list[Document])})
async def refusals(service: Service, request: Request, user: User) -> Answer:
    """Lists what was refused to the caller lately for want of room, the newest first.

    Only what this service remembers since it started; at most 20 refusals for each component. The key of a
    project is told what its own limits have refused, and those of the user and of all members in the project.
    """
    visible = [resource.name for resource in await service.resources() if resource.api_visible]
    places = None
    if user.key is not None and user.key.project is not None:
        places = project_holder(user.key.project), key_holder(user.key.prefix)
    return await _answer(service, request, [user.uuid], visible, places)


@described("quotas.service_refusals", parameters=[USER, LIMIT], answers={200: Reply(list[Document])})
async def service_refusals(service: Service, request: Request, component: Component) -> Answer:
    """Lists what was refused lately of the resources of the calling component, the newest first.

    Only what this service remembers since it started; at most 20 refusals for each user and component.
    """
    resources = await service.read(registry.resources_of, component.id)
    return await _answer(service, request, USER.of(request), resources)


async def _answer(
    service: Service,
    request: Request,
    users: Sequence[str] | None,
    resources: Iterable[str],
    places: tuple[str, ...] | None = None,
) -> Answer:
    holders = None if users is None else tuple(map(user_holder, users))
    most = LIMIT.of(request) or USUAL_PAGE
    found = await service.ledger.recent_refusals(RefusalsWanted(most, holders, tuple(resources), places))
    names = await service.read(_names_of_components) if found else {}
    return Answer(body=to_json([_document(one, names.get(one.component, "")) for one in found]))


def _names_of_components(connection: Connection) -> dict[int, str]:
    return {component.id: component.name for component in registry.list_components(connection)}


def _level(one: RecentRefusal) -> Level:
    if one.is_above:
        return "parent"
    if prefix_of_holder(one.key.holder) is not None:
        return "key"
    return "user" if one.key.source else "project"


def _document(one: RecentRefusal, component: str) -> Document:
    return {
        "time": to_iso(one.time),
        "component": component,
        "charged": one.holder,
        "holder": one.key.holder,
        "source": one.key.source,
        "resource": one.key.resource,
        "level": _level(one),
        "requested": one.requested,
        "available": one.available,
        "limit": one.limit,
    }

"""`identity/v3`: what the caller can see: the catalog, their projects, themselves, and the only domain."""

from typing import Any

from astakos.directory.entities import User
from astakos.http.authentication import authenticated_user
from astakos.http.drawable_projects import drawable_projects
from astakos.http.faults import ItemNotFound
from astakos.http.keystone.answers import (
    CatalogAnswer,
    DomainAnswer,
    DomainsAnswer,
    ProjectAnswer,
    ProjectsAnswer,
    UserAnswer,
)
from astakos.http.keystone.documents import (
    DOMAIN,
    collection,
    domain_document,
    project_document,
    user_document,
)
from astakos.http.keystone.errors import PREFIX
from astakos.http.keystone.keystone_catalog import keystone_catalog
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service

NAME = Parameter("name", "Only return items with this name.", as_text)
YOURSELF = "There is no such user. You can only see yourself."


@described("listings.catalog", tokens=["user"], answers={200: Reply(CatalogAnswer, [JSON_TYPE])})
async def catalog(service: Service, request: Request) -> Answer:
    """Retrieves the service catalog."""
    await authenticated_user(service, request)
    links = {"self": f"{service.base_url}{PREFIX}/auth/catalog"}
    return _answer(
        {"catalog": keystone_catalog(request.dialect.catalog(await service.catalog())), "links": links}
    )


@described(
    "listings.own_projects",
    tokens=["user"],
    parameters=[NAME],
    answers={200: Reply(ProjectsAnswer, [JSON_TYPE])},
)
async def own_projects(service: Service, request: Request) -> Answer:
    """Lists the projects that the caller can draw from."""
    user = await authenticated_user(service, request)
    return await _projects(service, request, user)


@described(
    "listings.own_domains",
    tokens=["user"],
    parameters=[NAME],
    answers={200: Reply(DomainsAnswer, [JSON_TYPE])},
)
async def own_domains(service: Service, request: Request) -> Answer:
    """Lists the domains. There is only one."""
    await authenticated_user(service, request)
    name = NAME.of(request)
    found = [domain_document(service.base_url)] if name in (None, DOMAIN["name"]) else []
    return _answer(collection(service.base_url, request.path, "domains", found))


@described(
    "listings.project",
    tokens=["user"],
    answers={200: Reply(ProjectAnswer, [JSON_TYPE])},
    faults=[ItemNotFound],
)
async def project(service: Service, request: Request) -> Answer:
    """Retrieves a project that the caller can draw from."""
    user = await authenticated_user(service, request)
    for found in await service.read(drawable_projects, user):
        if found.uuid == request.parameter:
            return _answer({"project": project_document(service.base_url, found)})
    raise ItemNotFound("There is no such project, or you cannot draw from it now.")


@described(
    "listings.domain", tokens=["user"], answers={200: Reply(DomainAnswer, [JSON_TYPE])}, faults=[ItemNotFound]
)
async def domain(service: Service, request: Request) -> Answer:
    """Retrieves the only domain."""
    await authenticated_user(service, request)
    if request.parameter != DOMAIN["id"]:
        raise ItemNotFound(f"There is no such domain. The only domain is {DOMAIN['id']}.")
    return _answer({"domain": domain_document(service.base_url)})


@described(
    "listings.user", tokens=["user"], answers={200: Reply(UserAnswer, [JSON_TYPE])}, faults=[ItemNotFound]
)
async def user(service: Service, request: Request) -> Answer:
    """Retrieves the calling user."""
    caller = await _caller_of_that_uuid(service, request)
    return _answer({"user": user_document(service.base_url, caller)})


@described(
    "listings.projects_of_user",
    tokens=["user"],
    parameters=[NAME],
    answers={200: Reply(ProjectsAnswer, [JSON_TYPE])},
    faults=[ItemNotFound],
)
async def projects_of_user(service: Service, request: Request) -> Answer:
    """Lists the projects that the calling user can draw from."""
    return await _projects(service, request, await _caller_of_that_uuid(service, request))


async def _caller_of_that_uuid(service: Service, request: Request) -> User:
    caller = await authenticated_user(service, request)
    if caller.uuid != request.parameter:
        raise ItemNotFound(YOURSELF)
    return caller


async def _projects(service: Service, request: Request, user: User) -> Answer:
    name = NAME.of(request)
    found = [
        project_document(service.base_url, project)
        for project in await service.read(drawable_projects, user)
        if name in (None, project.name)
    ]
    return _answer(collection(service.base_url, request.path, "projects", found))


def _answer(document: dict[str, Any]) -> Answer:
    return Answer(200, to_json(document), JSON_TYPE)

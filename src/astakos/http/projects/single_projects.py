"""`account/v1.0/projects/<id>`: shows a project, and applies for changes to it (`http-api.md` §9)."""

from astakos.administration.project_changes import modify_project
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http import drawable_projects
from astakos.http.faults import BadRequest, Conflict, Forbidden, ItemNotFound, UnprocessableEntity
from astakos.http.making import KEY, once_of, replies
from astakos.http.openapi.description import Reply, described
from astakos.http.projects.actors import actor_of
from astakos.http.projects.application_documents import application_document
from astakos.http.projects.changes import carry_out
from astakos.http.projects.project_bodies import MODIFICATION, specification_of
from astakos.http.projects.project_documents import project_document
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.projects.visibility import sees
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships
from astakos.storage.tables.project_lists import find_listed
from astakosclient.answer_types import Project, ProjectApplication


@described(
    "projects.show_project",
    answers={200: Reply(Project)},
    faults=[Forbidden, ItemNotFound],
)
async def show_project(service: Service, request: Request, user: User) -> Answer:
    """Retrieves a project by UUID. Private ones are shown to those who belong to them."""
    return Answer(body=await service.read(_shown, user, request.parameter.lower()))


def _shown(connection: Connection, user: User, uuid: str) -> bytes:
    listed = find_listed(connection, uuid)
    if listed is None or not drawable_projects.sees(user, uuid):
        raise ItemNotFound("There is no project with this UUID.")
    actor = actor_of(connection, user)
    membership = memberships.find_state(connection, user.uuid, uuid)
    if not sees(actor, listed.project, membership):
        raise Forbidden(
            "Only its owner, those who belong to it, and project administrators see a project that is "
            "private or not active."
        )
    return to_json(project_document(listed, actor))


@described(
    "projects.modify_project",
    parameters=[KEY],
    body=MODIFICATION,
    answers={201: replies(ProjectApplication)},
    faults=[BadRequest, Forbidden, ItemNotFound, Conflict, UnprocessableEntity],
)
async def modify_project_call(service: Service, request: Request, user: User) -> Answer:
    """Applies for changes to a project. It stays as it is until a project administrator approves them."""
    body, now = MODIFICATION.read(request), service.now()
    asked, once = specification_of(body), once_of(service, request, user.uuid, body)

    def apply(connection: Connection, actor: Actor) -> ProjectApplication:
        submitted = modify_project(connection, actor, request.parameter, asked, now)
        return application_document(connection, submitted, asked.resources)

    return once.answer(201, await carry_out(service, request, user, once.made_by(apply)))

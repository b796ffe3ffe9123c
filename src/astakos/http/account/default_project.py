"""`myaccount/default_project`: the project that a user draws from by default (`http-api.md` §8.7)."""

import msgspec

from astakos.administration.journal import Journal
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.bodies import JsonBody
from astakos.http.faults import BadRequest, Conflict, Forbidden, ItemNotFound, NotAllowed
from astakos.http.openapi.description import EMPTY, described
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import Answer, Request
from astakos.projects.project import ALIVE, DRAWING, ProjectState
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, users


class ProjectBody(msgspec.Struct):
    """The UUID of the project. Omitting it, or sending null, is refused with 403."""

    project_id: str | None = None


BODY = JsonBody(ProjectBody)


@described(
    "default_project.set_default_project",
    body=BODY,
    answers={200: EMPTY},
    faults=[Forbidden, ItemNotFound, NotAllowed, Conflict],
)
async def set_default_project(service: Service, request: Request, user: User) -> Answer:
    """Sets the caller's default project. The caller must be a member of it."""
    project = named_project(BODY.read(request).project_id)
    origin, now = origin_of(service, request), service.now()

    def choose(connection: Connection) -> None:
        choose_default_project(connection, actor_of(connection, user, origin), user.uuid, project, now)

    await service.write(choose)
    service.forget_users()
    return Answer()


def named_project(project: object) -> str:
    """Returns the project UUID that a request names.

    Raises:
        Forbidden: It is missing or null.
        BadRequest: It is not a string.
    """
    if project is None:
        raise Forbidden("project_id is missing. Send the UUID of a project that the user is a member of.")
    if not isinstance(project, str):
        raise BadRequest("project_id must be a string: the UUID of a project that the user is a member of.")
    return project


def choose_default_project(connection: Connection, actor: Actor, user: str, project: str, now: int) -> None:
    """Sets a user's default project, in the current transaction.

    Raises:
        NotAllowed: The user is not verified or not accepted.
        ItemNotFound: There is no such user or project, or the user has never been a member of it.
        Forbidden: The user is not a member any more, or the project is suspended.
        Conflict: The project has not started, or has ended.
    """
    account = users.find_by_uuid(connection, user)
    if account is None:
        raise ItemNotFound("There is no such user.")
    if not (account.email_verified and account.is_accepted):
        raise NotAllowed("Only a verified and accepted user can set a default project.", ())
    found = projects.find(connection, project)
    membership = None if found is None else memberships.find_state(connection, user, found.uuid)
    if found is None or membership is None:
        raise ItemNotFound("There is no such project, or the user is not a member of it.")
    if membership not in DRAWING or found.state is ProjectState.SUSPENDED:
        raise Forbidden("The user cannot draw from this project now. Choose another one.")
    if found.state not in ALIVE:
        raise Conflict(f"The project is {found.state}. Choose an active one.")
    users.set_default_project(connection, user, project)
    with Journal(connection, actor, now) as journal:
        before, after = {"default_project": account.default_project}, {"default_project": project}
        journal.compare("user", before, after, subject=user)

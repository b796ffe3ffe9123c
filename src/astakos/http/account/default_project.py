"""`myaccount/default_project`: which project pays for a user if none is named (`http-api.md` §8.7)."""

import msgspec

from astakos.directory.entities import User
from astakos.http.bodies import JsonBody
from astakos.http.faults import BadRequest, Conflict, Forbidden, ItemNotFound, NotAllowed
from astakos.http.openapi.description import EMPTY, described
from astakos.http.request import Answer, Request
from astakos.projects.project import ALIVE, DRAWING, ProjectState
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, users


class ProjectBody(msgspec.Struct):
    """Which project; it is forbidden to name none."""

    project_id: str | None = None


BODY = JsonBody(ProjectBody)


@described(
    "default_project.set_default_project",
    body=BODY,
    answers={200: EMPTY},
    faults=[Forbidden, ItemNotFound, NotAllowed, Conflict],
)
async def set_default_project(service: Service, request: Request, user: User) -> Answer:
    """`POST default_project`: choose one that the caller is a member of."""
    project = named_project((await BODY.read(request)).project_id)
    await service.write(lambda connection: choose_default_project(connection, user.uuid, project))
    service.forget()
    return Answer()


def named_project(project: object) -> str:
    """The uuid that a request names.

    Raises:
        Forbidden: it names none.
        BadRequest: it is not a text.
    """
    if project is None:
        raise Forbidden("project_id is missing: name the uuid of a project that the user is a member of.")
    if not isinstance(project, str):
        raise BadRequest("project_id must be a text, the uuid of a project that the user is a member of.")
    return project


def choose_default_project(connection: Connection, user: str, project: str) -> None:
    """Let a project be a user's default, in the transaction that is under way.

    Raises:
        NotAllowed: the user is not verified, or not accepted.
        ItemNotFound: there is no such user or project, or the user never had to do with it.
        Forbidden: the user may not draw from it now.
        Conflict: the project has not begun, or has ended.
    """
    account = users.find_by_uuid(connection, user)
    if account is None:
        raise ItemNotFound("There is no such user.")
    if not (account.email_verified and account.is_accepted):
        raise NotAllowed("Only a user who is verified and accepted can choose a default project.", ())
    found = projects.find(connection, project)
    membership = None if found is None else projects.find_membership(connection, user, found.uuid)
    if found is None or membership is None:
        raise ItemNotFound("There is no such project, or the user is not a member of it.")
    if found.state not in ALIVE:
        raise Conflict(f"The project is {found.state}; choose one that is active.")
    if membership not in DRAWING or found.state is ProjectState.SUSPENDED:
        raise Forbidden("The user can not draw from this project now; choose another one.")
    users.set_default_project(connection, user, project)

"""`account/v1.0/projects`: lists projects, and applies for a new one (`http-api.md` §9)."""

from collections.abc import Iterator

from astakos.administration.project_changes import create_project
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.commissions.history_pages import LARGEST_PAGE, page_size
from astakos.http.faults import BadRequest, Conflict, UnprocessableEntity
from astakos.http.making import KEY, once_of, replies
from astakos.http.openapi.description import Parameter, Reply, as_text, described
from astakos.http.projects.actors import actor_of
from astakos.http.projects.application_documents import application_document
from astakos.http.projects.changes import carry_out
from astakos.http.projects.project_bodies import NEW_PROJECT, specification_of
from astakos.http.projects.project_documents import project_document
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.projects.project import ProjectState
from astakos.projects.visibility import Mode
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables.project_lists import PAGE, Filters, Listed, Viewer, read_projects
from astakosclient.answer_types import Project, ProjectApplication

MOST_WITHOUT_LIMIT = 20_000
"""How many projects a list without `limit` has at most: about 20 MB."""

NAME = Parameter("name", "Only return projects with exactly this name.", as_text)
STATE = Parameter(
    "state",
    "Only return projects in this state.",
    ProjectState,
    f"one of {', '.join(ProjectState)}",
    {"enum": [state.value for state in ProjectState]},
)
OWNER = Parameter("owner", "Only return projects of the user with this UUID.", as_text)
MODE = Parameter(
    "mode",
    "`member` returns active projects that the caller can draw from. `related` and `default`, the default, "
    "return those that the caller owns or belongs to. `active` returns active projects that are not private. "
    "Except with `member`, project administrators see all projects.",
    Mode,
    f"one of {', '.join(Mode)}",
    {"enum": [mode.value for mode in Mode]},
)
AFTER = Parameter(
    "after",
    "Only return projects after the one with this UUID. The next page begins after the last project of a "
    "full page.",
    as_text,
)
LIMIT = Parameter(
    "limit",
    "The maximum number of projects to return. Without it, a list of more than "
    f"{MOST_WITHOUT_LIMIT} projects is refused.",
    page_size,
    f"a number from 1 to {LARGEST_PAGE}",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
)


@described(
    "projects.list_projects",
    parameters=[NAME, STATE, OWNER, MODE, AFTER, LIMIT],
    answers={200: Reply(list[Project])},
    faults=[BadRequest],
)
async def list_projects(service: Service, request: Request, user: User) -> Answer:
    """Lists projects in the order in which they were created."""
    filters = Filters(
        MODE.of(request) or Mode.DEFAULT, NAME.of(request), STATE.of(request), OWNER.of(request)
    )
    after, most = AFTER.of(request), LIMIT.of(request)
    return Answer(body=await service.read_much(_list, user, filters, after, most))


def _list(connection: Connection, user: User, filters: Filters, after: str | None, most: int | None) -> bytes:
    actor = actor_of(connection, user)
    viewer = Viewer(user.id, user.uuid, actor.is_project_admin)
    found = read_projects(
        connection,
        viewer,
        filters,
        after=after,
        most=MOST_WITHOUT_LIMIT + 1 if most is None else most,
    )
    pages = list(_pages(found, actor))
    if most is None and sum(number for number, _ in pages) > MOST_WITHOUT_LIMIT:
        raise BadRequest(
            f"There are more than {MOST_WITHOUT_LIMIT} projects. Ask for pages, with limit and after."
        )
    return b"[" + b",".join(page for _, page in pages) + b"]"


def _pages(found: Iterator[Listed], actor: Actor) -> Iterator[tuple[int, bytes]]:
    """Yields the projects in pieces, encoded: all of them as objects would take up ten times as much."""
    documents: list[Project] = []
    for listed in found:
        documents.append(project_document(listed, actor))
        if len(documents) == PAGE:
            yield len(documents), to_json(documents)[1:-1]
            documents = []
    if documents:
        yield len(documents), to_json(documents)[1:-1]


@described(
    "projects.create_project",
    parameters=[KEY],
    body=NEW_PROJECT,
    answers={201: replies(ProjectApplication)},
    faults=[BadRequest, Conflict, UnprocessableEntity],
)
async def create_project_call(service: Service, request: Request, user: User) -> Answer:
    """Applies for a new project. A project administrator must approve the application."""
    body, now = NEW_PROJECT.read(request), service.now()
    asked, once = specification_of(body), once_of(service, request, user.uuid, body)

    def apply(connection: Connection, actor: Actor) -> ProjectApplication:
        return application_document(
            connection, create_project(connection, actor, asked, now), asked.resources
        )

    return once.answer(201, await carry_out(service, request, user, once.made_by(apply)))

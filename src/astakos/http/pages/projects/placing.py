"""`ui/projects/<uuid>/handover` and `/move`: another owner, and another project to be within."""

from astakos.administration.accounts import find_user_if_any
from astakos.administration.handover import hand_over
from astakos.administration.named_projects import find_project
from astakos.administration.nesting import move_project
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import user_action, user_page
from astakos.http.pages.projects.visited_project import (
    PROJECTS,
    VisitedProject,
    refused_page,
    tried,
    visited_project,
)
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.projects.project import Project
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.storage.protocol import Connection
from astakos.storage.tables import nested_projects, projects, users


async def handover(visit: UserVisit) -> Answer:
    """Shows the form that asks for the new owner."""
    return await _handover(visit)


async def _handover(visit: UserVisit, refusal: ProjectRefusedError | None = None) -> Answer:
    seen, owner = await visit.service.read(_owned, visit)
    values = {"address": visit.form.get("address", ""), "reason": visit.reason}
    return refused_page(
        visit, "projects/handover.html", refusal, seen=seen, project=seen.project, owner=owner, values=values
    )


def _owned(connection: Connection, visit: UserVisit) -> tuple[VisitedProject, User | None]:
    seen = visited_project(connection, visit)
    if not seen.permitted.hands_over:
        raise ItemNotFound(NO_PAGE)
    owner = seen.project.owner
    return seen, None if owner is None else users.find_by_uuid(connection, owner)


async def hand_project_over(visit: UserVisit) -> Answer:
    """Gives the project another owner."""
    seen, _ = await visit.service.read(_owned, visit)
    address, reason, now = visit.form.get("address", "").strip(), visit.reason, visit.site.now
    successor = await visit.service.read(find_user_if_any, address)
    uuid, new_owner = seen.project.uuid, "" if successor is None else successor.uuid
    is_mine = seen.project.owner == visit.user.uuid
    if successor is not None and is_mine and not visit.is_confirmed and not seen.is_administrator:
        lines = (
            (
                f"{successor.email} will own the project at once, and decides about it from then on. "
                "You cannot take it back."
            ),
            "Memberships stay as they are, yours too.",
        )
        title = f"Hand {seen.name} over to {successor.email}?"
        return visit.ask(Question(title, lines, "Hand over", f"{seen.path}/handover"))
    refusal = await tried(
        visit, lambda connection, actor: hand_over(connection, actor, uuid, new_owner, reason, now)
    )
    if refusal is not None:
        return await _handover(visit, refusal)
    stays = seen.is_administrator or seen.membership is not None or not seen.project.private
    return visit.done(f"{seen.name} belongs to {address} now.", seen.path if stays else PROJECTS)


async def place(visit: UserVisit) -> Answer:
    """Shows the form that asks for the project to be within."""
    return await _place(visit)


async def _place(visit: UserVisit, refusal: ProjectRefusedError | None = None) -> Answer:
    seen, above = await visit.service.read(_movable, visit)
    values = {"parent": visit.form.get("parent", ""), "reason": visit.reason}
    return refused_page(
        visit, "projects/move.html", refusal, seen=seen, project=seen.project, above=above, values=values
    )


def _movable(connection: Connection, visit: UserVisit) -> tuple[VisitedProject, list[Project]]:
    seen = visited_project(connection, visit)
    if not seen.permitted.moves:
        raise ItemNotFound(NO_PAGE)
    found = (
        projects.find(connection, uuid) for uuid in nested_projects.above(connection, seen.project.uuid)[1:]
    )
    return seen, [one for one in found if one is not None]


async def move(visit: UserVisit) -> Answer:
    """Moves the project into another one, or out of the one that it is within."""
    seen, _ = await visit.service.read(_movable, visit)
    parent, reason, now = visit.form.get("parent", "").strip(), visit.reason, visit.site.now
    force = bool(visit.form.get("force"))
    if visit.form.get("do") == "within" and not parent:
        missing = ProjectRefusedError(RefusalKind.INVALID, "name the project that it shall be within")
        return await _place(visit, missing)
    is_taken_out = visit.form.get("do") == "out"

    def work(connection: Connection, actor: Actor) -> None:
        uuid = None if is_taken_out else find_project(connection, parent).uuid
        move_project(connection, actor, seen.project.uuid, uuid, reason, now, force=force)

    refusal = await tried(visit, work)
    if refusal is not None:
        return await _place(visit, refusal)
    return visit.done(
        "The project is within no other now." if is_taken_out else "The project is moved.", seen.path
    )


ROUTES = (
    user_page(f"{PROJECTS}/{{uuid}}/handover", handover),
    user_action(f"{PROJECTS}/{{uuid}}/handover/send", hand_project_over),
    user_page(f"{PROJECTS}/{{uuid}}/move", place),
    user_action(f"{PROJECTS}/{{uuid}}/move/send", move),
)

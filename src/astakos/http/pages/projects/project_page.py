"""`ui/projects/<uuid>`: one project, and what the reader can do with it."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from astakos.administration.membership_changes import act, enroll, join
from astakos.administration.project_changes import act_on_application, act_on_project
from astakos.administration.unusable_meters import find_unusable_meters
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.faults import BadRequest, ItemNotFound
from astakos.http.pages.page_kinds import user_action, user_making, user_page
from astakos.http.pages.projects.project_limits import (
    JOINING,
    LEAVING,
    Comparison,
    Limit,
    compared,
    limits_of,
    visible_resources,
)
from astakos.http.pages.projects.visited_project import (
    PROJECTS,
    VisitedProject,
    sentence,
    tried,
    visited_project,
)
from astakos.http.pages.refusals import NO_PAGE
from astakos.http.pages.shown_grants import ShownGrant, grants_of
from astakos.http.pages.user_meters import Row, meters_of
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.http.routing import serial_of
from astakos.projects.limits import project_holder
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import DRAWING, INITIALIZED, ApplicationState, MembershipState, Policy, Project
from astakos.projects.project_actions import ApplicationAction, ProjectAction
from astakos.projects.refusals import ProjectRefusedError
from astakos.projects.unusable_meters import UnusableMeters
from astakos.projects.visibility import sees
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, nested_projects, projects, registry, users
from astakos.storage.tables.project_members import find_members

Action = TypeVar("Action", ApplicationAction, ProjectAction)

UNDECIDED: Final = (ApplicationState.PENDING, ApplicationState.DENIED)
MOST_CHILDREN: Final = 50
MOST_REQUESTS: Final = 99
QUEUE: Final = "/ui/admin/projects/applications"
DONE: Final[Mapping[ProjectAction, str]] = {
    ProjectAction.SUSPEND: "The project is suspended.",
    ProjectAction.UNSUSPEND: "The project is active again.",
    ProjectAction.TERMINATE: "The project has ended.",
    ProjectAction.REINSTATE: "The project is active again.",
}
DECIDED: Final[Mapping[ApplicationAction, str]] = {
    ApplicationAction.APPROVE: "The application is approved.",
    ApplicationAction.DENY: "The application is denied.",
    ApplicationAction.CANCEL: "The application is withdrawn.",
    ApplicationAction.DISMISS: "The application is dismissed.",
}
JOINED_ALREADY: Final = "You have already sent this form. You asked to join once."
LEFT: Final = (
    "You can draw nothing from this project any more.",
    "What you still use of it stays charged until the services release it.",
    "To come back, you have to join again.",
)
ENDED: Final = (
    "Others can take its name; then it cannot be reinstated under this name. Members who draw from it by "
    "default draw from their own project again, and that does not come back."
)


class Found(NamedTuple):
    """What the page reads.

    Attributes:
        seen: The project, and what the visitor may do.
        owner: Its owner.
        parent: The project above it, if the visitor sees that.
        children: Projects within it.
        limits: Its limits, with what is used.
        without: The names of resources of which it has nothing.
        own: The visitor's meters in it.
        comparison: The application that is not decided or has been denied, if the visitor may see it.
        grants: Its grants.
        requests: How many users ask to join, up to `MOST_REQUESTS`.
        unusable: The meters that it limits in vain.
    """

    seen: VisitedProject
    owner: User | None
    parent: Project | None
    children: Sequence[Project]
    limits: Sequence[Limit]
    without: Sequence[str]
    own: Sequence[Row]
    comparison: Comparison | None
    grants: Sequence[ShownGrant]
    requests: int
    unusable: Sequence[UnusableMeters]


async def project(visit: UserVisit) -> Answer:
    """Shows the page."""
    return await _shown(visit)


async def _shown(visit: UserVisit, part: str = "", refusal: ProjectRefusedError | None = None) -> Answer:
    found = await visit.service.read(_find, visit)
    return visit.page(
        "projects/project.html",
        status=200 if refusal is None else refusal.kind.value,
        found=found,
        seen=found.seen,
        project=found.seen.project,
        can=found.seen.permitted,
        joining=JOINING,
        leaving=LEAVING,
        refused=part,
        error="" if refusal is None else sentence(refusal.message),
        obstacle=sentence(found.seen.permitted.obstacle) if found.seen.permitted.obstacle else "",
        tab="project",
    )


def _find(connection: Connection, visit: UserVisit) -> Found:
    seen, now = visited_project(connection, visit), visit.site.now
    of, actor = seen.project, visit.actor(connection)
    everything = {one.name: one for one in registry.list_resources(connection)}
    resources = visible_resources(everything.values())
    looks_after = seen.permitted.looks_after
    own: Sequence[Row] = ()
    if seen.membership_state in DRAWING or of.uuid == visit.user.uuid:
        own = meters_of(connection, visit.user, everything, now, of.uuid).rows
    parent = None if of.parent is None else projects.find(connection, of.parent)
    if parent is not None:
        membership = memberships.find_of(connection, visit.user.uuid, parent.uuid)
        parent = parent if sees(actor, parent, membership.state if membership else None) else None
    limits = limits_of(connection, of, resources, now)
    without = [one.resource.name for one in limits if one.is_empty]
    application = seen.application
    is_open = application is not None and application.state in UNDECIDED
    may_see = looks_after or (application is not None and application.applicant == visit.user.uuid)
    return Found(
        seen,
        None if of.owner is None else users.find_by_uuid(connection, of.owner),
        parent,
        _children(connection, of) if looks_after else (),
        [one for one in limits if not one.is_empty],
        sorted(without),
        sorted(own, key=lambda row: -row.nearness),
        compared(connection, application, of, resources, now)
        if application and is_open and may_see
        else None,
        grants_of(connection, project_holder(of.uuid), everything, now) if looks_after else (),
        _requests(connection, of) if looks_after else 0,
        find_unusable_meters(connection, of.uuid) if looks_after and of.state in INITIALIZED else (),
    )


def _children(connection: Connection, of: Project) -> list[Project]:
    uuids = nested_projects.children_of(connection, of.uuid)[:MOST_CHILDREN]
    return [found for found in (projects.find(connection, uuid) for uuid in uuids) if found is not None]


def _requests(connection: Connection, of: Project) -> int:
    states = [MembershipState.REQUESTED]
    return len(find_members(connection, of.uuid, states, search="", after=0, most=MOST_REQUESTS).found)


async def join_project(visit: UserVisit) -> Answer:
    """Asks for a membership, which may be accepted at once."""
    seen = await visit.service.read(visited_project, visit)
    uuid, now, user = seen.project.uuid, visit.site.now, visit.user

    def enter(connection: Connection, actor: Actor) -> int:
        if seen.owns_without_membership and seen.permitted.enrolls:
            # Whoever decides about requests need not ask.
            return enroll(connection, actor, uuid, user.email, now)
        return join(connection, actor, uuid, user.uuid, now)

    refusal = await tried(visit, enter, place=seen.path, again=JOINED_ALREADY)
    if refusal is not None:
        return await _shown(visit, "membership", refusal)
    after = await visit.service.read(memberships.find_of, visit.user.uuid, uuid)
    has_joined = after is not None and after.state is MembershipState.ACCEPTED
    return visit.done("You have joined." if has_joined else "The owner will see your request.", seen.path)


async def leave_project(visit: UserVisit) -> Answer:
    """Leaves a project, or asks its owner to be let go."""
    seen = await visit.service.read(visited_project, visit)
    if seen.membership is None:
        raise ItemNotFound(NO_PAGE)
    if seen.project.leave_policy is Policy.AUTO and not visit.is_confirmed:
        return visit.ask(
            Question(
                f"Leave {seen.name}?",
                LEFT,
                "Leave",
                seen.path,
            )
        )
    number, now = seen.membership.id, visit.site.now
    refusal = await tried(
        visit, lambda connection, actor: act(connection, actor, number, MembershipAction.LEAVE, now)
    )
    if refusal is not None:
        return await _shown(visit, "membership", refusal)
    left = seen.project.leave_policy is Policy.AUTO
    return visit.done(
        f"You have left {seen.name}." if left else "The owner will see that you want to leave.",
        PROJECTS if left else seen.path,
    )


async def withdraw(visit: UserVisit) -> Answer:
    """Takes back the visitor's own request to join, also of a project that they do not see."""
    number, now = serial_of(_digits(visit.form.get("membership", ""))), visit.site.now
    record = await visit.service.read(memberships.find, number)
    if record is None or record.user != visit.user.uuid:
        raise ItemNotFound(NO_PAGE)
    refusal = await tried(
        visit, lambda connection, actor: act(connection, actor, number, MembershipAction.CANCEL, now)
    )
    if refusal is not None:
        return visit.done(sentence(refusal.message), PROJECTS)
    return visit.done("Your request is withdrawn.", PROJECTS)


async def decide_about_application(visit: UserVisit) -> Answer:
    """Approves, denies, withdraws or dismisses the application that the form shows."""
    seen = await visit.service.read(visited_project, visit)
    action = _action(ApplicationAction, visit)
    number, reason = serial_of(_digits(visit.form.get("application", ""))), visit.reason
    uuid, now = seen.project.uuid, visit.site.now
    deletes = action in (ApplicationAction.CANCEL, ApplicationAction.DISMISS)
    if deletes and seen.project.state not in INITIALIZED and not visit.is_confirmed:
        return visit.ask(
            Question(
                "Withdraw the application?" if action is ApplicationAction.CANCEL else "Dismiss it?",
                (f"{seen.name} was never approved, and is deleted. To ask again, apply anew.",),
                "Withdraw" if action is ApplicationAction.CANCEL else "Dismiss",
                seen.path,
            )
        )
    refusal = await tried(
        visit,
        lambda connection, actor: act_on_application(connection, actor, action, uuid, number, reason, now),
    )
    if refusal is not None:
        return await _shown(visit, "application", refusal)
    told = DECIDED[action].replace("The application", f"The application for {seen.name}")
    in_queue = visit.form.get("from") == "queue" and visit.site.administration
    return visit.done(told, QUEUE if in_queue else PROJECTS if deletes else seen.path)


async def decide_about_project(visit: UserVisit) -> Answer:
    """Suspends, revives or ends the project."""
    seen = await visit.service.read(visited_project, visit)
    action, reason = _action(ProjectAction, visit), visit.reason
    uuid, now = seen.project.uuid, visit.site.now
    if action not in seen.permitted.on_project and not seen.is_administrator:
        raise ItemNotFound(NO_PAGE)
    question = _question(action, seen, await visit.service.read(memberships.count_members, uuid))
    if question is not None and not visit.is_confirmed:
        return visit.ask(question)
    refusal = await tried(
        visit, lambda connection, actor: act_on_project(connection, actor, action, uuid, reason, now)
    )
    if refusal is not None:
        return await _shown(visit, "project", refusal)
    return visit.done(DONE[action], seen.path)


def _question(action: ProjectAction, seen: VisitedProject, members: int) -> Question | None:
    people = "its member" if members == 1 else f"its {members:,} members"
    what = f"Services refuse {people} whatever they ask of this project; what is used stays charged."
    if action is ProjectAction.SUSPEND:
        lines = (what, "They stay members, and can go on as before once it is active again.")
        return Question(f"Suspend {seen.name}?", lines, "Suspend", seen.path)
    if action is ProjectAction.TERMINATE:
        lines = (what, ENDED)
        return Question(f"End {seen.name}?", lines, "End the project", seen.path)
    return None


def _action(kind: type[Action], visit: UserVisit) -> Action:
    try:
        return kind(visit.form.get("action", ""))
    except ValueError:
        raise BadRequest("The form names no action.") from None


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() else "0"


ROUTES = (
    user_page(f"{PROJECTS}/{{uuid}}", project),
    user_action(f"{PROJECTS}/withdraw", withdraw),
    user_making(f"{PROJECTS}/{{uuid}}/join", join_project),
    user_action(f"{PROJECTS}/{{uuid}}/leave", leave_project),
    user_action(f"{PROJECTS}/{{uuid}}/application", decide_about_application),
    user_action(f"{PROJECTS}/{{uuid}}/state", decide_about_project),
)

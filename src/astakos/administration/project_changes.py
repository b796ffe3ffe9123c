"""Changes projects and applications: the only way to do so, for the HTTP API, the command, and the service.

Every function runs in the transaction of a `Database.change`. What follows from a change happens in the same
transaction: the charge for pending applications, the limits, and the events.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import uuid4

from astakos.administration.charges import charge_pending_applications
from astakos.administration.limit_updates import sync_project
from astakos.administration.project_facts import facts_about_application, facts_about_project
from astakos.administration.reasons import require_reason
from astakos.events.event import Actor, Event
from astakos.projects.nesting import why_no_parent, why_too_deep
from astakos.projects.project import (
    ALIVE,
    INITIALIZED,
    Application,
    ApplicationState,
    Policy,
    Project,
    ProjectState,
)
from astakos.projects.project_actions import (
    APPLICATION_ACTIONS,
    PROJECT_ACTIONS,
    SUBMISSIONS,
    ApplicationAction,
    Effect,
    ProjectAction,
    Submission,
    SubmissionFacts,
)
from astakos.projects.project_events import (
    application_decided,
    application_submitted,
    project_changed,
    project_created,
)
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.roles import Role, only
from astakos.projects.specification import (
    Applied,
    Specification,
    Surroundings,
    complete,
    faults_of,
    judge,
)
from astakos.projects.transitions import first_refusal
from astakos.storage.protocol import Connection
from astakos.storage.tables import (
    deactivations,
    events,
    nested_projects,
    project_applications,
    projects,
    registry,
    users,
)
from astakos.storage.texts import is_storable

T = TypeVar("T")

MOST_PENDING = 1_000
"""How many pending applications of a user there are at most, even if `astakos.pending_app` sets no limit."""
DEACTIVATED = (ProjectState.SUSPENDED, ProjectState.TERMINATED)


class Submitted(NamedTuple):
    """An application that was submitted: the uuid of its project, and its number."""

    project: str
    application: int


def create_project(connection: Connection, actor: Actor, asked: Specification, now: int) -> Submitted:
    """Applies for a new project. The applicant is the actor, or for an operator the owner.

    Raises:
        ProjectRefusedError: a value is invalid, or the applicant has too many pending applications.
    """
    applicant = actor.user or asked.owner
    if applicant is None:
        raise ProjectRefusedError(RefusalKind.INVALID, "the owner is missing; name the user who applies")
    applied, invalid = _tried(lambda: complete(_judged(connection, asked, now), applicant))
    over_limit = None if invalid else _count(connection, actor, {applicant: 1}, now)
    SUBMISSIONS[Submission.CREATE].require_allowed(
        SubmissionFacts(actor, None, invalid, over_limit, asked.given)
    )
    assert applied is not None  # noqa: S101 - or it would have been refused
    project = _new_project(applied, asked.parent, now)
    projects.save(connection, project)
    projects.save_capacities(connection, project.uuid, applied.resources)
    _record(connection, project_created(actor, project, applied.resources), now)
    return _submit(connection, actor, applied.application(project.uuid, applicant, now), now)


def modify_project(
    connection: Connection, actor: Actor, key: str, asked: Specification, now: int
) -> Submitted:
    """Applies for changes to a project. The applicant is the actor, or for an operator the owner.

    Args:
        connection: the connection.
        actor: who applies.
        key: the uuid of the project, or its number in the database.
        asked: the changes; the project keeps all other values.
        now: the current instant.

    Raises:
        ProjectRefusedError: see `SUBMISSIONS`.
    """
    project = projects.find_by_uuid_or_number(connection, key)
    applicant = actor.user or asked.owner or (project and _representative(project)) or ""
    if project is not None and not applicant:
        raise ProjectRefusedError(
            RefusalKind.INVALID, "the project has no owner; name the user who owns it from now on"
        )
    applied, invalid = _tried(lambda: _judged(connection, asked, now, project))
    pending = [] if project is None else project_applications.pending_of(connection, project.uuid)
    over_limit = None
    if project is not None and invalid is None:
        over_limit = _count(connection, actor, _changes(applicant, pending), now)
    SUBMISSIONS[Submission.MODIFY].require_allowed(
        SubmissionFacts(actor, project, invalid, over_limit, asked.given)
    )
    assert project is not None  # noqa: S101 - or it would have been refused
    assert applied is not None  # noqa: S101
    for older in pending:
        _set_state(connection, actor, older, ApplicationState.REPLACED, "", now)
    return _submit(connection, actor, applied.application(project.uuid, applicant, now), now)


def change_project(
    connection: Connection, actor: Actor, key: str, asked: Specification, reason: str, now: int
) -> bool:
    """Changes a project at once, without an application, which operators can do. It keeps its state.

    Args:
        connection: the connection.
        actor: who does it.
        key: the uuid of the project.
        asked: the changes; the project keeps all other values.
        reason: why; "" if nothing was said.
        now: the current instant.

    Returns:
        Whether anything has changed.

    Raises:
        ProjectRefusedError: see `SUBMISSIONS`; or the actor is no project administrator, or another project
            holds the name.
    """
    require_reason(reason)
    project = projects.find(connection, key)
    applied, invalid = _tried(lambda: _judged(connection, asked, now, project))
    facts = SubmissionFacts(actor, project, invalid, None, asked.given)
    SUBMISSIONS[Submission.MODIFY].require_allowed(facts)
    refusal = first_refusal([only(SubmissionFacts, Role.ADMINISTRATOR)], facts)
    if refusal is not None:
        raise refusal
    assert project is not None  # noqa: S101 - or it would have been refused
    assert applied is not None  # noqa: S101
    after = replace(project, **applied.application(project.uuid, project.uuid, now).changes)
    namesake = projects.find_namesake(connection, after) if after.state in ALIVE else None
    if namesake is not None:
        raise ProjectRefusedError(RefusalKind.CONFLICT, f"the project {namesake} has the name {after.name!r}")
    replaced = projects.capacities_of(connection, project.uuid)
    event = project_changed(actor, project, after, replaced=replaced, given=applied.resources, reason=reason)
    if event is None:
        return False
    projects.save(connection, after)
    projects.save_capacities(connection, project.uuid, applied.resources)
    sync_project(connection, project.uuid)
    _record(connection, event, now)
    return True


def act_on_application(
    connection: Connection,
    actor: Actor,
    action: ApplicationAction,
    project_uuid: str,
    number: int,
    reason: str,
    now: int,
) -> None:
    """Approves, denies, cancels or dismisses an application.

    Args:
        connection: the connection.
        actor: who decides.
        action: what to do.
        project_uuid: the uuid of the project that the application is for.
        number: the number of the application.
        reason: why; "" if nothing was said.
        now: the current instant.

    Raises:
        ProjectRefusedError: see `APPLICATION_ACTIONS`.
    """
    require_reason(reason)
    application = project_applications.find(connection, number)
    project = projects.find(connection, project_uuid)
    row = APPLICATION_ACTIONS[action]
    row.require_allowed(facts_about_application(connection, actor, application, project, now))
    assert project is not None  # noqa: S101 - or it would have been refused
    assert application is not None  # noqa: S101
    if Effect.UNCOUNT in row.effects:
        charge_pending_applications(connection, {application.applicant: -1}, force=True, now=now)
    _set_state(connection, actor, application, row.to, reason, now)
    if Effect.ACTIVATE in row.effects:
        _activate(connection, actor, project, application, reason, now)
    if Effect.DELETE in row.effects and project.state is ProjectState.UNINITIALIZED:
        _change(connection, actor, project, replace(project, state=ProjectState.DELETED), reason, now)


def act_on_project(
    connection: Connection, actor: Actor, action: ProjectAction, key: str, reason: str, now: int
) -> None:
    """Suspends, unsuspends, terminates or reinstates a project.

    Args:
        connection: the connection.
        actor: who does it.
        action: what to do.
        key: the uuid of the project, or its number in the database.
        reason: why; "" if nothing was said.
        now: the current instant.

    Raises:
        ProjectRefusedError: see `PROJECT_ACTIONS`.
    """
    require_reason(reason)
    project = projects.find_by_uuid_or_number(connection, key)
    row = PROJECT_ACTIONS[action]
    row.require_allowed(facts_about_project(connection, actor, project, now))
    assert project is not None  # noqa: S101 - or it would have been refused
    deactivated = now if row.to in DEACTIVATED else project.deactivated
    after = replace(project, state=row.to, deactivated=deactivated)
    _change(connection, actor, project, after, reason, now)
    if Effect.RESET_DEFAULT in row.effects:
        projects.reset_default_project(connection, after)


def _representative(project: Project) -> str | None:
    """Returns the uuid of the user for whom an operator applies. A system project has that of its user."""
    return project.uuid if project.system_project else project.owner


def _new_project(applied: Applied, parent: str | None, now: int) -> Project:
    return Project(
        uuid=str(uuid4()),
        name=applied.name or "",
        state=ProjectState.UNINITIALIZED,
        system_project=False,
        owner=applied.owner,
        homepage=applied.homepage or "",
        description=applied.description or "",
        comments=applied.comments or "",
        creation_date=now,
        end_date=applied.end_date or 0,
        join_policy=applied.join_policy or Policy.MODERATED,
        leave_policy=applied.leave_policy or Policy.AUTO,
        max_members=applied.max_members or 0,
        private=bool(applied.private),
        parent=parent,
    )


def invalid_fields(
    connection: Connection, asked: Specification, now: int, project: Project | None = None
) -> dict[str, str]:
    """Returns all fields of a specification whose values would be refused, and why.

    Args:
        connection: the connection.
        asked: what is asked for.
        now: the current instant.
        project: the project that changes; None for a new one.
    """
    found: dict[str, str] = {}
    for fault in faults_of(asked, _surroundings(connection, now, project)):
        found.setdefault(fault.name, fault.message)
    return found


def _judged(
    connection: Connection, asked: Specification, now: int, project: Project | None = None
) -> Applied:
    return judge(asked, _surroundings(connection, now, project))


def _surroundings(connection: Connection, now: int, project: Project | None) -> Surroundings:
    resources = {resource.name for resource in registry.list_resources(connection) if resource.api_visible}
    owner, homepage = (None, "") if project is None else (project.owner, project.homepage)
    find_user, refuse_parent = (
        partial(users.find_by_uuid, connection),
        partial(_no_parent, connection, project),
    )
    return Surroundings(now, resources, find_user, is_storable, refuse_parent, owner, homepage)


def _no_parent(connection: Connection, project: Project | None, uuid: str) -> str | None:
    """Returns why a project cannot be the parent that is asked for; None if it can."""
    if project is not None:
        # What has been read can be sent back.
        return None if uuid == project.parent else "the parent of a project is changed by moving the project"
    refusal = why_no_parent(projects.find(connection, uuid))
    return refusal or why_too_deep(nested_projects.above(connection, uuid), 1)


def _tried(work: Callable[[], T]) -> tuple[T | None, str | None]:
    """Returns the result, or why it was refused: a table decides which refusal comes first."""
    try:
        return work(), None
    except ProjectRefusedError as refusal:
        return None, refusal.message


def _changes(applicant: str, replaced: list[Application]) -> Counter[str]:
    changes = Counter({applicant: 1})
    changes.subtract(older.applicant for older in replaced)
    return changes


def _count(connection: Connection, actor: Actor, changes: dict[str, int], now: int) -> str | None:
    """Counts applications, and returns why they cannot be counted; None if they are."""
    if not actor.is_project_admin:
        for applicant, change in changes.items():
            if change > 0 and project_applications.count_pending(connection, applicant) >= MOST_PENDING:
                return f"{MOST_PENDING} of your applications are pending, and more cannot be; cancel some"

    def charge() -> None:
        charge_pending_applications(connection, changes, force=actor.is_project_admin, now=now)

    return _tried(charge)[1]


def _submit(connection: Connection, actor: Actor, application: Application, now: int) -> Submitted:
    stored = project_applications.add(connection, application)
    _record(connection, application_submitted(actor, stored), now)
    return Submitted(stored.project, stored.id)


def _set_state(
    connection: Connection,
    actor: Actor,
    application: Application,
    state: ApplicationState,
    reason: str,
    now: int,
) -> None:
    project_applications.set_state(connection, application.id, state)
    _record(connection, application_decided(actor, application, state, reason), now)


def _activate(
    connection: Connection, actor: Actor, project: Project, application: Application, reason: str, now: int
) -> None:
    after = replace(project, state=ProjectState.ACTIVE, **application.changes)
    # The capacities of a new project were set when it was created.
    given = application.resources if project.state in INITIALIZED else {}
    replaced = projects.capacities_of(connection, project.uuid)
    projects.save_capacities(connection, project.uuid, given)
    event = project_changed(actor, project, after, replaced=replaced, given=given, reason=reason)
    _store(connection, after, event, now)


def _change(
    connection: Connection, actor: Actor, before: Project, after: Project, reason: str, now: int
) -> None:
    _store(connection, after, project_changed(actor, before, after, reason=reason), now)


def _store(connection: Connection, project: Project, event: Event | None, now: int) -> None:
    projects.save(connection, project)
    # Otherwise, activating the user again would undo what was decided since.
    deactivations.forget_project(connection, project.uuid)
    sync_project(connection, project.uuid)
    if event is not None:
        _record(connection, event, now)


def _record(connection: Connection, event: Event, now: int) -> None:
    events.record(connection, event, now)

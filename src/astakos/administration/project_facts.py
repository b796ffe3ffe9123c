"""Gathers what decides whether a project or an application can be changed (`projects/project_actions.py`)."""

from dataclasses import replace

from astakos.clock import to_iso
from astakos.events.event import Actor
from astakos.projects.nesting import why_no_parent
from astakos.projects.project import Application, Project, ProjectState
from astakos.projects.project_actions import ApplicationFacts, ProjectFacts
from astakos.storage.protocol import Connection
from astakos.storage.tables import project_applications, projects, settings


def facts_about_project(
    connection: Connection, actor: Actor, project: Project | None, now: int
) -> ProjectFacts:
    """Returns what decides whether the state of a project can be changed."""
    namesake = None if project is None else projects.find_namesake(connection, project)
    return ProjectFacts(actor, project, namesake, _overdue(connection, project, now))


def facts_about_application(
    connection: Connection, actor: Actor, application: Application | None, project: Project | None, now: int
) -> ApplicationFacts:
    """Returns what decides whether an application for a project can be decided."""
    last = None if project is None else project_applications.find_last(connection, project.uuid)
    approved = replace(project, **application.changes) if project and application else None
    return ApplicationFacts(
        actor,
        application,
        project,
        last.id if last else None,
        projects.find_namesake(connection, approved) if approved else None,
        _overdue(connection, approved, now),
        _lost_parent(connection, project),
    )


def _overdue(connection: Connection, project: Project | None, now: int) -> str | None:
    """Returns why a project would end at once, if it were active; None if it would not."""
    if project is None or project.system_project or project.end_date > now:
        return None
    if not settings.find(connection, settings.END_PROJECTS, default=False):
        return None
    return f"the end date of the project, {to_iso(project.end_date)}, has passed, and it would end at once"


def _lost_parent(connection: Connection, project: Project | None) -> str | None:
    """Returns why a project that has not begun cannot be within its parent any more; None if it can."""
    if project is None or project.parent is None or project.state is not ProjectState.UNINITIALIZED:
        return None
    return why_no_parent(projects.find(connection, project.parent))

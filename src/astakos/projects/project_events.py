"""The events of projects and applications, for the audit log and for notices.

A change to a project is one event, and a change to an application another: approving the first application
is `application.approved` and `project.activated`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from astakos.clock import to_iso
from astakos.events.event import Actor, Details, Event
from astakos.projects.project import Application, ApplicationState, Capacity, Project, ProjectState

CREATED = "project.created"
MODIFIED = "project.modified"
REACHED: Mapping[ProjectState, str] = {
    ProjectState.ACTIVE: "project.activated",
    ProjectState.SUSPENDED: "project.suspended",
    ProjectState.TERMINATED: "project.terminated",
    ProjectState.DELETED: "project.deleted",
}
"""The kinds of event by the state that a project reached; `before` tells from which."""
OF_APPLICATIONS: Mapping[ApplicationState, str] = {
    ApplicationState.PENDING: "application.submitted",
    ApplicationState.APPROVED: "application.approved",
    ApplicationState.DENIED: "application.denied",
    ApplicationState.CANCELLED: "application.cancelled",
    ApplicationState.REPLACED: "application.replaced",
    ApplicationState.DISMISSED: "application.dismissed",
}
"""The kinds of event by the state that an application reached. Their subject is the applicant."""

INSTANTS = ("creation_date", "start_date", "end_date", "deactivated", "submitted")

Capacities = Mapping[str, Capacity]


def project_created(actor: Actor, project: Project, capacities: Capacities) -> Event:
    """Returns the event of a new project."""
    after = {name: value for name, value in _values(project) if name != "uuid"}
    return Event(CREATED, actor, project.uuid, after=after | _resources(capacities))


def project_changed(
    actor: Actor,
    before: Project,
    after: Project,
    *,
    replaced: Capacities | None = None,
    given: Capacities | None = None,
    reason: str = "",
) -> Event | None:
    """Returns the event of a change to a project; None if nothing has changed.

    Args:
        actor: who changed it.
        before: the project before.
        after: the project after.
        replaced: the capacities before, by resource.
        given: the capacities that were set, by resource.
        reason: why, in the actor's words.
    """
    known, new = dict(_values(before)), dict(_values(after))
    changed = [name for name in new if known[name] != new[name]]
    old = {name: known[name] for name in changed}
    now = {name: new[name] for name in changed}
    capacities = {name: one for name, one in (given or {}).items() if (replaced or {}).get(name) != one}
    old |= _resources({name: one for name, one in (replaced or {}).items() if name in capacities})
    now |= _resources(capacities)
    if not now:
        return None
    kind = MODIFIED if before.state is after.state else REACHED[after.state]
    return Event(kind, actor, after.uuid, reason=reason, before=old, after=now)


def application_submitted(actor: Actor, application: Application) -> Event:
    """Returns the event of a new application."""
    after = {
        name: value for name, value in _values(application) if name not in ("id", "project", "applicant")
    }
    after = {"application": application.id, **after, **_resources(application.resources)}
    return Event(
        OF_APPLICATIONS[application.state],
        actor,
        application.project,
        application.applicant,
        after={name: value for name, value in after.items() if value is not None},
    )


def application_decided(
    actor: Actor, application: Application, state: ApplicationState, reason: str = ""
) -> Event:
    """Returns the event of an application that reached a state.

    Args:
        actor: who decided it.
        application: the application before.
        state: the state that it reached.
        reason: why, in the actor's words.
    """
    before: Details = {"application": application.id, "state": application.state.value}
    return Event(
        OF_APPLICATIONS[state],
        actor,
        application.project,
        application.applicant,
        reason,
        before,
        {**before, "state": state.value},
    )


def _values(thing: Project | Application) -> Iterator[tuple[str, Any]]:
    for one in fields(thing):
        value = getattr(thing, one.name)
        if one.name != "resources":
            yield one.name, to_iso(value) if one.name in INSTANTS and value is not None else value


def _resources(capacities: Capacities) -> dict[str, Any]:
    if not capacities:
        return {}
    return {
        "resources": {
            name: {"project_capacity": one.project, "member_capacity": one.member}
            for name, one in capacities.items()
        }
    }

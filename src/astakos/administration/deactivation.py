"""Suspends what a deactivated user has, and restores it on activation (`identity-and-projects.md` §1)."""

from dataclasses import replace

from astakos.administration.limit_updates import sync_project
from astakos.administration.membership_changes import act
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import DRAWING, MembershipState, Project, ProjectState
from astakos.projects.project_events import project_changed
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, events, memberships, projects


def suspend_all(connection: Connection, actor: Actor, user: User, reason: str, now: int) -> None:
    """Suspends a user's memberships, their system project, and the active projects that they own.

    Notes what it suspends. Whoever then decides about a project makes that forgotten, so that activating the
    user does not change the project.

    Args:
        connection: a connection in a transaction.
        actor: who deactivates the user.
        user: the user.
        reason: why, in the actor's words.
        now: the time of the change.
    """
    for project in projects.list_active_of_owner(connection, user.uuid):
        suspended = replace(project, state=ProjectState.SUSPENDED, deactivated=now)
        _change_project(connection, actor, project, suspended, reason, now)
        deactivations.note(connection, user.uuid, project.uuid, deactivations.PROJECT)
    for membership in memberships.list_of_user(connection, user.uuid):
        if membership.state in DRAWING:
            act(connection, actor, membership.id, MembershipAction.SUSPEND, now, reason=reason)
            deactivations.note(connection, user.uuid, membership.project, deactivations.MEMBERSHIP)


def restore_all(connection: Connection, actor: Actor, user: User, reason: str, now: int) -> None:
    """Restores what `suspend_all` has suspended, if it is still suspended and nobody has decided about it.

    Memberships become accepted, including those of users who had asked to leave.
    """
    for name, suspended in deactivations.list_of_user(connection, user.id):
        if suspended == deactivations.PROJECT:
            project = projects.find(connection, name)
            if project is not None and project.state is ProjectState.SUSPENDED:
                active = replace(project, state=ProjectState.ACTIVE)
                _change_project(connection, actor, project, active, reason, now)
        else:
            membership = memberships.find_of(connection, user.uuid, name)
            if membership is not None and membership.state is MembershipState.SUSPENDED:
                act(connection, actor, membership.id, MembershipAction.UNSUSPEND, now, reason=reason)
    deactivations.forget(connection, user.id)


def _change_project(
    connection: Connection, actor: Actor, before: Project, after: Project, reason: str, now: int
) -> None:
    projects.save(connection, after)
    sync_project(connection, after.uuid)
    event = project_changed(actor, before, after, reason=reason)
    if event is not None:
        events.record(connection, event, now)

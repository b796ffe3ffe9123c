"""Hands projects over to other owners, within the transaction of a `Database.change`."""

from dataclasses import replace

from astakos.administration.charges import charge_pending_applications
from astakos.administration.reasons import require_reason
from astakos.events.event import Actor
from astakos.projects.handover import HANDOVER, HandoverFacts, handed_over
from astakos.projects.project import ApplicationState
from astakos.projects.project_events import application_decided
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, events, project_applications, projects, users


def hand_over(connection: Connection, actor: Actor, key: str, successor: str, reason: str, now: int) -> None:
    """Gives a project another owner. Memberships stay as they are, of the old owner and of the new one.

    Args:
        connection: the connection.
        actor: who does it.
        key: the uuid of the project, or its number in the database.
        successor: the uuid of the new owner.
        reason: why; "" if nothing was said.
        now: the current instant.

    Raises:
        ProjectRefusedError: see `HANDOVER`.
    """
    require_reason(reason)
    project = projects.find_by_uuid_or_number(connection, key)
    HANDOVER.require_allowed(HandoverFacts(actor, project, users.find_by_uuid(connection, successor)))
    assert project is not None  # noqa: S101 - or it would have been refused
    projects.save(connection, replace(project, owner=successor))
    deactivations.forget_project(connection, project.uuid)
    events.record(connection, handed_over(actor, project, successor, reason), now)
    _cancel_contradicting_applications(connection, actor, project.uuid, successor, now)


def _cancel_contradicting_applications(
    connection: Connection, actor: Actor, project: str, owner: str, now: int
) -> None:
    """Cancels pending applications whose approval would take the project from its new owner."""
    for application in project_applications.pending_of(connection, project):
        if application.owner in (None, owner):
            continue
        charge_pending_applications(connection, {application.applicant: -1}, force=True, now=now)
        project_applications.set_state(connection, application.id, ApplicationState.CANCELLED)
        event = application_decided(
            actor, application, ApplicationState.CANCELLED, "the project was handed over"
        )
        events.record(connection, event, now)

"""Accepts and rejects new users, on behalf of administrators (`identity-and-projects.md` §1)."""

from dataclasses import replace

from astakos.administration.reasons import require_reason
from astakos.administration.system_projects import save_system_project
from astakos.administration.user_registration import ACCEPTED_BY_HAND, UserRefusedError
from astakos.directory.entities import User
from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, projects, user_records, users


def accept_user(connection: Connection, actor: Actor, user: User, now: int) -> User:
    """Accepts a user who waits for that, or who was rejected: they become active, with default limits.

    Raises:
        UserRefusedError: the user is not verified, is accepted already, or a project has their UUID.
    """
    if not user.email_verified:
        raise UserRefusedError("The user's email address has not been verified.")
    if user.is_accepted:
        raise UserRefusedError("The user has been accepted already.")
    if projects.find(connection, user.uuid) is not None:
        raise UserRefusedError("There is already a project with the user's UUID.")
    accepted = replace(user, moderated=True, is_rejected=False, is_active=True)
    users.save(connection, replace(accepted, default_project=user.default_project or user.uuid))
    record = user_records.find(connection, user.id)
    decided = record._replace(
        moderated_at=now, accepted_policy=ACCEPTED_BY_HAND, rejected_reason=None, deactivated_reason=None
    )
    user_records.save(connection, user.id, decided)
    save_system_project(connection, accepted, {}, now)
    events.record(connection, Event("user.accepted", actor, subject=user.uuid), now)
    return accepted


def reject_user(connection: Connection, actor: Actor, user: User, reason: str, now: int) -> User:
    """Rejects a user who waits for being accepted. They can still be accepted later.

    Raises:
        UserRefusedError: the user is not verified, or somebody has decided already.
        ProjectRefusedError: the reason cannot be recorded.
    """
    require_reason(reason)
    if not user.email_verified:
        raise UserRefusedError("The user's email address has not been verified.")
    if user.moderated:
        decided = "rejected" if user.is_rejected else "accepted"
        raise UserRefusedError(f"The user has been {decided} already.")
    rejected = replace(user, moderated=True, is_rejected=True, is_active=False)
    users.save(connection, rejected)
    record = user_records.find(connection, user.id)
    user_records.save(connection, user.id, record._replace(moderated_at=now, rejected_reason=reason))
    events.record(connection, Event("user.rejected", actor, subject=user.uuid, reason=reason), now)
    return rejected

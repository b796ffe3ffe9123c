"""Makes, revokes and uses invitations to projects, within the transaction of a `Database.change`."""

from dataclasses import replace
from typing import NamedTuple

from astakos.administration import membership_changes
from astakos.administration.reasons import require_reason
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor
from astakos.projects.invitations import (
    BY_OWNER,
    EXISTING,
    INVITING,
    JOINING,
    MOST_OF_A_PROJECT,
    REVOKING,
    Invitation,
    InvitationFacts,
    invitation_created,
    invitation_revoked,
    invitation_used,
    read_code,
    why_invalid,
    why_not_admitted,
    write_code,
)
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.transitions import first_refusal
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, invitations, memberships, projects, users


class Invited(NamedTuple):
    """A new invitation, and its code, which is not stored."""

    invitation: Invitation
    code: str


def invite(
    connection: Connection, actor: Actor, key: str, max_uses: int, expires: int, secret: str, now: int
) -> Invited:
    """Makes an invitation to a project.

    Args:
        connection: a connection in a transaction.
        actor: who invites.
        key: the uuid of the project, or its number in the database.
        max_uses: how many users can join with it.
        expires: from when on it is not valid any more.
        secret: a new random secret; see `directory.tokens.new_token`.
        now: the current instant.

    Raises:
        ProjectRefusedError: see `INVITING`.
    """
    project = projects.find_by_uuid_or_number(connection, key)
    others = 0 if project is None else invitations.count_open(connection, project.uuid, now)
    invalid = why_invalid(max_uses, expires, now)
    INVITING.require_allowed(InvitationFacts(actor, project, invalid=invalid, others=others))
    assert project is not None  # noqa: S101 - or it would have been refused
    invitations.make_room(connection, project.uuid, now, MOST_OF_A_PROJECT)
    made = Invitation(0, project.uuid, max_uses, 0, now, expires, actor.user)
    number = invitations.add(connection, made, token_hash(secret))
    stored = replace(made, id=number)
    events.record(connection, invitation_created(actor, stored), now)
    return Invited(stored, write_code(number, secret))


def list_invitations(connection: Connection, actor: Actor, key: str) -> list[Invitation]:
    """Lists the invitations of a project, in the order in which they were made.

    Raises:
        ProjectRefusedError: there is no such project, or the actor may not see them.
    """
    project = projects.find_by_uuid_or_number(connection, key)
    refusal = first_refusal([EXISTING, BY_OWNER], InvitationFacts(actor, project))
    if refusal is not None:
        raise refusal
    assert project is not None  # noqa: S101 - or it would have been refused
    return invitations.list_of_project(connection, project.uuid)


def revoke(connection: Connection, actor: Actor, number: int, now: int, *, reason: str = "") -> Invitation:
    """Revokes an invitation; returns what it was.

    Args:
        connection: a connection in a transaction.
        actor: who revokes it.
        number: its number.
        now: the current instant.
        reason: why, in the actor's words.

    Raises:
        ProjectRefusedError: see `REVOKING`.
    """
    require_reason(reason)
    invitation = invitations.find(connection, number)
    project = None if invitation is None else projects.find(connection, invitation.project)
    REVOKING.require_allowed(InvitationFacts(actor, project, invitation))
    assert invitation is not None  # noqa: S101 - or it would have been refused
    invitations.delete(connection, number)
    events.record(connection, invitation_revoked(actor, invitation, reason), now)
    return invitation


def find_invitation(connection: Connection, code: str) -> Invitation | None:
    """Returns the invitation with a code; None if there is none."""
    parts = read_code(code)
    if parts is None:
        return None
    return invitations.find_of_secret(connection, parts.number, token_hash(parts.secret))


def join_with_invitation(
    connection: Connection, actor: Actor, code: str, user: str, now: int, *, project: str | None = None
) -> int:
    """Makes a user a member of the project that they are invited to, whatever its join policy.

    Args:
        connection: a connection in a transaction.
        actor: who does it: the user, or an operator for them.
        code: the code of an invitation.
        user: the uuid of the user.
        now: the current instant.
        project: the uuid or the internal number of the project that the invitation must be for; None for any.

    Returns:
        The id of the membership.

    Raises:
        ProjectRefusedError: there is no such invitation, or see `JOINING`; no use is spent.
    """
    invitation = find_invitation(connection, code)
    found = None if invitation is None else projects.find(connection, invitation.project)
    named = found if project is None else projects.find_by_uuid_or_number(connection, project)
    if invitation is None or found is None or named is None or named.uuid != found.uuid:
        raise ProjectRefusedError(RefusalKind.NOT_FOUND, "there is no such invitation to this project")
    member = users.find_by_uuid(connection, user)
    known = None if member is None else memberships.find_of(connection, member.uuid, found.uuid)
    facts = membership_changes.facts_about(connection, actor, found, member, known)
    facts = replace(facts, not_admitted=why_not_admitted(invitation, now))
    JOINING.require_allowed(facts)
    invitations.spend_use(connection, invitation.id)
    events.record(connection, invitation_used(actor, invitation, user), now)
    reason = f"invitation {invitation.id}"
    return membership_changes.carry_out(connection, facts, JOINING, known, now, reason).id

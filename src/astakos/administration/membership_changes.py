"""Changes memberships; all callers do it here.

Each function runs within one `Database.change`. The limits that follow and the event of the audit log are
part of the same transaction.
"""

from dataclasses import replace

from astakos.administration.limit_updates import sync_memberships
from astakos.administration.reasons import require_reason
from astakos.directory.entities import User
from astakos.events.event import Actor, Event
from astakos.projects.membership_actions import (
    AUTO_ACCEPT,
    MembershipAction,
    MembershipFacts,
    MembershipTransition,
    event_kind,
    transition,
)
from astakos.projects.membership_times import enter
from astakos.projects.project import (
    ACCEPTED_TYPE,
    Membership,
    MembershipRecord,
    MembershipState,
    Project,
)
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.visibility import sees
from astakos.storage.protocol import Connection
from astakos.storage.tables import events, memberships, projects, users

WITH_LIMITS = (MembershipState.ACCEPTED, MembershipState.SUSPENDED, MembershipState.REMOVED)
"""Entering one of these states changes the member's limits."""


def join(connection: Connection, actor: Actor, project: str, user: str, now: int, *, reason: str = "") -> int:
    """Asks for a user's membership in a project, which is accepted at once if policy and room allow it.

    Args:
        connection: a connection in a transaction.
        actor: who asks: the user, or an operator for them.
        project: the uuid of the project; or if the actor sees it, its internal number.
        user: the uuid of the user.
        now: the time of the change.
        reason: why, in the actor's words.

    Returns:
        The id of the membership.

    Raises:
        ProjectRefusedError: the user cannot ask for it.
    """
    require_reason(reason)
    found, member = projects.find_by_uuid_or_number(connection, project), users.find_by_uuid(connection, user)
    known = _find(connection, found, member)
    if found is not None and found.uuid != project.lower():
        # Numbers are small and easily guessed: they must not lead to projects that are hidden.
        found = found if sees(actor, found, None if known is None else known.state) else None
    facts = facts_about(connection, actor, found, member, known)
    row = transition(MembershipAction.JOIN, facts)
    record = carry_out(connection, facts, row, known, now, reason)
    facts = replace(facts, state=record.state)
    if AUTO_ACCEPT.is_allowed(facts):
        carry_out(connection, facts, AUTO_ACCEPT, record, now, reason)
    return record.id


def enroll(
    connection: Connection, actor: Actor, project: str, address: str, now: int, *, reason: str = ""
) -> int:
    """Makes a user a member of a project.

    Args:
        connection: a connection in a transaction.
        actor: who enrolls the user.
        project: the uuid or the internal number of the project.
        address: the email address of an accepted user, exactly as it is known.
        now: the time of the change.
        reason: why, in the actor's words.

    Returns:
        The id of the membership.

    Raises:
        ProjectRefusedError: the actor cannot enroll the user.
    """
    require_reason(reason)
    found = projects.find_by_uuid_or_number(connection, project)
    member = users.find_by_username(connection, address)
    if member is not None and member.email != address:
        member = None
    known = _find(connection, found, member)
    facts = facts_about(connection, actor, found, member, known)
    return carry_out(connection, facts, transition(MembershipAction.ENROLL, facts), known, now, reason).id


def act(
    connection: Connection,
    actor: Actor,
    membership: int,
    action: MembershipAction,
    now: int,
    *,
    reason: str = "",
) -> MembershipState:
    """Performs an action on an existing membership.

    Args:
        connection: a connection in a transaction.
        actor: who acts.
        membership: the id of the membership.
        action: any but join and enroll, which have functions of their own.
        now: the time of the change.
        reason: why, in the actor's words.

    Returns:
        The state that the membership is in now.

    Raises:
        ProjectRefusedError: there is no such membership, or the actor cannot perform the action now.
    """
    require_reason(reason)
    record = memberships.find(connection, membership)
    if record is None:
        raise ProjectRefusedError(RefusalKind.NOT_FOUND, f"there is no membership {membership}")
    project, user = projects.find(connection, record.project), users.find_by_uuid(connection, record.user)
    facts = facts_about(connection, actor, project, user, record)
    return carry_out(connection, facts, transition(action, facts), record, now, reason).state


def facts_about(
    connection: Connection,
    actor: Actor,
    project: Project | None,
    user: User | None,
    membership: MembershipRecord | None,
) -> MembershipFacts:
    """Returns what decides about a user's membership in a project, which may not exist yet."""
    return MembershipFacts(
        actor=actor,
        project=project,
        user=user,
        state=None if membership is None else membership.state,
        count_members=lambda: memberships.count_members(connection, project.uuid) if project else 0,
    )


def _find(connection: Connection, project: Project | None, user: User | None) -> MembershipRecord | None:
    if project is None or user is None:
        return None
    return memberships.find_of(connection, user.uuid, project.uuid)


def carry_out(
    connection: Connection,
    facts: MembershipFacts,
    row: MembershipTransition,
    known: MembershipRecord | None,
    now: int,
    reason: str,
) -> MembershipRecord:
    """Carries a transition out whose checks all hold.

    Args:
        connection: a connection in a transaction.
        facts: what the checks have judged by.
        row: the transition.
        known: the membership so far; None if there is none.
        now: the time of the change.
        reason: why, in the actor's words.

    Returns:
        The membership as it is now.
    """
    project, user, before = facts.project, facts.user, facts.state
    assert project is not None and user is not None, row.action  # noqa: PT018, S101 - every row checks it
    entered = enter({} if known is None else known.entered, before, row.to, now)
    membership = Membership(user.uuid, row.to, row.to in ACCEPTED_TYPE, entered)
    identifier = memberships.save_one(connection, project.uuid, membership, before)
    if row.to in WITH_LIMITS:
        sync_memberships(connection, project.uuid, [user.uuid])
    if row.to is MembershipState.REMOVED and user.default_project == project.uuid:
        users.set_default_project(connection, user.uuid, user.uuid)
    event = Event(
        event_kind(row),
        facts.actor,
        project=project.uuid,
        subject=user.uuid,
        reason=reason,
        before=None if before is None else {"state": before},
        after={"state": row.to},
    )
    events.record(connection, event, now)
    return MembershipRecord(identifier, user.uuid, project.uuid, row.to, entered)

"""Which changes to a project somebody may make now, by the tables that decide about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from astakos.administration.membership_changes import facts_about
from astakos.administration.project_facts import facts_about_application, facts_about_project
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.projects.handover import FOR_WHOMEVER, HandoverFacts
from astakos.projects.invitations import INVITING, InvitationFacts
from astakos.projects.membership_actions import OF_WHOMEVER, TABLE, MembershipAction, allowed_actions
from astakos.projects.nesting import TO_WHEREVER, MoveFacts
from astakos.projects.project import Application, MembershipRecord, Project, ProjectState
from astakos.projects.project_actions import (
    APPLICATION_ACTIONS,
    PROJECT_ACTIONS,
    SUBMISSIONS,
    ApplicationAction,
    ApplicationFacts,
    ProjectAction,
    ProjectFacts,
    Submission,
    SubmissionFacts,
)
from astakos.projects.refusals import RefusalKind
from astakos.projects.transitions import Facts, State, Transition, first_refusal
from astakos.projects.visibility import sees_applications
from astakos.storage.protocol import Connection
from astakos.storage.tables import invitations

Action = TypeVar("Action", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Permitted:
    """What somebody may do with a project now.

    Attributes:
        own: what they can do about their own membership.
        on_project: how they can change its state.
        on_application: how they can decide about its last application.
        looks_after: whether they see members, requests, usage and applications.
        changes: whether they can apply for changes.
        changes_at_once: whether they can also change it without an application.
        enrolls: whether they can make somebody a member.
        invites: whether they can make invitations.
        hands_over: whether they can give it another owner.
        moves: whether they can give it another parent.
        obstacle: why its application cannot be approved or it cannot be reinstated by who otherwise might;
            "" if nothing is in the way.
    """

    own: frozenset[MembershipAction]
    on_project: frozenset[ProjectAction]
    on_application: frozenset[ApplicationAction]
    looks_after: bool
    changes: bool
    changes_at_once: bool
    enrolls: bool
    invites: bool
    hands_over: bool
    moves: bool
    obstacle: str


def permitted(
    connection: Connection,
    actor: Actor,
    user: User,
    project: Project,
    membership: MembershipRecord | None,
    application: Application | None,
    now: int,
) -> Permitted:
    """Returns what an actor may do with a project.

    Args:
        connection: where to read.
        actor: who wants to act.
        user: the same, as a user.
        project: the project.
        membership: the user's membership; None if there never was one.
        application: the last application of the project; None if it has none.
        now: the current instant.
    """
    of_project = facts_about_project(connection, actor, project, now)
    of_application = facts_about_application(connection, actor, application, project, now)
    of_membership = facts_about(connection, actor, project, user, membership)
    open_invitations = invitations.count_open(connection, project.uuid, now)
    submission = SubmissionFacts(actor, project, None, None, frozenset())
    changes = SUBMISSIONS[Submission.MODIFY].is_allowed(submission)
    own = [] if membership is None else allowed_actions(of_membership)
    if any(row.is_allowed(of_membership) for row in TABLE[MembershipAction.JOIN]):
        own.append(MembershipAction.JOIN)
    on_application = _allowed(APPLICATION_ACTIONS, of_application)
    return Permitted(
        own=frozenset(own),
        on_project=_allowed(PROJECT_ACTIONS, of_project),
        on_application=on_application,
        looks_after=sees_applications(actor, project),
        changes=changes,
        changes_at_once=changes and actor.is_project_admin,
        enrolls=first_refusal(OF_WHOMEVER, of_membership) is None,
        invites=INVITING.is_allowed(InvitationFacts(actor, project, others=open_invitations)),
        hands_over=first_refusal(FOR_WHOMEVER, HandoverFacts(actor, project, None)) is None,
        moves=first_refusal(
            TO_WHEREVER, MoveFacts(actor, project, asks_for_parent=False, parent=None, above=(), levels=1)
        )
        is None,
        obstacle=_obstacle(of_project, of_application, on_application),
    )


def _allowed(table: Mapping[Action, Transition[Facts, State]], facts: Facts) -> frozenset[Action]:
    return frozenset(action for action, row in table.items() if row.is_allowed(facts))


def _obstacle(
    of_project: ProjectFacts, of_application: ApplicationFacts, on_application: Collection[ApplicationAction]
) -> str:
    refusal = None
    if ApplicationAction.DENY in on_application:
        refusal = first_refusal(APPLICATION_ACTIONS[ApplicationAction.APPROVE].checks, of_application)
    elif of_project.project is not None and of_project.project.state is ProjectState.TERMINATED:
        refusal = first_refusal(PROJECT_ACTIONS[ProjectAction.REINSTATE].checks, of_project)
    return refusal.message if refusal is not None and refusal.kind is RefusalKind.CONFLICT else ""

"""What can happen to a membership: who may do what, when, and what follows (`identity-and-projects.md` §4).

State is judged before permission: a stranger who acts on a membership in the wrong state learns the state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import (
    ACCEPTED_TYPE,
    ALIVE,
    MembershipRecord,
    MembershipState,
    Policy,
    Project,
)
from astakos.projects.refusals import RefusalKind
from astakos.projects.roles import Parties, Role, has_any_role, only
from astakos.projects.transitions import Check, Transition


class MembershipAction(StrEnum):
    """The actions on memberships. The last two follow from a user's deactivation and activation."""

    JOIN = "join"
    ENROLL = "enroll"
    ACCEPT = "accept"
    REJECT = "reject"
    CANCEL = "cancel"
    LEAVE = "leave"
    REMOVE = "remove"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"


ON_MEMBERSHIPS = (
    MembershipAction.LEAVE,
    MembershipAction.CANCEL,
    MembershipAction.ACCEPT,
    MembershipAction.REJECT,
    MembershipAction.REMOVE,
)
"""The actions that a caller can perform on an existing membership."""

ASSOCIATED = (*ACCEPTED_TYPE, MembershipState.REQUESTED)
"""Users in these states cannot ask to join again."""


@dataclass(frozen=True)
class MembershipFacts:
    """What the checks judge by.

    Attributes:
        actor: who acts.
        project: None if there is no such project.
        user: the member; None if there is no such user.
        state: the state of the membership; None if the user never had one.
        count_members: counts the members of the project who take up a place. Is only called when it matters.
        not_admitted: why an invitation does not admit the user; None if it does, or there is none.
    """

    actor: Actor
    project: Project | None
    user: User | None
    state: MembershipState | None
    count_members: Callable[[], int]
    not_admitted: str | None = None

    @property
    def parties(self) -> Parties:
        """Whom the change concerns."""
        return Parties(
            owner=None if self.project is None else self.project.owner,
            member=None if self.user is None else self.user.uuid,
        )

    @cached_property
    def has_room(self) -> bool:
        """Whether the project can take one more member."""
        if self.project is None:
            return False
        most = self.project.max_members
        return most >= UNLIMITED or self.count_members() < most


VIEWERS = (Role.MEMBER, Role.OWNER, Role.ADMINISTRATOR)
"""Who sees a membership (§3.3)."""

MembershipCheck = Check[MembershipFacts]
MembershipTransition = Transition[MembershipFacts, MembershipState]


def _project_exists(kind: RefusalKind) -> MembershipCheck:
    return MembershipCheck(
        "the project exists",
        lambda facts: facts.project is not None,
        kind,
        lambda _: "there is no such project",
    )


def _is_in(*states: MembershipState) -> MembershipCheck:
    wanted = " or ".join(states)
    return MembershipCheck(
        f"the membership is {wanted}",
        lambda facts: facts.state in states,
        RefusalKind.CONFLICT,
        lambda facts: f"the membership is {facts.state}; this takes one that is {wanted}",
    )


def _has_policy(which: str, policy: Callable[[Project], Policy], *policies: Policy) -> MembershipCheck:
    wanted = " or ".join(policies)
    return MembershipCheck(
        f"the {which} policy is {wanted}",
        lambda facts: facts.project is not None and policy(facts.project) in policies,
        RefusalKind.CONFLICT,
        lambda facts: (
            f"the {which} policy of the project is {facts.project and policy(facts.project)}; "
            f"it would have to be {wanted}"
        ),
    )


def _joining(*policies: Policy) -> MembershipCheck:
    return _has_policy("join", lambda project: project.join_policy, *policies)


def _leaving(*policies: Policy) -> MembershipCheck:
    return _has_policy("leave", lambda project: project.leave_policy, *policies)


USER_EXISTS = MembershipCheck(
    "the user exists",
    lambda facts: facts.user is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such user",
)
USER_IS_ACCEPTED = MembershipCheck(
    "an accepted user has exactly this email address",
    lambda facts: facts.user is not None and facts.user.is_accepted,
    RefusalKind.CONFLICT,
    lambda _: "there is no accepted user with exactly this email address, in which case matters",
)
USER_IS_ACTIVE = MembershipCheck(
    "the user is active",
    lambda facts: facts.user is not None and facts.user.is_active,
    RefusalKind.CONFLICT,
    lambda _: "the user is not active; an administrator must activate them first",
)
PROJECT_IS_ALIVE = MembershipCheck(
    "the project is active or suspended",
    lambda facts: facts.project is not None and facts.project.state in ALIVE,
    RefusalKind.CONFLICT,
    lambda facts: f"the project is {facts.project and facts.project.state}; it must be active or suspended",
)
IS_NOT_ASSOCIATED = MembershipCheck(
    "the user is no member, and has not asked to be one",
    lambda facts: facts.state not in ASSOCIATED,
    RefusalKind.CONFLICT,
    lambda facts: f"the user already has a membership in this project, which is {facts.state}",
)
IS_NO_MEMBER = MembershipCheck(
    "the user is no member",
    lambda facts: facts.state not in ACCEPTED_TYPE,
    RefusalKind.CONFLICT,
    lambda _: "the user is a member of the project already",
)
THERE_IS_ROOM = MembershipCheck(
    "the project has room for one more member",
    lambda facts: facts.has_room,
    RefusalKind.CONFLICT,
    lambda facts: (
        f"the project is full: it can have {facts.project and facts.project.max_members} members at most; "
        "its owner can ask for more, or remove one"
    ),
)

CAN_BE_JOINED = _joining(Policy.AUTO, Policy.MODERATED)
CAN_BE_LEFT = _leaving(Policy.AUTO, Policy.MODERATED)
BY_OWNER = only(MembershipFacts, Role.OWNER, Role.ADMINISTRATOR)
BY_MEMBER = only(MembershipFacts, Role.MEMBER, Role.ADMINISTRATOR)
IS_MEMBER = _is_in(*ACCEPTED_TYPE)
IS_REQUESTED = _is_in(MembershipState.REQUESTED)

DRAWS = "the member's limits are those of the project"
DRAWS_NOTHING = "the member's limits are 0"
DEFAULT_IS_RESET = "the member's default project is their own again, if it was this one"

OF_WHOMEVER = [BY_OWNER, PROJECT_IS_ALIVE, CAN_BE_JOINED, THERE_IS_ROOM]
"""The checks of enrolling that do not depend on the user. If they hold, it makes sense to ask for one."""

TABLE: Mapping[MembershipAction, Sequence[MembershipTransition]] = {
    MembershipAction.JOIN: [
        Transition(
            MembershipAction.JOIN,
            [
                _project_exists(RefusalKind.NOT_FOUND),
                USER_EXISTS,
                PROJECT_IS_ALIVE,
                CAN_BE_JOINED,
                IS_NOT_ASSOCIATED,
            ],
            MembershipState.REQUESTED,
        )
    ],
    MembershipAction.ENROLL: [
        Transition(
            MembershipAction.ENROLL,
            [
                USER_IS_ACCEPTED,
                _project_exists(RefusalKind.CONFLICT),
                USER_IS_ACTIVE,
                *OF_WHOMEVER,
                IS_NO_MEMBER,
            ],
            MembershipState.ACCEPTED,
            [DRAWS],
        )
    ],
    MembershipAction.ACCEPT: [
        Transition(
            MembershipAction.ACCEPT,
            [IS_REQUESTED, USER_IS_ACTIVE, BY_OWNER, PROJECT_IS_ALIVE, CAN_BE_JOINED, THERE_IS_ROOM],
            MembershipState.ACCEPTED,
            [DRAWS],
        )
    ],
    MembershipAction.REJECT: [
        Transition(
            MembershipAction.REJECT, [IS_REQUESTED, BY_OWNER, PROJECT_IS_ALIVE], MembershipState.REJECTED
        )
    ],
    MembershipAction.CANCEL: [
        Transition(
            MembershipAction.CANCEL, [IS_REQUESTED, BY_MEMBER, PROJECT_IS_ALIVE], MembershipState.CANCELLED
        )
    ],
    MembershipAction.LEAVE: [
        Transition(
            MembershipAction.LEAVE,
            [IS_MEMBER, BY_MEMBER, PROJECT_IS_ALIVE, _leaving(Policy.AUTO)],
            MembershipState.REMOVED,
            [DRAWS_NOTHING, DEFAULT_IS_RESET],
        ),
        Transition(
            MembershipAction.LEAVE,
            [IS_MEMBER, BY_MEMBER, PROJECT_IS_ALIVE, CAN_BE_LEFT],
            MembershipState.LEAVE_REQUESTED,
        ),
    ],
    MembershipAction.REMOVE: [
        Transition(
            MembershipAction.REMOVE,
            [IS_MEMBER, BY_OWNER, PROJECT_IS_ALIVE, CAN_BE_LEFT],
            MembershipState.REMOVED,
            [DRAWS_NOTHING, DEFAULT_IS_RESET],
        )
    ],
    # The protocol adds that the project is initialized. Others have no members, unless a document says so;
    # such members must not draw later, either.
    MembershipAction.SUSPEND: [
        Transition(
            MembershipAction.SUSPEND,
            [_is_in(MembershipState.ACCEPTED, MembershipState.LEAVE_REQUESTED)],
            MembershipState.SUSPENDED,
            [DRAWS_NOTHING],
        )
    ],
    MembershipAction.UNSUSPEND: [
        Transition(
            MembershipAction.UNSUSPEND,
            [_is_in(MembershipState.SUSPENDED)],
            MembershipState.ACCEPTED,
            [DRAWS],
        )
    ],
}
"""The transitions of each action. The first whose checks all hold takes place."""

AUTO_ACCEPT: MembershipTransition = Transition(
    MembershipAction.JOIN,
    [IS_REQUESTED, USER_IS_ACTIVE, PROJECT_IS_ALIVE, _joining(Policy.AUTO), THERE_IS_ROOM],
    MembershipState.ACCEPTED,
    [DRAWS],
)
"""Follows at once on a request to join. If one of its checks does not hold, the request stays."""

KINDS: Mapping[tuple[StrEnum, MembershipState], str] = {
    (MembershipAction.ENROLL, MembershipState.ACCEPTED): "enrolled",
    (MembershipAction.LEAVE, MembershipState.REMOVED): "left",
    (MembershipAction.UNSUSPEND, MembershipState.ACCEPTED): "unsuspended",
}
"""The transitions that the audit log does not call by the state they lead to."""


def transition(action: MembershipAction, facts: MembershipFacts) -> MembershipTransition:
    """Returns the transition that an action makes.

    Raises:
        ProjectRefusedError: it makes none.
    """
    *others, last = TABLE[action]
    for row in others:
        if row.is_allowed(facts):
            return row
    last.require_allowed(facts)
    return last


def event_kind(row: MembershipTransition) -> str:
    """Returns the name of a transition in the audit log."""
    return f"membership.{KINDS.get((row.action, row.to), row.to)}"


def allowed_actions(facts: MembershipFacts) -> list[MembershipAction]:
    """Returns the actions that the caller could perform on a membership now."""
    return [action for action in ON_MEMBERSHIPS if any(row.is_allowed(facts) for row in TABLE[action])]


def sees(actor: Actor, project: Project | None, membership: MembershipRecord) -> bool:
    """Returns whether somebody sees a membership in a project (§3.3)."""
    parties = Parties(owner=None if project is None else project.owner, member=membership.user)
    return has_any_role(actor, VIEWERS, parties)

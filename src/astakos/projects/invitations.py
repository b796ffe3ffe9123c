"""Invitations, with which users join a project whatever its join policy; the original has none.

An invitation has a number, by which it is listed and revoked, and a code, which is shown once. Whoever has
the code can use it. The code is `<number>-<secret>`, and only the hash of the secret is stored.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from astakos.clock import DAY, to_iso
from astakos.events.event import Actor, Event
from astakos.projects.membership_actions import (
    DRAWS,
    IS_NO_MEMBER,
    PROJECT_IS_ALIVE,
    THERE_IS_ROOM,
    USER_EXISTS,
    USER_IS_ACTIVE,
    MembershipCheck,
    MembershipTransition,
)
from astakos.projects.project import ALIVE, MembershipState, Project
from astakos.projects.refusals import RefusalKind
from astakos.projects.roles import Parties, Role, only
from astakos.projects.transitions import Check, Transition

USUAL_DAYS = 7
"""How long an invitation is valid by default."""
MOST_DAYS = 366
MOST_USES = 1_000_000
MOST_OF_A_PROJECT = 100
"""How many invitations a project can have at once. New ones take the place of those that are over."""
CREATED, USED, REVOKED = "invitation.created", "invitation.used", "invitation.revoked"
"""The kinds of event."""
CODE = re.compile(r"([0-9]{1,18})-([A-Za-z0-9_-]{43})")


class InvitationAction(StrEnum):
    """What can be done with invitations."""

    INVITE = "invite"
    REVOKE = "revoke"
    JOIN = "join with an invitation"


class InvitationState(StrEnum):
    """What an invitation is good for."""

    OPEN = "open"
    USED_UP = "used_up"
    EXPIRED = "expired"


class Gone(StrEnum):
    """What becomes of an invitation that nobody shall use any more."""

    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a project. A new one has the number 0 until it is stored.

    Attributes:
        id: its number.
        project: the uuid of the project.
        max_uses: how many users can join with it.
        uses: how many have.
        created: when it was made, in microseconds.
        expires: from when on it is not valid any more.
        creator: the uuid of the user who made it; None for an operator.
    """

    id: int
    project: str
    max_uses: int
    uses: int
    created: int
    expires: int
    creator: str | None

    def state(self, now: int) -> InvitationState:
        """Returns its state at an instant."""
        if now >= self.expires:
            return InvitationState.EXPIRED
        return InvitationState.OPEN if self.uses < self.max_uses else InvitationState.USED_UP


class Code(NamedTuple):
    """The parts of a code."""

    number: int
    secret: str


def read_code(text: str) -> Code | None:
    """Returns the parts of a code; None if the text is none."""
    found = CODE.fullmatch(text.strip())
    return None if found is None else Code(int(found[1]), found[2])


def write_code(number: int, secret: str) -> str:
    """Returns the code of an invitation."""
    return f"{number}-{secret}"


def why_invalid(max_uses: int, expires: int, now: int) -> str | None:
    """Returns why an invitation cannot be made like this; None if it can."""
    if not 1 <= max_uses <= MOST_USES:
        return f"an invitation must have 1 to {MOST_USES} uses, not {max_uses}"
    if not now < expires <= now + MOST_DAYS * DAY:
        return f"an invitation must expire in the future, within {MOST_DAYS} days, not on {to_iso(expires)}"
    return None


def why_not_admitted(invitation: Invitation, now: int) -> str | None:
    """Returns why nobody can join with an invitation now; None if somebody can."""
    match invitation.state(now):
        case InvitationState.EXPIRED:
            return "the invitation has expired; ask for a new one"
        case InvitationState.USED_UP:
            return "the invitation has been used up; ask for a new one"
    return None


@dataclass(frozen=True, slots=True)
class InvitationFacts:
    """What decides whether an invitation can be made or revoked.

    Attributes:
        actor: who does it.
        project: the project; None if there is none.
        invitation: the invitation to revoke; None if there is none.
        invalid: why a value is refused; None if all are valid.
        others: how many invitations of the project are not over.
    """

    actor: Actor
    project: Project | None
    invitation: Invitation | None = None
    invalid: str | None = None
    others: int = 0

    @property
    def parties(self) -> Parties:
        """The owner of the project."""
        return Parties(owner=self.project.owner if self.project else None)


EXISTING = Check[InvitationFacts](
    "the project exists",
    lambda facts: facts.project is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such project",
)
BY_OWNER = only(InvitationFacts, Role.OWNER, Role.ADMINISTRATOR)
VALID = Check[InvitationFacts](
    f"it has 1 to {MOST_USES:,} uses, and expires within {MOST_DAYS} days",
    lambda facts: facts.invalid is None,
    RefusalKind.INVALID,
    lambda facts: facts.invalid or "",
)
NO_SYSTEM_PROJECT = Check[InvitationFacts](
    "the project is no system project",
    lambda facts: facts.project is not None and not facts.project.system_project,
    RefusalKind.CONFLICT,
    lambda _: "nobody can join a system project",
)
RUNNING = Check[InvitationFacts](
    "the project is active or suspended",
    lambda facts: facts.project is not None and facts.project.state in ALIVE,
    RefusalKind.CONFLICT,
    lambda facts: f"the project is {facts.project and facts.project.state}; it must be active or suspended",
)
FEW = Check[InvitationFacts](
    f"fewer than {MOST_OF_A_PROJECT} invitations of the project are open",
    lambda facts: facts.others < MOST_OF_A_PROJECT,
    RefusalKind.CONFLICT,
    lambda facts: f"the project has {facts.others} open invitations; revoke some first",
)
KNOWN = Check[InvitationFacts](
    "the invitation exists",
    lambda facts: facts.invitation is not None,
    RefusalKind.NOT_FOUND,
    lambda _: "there is no such invitation",
)
ADMITS = MembershipCheck(
    "the invitation is open",
    lambda facts: facts.not_admitted is None,
    RefusalKind.CONFLICT,
    lambda facts: facts.not_admitted or "",
)

INVITING: Transition[InvitationFacts, InvitationState] = Transition(
    InvitationAction.INVITE,
    [EXISTING, BY_OWNER, VALID, NO_SYSTEM_PROJECT, RUNNING, FEW],
    InvitationState.OPEN,
    ["the code is shown, once"],
)
REVOKING: Transition[InvitationFacts, Gone] = Transition(
    InvitationAction.REVOKE,
    [KNOWN, BY_OWNER],
    Gone.REVOKED,
    ["nobody can join with it any more; whoever has joined stays a member"],
)

JOINING: MembershipTransition = Transition(
    InvitationAction.JOIN,
    [USER_EXISTS, ADMITS, USER_IS_ACTIVE, PROJECT_IS_ALIVE, IS_NO_MEMBER, THERE_IS_ROOM],
    MembershipState.ACCEPTED,
    [DRAWS, "one of the invitation's uses is spent"],
)
"""What a user who has the code of an existing invitation does. The join policy does not matter."""


def invitation_created(actor: Actor, invitation: Invitation) -> Event:
    """Returns the event of a new invitation. No event ever contains a code."""
    return Event(CREATED, actor, invitation.project, after=_told(invitation))


def invitation_used(actor: Actor, invitation: Invitation, user: str) -> Event:
    """Returns the event of an invitation that a user has joined with."""
    known = {"invitation": invitation.id}
    before, after = {"uses": invitation.uses}, {"uses": invitation.uses + 1}
    return Event(USED, actor, invitation.project, user, before=known | before, after=known | after)


def invitation_revoked(actor: Actor, invitation: Invitation, reason: str) -> Event:
    """Returns the event of an invitation that is not valid any more."""
    return Event(REVOKED, actor, invitation.project, reason=reason, before=_told(invitation))


def _told(invitation: Invitation) -> dict[str, Any]:
    return {
        "invitation": invitation.id,
        "max_uses": invitation.max_uses,
        "uses": invitation.uses,
        "expires": to_iso(invitation.expires),
    }
